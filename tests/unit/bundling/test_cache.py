import os
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

import model_tools
from model_tools.bundling import cache
from model_tools.bundling.built import BuiltRuntime, files_in
from model_tools.bundling.cache import cache_folder, cache_key, cached_runtime, deciding_sources
from tests.support.runtime.bundles import pack_files


class Builder:
    """Writes a made-up bundle and counts how often it had to."""

    def __init__(self):
        self.builds = 0

    def __call__(self, name, destination, *, level, report):  # noqa: ARG002 (the real one has them)
        self.builds += 1
        bundle = pack_files({"a.py": b"one"})
        destination.mkdir(parents=True)
        files = files_in(destination, bundle.reference.sha256)
        for path, data in zip(files, (bundle.data, bundle.reference.model_dump_json().encode(), b"{}"), strict=True):
            path.write_bytes(data)
        return BuiltRuntime(bundle.reference, *files)


@pytest.fixture
def build():
    return Builder()


def ask(folder, build, level=3):
    return cached_runtime("xgboost", level=level, folder=folder, build=build)


def test_the_same_runtime_is_built_once(tmp_path, build):
    assert ask(tmp_path, build) == ask(tmp_path, build)
    assert build.builds == 1


def test_another_level_is_another_bundle(tmp_path, build):
    ask(tmp_path, build)
    ask(tmp_path, build, level=4)

    assert build.builds == 2


def test_of_many_that_ask_at_once_one_builds(tmp_path, build):
    second = threading.Barrier(2)

    def build_and_wait_for_another(*arguments, **options):
        with suppress(threading.BrokenBarrierError):
            second.wait(0.3)  # nobody comes
        return build(*arguments, **options)

    threads = [threading.Thread(target=ask, args=(tmp_path, build_and_wait_for_another)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert build.builds == 1


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.unlink(), id="removed"),
        pytest.param(lambda path: path.write_bytes(b""), id="emptied"),
    ],
)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_bundle_that_was_damaged_since_is_built_again(number, damage, tmp_path, build):
    path = ask(tmp_path, build).files[number]
    damage(path)
    if number == 2 and path.exists():  # the bill of materials may hold anything
        return

    assert all(file.stat().st_size for file in ask(tmp_path, build).files)
    assert build.builds == 2


def test_nothing_is_left_of_a_build_that_failed(tmp_path):
    def fail(name, destination, *, level, report):
        destination.mkdir(parents=True)
        (destination / "half").write_text("half")
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="the disk is full"):
        ask(tmp_path, fail)
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_the_oldest_bundles_make_way(tmp_path, build):
    for number in range(6):
        (tmp_path / f"xgboost-3-{number}").mkdir()
        os.utime(tmp_path / f"xgboost-3-{number}", (number, number))
    (tmp_path / "torch-3-0").mkdir()
    newest = ask(tmp_path, build).bundle.parent
    kept = {path.name for path in tmp_path.iterdir() if path.is_dir()}

    assert kept == {newest.name, "xgboost-3-5", "xgboost-3-4", "xgboost-3-3", "torch-3-0"}


def test_what_decides_the_bytes_decides_the_key(tmp_path, monkeypatch):
    before = cache_key("xgboost", 3)
    assert cache_key("xgboost", 3) == before
    assert cache_key("xgboost", 4) != before
    monkeypatch.setenv("PATH", str(tmp_path))  # without strip
    assert cache_key("xgboost", 3) != before
    monkeypatch.undo()
    monkeypatch.setattr(cache, "OTHER_ROOMS", ("aws", "cli", "planning", "workflow", "serving"))
    assert cache_key("xgboost", 3) != before


def test_the_cache_is_where_the_user_says():
    assert cache_folder({"XDG_CACHE_HOME": "/kept"}) == Path("/kept/model-tools/runtimes")
    assert cache_folder({}) == Path.home() / ".cache/model-tools/runtimes"


def test_a_bundle_that_is_used_is_not_the_oldest(tmp_path, build):
    home = ask(tmp_path, build).bundle.parent
    os.utime(home, (1, 1))
    ask(tmp_path, build)

    assert home.stat().st_mtime > time.time() - 60


def test_every_source_that_a_build_or_its_exercises_import_decides_the_key():
    code = """
        import sys
        import model_tools.bundling.build, model_tools.bundling.build_for, model_tools.bundling.exercises.package
        import model_tools.bundling.exercises.serve, model_tools.packaging.proof.trace_worker
        import model_tools.packaging.proof.parity_worker, model_tools.packaging.trees.parity_worker
        print(*(module.__file__ for name, module in sys.modules.items() if name.startswith("model_tools.")))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    imported = {Path(name) for name in done.stdout.split()}

    assert len(imported) > 50
    assert imported <= set(deciding_sources(Path(model_tools.__file__).parent))
