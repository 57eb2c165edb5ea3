"""What the model does wrong. It counts as a function error, and its message holds nothing of the request."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_tools.serving.requests import BadRequest


class ModelFailed(Exception):
    """The model answered a sound request with something that cannot be passed on, or failed."""


@contextmanager
def telling_nothing_of_the_request(what: str, folder: Path | None = None) -> Iterator[None]:
    """Turn whatever is raised into a ModelFailed that names the error's class, and the line of the folder's code.

    Lambda writes an error's message to the log, and the messages of torch, NumPy and of a model's own code quote
    what they were given. BadRequest passes: it goes to the caller.
    """
    try:
        yield
    except (BadRequest, ModelFailed):
        raise
    except Exception as error:  # noqa: BLE001 (a model's own code raises whatever it trips over)
        raise ModelFailed(f"{what} failed with {type(error).__name__}{_place(error, folder)}") from None


def _place(error: Exception, folder: Path | None) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if folder is not None and Path(frame.filename).is_relative_to(folder)]
    if not own or folder is None:
        return ""
    return f" ({Path(own[-1].filename).relative_to(folder)}, line {own[-1].lineno}, in {own[-1].name})"
