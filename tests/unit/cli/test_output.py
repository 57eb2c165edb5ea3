import io
import json
import re

import pytest
from rich.console import Console

from model_tools.cli.output import CommandOutput, duration


def run_steps(output: CommandOutput, *, keep: bool) -> None:
    with output.steps("Building the runtime", keep=keep) as report:
        report("packing")
        report("not stripped: libodd.so")


@pytest.mark.parametrize("keep", [True, False])
def test_the_steps_of_a_long_task_are_lines_in_a_log(keep, capsys):
    run_steps(CommandOutput(), keep=keep)

    assert capsys.readouterr().out.splitlines() == ["packing", "not stripped: libodd.so"]


def test_the_steps_of_a_long_task_are_events_for_a_machine(capsys):
    run_steps(CommandOutput(as_json=True), keep=True)

    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"event": "step", "text": "packing"},
        {"event": "step", "text": "not stripped: libodd.so"},
    ]


@pytest.mark.parametrize(
    ("keep", "lines"),
    [pytest.param(True, ["packing", "not stripped: libodd.so"], id="kept"), pytest.param(False, [], id="not kept")],
)
def test_on_a_terminal_steps_stay_only_where_they_are_to_be_read_afterwards(keep, lines):
    output = CommandOutput()
    output.console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=80)

    run_steps(output, keep=keep)

    # The spinner's own lines end with "…"; cursor movements part them from the steps.
    printed = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "\n", output.console.file.getvalue())
    assert [line for line in printed.splitlines() if line in ("packing", "not stripped: libodd.so")] == lines


def test_durations_read_as_people_write_them():
    assert [duration(seconds) for seconds in (0.04, 9.94, 12.4, 59.4, 60, 3725)] == [
        "0.0 s",
        "9.9 s",
        "12 s",
        "59 s",
        "1 min 00 s",
        "62 min 05 s",
    ]
