"""`python -m emulator`: AWS on this machine until it is told to stop."""

import argparse
import json
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from emulator.account import ACCOUNT_ID, REGION
from emulator.errors import EmulatorError
from emulator.server import Emulator

_REFUSED = 2
"""The exit code for an input that the emulator refuses."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM; return the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message)s")
    logging.captureWarnings(capture=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        _run(options)
    except _StopRequested:
        return 0
    except EmulatorError as error:
        print(f"emulator: {' '.join(str(error).split())}", file=sys.stderr)  # noqa: T201 - the command's answer
        return _REFUSED
    return 0


class _StopRequested(BaseException):
    """The user has asked for the end. It is no Exception, so that it ends a deployment as well."""


def _stop(*_: object) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # cleaning up is not to be interrupted
    raise _StopRequested


def _run(options: argparse.Namespace) -> None:
    parameters = dict(_parameter(text) for text in options.parameter)
    if parameters and options.template is None:
        raise EmulatorError("--parameter is given without --template: name the template that it is for")
    with Emulator(port=options.port, time_scale=options.time_scale, preinstalled=options.preinstalled) as emulator:
        outputs: dict[str, str] = {}
        if options.template is not None:
            outputs = emulator.deploy(options.template, stack_name=options.stack_name, parameters=parameters)
        ready = {
            "endpoint_url": emulator.endpoint_url,
            "region": REGION,
            "account_id": ACCOUNT_ID,
            "stack_name": options.stack_name,
            "outputs": outputs,
            "local_urls": emulator.local_urls(options.stack_name),
        }
        print(json.dumps(ready), flush=True)  # noqa: T201 - the line that the caller waits for
        threading.Event().wait()


def _parameter(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise EmulatorError(f"--parameter {text}: write it as Name=value")
    return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=4566, help="port on 127.0.0.1; 0 takes a free one (4566)")
    parser.add_argument("--time-scale", type=float, default=1.0, help="how many times faster waits pass (1)")
    parser.add_argument("--template", type=Path, help="SAM template to deploy before it is ready")
    parser.add_argument("--stack-name", default="model-tools", help="name of the stack (model-tools)")
    parser.add_argument(
        "--parameter", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the template; repeatable"
    )
    parser.add_argument(
        "--preinstalled",
        action="append",
        default=[],
        metavar="NAME",
        help="a distribution that functions find installed, as in a container image; repeatable",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
