"""The options that every command has, and the services behind them."""

import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

import typer

from model_tools.aws.connection import AwsTarget, Connection
from model_tools.aws.executions import Executions
from model_tools.aws.faults import for_people
from model_tools.aws.functions import LambdaFunction
from model_tools.aws.objects import ObjectStore
from model_tools.aws.registry import Registry
from model_tools.aws.stack import Stack, read_stack
from model_tools.aws.uploads import UploadBucket
from model_tools.cli.errors import UserError
from model_tools.cli.local_state import find_emulator, state_path
from model_tools.cli.output import Output

WHERE = "Where to run"
SHAPE = "Output"
DEFAULT_STACK = "model-tools"

EndpointUrl = Annotated[
    str | None,
    typer.Option(
        help="Talk to this address instead of AWS, such as http://127.0.0.1:4566 (env: AWS_ENDPOINT_URL).",
        metavar="URL",
        rich_help_panel=WHERE,
    ),
]
Region = Annotated[
    str | None,
    typer.Option(help="AWS region (env: AWS_REGION; default: the profile's).", metavar="REGION", rich_help_panel=WHERE),
]
Profile = Annotated[
    str | None,
    typer.Option(
        help="Profile of your AWS configuration (env: AWS_PROFILE).", metavar="PROFILE", rich_help_panel=WHERE
    ),
]
StackName = Annotated[
    str | None,
    typer.Option(
        help=f"The deployed stack (env: MODEL_TOOLS_STACK; default: {DEFAULT_STACK}).",
        metavar="NAME",
        rich_help_panel=WHERE,
    ),
]
Local = Annotated[
    bool,
    typer.Option(
        "--local", help="Use the emulator that `model-tools local up` runs on this machine.", rich_help_panel=WHERE
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON for machines instead of words.", rich_help_panel=SHAPE)
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback when something fails.", rich_help_panel=SHAPE)]


@dataclass(frozen=True)
class ConnectionOptions:
    """What a command was told of where to run."""

    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    stack: str | None = None
    local: bool = False

    def to_arguments(self) -> str:
        """Return the options as they are typed, for commands that a user is told to run."""
        named = {
            "--endpoint-url": self.endpoint_url,
            "--region": self.region,
            "--profile": self.profile,
            "--stack": self.stack,
        }
        words = [f"{name} {value}" for name, value in named.items() if value] + ["--local"] * self.local
        return " ".join(["", *words])


@dataclass(frozen=True)
class Services:
    """A deployed stack and what can be asked of it."""

    stack: Stack
    executions: Executions
    function: LambdaFunction
    registry: Registry
    uploads: UploadBucket
    is_local: bool = False


def connect(options: ConnectionOptions, environ: Mapping[str, str]) -> Services:
    """Return the services of the stack that the options and the environment name."""
    target, stack_name = find_target(options, environ)
    connection = Connection(target, environ=environ)
    stack = read_stack(connection.client("cloudformation"), stack_name)
    return Services(
        stack=stack,
        executions=Executions(connection.client("stepfunctions"), stack.publish_state_machine, errors=for_people),
        function=LambdaFunction(
            connection.client("lambda"),
            stack.function,
            errors=for_people,
            # A call is never repeated by itself: it may have been answered, and it may wait for minutes.
            invoking_client=connection.client("lambda", once=True),
        ),
        registry=Registry(connection.client("dynamodb"), stack.registry_table, stack.function, errors=for_people),
        uploads=UploadBucket(ObjectStore(connection.client("s3"), errors=for_people), stack.checkpoints_bucket),
        is_local=target.is_local,
    )


def find_target(options: ConnectionOptions, environ: Mapping[str, str]) -> tuple[AwsTarget, str]:
    """Return where to connect and the stack's name. Raises UserError when --local finds no emulator."""
    if options.local:
        if options.endpoint_url:
            raise UserError("--local and --endpoint-url name two places: give one of them.")
        emulator = find_emulator(state_path(environ))
        region = options.region or emulator.region
        return AwsTarget(emulator.endpoint_url, region, options.profile), options.stack or emulator.stack_name
    target = AwsTarget(
        endpoint_url=options.endpoint_url or environ.get("AWS_ENDPOINT_URL") or None,
        region=options.region or environ.get("AWS_REGION") or None,
        profile=options.profile,
    )
    return target, options.stack or environ.get("MODEL_TOOLS_STACK") or DEFAULT_STACK


@dataclass
class Command:
    """One run of the command line: its surroundings, which tests replace, and how it prints."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    token: Callable[[], str] = lambda: secrets.token_hex(2)
    connect: Callable[[ConnectionOptions, Mapping[str, str]], Services] = connect
    output: Output = field(default_factory=Output)
    debug: bool = False
    options: ConnectionOptions = ConnectionOptions()

    def services(self) -> Services:
        """Connect to where the options say."""
        return self.connect(self.options, self.environ)


def begin(
    ctx: typer.Context,
    *,
    as_json: bool,
    debug: bool,
    endpoint_url: str | None = None,
    region: str | None = None,
    profile: str | None = None,
    stack: str | None = None,
    local: bool = False,
) -> Command:
    """Return this run's command, set up as its options say. Nothing is connected yet."""
    command = ctx.ensure_object(Command)
    command.output = Output(as_json=as_json)
    command.debug = debug
    command.options = ConnectionOptions(endpoint_url, region, profile, stack, local)
    return command
