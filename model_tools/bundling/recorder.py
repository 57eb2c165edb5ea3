"""Records the files that a Python process and its children open, import and link.

Every Python runs this module first, if it lies as `sitecustomize.py` in a folder on PYTHONPATH. It writes each path at
once to `opened.txt` beside itself, since a process may end without running exit handlers.
"""

import os
import sys


def record() -> None:
    """Append the path of every file that is opened from now on, each once."""
    record_file = f"{os.path.dirname(__file__)}/opened.txt"  # noqa: PTH120 (this module must import nothing that Python does not import anyway)
    seen = {record_file}
    position = {"open": 0, "ctypes.dlopen": 0, "import": 1}

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if event in position:
            path = arguments[position[event]]
            if isinstance(path, str) and path.startswith("/") and path not in seen:
                seen.add(path)
                # Opened anew for each line, because a fork may close the descriptors that it was born with.
                descriptor = os.open(record_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
                os.write(descriptor, f"{path}\n".encode())
                os.close(descriptor)

    sys.addaudithook(note)


if __name__ == "sitecustomize":
    record()
