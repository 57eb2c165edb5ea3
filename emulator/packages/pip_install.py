"""Stands in for pip in a makefile that `sam build` runs: `python3 -m pip install --target FOLDER --requirement FILE`.

Anything else that a makefile asks of `python3` is passed on to the real one.
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
    """Install, or become Python; return the exit code."""
    if list(arguments[:3]) != ["-m", "pip", "install"]:
        os.environ.pop("PYTHONPATH", None)  # it leads here
        os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 - the makefile's own command
    parser = argparse.ArgumentParser(prog="pip install (the emulator's)", add_help=False)
    parser.add_argument("-q", "--quiet", action="store_true")
    parser.add_argument("-t", "--target", type=Path, required=True)
    parser.add_argument("-r", "--requirement", type=Path, required=True)
    options = parser.parse_args(arguments[3:])
    try:
        install(options.requirement, options.target)
    except (EmulatorError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - a program's answer
        return 1
    return 0


def install(requirements: Path, target: Path) -> None:
    """Copy what a requirements file asks for, with all that it needs, from what is installed here to a folder."""
    for installed in with_dependencies(read_requirements(requirements), str(requirements)):
        files = list(files_of(installed))
        for folder in {path.parent for path, _ in files}:
            (target / folder).mkdir(parents=True, exist_ok=True)
        for path, origin in files:
            shutil.copyfile(origin, target / path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
