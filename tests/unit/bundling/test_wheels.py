import pytest

from model_tools.bundling.build_for import names_in_wheels
from model_tools.bundling.wheels import WheelTarget
from model_tools.errors import RuntimeMismatch
from tests.support.bundling.made_up import package

EXTENSION = "pkg/_fast.cpython-311-x86_64-linux-gnu.so"


def test_extension_modules_are_called_after_the_python_and_processor_they_are_for():
    target = WheelTarget("3.13", "manylinux_2_28_aarch64")

    assert target.name_of(EXTENSION) == "pkg/_fast.cpython-313-aarch64-linux-gnu.so"
    assert target.name_of("pkg/_any.abi3.so") == "pkg/_any.abi3.so"
    assert target.name_of("pkg.libs/libone-1234.so.1") == "pkg.libs/libone-1234.so.1"
    assert target.name_of("pkg/module.py") == "pkg/module.py"


def test_wheels_for_older_systems_are_accepted_too():
    tags = WheelTarget("3.13", "manylinux_2_28_x86_64").tags

    assert tags[0] == "manylinux_2_28_x86_64"
    assert {"manylinux_2_17_x86_64", "manylinux2014_x86_64", "linux_x86_64"} < set(tags)
    assert "manylinux_2_29_x86_64" not in tags


@pytest.mark.parametrize(
    ("python", "platform"),
    [("3", "manylinux_2_28_x86_64"), ("2.7", "manylinux_2_28_x86_64"), ("3.13", "linux"), ("3.13", "win_amd64")],
)
def test_a_target_that_cannot_be_is_refused(python, platform):
    with pytest.raises(RuntimeMismatch):
        WheelTarget(python, platform)


def test_used_files_are_found_in_wheels_under_their_names_there(tmp_path):
    told = []
    wheel = package(tmp_path, "pkg", {"pkg/a.py": b"", "pkg/_fast.cpython-313-aarch64-linux-gnu.so": b""})
    target = WheelTarget("3.13", "manylinux_2_28_aarch64")

    chosen = names_in_wheels(["pkg/a.py", "pkg/gone.py", EXTENSION], {"pkg": wheel}, target, report=told.append)

    assert chosen == ["pkg/_fast.cpython-313-aarch64-linux-gnu.so", "pkg/a.py"]
    assert told == ["1 used files are not in the wheels: pkg/gone.py"]


def test_wheels_for_something_else_are_refused(tmp_path):
    wheel = package(tmp_path, "pkg", {"pkg/_fast.cpython-312-x86_64-linux-gnu.so": b""})

    with pytest.raises(RuntimeMismatch, match="cpython-313-x86_64"):
        names_in_wheels([EXTENSION], {"pkg": wheel}, WheelTarget("3.13", "manylinux_2_28_x86_64"), report=print)
