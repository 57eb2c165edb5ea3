"""`model-tools plan`: measure and price a publication before anything is written."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from model_tools.cli.command import Command, with_connection_options
from model_tools.cli.errors import UserError
from model_tools.cli.extras import require_extra
from model_tools.cli.model_source import LocalModel, find_model, prepare_upload
from model_tools.formats.manifest import Library, Manifest
from model_tools.formats.pin import ARCHIVE_SUFFIXES, Pin, PinnedFile
from model_tools.planning.prices import RegionUnknown, prices_of

if TYPE_CHECKING:
    from model_tools.planning.bundles import KnownBundle

DEFAULT_REGION = "us-east-1"
"""The region whose prices count when none is named: one of AWS's cheapest."""

ModelArgument = Annotated[
    str,
    typer.Argument(
        help="A folder with a publish.yaml, a .tar.gz of one, or a checkpoint file with a publish.yaml beside it.",
        metavar="MODEL",
        show_default=False,
    ),
]
MemoryOption = Annotated[
    int | None,
    typer.Option(
        "--memory",
        help="Plan for a function of so many MB (default: what is recommended).",
        min=128,
        max=10_240,
        metavar="MB",
        show_default=False,
    ),
]
RegionOption = Annotated[
    str | None,
    typer.Option(
        "--region",
        help=f"Region whose prices count, and of the stack where one is named (default: {DEFAULT_REGION}'s prices).",
        metavar="REGION",
    ),
]
WithRuntimeOption = Annotated[
    Path | None,
    typer.Option(
        "--with-runtime",
        help="Folder with the runtime bundle to plan with (default: the stack's where one is named, else the newest of "
        "this machine's cache).",
        metavar="DIR",
        show_default=False,
        exists=True,
        file_okay=False,
    ),
]
PlacementOption = Annotated[
    Literal["auto", "tmp", "memory"],
    typer.Option("--placement", help="Where the function is to keep the bundle, as the stack's RuntimePlacement."),
]


@with_connection_options
def plan(
    command: Command,
    model: ModelArgument,
    *,
    memory: MemoryOption = None,
    region: RegionOption = None,
    with_runtime: WithRuntimeOption = None,
    placement: PlacementOption = "auto",
) -> None:
    """Say what publishing a model would do, take and cost. Nothing is written, in AWS or on this machine.

    The model is packaged as the workflow would do it and served as the function would do it, in a folder that is
    removed again: sizes, memory and latency are measured, not guessed.

    For example:

        model-tools plan examples/digits

        model-tools plan examples/digits --memory 1024 --region eu-central-1

        model-tools plan examples/digits --stack model-tools --json

    Exit code: 0 it would fit, 1 it fits no function or has something you can put right, 2 a bug or a fault of AWS.
    """
    try:
        prices = prices_of(region or DEFAULT_REGION)
    except RegionUnknown as error:
        raise UserError(str(error)) from error
    if model.startswith("s3://"):
        raise UserError(f"A plan is made of a model on this machine: download {model}, then plan its folder.")
    found = find_model(Path(model))
    require_extra("functions", what="A plan")
    # Packaging and planning are slow to import, and no other command needs them.
    from model_tools.cli.plan_view import show_plan  # noqa: PLC0415
    from model_tools.packaging.checkpoint.model_folder import open_model_folder  # noqa: PLC0415
    from model_tools.planning.plan_publication import PlanRequest, plan_publication  # noqa: PLC0415

    with (
        tempfile.TemporaryDirectory(prefix="model-tools-plan-") as temporary,
        command.output.steps("Planning") as report,
    ):
        scratch = Path(temporary).resolve()
        folder = _open(found, scratch / "model")
        manifest = open_model_folder(folder).manifest
        bundle = _find_bundle(command, manifest.library, with_runtime)
        question = PlanRequest(folder, _release_id(found, manifest), bundle, prices, memory, placement)
        planned = plan_publication(question, scratch, report=report)
    command.output.emit({"event": "plan", **planned.to_document()})
    show_plan(command.output, planned)


def _open(model: LocalModel, into: Path) -> Path:
    """Return the model's folder, unpacked first where it comes as an archive."""
    from model_tools.packaging.checkpoint.unpack import unpack_checkpoint  # noqa: PLC0415

    return unpack_checkpoint(model.files[0], into) if _is_archive(model) else model.root.resolve()


def _is_archive(model: LocalModel) -> bool:
    return model.start.endswith(ARCHIVE_SUFFIXES)


def _release_id(model: LocalModel, manifest: Manifest) -> str:
    """Return the release id that the workflow would give the model; it follows from the files to upload."""
    files = [
        PinnedFile(path=upload.key, uri=str(upload.path), version_id="", size=upload.size, etag=upload.etag)
        for upload in prepare_upload(model).uploads
    ]
    return Pin(kind="archive" if _is_archive(model) else "folder", files=files, manifest=manifest).release_id


def _find_bundle(command: Command, name: Library, folder: Path | None) -> "KnownBundle | None":
    """Return the runtime bundle to plan with: the one in the named folder, else the named stack's, else the cache's."""
    from model_tools.bundling.cache import cache_folder  # noqa: PLC0415
    from model_tools.planning.bundles import KnownBundle, find_in_cache, find_in_folder  # noqa: PLC0415

    if folder is not None:
        return find_in_folder(name, folder)
    cached = find_in_cache(name, cache_folder(command.environ))
    if not command.options.names_a_place:
        return cached
    current = command.services().runtimes.current(name)
    if current is None:
        return None
    is_here = cached is not None and cached.reference.sha256 == current.sha256
    return KnownBundle(current, cached.file if cached and is_here else None, "the stack")
