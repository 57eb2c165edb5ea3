"""A bundle held in memory, in a process of its own, as functions hold it."""

import importlib.util
import marshal
import sys
from pathlib import Path

import markupsafe._speedups
import pytest

from model_tools.formats.runtime_reference import VIRTUAL_ROOT
from tests.support.runtime.bundles import elf, pack_files
from tests.support.runtime.child import run

TAG = sys.implementation.cache_tag
EXTENSION = Path(markupsafe._speedups.__file__)
SOURCE = """
import greeting.sub.deep
from greeting import words

def greet():
    '''Say it.'''
    return words.WORDS
"""


def pyc(source: str, name: str) -> bytes:
    code = compile(source, f"{VIRTUAL_ROOT}/{name}", "exec")
    return importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8) + marshal.dumps(code)


FILES = {
    "greeting/__init__.py": SOURCE.encode(),
    f"greeting/__pycache__/__init__.{TAG}.pyc": pyc(SOURCE, "greeting/__init__.py"),
    "greeting/words.py": b"WORDS = 'from source'\n",
    f"greeting/__pycache__/words.{TAG}.pyc": pyc("WORDS = 'from compiled code'\n", "greeting/words.py"),
    "greeting/sub/deep.py": b"HERE = __file__\n",
    "greeting/data/table.txt": b"one\ntwo\n",
    "greeting-1.2.dist-info/METADATA": b"Metadata-Version: 2.1\nName: greeting\nVersion: 1.2\n",
    "single.py": b"import greeting\n",
    "markup_speedups/__init__.py": b"",
    f"markup_speedups/_speedups.{EXTENSION.name.partition('.')[2]}": EXTENSION.read_bytes(),
}


@pytest.fixture
def held(tmp_path):
    def run_with(code, files=FILES, rest=None, **fields):
        bundle = pack_files(files, rest)
        path = tmp_path / "bundle.tar.zst"
        path.write_bytes(bundle.data)
        return run(code, bundle.renamed(**fields).reference if fields else bundle.reference, path, tmp_path)

    return run_with


def test_packages_are_imported_from_compiled_code_and_no_file_is_written(held):
    assert (
        held("""
        hold_runtime(reference, open_bundle)
        import single, greeting.words
        print(greeting.greet(), greeting.sub.deep.HERE, os.path.exists(greeting.__file__), written)
    """)
        == f"from compiled code {VIRTUAL_ROOT}/greeting/sub/deep.py False []"
    )


def test_compiled_code_of_another_python_gives_way_to_the_source(held):
    name = f"greeting/__pycache__/words.{TAG}.pyc"
    assert (
        held(
            """
        hold_runtime(reference, open_bundle)
        import greeting
        print(greeting.greet())
        """,
            {**FILES, name: b"\0\0\0\0" + FILES[name][4:]},
        )
        == "from source"
    )


def test_sources_are_there_for_whoever_inspects_them(held):
    assert held("""
        hold_runtime(reference, open_bundle)
        import greeting, inspect
        print(inspect.getsource(greeting.greet))
    """).startswith("def greet():")


def test_a_traceback_shows_the_lines_of_code_in_memory(held):
    assert "raise ValueError(1)" in held(
        """
        hold_runtime(reference, open_bundle)
        import traceback
        try:
            import broken
        except ValueError:
            print(traceback.format_exc())
        """,
        {"broken.py": b"raise ValueError(1)\n"},
    )


def test_data_files_are_read_through_importlib_and_pkgutil(held):
    assert (
        held("""
        hold_runtime(reference, open_bundle)
        import importlib.resources, pkgutil, greeting
        data = importlib.resources.files(greeting) / "data"
        print(data.joinpath("table.txt").read_text().split(), [entry.name for entry in data.iterdir()],
              pkgutil.get_data("greeting", "data/table.txt"), data.is_dir(), (data / "none").is_file())
    """)
        == r"['one', 'two'] ['table.txt'] b'one\ntwo\n' True False"
    )


def test_a_data_file_that_is_opened_by_its_path_is_refused_with_a_path_that_tells_why(held):
    assert (
        held("""
        hold_runtime(reference, open_bundle)
        import greeting
        try:
            open(os.path.join(os.path.dirname(greeting.__file__), "data", "table.txt"))
        except FileNotFoundError as error:
            print(error.filename)
    """)
        == f"{VIRTUAL_ROOT}/greeting/data/table.txt"
    )


def test_packages_tell_their_versions(held):
    assert (
        held("""
        hold_runtime(reference, open_bundle)
        import importlib.metadata
        print(importlib.metadata.version("Greeting"))
    """)
        == "1.2"
    )


def test_extension_modules_are_loaded_from_memory(held):
    assert (
        held("""
        hold_runtime(reference, open_bundle)
        from markup_speedups import _speedups
        print(_speedups.__file__.startswith("/proc/self/fd/"), written)
    """)
        == "True []"
    )


def test_a_module_that_is_not_in_the_bundle_is_looked_for_elsewhere(held):
    assert (
        held("""
        hold_runtime(reference, open_bundle)
        import colorsys
        try:
            import greeting.none
        except ModuleNotFoundError as error:
            print(error)
    """)
        == "No module named 'greeting.none'"
    )


def test_the_serving_part_alone_is_importable_without_the_rest(held):
    assert (
        held(
            """
        hold_runtime(reference, open_bundle, "serving")
        import one
        try:
            import two
        except ModuleNotFoundError:
            print("one only")
        """,
            {"one.py": b""},
            {"two.py": b""},
        )
        == "one only"
    )


def test_holding_the_same_bundle_twice_is_holding_it_once(held):
    assert (
        held("""
        before = len(sys.meta_path)
        hold_runtime(reference, open_bundle)
        hold_runtime(reference, open_bundle)
        print(len(sys.meta_path) - before)
    """)
        == "1"
    )


DAMAGED = """
    before = len(os.listdir("/proc/self/fd"))
    try:
        hold_runtime(reference, open_bundle)
    except Exception as error:
        print(type(error).__name__, len(os.listdir("/proc/self/fd")) - before)
    try:
        import greeting
    except ModuleNotFoundError:
        print("nothing was imported")
"""


def test_of_a_bundle_whose_digest_differs_nothing_can_be_imported_and_no_memory_is_kept(held):
    assert held(DAMAGED, sha256="0" * 64).splitlines() == ["RuntimeDamaged 0", "nothing was imported"]


def test_a_damaged_library_is_refused(held):
    library = elf(soname="libone.so", needed=["libtwo.so"])[:150]
    told = held(DAMAGED, {**FILES, "libs/libone.so": library}).splitlines()

    assert told == ["RuntimeDamaged 0", "nothing was imported"]


def test_both_placements_make_the_same_importable(held, tmp_path):
    code = """
        provide_runtime(reference, open_bundle, "{}", folder=Path("unpacked"))
        import greeting
        print(greeting.greet())
    """
    assert held(code.format("memory")).split("\n")[0] == held(code.format("tmp")).split("\n")[0]
    assert len(list(tmp_path.glob("unpacked/*/greeting/__init__.py"))) == 1


def test_a_fork_goes_on_importing_from_what_its_parent_holds(held):
    assert (
        held("""
        hold_runtime(reference, open_bundle)
        if os.fork() == 0:
            import greeting
            from markup_speedups import _speedups
            print(greeting.greet(), flush=True)
            os._exit(0)
        os.wait()
        import greeting
        print(greeting.greet())
    """).splitlines()
        == ["from compiled code"] * 2
    )
