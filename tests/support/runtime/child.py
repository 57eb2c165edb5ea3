"""Runs Python code in a process of its own, in which a bundle is held in memory."""

import subprocess
import sys
import textwrap
from pathlib import Path

from model_tools.formats.runtime_reference import RuntimeReference

PREAMBLE = """
import os, sys
from pathlib import Path
from model_tools.formats.runtime_reference import RuntimeReference
from model_tools.runtime.importer import hold_runtime
from model_tools.runtime.loading import provide_runtime

written = []
reference = RuntimeReference.model_validate_json(Path(sys.argv[1]).read_text())

def note(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        written.append(arguments[0])
    elif event in ("os.mkdir", "os.rename", "os.link", "os.symlink"):
        written.append(str(arguments))

sys.addaudithook(note)

def open_bundle(uri):
    return open(sys.argv[2], "rb")
"""


def run(code: str, reference: RuntimeReference, bundle: Path, folder: Path, *, python: str = sys.executable) -> str:
    """Return what the code printed. It finds `reference`, `open_bundle` and `written`, the files opened for writing."""
    told = folder / "reference.json"
    told.write_text(reference.model_dump_json())
    done = subprocess.run(
        [python, "-B", "-P", "-c", PREAMBLE + textwrap.dedent(code), str(told), str(bundle)],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout.strip()
