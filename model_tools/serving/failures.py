"""The error of a model's failure. It counts as a function error, and its message holds nothing of the request."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_tools.serving.requests import BadRequest


class ModelFailed(Exception):
    """The model failed on a sound request, or answered it with an output that cannot be passed on."""


@contextmanager
def redacted_errors(what: str, folder: Path | None = None) -> Iterator[None]:
    """Turn any error into a ModelFailed that names only the error's class, and the line of the code in `folder`.

    Lambda writes an error's message to the log, and the messages of torch, NumPy and a model's own code quote their
    inputs. BadRequest passes unchanged: the caller gets it, the log does not.
    """
    try:
        yield
    except (BadRequest, ModelFailed):
        raise
    except Exception as error:  # noqa: BLE001 (a model's own code may raise any error)
        raise ModelFailed(f"{what} failed with {type(error).__name__}{_place(error, folder)}") from None


def _place(error: Exception, folder: Path | None) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if folder is not None and Path(frame.filename).is_relative_to(folder)]
    if not own or folder is None:
        return ""
    return f" ({Path(own[-1].filename).relative_to(folder)}, line {own[-1].lineno}, in {own[-1].name})"
