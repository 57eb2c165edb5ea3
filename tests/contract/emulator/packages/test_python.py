"""What a function can import: its own code, its layers, what Lambda's Python brings, and what it is told to have."""

import pytest

from emulator.errors import EmulatorError
from emulator.packages.python import make_python
from tests.support.emulator.lambda_functions import zip_of

LAMBDA_PACKAGES = {
    *("awslambdaric", "boto3", "botocore", "dateutil", "jmespath", "runtime_client", "s3transfer"),
    *("simplejson", "six", "snapshot_restore_py", "urllib3"),
}
LISTING = """
    import subprocess
    import sys
    from listing import beside_the_standard_library

    def handler(event, context):
        command = [sys.executable, "-c", "import listing; print(*listing.beside_the_standard_library())"]
        child = subprocess.run(command, capture_output=True, text=True, check=True)
        return [beside_the_standard_library(), child.stdout.split()]
"""
BESIDE = """
    import pkgutil
    import sys
    import sysconfig

    def beside_the_standard_library():
        libraries = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
        paths = [path for path in sys.path if path not in libraries and not path.endswith("lib-dynload")]
        return [each.name for each in pkgutil.iter_modules(paths)]
"""


def test_a_function_and_its_children_see_lambdas_packages_and_nothing_else(limited_functions):
    with limited_functions() as functions:
        name, version = functions.snapshot(Code={"ZipFile": zip_of(LISTING, listing=BESIDE)}, Timeout=30)
        answers = [functions.call(name, Qualifier=qualifier) for qualifier in ("$LATEST", version)]

    for own, childs in answers:
        assert set(own) == LAMBDA_PACKAGES | {"app", "listing"}
        assert set(childs) == LAMBDA_PACKAGES | {"app", "listing"}


def test_what_is_preinstalled_comes_with_what_it_needs_and_torch_through_the_snapshot(limited_functions):
    with limited_functions(preinstalled=("torch",)) as functions:
        name, version = functions.snapshot(
            """
            import torch
            from snapshot_restore_py import register_after_restore

            MODEL = torch.nn.Linear(64, 64)
            with torch.inference_mode():
                MODEL(torch.ones(64, 64))
            register_after_restore(torch.set_num_threads, 2)

            def handler(event, context):
                with torch.inference_mode():
                    total = float(MODEL(torch.ones(2048, 64)).sum())
                return {"total": total, "threads": torch.get_num_threads(), "random": torch.rand(1).item()}
            """,
            MemorySize=2048,
            Timeout=30,
        )
        first, second = (functions.call(name, Qualifier=version) for _ in range(2))

    assert first["total"] == second["total"]
    assert first["threads"] == 2


def test_packages_that_share_a_folder_are_linked_apart(tmp_path, monkeypatch):
    for name in ("one", "two"):
        site = tmp_path / "site"
        (site / "shared").mkdir(parents=True, exist_ok=True)
        (site / "shared" / f"{name}.py").touch()
        (site / f"{name}-1.dist-info").mkdir()
        (site / f"{name}-1.dist-info" / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        record = f"shared/{name}.py,,\n{name}-1.dist-info/METADATA,,\n../../bin/{name},,\n"
        (site / f"{name}-1.dist-info" / "RECORD").write_text(record)
    monkeypatch.syspath_prepend(site)

    make_python(tmp_path / "python", ["one"])

    [linked] = (tmp_path / "python").glob("lib/python*/site-packages/shared")
    assert [path.name for path in linked.iterdir()] == ["one.py"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param(
            "no-such-package", "preinstalled: no-such-package .* pip install 'no-such-package'", id="not installed"
        ),
        pytest.param("torch 2", "preinstalled: ", id="no requirement"),
    ],
)
def test_what_is_not_installed_cannot_be_preinstalled(tmp_path, name, message):
    with pytest.raises(EmulatorError, match=message):
        make_python(tmp_path / "python", [name])
