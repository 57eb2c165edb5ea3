"""The tables of states.md, made from the state machines' definitions.

`python -m tests.support.documentation.state_tables`, in the root of the repository, writes them anew.
"""

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "reference" / "states.md"
DEFINITIONS = ROOT / "statemachine"
TABLE = re.compile(r"(<!-- states of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
FUNCTION = re.compile(r"\$\{(\w+)FunctionArn\}")


def states_of(machine: str) -> dict[str, dict[str, Any]]:
    """Return a state machine's states by their names, in the order of the definition."""
    return json.loads((DEFINITIONS / f"{machine}.asl.json").read_text(encoding="utf-8"))["States"]


def with_tables(page: str) -> str:
    """Return the text of states.md with the tables that the definitions ask for."""
    return TABLE.sub(lambda found: f"{found[1]}\n{_table(found[2])}\n{found[3]}", page)


def _table(machine: str) -> str:
    rows = [
        f"| `{name}` | {_kind(state)} | {state['Comment'].replace('|', chr(92) + '|')} |"
        for name, state in states_of(machine).items()
    ]
    return "\n".join(["| state | kind | what it does |", "|---|---|---|", *rows, ""])


def _kind(state: dict[str, Any]) -> str:
    """Return what a state calls, if it calls anything, else its type."""
    if state["Type"] != "Task":
        return str(state["Type"]).lower()
    if function := FUNCTION.fullmatch(str(state["Parameters"].get("FunctionName", ""))):
        return f"function `{re.sub(r'(?<!^)(?=[A-Z])', '_', function[1]).lower()}`"
    return f"`{':'.join(state['Resource'].split(':')[-2 - state['Resource'].endswith(':2') :])}`"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
