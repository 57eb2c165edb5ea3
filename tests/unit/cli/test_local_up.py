"""`local up` against stand-ins for the emulator that keep its contract: one line when ready, then silence."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from model_tools.cli.emulator_process import check_that_it_can_run
from model_tools.cli.errors import UserError
from model_tools.cli.local import find_template
from model_tools.cli.local_runtimes import INSTALLED_IN_IMAGES, is_cuda_build
from model_tools.cli.local_state import RunningEmulator, state_path, write_state
from model_tools.cli.main import run
from tests.support.fakes.aws_services import FakeStack

STAND_IN = """
import json, os, signal, socket, sys
from pathlib import Path
server = socket.create_server(("127.0.0.1", 0))
Path(os.environ["TRACE"]).write_text(json.dumps({"pid": os.getpid(), "arguments": sys.argv[1:]}))
outputs = {"PublishStateMachineArn": "arn:machine", "InferenceFunctionName": "inference"}
ready = {"endpoint_url": f"http://127.0.0.1:{server.getsockname()[1]}", "region": "us-east-1",
         "account_id": "123456789012", "stack_name": "mine", "outputs": outputs,
         "local_urls": {"HttpApiUrl": "http://api.localhost/invocations"}}
print(json.dumps(ready), flush=True)
"""
STAYING = "signal.pause()"
STUBBORN = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: signal.pause()"
DYING = "sys.exit(3)"


@pytest.fixture
def place(tmp_path):
    """A folder to run in, with a template and a stand-in for the emulator."""
    (tmp_path / "template.yaml").write_text("Resources: {}")
    return tmp_path


def stand_in(place: Path, code: str) -> dict[str, str]:
    package = place / "python" / "emulator"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(code)
    root = str(Path(__file__).parents[3])
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(place / "python"), root]),
        "XDG_RUNTIME_DIR": str(place / "runtime"),
        "TRACE": str(place / "trace.json"),
    }


def start(place: Path, environ: dict[str, str], *options: str) -> subprocess.Popen:
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from model_tools.cli.main import main; main()",
            "local",
            "up",
            "--port",
            "0",
            "--lane",
            "image",
            *options,
        ],
        cwd=place,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def read_until(process: subprocess.Popen, text: str) -> str:
    read = ""
    for line in process.stdout:
        read += line
        if text in line:
            return read
    pytest.fail(f"{text!r} never came; it said {read!r} and {process.stderr.read()!r}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_prints_how_to_use_the_emulator_and_leaves_nothing_behind(place, number):
    environ = stand_in(place, STAND_IN + STAYING)
    process = start(place, environ, "--time-scale", "60", "--parameter", "RetainedVersions=5", "--stack", "mine")
    said = read_until(process, "Ctrl-C stops it")
    traced = json.loads((place / "trace.json").read_text())
    state = json.loads(state_path(environ).read_text())
    process.send_signal(number)
    rest, _ = process.communicate(timeout=20)

    assert process.returncode == 0
    assert "stopped" in rest
    assert traced["arguments"] == [
        *("--port", "0", "--time-scale", "60", "--stack-name", "mine"),
        *("--template", str(place / "template.yaml"), "--parameter", "RetainedVersions=5"),
        *(part for name in INSTALLED_IN_IMAGES for part in ("--preinstalled", name)),
    ]
    assert "--user local:local -d '{…}' http://api.localhost/invocations" in said
    assert state["endpoint_url"] in said
    assert "model-tools publish FOLDER --local" in said
    assert f"--endpoint-url {state['endpoint_url']} --state-machine-arn arn:machine" in said
    assert (state["stack_name"], state["pid"]) == ("mine", traced["pid"])
    assert is_gone(traced["pid"])
    assert not state_path(environ).parent.exists()


def test_for_machines_there_is_one_line_when_it_is_ready(place):
    process = start(place, stand_in(place, STAND_IN + STAYING), "--json")
    ready = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=20)

    assert ready["outputs"]["InferenceFunctionName"] == "inference"
    assert rest == ""


def test_an_emulator_that_does_not_want_to_stop_is_killed_by_a_second_ctrl_c(place):
    process = start(place, stand_in(place, STAND_IN + STUBBORN))
    read_until(process, "Ctrl-C stops it")
    pid = json.loads((place / "trace.json").read_text())["pid"]
    while process.poll() is None:  # each is a Ctrl-C more; the first may come before the stopping began
        process.send_signal(signal.SIGINT)
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            continue

    assert is_gone(pid)


def test_an_emulator_that_ends_by_itself_is_a_fault(place):
    environ = stand_in(place, STAND_IN + DYING)
    process = start(place, environ)
    _, told = process.communicate(timeout=20)

    assert process.returncode == 2
    assert "ended by itself (exit code 3)" in told
    assert not state_path(environ).exists()


@pytest.mark.parametrize(
    ("code", "exit_code", "told"),
    [
        pytest.param(
            "import sys; print('emulator: no such parameter', file=sys.stderr); sys.exit(2)",
            1,
            "it says above why",
            id="refuses",
        ),
        pytest.param("raise ZeroDivisionError", 2, "broke while it started", id="breaks"),
        pytest.param("print('hello', flush=True)", 2, "said 'hello", id="says something else"),
    ],
)
def test_an_emulator_that_does_not_start_says_whose_fault_it_is(place, code, exit_code, told):
    process = start(place, stand_in(place, code))
    _, said = process.communicate(timeout=20)

    assert process.returncode == exit_code
    assert told in said


def test_a_taken_port_is_told_before_anything_starts():
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(UserError, match=r"is taken .* --port"):
        check_that_it_can_run(server.getsockname()[1])


def test_a_second_emulator_is_refused(tmp_path, capsys):
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        write_state(state_path(environ), RunningEmulator(url, "us-east-1", "mine", os.getpid()))

        assert run(["local", "up"], FakeStack().command(environ=environ)) == 1
    assert f"runs already at {url}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--parameter", "novalue"], "KEY=VALUE"),
        (["--time-scale", "0"], "greater than 0"),
        (["--template", "/nowhere.yaml"], "no template at /nowhere.yaml"),
    ],
)
def test_an_option_that_cannot_be_is_refused(tmp_path, options, told, capsys):
    command = FakeStack().command(environ={"XDG_RUNTIME_DIR": str(tmp_path)})

    assert run(["local", "up", *options], command) == 1
    assert told in capsys.readouterr().err


def test_the_template_here_wins_over_the_repositorys(place, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(place)
    assert find_template(None) == place / "template.yaml"
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert find_template(None).name == "template.yaml"
    assert (find_template(None).parent / "model_tools").is_dir()


def test_a_torch_that_no_function_could_hold_is_told_by_what_it_requires():
    assert is_cuda_build(["sympy>=1.13", 'nvidia-cublas; platform_system == "Linux"'])
    assert not is_cuda_build(["sympy>=1.13", "numpy; extra == 'numpy'"])
