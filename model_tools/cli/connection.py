"""The options that say where a command runs, and the services that it finds there."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import typer

from model_tools.aws.connection import AwsTarget, Connection
from model_tools.aws.executions import Executions
from model_tools.aws.faults import for_people
from model_tools.aws.functions import LambdaFunction
from model_tools.aws.objects import ObjectStore
from model_tools.aws.registry import Registry
from model_tools.aws.runtimes import RuntimeBucket
from model_tools.aws.stack import Stack, read_stack
from model_tools.aws.uploads import UploadBucket
from model_tools.cli.errors import UserError
from model_tools.cli.local_state import find_emulator, state_path

PANEL = "Where to run"
"""The heading of these options in a command's help."""
DEFAULT_STACK = "model-tools"


@dataclass(frozen=True)
class ConnectionOptions:
    """The options that say where a command runs; each is declared here alone, for every command that has it."""

    endpoint_url: Annotated[
        str | None,
        typer.Option(
            help="Talk to this address instead of AWS, such as http://127.0.0.1:4566 (env: AWS_ENDPOINT_URL).",
            metavar="URL",
            rich_help_panel=PANEL,
        ),
    ] = None
    region: Annotated[
        str | None,
        typer.Option(
            help="AWS region (env: AWS_REGION; default: the profile's).", metavar="REGION", rich_help_panel=PANEL
        ),
    ] = None
    profile: Annotated[
        str | None,
        typer.Option(
            help="Profile of your AWS configuration (env: AWS_PROFILE).", metavar="PROFILE", rich_help_panel=PANEL
        ),
    ] = None
    stack: Annotated[
        str | None,
        typer.Option(
            help=f"The deployed stack (env: MODEL_TOOLS_STACK; default: {DEFAULT_STACK}).",
            metavar="NAME",
            rich_help_panel=PANEL,
        ),
    ] = None
    local: Annotated[
        bool,
        typer.Option(
            "--local", help="Use the emulator that `model-tools local up` runs on this machine.", rich_help_panel=PANEL
        ),
    ] = False

    @property
    def names_a_place(self) -> bool:
        """Tell whether the user named a place to run, rather than leaving it to the defaults."""
        return bool(self.stack or self.local or self.endpoint_url)

    def to_arguments(self) -> str:
        """Return the options as they are typed into a shell, for commands that a message tells the user to run."""
        named = {
            "--endpoint-url": self.endpoint_url,
            "--region": self.region,
            "--profile": self.profile,
            "--stack": self.stack,
        }
        words = [f"{name} {shlex.quote(value)}" for name, value in named.items() if value] + ["--local"] * self.local
        return " ".join(["", *words])


@dataclass(frozen=True)
class Services:
    """A deployed stack, and an adapter for each service that it is made of."""

    stack: Stack
    executions: Executions
    function: LambdaFunction
    registry: Registry
    uploads: UploadBucket
    runtimes: RuntimeBucket
    is_local: bool = False


def connect(options: ConnectionOptions, environ: Mapping[str, str]) -> Services:
    """Return the services of the stack that the options and the environment name."""
    target, stack_name = find_target(options, environ)
    connection = Connection(target, environ=environ)
    stack = read_stack(connection.client("cloudformation"), stack_name)
    store = ObjectStore(connection.client("s3"), errors=for_people)
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
        uploads=UploadBucket(store, stack.checkpoints_bucket),
        runtimes=RuntimeBucket(store, stack.artifacts_bucket),
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
