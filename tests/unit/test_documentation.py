"""What can be set or happen is documented."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from model_tools import errors
from model_tools.formats import manifest
from model_tools.formats import sections as manifest_sections


def is_section(value: object) -> bool:
    base = manifest_sections.Section
    return isinstance(value, type) and issubclass(value, base) and value is not base


DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    "section",
    [manifest.Manifest, *(s for s in vars(manifest_sections).values() if is_section(s))],
)
def test_every_field_of_the_manifest_is_described(section: type[BaseModel]) -> None:
    text = (DOCS / "reference" / "manifest.md").read_text()

    assert [name for name in section.model_fields if f"`{name}`" not in text] == []


def test_every_error_is_described() -> None:
    text = (DOCS / "reference" / "errors.md").read_text()
    names = [
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.PublishError) and kind is not errors.PublishError
    ]

    assert len(names) > 10
    assert [name for name in names if f"`{name}`" not in text] == []


def test_every_parameter_of_the_template_is_described() -> None:
    text = (DOCS / "how-to" / "deploy-to-aws.md").read_text()
    parameters = (DOCS.parent / "template.yaml").read_text().split("\nParameters:")[1].split("\nRules:")[0]

    assert [name for name in yaml.safe_load(parameters) if f"`{name}`" not in text] == []


def test_every_publish_yaml_in_the_readme_is_a_valid_manifest() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (DOCS.parent / "README.md").read_text(), re.DOTALL)

    assert [manifest.parse_manifest(block).name for block in blocks] == [
        "digits", "price", "wine", "numbers", "dates", "domains",
    ]  # fmt: skip


def test_the_readme_names_every_command() -> None:
    text = (DOCS.parent / "README.md").read_text()

    for command in ("local up", "plan", "publish", "watch", "invoke", "releases", "runtime build"):
        assert f"model-tools {command}" in text
