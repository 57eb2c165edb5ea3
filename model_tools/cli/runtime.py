"""`model-tools runtime build`: make the library that runs models fit into a function."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from model_tools.aws.runtimes import RuntimeBucket
from model_tools.cli.command import Command, with_connection_options
from model_tools.cli.errors import UserError
from model_tools.cli.extras import require_extra
from model_tools.cli.output import CommandOutput, duration
from model_tools.formats.sizes import size_text

if TYPE_CHECKING:
    from model_tools.bundling.built import BuiltRuntime

DEFAULT_OUTPUT = Path("build/runtimes")
DEFAULT_LEVEL = 19
"""zstd's compression level: a bundle that is uploaded to AWS is loaded many times, so its size matters most."""
ELSEWHERE_PANEL = "For another machine"
"""The heading of the options of a build from wheels in the command's help."""

app = typer.Typer(no_args_is_help=True)

NameOption = Annotated[Literal["torch", "xgboost"], typer.Option(help="Which library.")]
OutputOption = Annotated[Path, typer.Option("--output", help="Folder for the bundle and its inventory.", metavar="DIR")]
LevelOption = Annotated[
    int, typer.Option(help="zstd's level: 3 takes seconds, 19 minutes, for a third less.", min=1, max=19, metavar="N")
]
ModelOption = Annotated[
    list[Path] | None,
    typer.Option("--model", help="A model's folder whose use of the library counts too; repeat it.", metavar="DIR"),
]
PythonOption = Annotated[
    str | None,
    typer.Option(
        "--python",
        help="Build from wheels for this Python, such as 3.13.",
        metavar="VERSION",
        rich_help_panel=ELSEWHERE_PANEL,
    ),
]
PlatformOption = Annotated[
    str | None,
    typer.Option(
        "--platform",
        help="manylinux_2_28_x86_64 or manylinux_2_28_aarch64 (default: this machine's).",
        metavar="TAG",
        rich_help_panel=ELSEWHERE_PANEL,
    ),
]
WheelsOption = Annotated[
    Path | None,
    typer.Option(
        "--wheels", help="Take the wheels from here; pip fetches none.", metavar="DIR", rich_help_panel=ELSEWHERE_PANEL
    ),
]
IndexUrlOption = Annotated[
    list[str] | None,
    typer.Option(
        "--index-url",
        help="A further package index for pip; repeat it.",
        metavar="URL",
        rich_help_panel=ELSEWHERE_PANEL,
    ),
]


@app.callback()
def runtime() -> None:
    """Make the library that runs models fit into a function.

    For example:

        model-tools runtime build --stack model-tools

    Exit code: 0 done, 1 something you can put right, 2 a bug or a fault of AWS.
    """


@app.command()
@with_connection_options
def build(
    command: Command,
    *,
    name: NameOption = "torch",
    output: OutputOption = DEFAULT_OUTPUT,
    level: LevelOption = DEFAULT_LEVEL,
    model: ModelOption = None,
    python: PythonOption = None,
    platform: PlatformOption = None,
    wheels: WheelsOption = None,
    index_url: IndexUrlOption = None,
) -> None:
    """Build a runtime bundle: only what models use of the library, stripped, compiled and proved.

    What they use is found out by publishing and serving a small model of every kind. The same packages and options
    give the same bytes, which are kept on this machine.

    With --stack, --local or --endpoint-url the bundle is uploaded, and publications use it from then on.

    For example:

        model-tools runtime build

        model-tools runtime build --local --level 3

        model-tools runtime build --name xgboost --stack model-tools

        model-tools runtime build --python 3.13 --platform manylinux_2_28_x86_64 --stack model-tools

    Exit code: 0 built, 1 something you can put right, 2 a bug or a fault of AWS.
    """
    if (wheels or index_url or platform) and not python:
        raise UserError(
            "--wheels, --index-url and --platform are for a build from wheels: name its Python by --python."
        )
    require_extra("functions", what="Building a runtime bundle")
    # A wrong stack is refused before the build, which takes minutes.
    bucket = command.services().runtimes if command.options.names_a_place else None
    began = command.clock()
    with command.output.steps("Building the runtime", keep=True) as report:
        built = _build(name, output, level, model or [], python, platform, wheels, index_url or [], report)
    _tell(command.output, built, command.clock() - began)
    if bucket is not None:
        _upload(command.output, bucket, built)


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
    # Building needs packages that not every installation has.
    from model_tools.bundling.build import build_runtime  # noqa: PLC0415
    from model_tools.bundling.build_for import build_runtime_for  # noqa: PLC0415
    from model_tools.bundling.cache import cached_runtime  # noqa: PLC0415
    from model_tools.bundling.clean_python import here  # noqa: PLC0415
    from model_tools.bundling.wheels import WheelTarget  # noqa: PLC0415

    if python is not None:
        target = WheelTarget(python, platform or f"manylinux_2_28_{here()[1]}")
        return build_runtime_for(
            name, output, target, level=level, wheels=wheels, indexes=indexes, models=models, report=report
        )
    if models:
        return build_runtime(name, output, level=level, models=models, report=report)
    return cached_runtime(name, level=level, report=report).copied_to(output)


def _tell(output: CommandOutput, built: "BuiltRuntime", seconds: float) -> None:
    reference = built.reference
    output.say(
        f"built {built.bundle} in {duration(seconds)}: Python {reference.python} on {reference.platform}",
        style="bold green",
    )
    versions = ", ".join(f"{package} {version}" for package, version in sorted(reference.packages.items()))
    for what, part in (("serving", reference.serving), ("whole", reference.part("whole"))):
        output.say(f"  {what:<8}{size_text(part.size):>9}, {size_text(part.unpacked_size)} unpacked")
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


def _upload(output: CommandOutput, bucket: RuntimeBucket, built: "BuiltRuntime") -> None:
    missing = bucket.missing(built)
    total = sum(upload.size for upload in missing)
    with output.bytes_progress(f"uploading {built.bundle.name[:12]}…", total) as progress:
        stored = bucket.publish(built, missing, progress=progress)
    there = "" if missing else " (it was there already)"
    output.say(f"{stored.uri} is the {stored.name} runtime of the next publications{there}")
    output.emit({"event": "current", "name": stored.name, "uri": stored.uri, "uploaded_bytes": total})
