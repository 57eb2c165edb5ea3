"""Names places in a user's code, by the file in their folder, its line, and the text of the line."""

import linecache
import traceback
from pathlib import Path


def error_place_text(error: BaseException, folder: Path) -> str:
    """Return " (file.py, line 3: `text`)" for the last frame of an error in the folder's code, or an empty string."""
    if isinstance(error, SyntaxError) and error.filename:
        return place_text(error.filename, error.lineno or 0, folder)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if is_user_code(frame.filename, folder):
            return place_text(frame.filename, frame.lineno or 0, folder)
    return ""


def is_user_code(filename: str, folder: Path) -> bool:
    """Tell whether a source file belongs to the model's folder."""
    return Path(filename).is_relative_to(folder)


def place_text(filename: str, line: int, folder: Path) -> str:
    """Return " (file.py, line 3: `text`)", which names a line of code in a message."""
    path = Path(filename)
    # A library's file is named by the end of its path, so that messages do not depend on where it is installed.
    shown = path.relative_to(folder).as_posix() if is_user_code(filename, folder) else "/".join(path.parts[-3:])
    text = linecache.getline(filename, line).strip()
    return f" ({shown}, line {line}{f': `{text[:160]}`' if text else ''})"
