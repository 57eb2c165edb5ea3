"""`model-tools runtime build`: the library that runs models, made to fit into a function."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from model_tools.aws.connection import Connection
from model_tools.aws.faults import CallRefused, for_people
from model_tools.aws.objects import ObjectStore
from model_tools.aws.runtimes import RuntimeBucket
from model_tools.aws.stack import read_stack
from model_tools.cli.connection import (
    AsJson,
    Command,
    Debug,
    EndpointUrl,
    Local,
    Profile,
    Region,
    StackName,
    begin,
    find_target,
)
from model_tools.cli.errors import UserError
from model_tools.cli.output import Output, duration, size

if TYPE_CHECKING:
    from model_tools.bundling.built import BuiltRuntime

DEFAULT_OUTPUT = Path("build/runtimes")
DEFAULT_LEVEL = 19
ELSEWHERE = "For another machine"

app = typer.Typer(no_args_is_help=True, help="The library that runs models, made to fit into a function.")

Name = Annotated[Literal["torch", "xgboost"], typer.Option(help="Which library.")]
OutputFolder = Annotated[Path, typer.Option("--output", help="Folder for the bundle and its inventory.", metavar="DIR")]
Level = Annotated[
    int, typer.Option(help="zstd's level: 3 takes seconds, 19 minutes, for a third less.", min=1, max=19, metavar="N")
]
Models = Annotated[
    list[Path] | None,
    typer.Option("--model", help="A model's folder whose use of the library counts too; repeat it.", metavar="DIR"),
]
PythonVersion = Annotated[
    str | None,
    typer.Option("--python", help="Build from wheels for this Python, such as 3.13.", rich_help_panel=ELSEWHERE),
]
PlatformTag = Annotated[
    str | None,
    typer.Option(
        "--platform",
        help="manylinux_2_28_x86_64 or manylinux_2_28_aarch64 (default: this machine's).",
        rich_help_panel=ELSEWHERE,
    ),
]
Wheels = Annotated[
    Path | None,
    typer.Option("--wheels", help="Take the wheels from here; pip fetches none.", rich_help_panel=ELSEWHERE),
]
Indexes = Annotated[
    list[str] | None,
    typer.Option("--index-url", help="A further package index for pip; repeat it.", rich_help_panel=ELSEWHERE),
]


@app.callback()
def runtime() -> None:
    """Make the library that runs models fit into a function."""


@app.command()
def build(
    ctx: typer.Context,
    *,
    name: Name = "torch",
    output: OutputFolder = DEFAULT_OUTPUT,
    level: Level = DEFAULT_LEVEL,
    model: Models = None,
    python: PythonVersion = None,
    platform: PlatformTag = None,
    wheels: Wheels = None,
    index_url: Indexes = None,
    endpoint_url: EndpointUrl = None,
    region: Region = None,
    profile: Profile = None,
    stack: StackName = None,
    local: Local = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Build a runtime bundle: only what models use of the library, stripped, compiled and proved.

    What they use is found out by publishing and serving a small model of every kind. The same packages and options
    give the same bytes, which are kept on this machine.

    With --stack, --local or --endpoint-url the bundle is uploaded, and publications use it from then on.

    For example:

        model-tools runtime build

        model-tools runtime build --local --level 3

        model-tools runtime build --name xgboost --stack model-tools

        model-tools runtime build --python 3.13 --platform manylinux_2_28_aarch64 --stack model-tools

    Exit code: 0 built, 1 something to put right, 2 broken.
    """
    command = begin(
        ctx,
        endpoint_url=endpoint_url,
        region=region,
        profile=profile,
        stack=stack,
        local=local,
        as_json=as_json,
        debug=debug,
    )
    if (wheels or index_url or platform) and not python:
        raise UserError(
            "--wheels, --index-url and --platform are for a build from wheels: name its Python by --python."
        )
    bucket = find_bucket(command) if stack or local or endpoint_url else None  # what is wrong there is told at once
    began = command.clock()
    with _reporting(command.output) as report:
        built = _build(name, output, level, model or [], python, platform, wheels, index_url or [], report)
    _tell(command.output, built, command.clock() - began)
    if bucket is not None:
        _upload(command.output, bucket, built)


def find_bucket(command: Command) -> RuntimeBucket:
    """Return the artifacts bucket of the stack that the options name. Raises CallRefused."""
    target, stack_name = find_target(command.options, command.environ)
    connection = Connection(target, environ=command.environ)
    stack = read_stack(connection.client("cloudformation"), stack_name)
    bucket = stack.outputs.get("ArtifactsBucketName")
    if bucket is None:
        raise CallRefused(f"Stack {stack_name!r} has no output ArtifactsBucketName: deploy it again, then try again.")
    return RuntimeBucket(ObjectStore(connection.client("s3"), errors=for_people), bucket)


def _build(
    name: Literal["torch", "xgboost"],
    output: Path,
    level: int,
    models: list[Path],
    python: str | None,
    platform: str | None,
    wheels: Path | None,
    indexes: list[str],
    report: Callable[[str], None],
) -> "BuiltRuntime":
    # Not every installation has what building takes.
    from model_tools.bundling.build import build_runtime  # noqa: PLC0415
    from model_tools.bundling.build_for import build_runtime_for  # noqa: PLC0415
    from model_tools.bundling.cache import cached_runtime  # noqa: PLC0415
    from model_tools.bundling.clean_python import here  # noqa: PLC0415
    from model_tools.bundling.wheels import Target  # noqa: PLC0415

    if python is not None:
        target = Target(python, platform or f"manylinux_2_28_{here()[1]}")
        return build_runtime_for(
            name, output, target, level=level, wheels=wheels, indexes=indexes, models=models, report=report
        )
    if models:
        return build_runtime(name, output, level=level, models=models, report=report)
    return cached_runtime(name, level=level, report=report).copied_to(output)


@contextmanager
def _reporting(output: Output) -> Iterator[Callable[[str], None]]:
    """Show what is being done: a line that changes where a person watches, a line each elsewhere."""

    def report(text: str) -> None:
        output.say(text)
        output.emit({"event": "step", "text": text})

    if not output.is_live:
        yield report
        return
    with output.console.status("building the runtime"):
        yield report


def _tell(output: Output, built: "BuiltRuntime", seconds: float) -> None:
    reference = built.reference
    output.say(
        f"built {built.bundle} in {duration(seconds)}: Python {reference.python} on {reference.platform}",
        style="bold green",
    )
    versions = ", ".join(f"{package} {version}" for package, version in sorted(reference.packages.items()))
    for what, part in (("serving", reference.serving), ("whole", reference.part("whole"))):
        output.say(f"  {what:<8}{size(part.size):>9}, {size(part.unpacked_size)} unpacked")
    output.say(f"  with {versions}")
    output.emit(
        {
            "event": "built",
            "bundle": str(built.bundle),
            "inventory": str(built.inventory),
            "sbom": str(built.sbom),
            "seconds": round(seconds, 1),
            "reference": reference.model_dump(mode="json"),
        }
    )


def _upload(output: Output, bucket: RuntimeBucket, built: "BuiltRuntime") -> None:
    missing = bucket.missing(built)
    total = sum(upload.size for upload in missing)
    with output.bytes_progress(f"uploading {built.bundle.name[:12]}…", total) as progress:
        stored = bucket.publish(built, missing, progress=progress)
    there = "" if missing else " (it was there already)"
    output.say(f"{stored.uri} is the {stored.name} runtime of the next publications{there}")
    output.emit({"event": "current", "name": stored.name, "uri": stored.uri, "uploaded_bytes": total})
