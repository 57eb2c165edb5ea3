"""template.yaml as plain data, with CloudFormation's short tags as their long forms."""

from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

TEMPLATE = Path(__file__).parents[3] / "template.yaml"


@cache
def load_template() -> dict[str, Any]:
    return yaml_parse(TEMPLATE.read_text())
