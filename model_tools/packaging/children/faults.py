"""Words for the errors that a user's code raises: what was raised, where in their files, and what to do next.

torch and users' code put whole tensors, stacks and lists of every backend into their messages. A message of ours has
their first sentences alone.
"""

import re
from pathlib import Path

from model_tools.packaging.children.places import error_place_text
from model_tools.packaging.children.remedies import remedy_of

MAX_READ = 20_000
"""The number of characters of an error's text that are read."""
MAX_TOLD = 600
"""The number of characters of an error's text that a message has."""
MAX_INNER = 3
"""The number of errors of a group that a message lists."""
_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?(?:e[-+]?\d+)?|nan|inf)j?"
_BETWEEN = r"[\s,;\[\]()]+(?:\.\.\.[\s,;\[\]()]*)*"
_NUMBERS = re.compile(rf"[\[(\s]*{_NUMBER}(?:{_BETWEEN}{_NUMBER}){{8,}}[\s\])]*", re.IGNORECASE)
"""A run of nine numbers or more: a printed tensor or list."""
_DECIMALS = re.compile(rf"[\[(\s]*-?\d+\.\d*(?:{_BETWEEN}{_NUMBER}){{3,}}[\s\])]*", re.IGNORECASE)
"""A run of four numbers or more of which the first has a decimal point, which sizes have not."""
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LISTINGS = re.compile(
    r"This could be because the operator doesn't exist for this backend|Exception raised from |frame #\d+: "
    r"|The above operation failed|For further information visit|, only outputs matching |Consider making it a parameter"
    r"| and mode <|\.Hint: "
)
"""What torch and pydantic put before their listings of backends, stacks and links."""
_SCRIPT_ERROR = re.compile(r"TorchScript interpreter.*^(?:RuntimeError|[\w.]*Error): (.*)", re.DOTALL | re.MULTILINE)
"""The last line of an error of the TorchScript interpreter; the traced code stands above it."""


def fault_text(error: BaseException, folder: Path, doing: str) -> str:
    """Return "Doing fails: ValueError: text (file.py, line 3: `code`). Remedy." for an error of a user's code."""
    told = error_text(error).replace(f"{folder}/", "")
    place = error_place_text(error, folder)
    return f"{doing} fails: {told.rstrip('.')}{place}. {remedy_of(told, doing, place)}."


def memory_text(doing: str, place: str = "") -> str:
    """Return the message for a model whose memory ran out."""
    return (
        f"{doing} fails: memory ran out{place}. Give the tracing function more memory, make the inputs in publish.yaml "
        "smaller, or publish a smaller model."
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether Python or torch could not get the memory that it asked for."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "can't allocate memory" in str(error))


def error_text(error: BaseException) -> str:
    """Return "ValueError: text" in one line, without dumps of numbers; only the class for an error without a text."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 (a class of the user's own may raise anything in __str__)
        text = ""
    if isinstance(error, SystemExit) and error.code is None:
        text = ""
    name = type(error).__name__
    if isinstance(error, BaseExceptionGroup):
        inner = "; ".join(error_text(one) for one in error.exceptions[:MAX_INNER])
        text = f"{error.message}: {inner}"
    text = plain_text(text)
    return f"{name}: {text}" if text else name


def plain_text(text: str, limit: int = MAX_TOLD) -> str:
    """Return a text in one line that can be encoded, cut where a listing begins, with numbers counted, not listed."""
    length = len(text)
    text = _ESCAPES.sub("", text[:MAX_READ].encode("utf-8", "replace").decode())
    text = re.sub(r"[^\x20-\x7e\u00a0-\U0010ffff\n]", " ", text)
    if inner := _SCRIPT_ERROR.search(text):
        text = inner[1]
    if listing := _LISTINGS.search(text):
        text = text[: listing.start()]
    text = " ".join(_DECIMALS.sub(_counted, _NUMBERS.sub(_counted, text)).split())
    if len(text) > limit:
        return f"{text[:limit].rstrip()} … ({length:,} characters in all)"
    return text if length <= MAX_READ else f"{text} … ({length:,} characters in all)"


def _counted(match: re.Match[str]) -> str:
    blank = " " if match[0][0].isspace() else ""
    return f"{blank}[… {len(re.findall(_NUMBER, match[0], re.IGNORECASE)):,} numbers …] "
