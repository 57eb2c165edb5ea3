"""Every kind of task is known from its spec alone: it can be loaded, is documented, and no two are mixed up."""

import importlib
import inspect
from pathlib import Path

import pytest

import model_tools.tasks
from model_tools.formats.manifest import SHARED_SECTIONS, Manifest
from model_tools.tasks.registry import SPECS
from model_tools.tasks.spec import TaskSpec

TASKS = Path(model_tools.tasks.__file__).parent
REFERENCE = TASKS.parents[1] / "docs" / "reference"
each_kind = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)


def test_every_package_with_a_spec_is_registered() -> None:
    packages = {path.parent.name for path in TASKS.glob("*/spec.py")}

    assert {name.replace("-", "_") for name in SPECS} == packages


@each_kind
def test_what_serves_a_task_stands_in_its_package_and_is_made_alike(spec: TaskSpec) -> None:
    module, _, name = spec.serve.partition(":")
    serve = getattr(importlib.import_module(module), name)

    assert module == f"model_tools.tasks.{spec.name.replace('-', '_')}.serve"
    assert list(inspect.signature(serve).parameters) == ["files", "model", "fetch"]


@each_kind
def test_a_spec_names_only_parts_that_a_manifest_has(spec: TaskSpec) -> None:
    assert spec.sections <= set(SHARED_SECTIONS)
    assert set(spec.required) <= {*Manifest.model_fields, spec.settings_name}
    assert (spec.settings is None) == (spec.settings_name is None)


def test_no_two_tasks_share_a_section_of_their_own() -> None:
    names = [spec.settings_name for spec in SPECS.values() if spec.settings_name]

    assert len(set(names)) == len(names)
    assert not {*names} & set(Manifest.model_fields)


def test_only_answers_that_are_compared_allow_decoding_at_reduced_size() -> None:
    assert {name for name, spec in SPECS.items() if spec.reduced_decoding} == {"image-classification", "embedding"}


def test_only_code_of_a_models_own_needs_the_whole_bundle() -> None:
    assert {name for name, spec in SPECS.items() if spec.bundle_part == "whole"} == {"custom"}


@each_kind
def test_the_manifest_page_describes_a_task_and_its_own_section(spec: TaskSpec) -> None:
    text = (REFERENCE / "manifest.md").read_text()
    fields = [spec.name, spec.settings_name, *(spec.settings.model_fields if spec.settings else ())]

    assert [field for field in fields if field and f"`{field}`" not in text] == []


@each_kind
def test_the_page_on_requests_describes_every_option(spec: TaskSpec) -> None:
    text = (REFERENCE / "inference.md").read_text()

    assert [option for option in spec.options if f"`{option}`" not in text and f'"{option}"' not in text] == []
