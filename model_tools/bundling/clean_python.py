"""An interpreter that imports only what a function can import, and nothing else that is installed on this machine."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

import model_tools
from model_tools.bundling import recorder
from model_tools.bundling.distributions import installed_packages, link_packages
from model_tools.bundling.layer import LAYER_PACKAGES, RUNTIME_PACKAGES
from model_tools.errors import RuntimeDamaged

TOLD_CHARACTERS = 3000
"""The last characters of a failed module's output that a message quotes."""
EXERCISE_SECONDS = 600
"""The time after which a module is ended."""
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "LANG", "TZ")
"""Environment variables that the interpreter inherits."""


class CleanPython:
    """An interpreter without packages of its own, and a layer of links to the functions' packages.

    Both are made in a folder that the caller may use for other things as well.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.layer = folder / "layer"
        self.executable = str(folder / "python/bin/python")
        venv.EnvBuilder(symlinks=True, with_pip=False).create(folder / "python")
        link_packages(installed_packages((*LAYER_PACKAGES, *RUNTIME_PACKAGES), extras=True).values(), self.layer)
        (self.layer / "model_tools").symlink_to(Path(model_tools.__file__).parent)

    def run(self, module: str, arguments: Sequence[str], *, path: Sequence[Path], scratch: Path) -> None:
        """Run a module of this library with these folders on its path.

        Raises RuntimeDamaged, which quotes the end of the module's output, when the module fails.
        """
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {
            "PYTHONPATH": os.pathsep.join(map(str, path)),
            "PYTHONHASHSEED": "0",
            "HOME": str(scratch),
            "TMPDIR": str(scratch),
            "OMP_NUM_THREADS": "1",
        }
        ran = subprocess.run(
            [self.executable, "-B", "-s", "-P", "-m", module, *arguments], cwd=scratch, env=environment, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=EXERCISE_SECONDS,
            text=True, errors="replace",
        )  # fmt: skip
        if ran.returncode:
            raise RuntimeDamaged(
                f"`python -m {module} {' '.join(arguments)}` fails with what the runtime bundle is to hold. It last "
                f"said: {ran.stdout[-TOLD_CHARACTERS:]}"
            )


def install_recorder(folder: Path) -> Path:
    """Make a folder that records all opened files when it is first on a Python's path; return the file of records."""
    folder.mkdir()
    shutil.copyfile(recorder.__file__, folder / "sitecustomize.py")
    opened = folder / "opened.txt"
    opened.touch()
    return opened


def here() -> tuple[str, str]:
    """Return the Python version and the processor of this process, as a RuntimeReference names them."""
    return f"{sys.version_info.major}.{sys.version_info.minor}", os.uname().machine
