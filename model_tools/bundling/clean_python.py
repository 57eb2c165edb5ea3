"""A Python that sees what a function sees: chosen folders, and nothing that happens to be installed here."""

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
EXERCISE_SECONDS = 600
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "LANG", "TZ")


class CleanPython:
    """An interpreter without packages of its own, and a layer of links to what is installed here.

    Both are made in a folder of the caller's, who may put other things there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.layer = folder / "layer"
        self.executable = str(folder / "python/bin/python")
        venv.EnvBuilder(symlinks=True, with_pip=False).create(folder / "python")
        link_packages(installed_packages((*LAYER_PACKAGES, *RUNTIME_PACKAGES), extras=True).values(), self.layer)
        (self.layer / "model_tools").symlink_to(Path(model_tools.__file__).parent)

    def run(self, module: str, arguments: Sequence[str], *, path: Sequence[Path], scratch: Path) -> None:
        """Run a module of this library with these folders on its path. Raises RuntimeDamaged with what it last said."""
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


def lay_recorder(folder: Path) -> Path:
    """Make the folder that, put on the path first, records what is opened; return the file with the paths."""
    folder.mkdir()
    shutil.copyfile(recorder.__file__, folder / "sitecustomize.py")
    opened = folder / "opened.txt"
    opened.touch()
    return opened


def here() -> tuple[str, str]:
    """Return the Python version and the processor of this process, as a RuntimeReference names them."""
    return f"{sys.version_info.major}.{sys.version_info.minor}", os.uname().machine
