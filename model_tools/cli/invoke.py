"""`model-tools invoke`: ask the model that is live, or one version of it."""

import base64
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from model_tools.aws.functions import Reply
from model_tools.cli.command import Command, with_connection_options
from model_tools.cli.errors import DONE, FAULT, USER, UserError
from model_tools.cli.output import duration

CLIENT_ERROR, SERVER_ERROR = 400, 500
"""The HTTP statuses from which an answer blames the request, and from which it blames the function."""
REQUEST_PANEL = "What to ask"
"""The heading of the request's options in the command's help."""

PayloadOption = Annotated[
    str | None,
    typer.Option(help="The request as JSON.", metavar="JSON", rich_help_panel=REQUEST_PANEL),
]
EventOption = Annotated[
    str | None,
    typer.Option(
        "--event",
        help="A file with the request as JSON; - for standard input.",
        metavar="FILE",
        rich_help_panel=REQUEST_PANEL,
    ),
]
ImageOption = Annotated[
    Path | None,
    typer.Option("--image", help="An image file, sent as the request.", metavar="FILE", rich_help_panel=REQUEST_PANEL),
]
TextOption = Annotated[
    str | None,
    typer.Option("--text", help="A text, for a model that reads text.", metavar="TEXT", rich_help_panel=REQUEST_PANEL),
]
QualifierOption = Annotated[
    str, typer.Option(help="Alias or version that answers.", metavar="NAME", rich_help_panel=REQUEST_PANEL)
]


@with_connection_options
def invoke(
    command: Command,
    *,
    payload: PayloadOption = None,
    event: EventOption = None,
    image: ImageOption = None,
    text: TextOption = None,
    qualifier: QualifierOption = "live",
) -> None:
    """Ask the model one question; print its answer and the version that gave it.

    For example:

        model-tools invoke --image examples/shapes/cross.jpg --local

        model-tools invoke --text "zweiundvierzig" --local

        model-tools invoke --payload '{"input": [[0.1, 0.2]]}'

        model-tools invoke --event examples/digits/samples/seven.json --qualifier 4 --json

    Exit code: 0 answered, 1 the request was refused (4xx), 2 the function failed.
    """
    request = _request(payload, event, image, text)
    services = command.services()
    began = command.clock()
    reply = services.function.invoke(request, qualifier=qualifier)
    took = command.clock() - began
    command.output.emit(
        {
            "answer": reply.payload,
            "executed_version": reply.executed_version,
            "function_error": reply.function_error,
            "seconds": round(took, 4),
        }
    )
    command.output.say(json.dumps(reply.payload, indent=2, ensure_ascii=False))
    verb = "failed in" if reply.function_error else "answered by"
    command.output.say(f"{verb} version {reply.executed_version}, {duration(took)}", style="dim")
    raise typer.Exit(_code(reply))


def _request(payload: str | None, event: str | None, image: Path | None, text: str | None) -> Any:
    given = [option for option in (payload, event, image, text) if option is not None]
    if len(given) != 1:
        raise UserError("Say what to ask with exactly one of --payload, --event, --image and --text.")
    if text is not None:
        return {"text": text}
    if image is not None:
        return {"image": base64.b64encode(_read(image)).decode()}
    if payload is not None:
        return _parse(payload, "--payload")
    said = sys.stdin.read() if event == "-" else _read(Path(str(event))).decode("utf-8-sig", errors="replace")
    document = _parse(said, str(event))
    # A sample file holds the request beside the expected answer, so that samples/*.json can be sent as they are.
    is_sample = isinstance(document, dict) and "event" in document and document.keys() <= {"event", "expect", "name"}
    return document["event"] if is_sample else document


def _parse(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UserError(f"{where} is not JSON ({error}): correct it.") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): correct the path.") from error


def _code(reply: Reply) -> int:
    if reply.function_error:
        return FAULT
    status = reply.payload.get("statusCode", 200) if isinstance(reply.payload, dict) else 200
    if not isinstance(status, int) or status < CLIENT_ERROR:
        return DONE
    return USER if status < SERVER_ERROR else FAULT
