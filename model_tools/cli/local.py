"""`model-tools local up`: AWS on this machine, in the foreground."""

import re
import shlex
import signal
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

import model_tools
from model_tools.cli.command import Command, with_output_options
from model_tools.cli.connection import DEFAULT_STACK
from model_tools.cli.emulator_process import EmulatorProcess, ReadyMessage, check_that_it_can_run
from model_tools.cli.errors import UserError
from model_tools.cli.local_runtimes import bring_runtimes, build_runtimes, installed_instead
from model_tools.cli.local_state import RunningEmulator, remove_state, running_emulator, state_path, write_state
from model_tools.cli.output import CommandOutput

DEFAULT_PORT = 4566
"""The port that LocalStack listens on, too: what is set up for the one finds the other."""
TEMPLATE = "template.yaml"
"""The name of the SAM template."""
PARAMETER = re.compile(r"[A-Za-z0-9]+=.*", re.DOTALL)
"""A template's parameter as it is typed."""

app = typer.Typer(no_args_is_help=True)

PortOption = Annotated[
    int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535, metavar="NUMBER")
]
TimeScaleOption = Annotated[
    float,
    typer.Option(
        help="How many times faster waiting passes: with 60, five minutes of baking take five seconds.",
        metavar="FACTOR",
    ),
]
TemplateOption = Annotated[
    Path | None,
    typer.Option(
        help="SAM template to deploy (default: ./template.yaml, or the one of the repository).", metavar="PATH"
    ),
]
ParameterOption = Annotated[
    list[str] | None,
    typer.Option("--parameter", help="A parameter of the template; repeat it for more.", metavar="KEY=VALUE"),
]
LaneOption = Annotated[
    Literal["bundle", "image"],
    typer.Option(
        help="bundle: functions find torch in a runtime bundle, as zip functions on AWS do; it is built once. image: "
        "they find it installed, as in a container image; starts sooner, proves less."
    ),
]
StackOption = Annotated[str, typer.Option("--stack", help="Name of the stack to deploy.", metavar="NAME")]


@app.callback()
def local() -> None:
    """Run AWS on this machine: no account, no Docker.

    For example:

        model-tools local up

    Exit code: 0 stopped by Ctrl-C, 1 it could not start, 2 it broke.
    """


@app.command()
@with_output_options
def up(
    command: Command,
    *,
    port: PortOption = DEFAULT_PORT,
    time_scale: TimeScaleOption = 1.0,
    template: TemplateOption = None,
    parameter: ParameterOption = None,
    stack: StackOption = DEFAULT_STACK,
    lane: LaneOption = "bundle",
) -> None:
    """Start the emulator, deploy the stack to it, and keep it running until Ctrl-C.

    It keeps everything in memory. Other commands find it with --local, AWS clients by its endpoint.

    For example:

        model-tools local up

        model-tools local up --time-scale 60 --parameter RetainedVersions=5

        model-tools local up --lane image

    Exit code: 0 stopped by Ctrl-C, 1 it could not start, 2 it broke.
    """
    path = state_path(command.environ)
    if running := running_emulator(path):
        raise UserError(
            f"An emulator runs already at {running.endpoint_url} (process {running.pid}): use it with --local, or stop "
            "it first."
        )
    if time_scale <= 0:
        raise UserError(f"--time-scale is {time_scale:g}: give a number greater than 0.")
    arguments = ["--port", str(port), "--time-scale", f"{time_scale:g}", "--stack-name", stack]
    arguments += ["--template", str(find_template(template))]
    for pair in parameter or []:
        if not PARAMETER.fullmatch(pair):
            raise UserError(f"--parameter {pair!r} is not of the form KEY=VALUE.")
        arguments += ["--parameter", pair]
    check_that_it_can_run(port)
    runtimes = build_runtimes(command.output) if lane == "bundle" else []
    arguments += [] if lane == "bundle" else installed_instead()
    _end_like_ctrl_c(signal.SIGINT)  # a shell makes commands in the background ignore it
    _end_like_ctrl_c(signal.SIGTERM)
    if hasattr(signal, "SIGHUP"):
        _end_like_ctrl_c(signal.SIGHUP)  # sent when the terminal is closed
    try:
        with EmulatorProcess(arguments, environ=command.environ) as emulator:
            with command.output.steps("Starting the emulator and deploying the stack"):
                ready = emulator.wait_until_ready()
                bring_runtimes(runtimes, ready, environ=command.environ)
            _run(emulator, ready, path, command.output)
    except KeyboardInterrupt:
        command.output.say("stopped; nothing is left of it")


def find_template(given: Path | None) -> Path:
    """Return the template to deploy: the one given, the one here, or the one beside this package.

    Raises UserError when there is none.
    """
    places = [given] if given else [Path(TEMPLATE), Path(model_tools.__file__).parent.parent / TEMPLATE]
    for place in places:
        if place.is_file():
            return place.resolve()
    raise UserError(f"There is no template at {' or '.join(map(str, places))}: name one with --template.")


def _run(emulator: EmulatorProcess, ready: ReadyMessage, path: Path, output: CommandOutput) -> None:
    write_state(path, RunningEmulator(ready.endpoint_url, ready.region, ready.stack_name, emulator.pid))
    try:
        output.emit({**asdict(ready), "pid": emulator.pid})
        _explain(ready, output)
        emulator.wait()
    finally:
        remove_state(path, emulator.pid)


def _explain(ready: ReadyMessage, output: CommandOutput) -> None:
    endpoint = f"--endpoint-url {ready.endpoint_url}"
    machine = ready.outputs.get("PublishStateMachineArn", "ARN")
    function = ready.outputs.get("InferenceFunctionName", "FUNCTION")
    bucket = ready.outputs.get("CheckpointsBucketName", "BUCKET")
    request = shlex.quote(f'{{"model_uri": "s3://{bucket}/FOLDER/"}}')
    output.say(
        f"AWS on this machine: {ready.endpoint_url} (account {ready.account_id}, {ready.region}, stack "
        f"{ready.stack_name})",
        style="bold green",
    )
    output.say()
    width = max(map(len, ready.outputs), default=0)
    for name, value in sorted(ready.outputs.items()):
        output.say(f"  {name:<{width}}  {ready.local_urls.get(name, value)}")
    lines = (
        "",
        "Publish a model and ask it:",
        "  model-tools publish FOLDER --local",
        "  model-tools invoke --image FILE --local",
        "  model-tools releases --local",
        "",
        "Or with any AWS client:",
        f"  export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_DEFAULT_REGION={ready.region}",
        f"  aws s3 cp --recursive {endpoint} FOLDER s3://{bucket}/FOLDER/",
        f"  aws stepfunctions start-execution {endpoint} --state-machine-arn {machine} --input {request}",
        f"  aws lambda invoke {endpoint} --function-name {function}:live --payload fileb://EVENT.json ANSWER.json",
        "",
        *_over_http(ready),
        "Ctrl-C stops it; it keeps nothing.",
    )
    for line in lines:
        output.say(line)


def _over_http(ready: ReadyMessage) -> tuple[str, ...]:
    if "HttpApiUrl" not in ready.local_urls:
        return ()
    signed = f"--aws-sigv4 aws:amz:{ready.region}:execute-api --user local:local "
    return (
        "Or over HTTP, signed unless --parameter HttpApiAuthorization=NONE:",
        f"  curl {signed}-d '{{…}}' {ready.local_urls['HttpApiUrl']}",
        "",
    )


def _end_like_ctrl_c(signal_number: int) -> None:
    signal.signal(signal_number, signal.default_int_handler)
