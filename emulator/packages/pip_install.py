"""The pip of makefiles that the emulator runs: `python3 -m pip install --target FOLDER --requirement FILE`.

Every other command for `python3` is passed on to the real Python.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from emulator.errors import EmulatorError
from emulator.packages.installed import files_of, read_requirements, with_dependencies


def main(arguments: Sequence[str]) -> int:
    """Install packages and return the exit code, or become Python."""
    if list(arguments[:3]) != ["-m", "pip", "install"]:
        os.environ.pop("PYTHONPATH", None)  # it is the emulator's, for this module
        os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 - the makefile's own command
    parser = argparse.ArgumentParser(prog="pip install (the emulator's)", add_help=False)
    parser.add_argument("-q", "--quiet", action="store_true")
    parser.add_argument("-t", "--target", type=Path, required=True)
    parser.add_argument("-r", "--requirement", type=Path, required=True)
    options = parser.parse_args(arguments[3:])
    try:
        install(options.requirement, options.target)
    except (EmulatorError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - the output of a program
        return 1
    return 0


def install(requirements: Path, target: Path) -> None:
    """Copy the requirements of a file, with their dependencies, from the installed distributions to a folder."""
    for installed in with_dependencies(read_requirements(requirements), str(requirements)):
        files = list(files_of(installed))
        for folder in {path.parent for path, _ in files}:
            (target / folder).mkdir(parents=True, exist_ok=True)
        for path, origin in files:
            shutil.copyfile(origin, target / path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
