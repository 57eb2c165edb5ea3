"""What a process opens is recorded, whatever process it starts and whatever it closes."""

import os
import subprocess
import sys
from pathlib import Path

from model_tools.bundling.clean_python import install_recorder

PROGRAM = """
import os, subprocess, sys
first, forked, started = sys.argv[1:]
open(first).close()
open(first).close()
if os.fork() == 0:
    os.closerange(3, 1024)
    open(forked).close()
    os._exit(0)
os.wait()
subprocess.run([sys.executable, "-c", "import sys; open(sys.argv[1]).close()", started], check=True)
"""


def test_what_forks_and_children_open_is_recorded_too(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("first", "forked", "started")]
    for file in files:
        file.touch()
    recorded = install_recorder(tmp_path / "recorder")

    subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, files)],
        env=os.environ | {"PYTHONPATH": str(recorded.parent)},
        check=True,
    )

    lines = recorded.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if Path(line) in files] == [str(file) for file in files]
