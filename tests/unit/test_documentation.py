"""What can be set, asked for or happen is documented, and what the documentation shows is there."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

import model_tools
from model_tools import errors
from model_tools.aws.faults import for_workflow
from model_tools.aws.registry import Registry
from model_tools.formats.execution_input import (
    PublishRequest,
    RetrainRequest,
    Rollout,
    parse_request,
    parse_retrain_request,
)
from model_tools.formats.manifest import Manifest
from model_tools.formats.samples import Expectation, Sample
from model_tools.formats.sections import Section
from model_tools.release.lease import Claim, Lease
from model_tools.tasks.manifests import SETTINGS
from model_tools.tasks.registry import SPECS
from tests.support.definitions.template import load_template
from tests.support.documentation.commands import all_commands, problems_of, shown_commands
from tests.support.documentation.pages import (
    DOCS,
    PAGES,
    ROOT,
    anchors,
    blocks,
    described,
    links,
    name_of,
    page,
    prose,
    section,
)
from tests.support.documentation.state_tables import DEFINITIONS, states_of, with_tables
from tests.support.manifests import parse_manifest

MACHINES = sorted(path.name.split(".")[0] for path in DEFINITIONS.glob("*.asl.json"))
DECISIONS = sorted((DOCS / "explanation" / "decisions").glob("0*.md"))

each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: name_of(path).replace("/", " "))


def names_in(model: type[BaseModel]) -> set[str]:
    """Return the names of a model's fields as they are written."""
    return {field.alias or name for name, field in model.model_fields.items()}


def sections_of_the_manifest() -> Iterator[tuple[str, type[Section]]]:
    """Yield every section of publish.yaml with the field that holds it."""
    for name, field in Manifest.model_fields.items():
        waiting: list[Any] = [field.annotation]
        while waiting:
            kind = waiting.pop()
            waiting += get_args(kind)
            if isinstance(kind, type) and issubclass(kind, Section):
                yield name, kind
    for spec in SPECS.values():
        if spec.settings_name and spec.settings:
            yield spec.settings_name, spec.settings


SECTIONS = list(sections_of_the_manifest())


# ---- the manifest, samples and tasks


def test_all_sections_of_the_manifest_are_looked_at() -> None:
    assert {kind for _, kind in SECTIONS} == set(Section.__subclasses__()) - {Manifest}


def test_every_field_of_the_manifest_is_described() -> None:
    top = page("reference/manifest.md").split("\n## ")[0]

    own = {spec.settings_name for spec in SPECS.values() if spec.settings_name}

    assert (names_in(Manifest) - {SETTINGS} | own) - described(top) == set()


@pytest.mark.parametrize(("field", "kind"), SECTIONS)
def test_every_field_of_a_section_is_described_under_its_name(field: str, kind: type[Section]) -> None:
    assert names_in(kind) - described(section(page("reference/manifest.md"), field)) == set()


def test_what_a_sample_may_say_is_described() -> None:
    text = section(page("reference/manifest.md"), "samples")

    assert names_in(Expectation) - described(text) == set()
    assert {name for name in names_in(Sample) if f"`{name}`" not in text} == set()


@pytest.mark.parametrize("task", SPECS)
def test_every_kind_of_task_is_described_shown_and_has_its_requests(task: str) -> None:
    shown = section(page("how-to/publish-each-kind.md"), task)

    assert task in described(section(page("reference/manifest.md"), "task"))
    assert section(page("reference/inference.md"), task)
    assert parse_manifest(blocks(shown, "yaml")[0]).task == task


@pytest.mark.parametrize(
    "path",
    [ROOT / "README.md", *sorted((DOCS / "how-to").glob("*.md"))],
    ids=lambda path: name_of(path).replace("/", " "),
)
def test_a_manifest_that_is_shown_is_that_of_an_example(path: Path) -> None:
    for block in blocks(path.read_text(encoding="utf-8"), "yaml"):
        if "checkpoint:" in block:
            shown = parse_manifest(block)
            assert shown == parse_manifest((ROOT / "examples" / shown.name / "publish.yaml").read_text())


# ---- what a publication is asked for, and what it ends with


@pytest.mark.parametrize(
    ("heading", "kind"), [("publish_model", PublishRequest), ("retrain_model", RetrainRequest), ("rollout", Rollout)]
)
def test_every_field_of_an_executions_input_is_described(heading: str, kind: type[BaseModel]) -> None:
    assert names_in(kind) - described(section(page("reference/execution-input.md"), heading)) == set()


def test_the_defaults_of_a_rollout_are_those_that_are_described() -> None:
    text = section(page("reference/execution-input.md"), "rollout")
    told = dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", text, re.MULTILINE))

    assert {name: str(value) for name, value in Rollout().model_dump().items()} == told


def test_the_inputs_that_are_shown_are_accepted() -> None:
    text = page("reference/execution-input.md")

    assert parse_request(json.loads(blocks(section(text, "publish_model"), "json")[0])).rollout.steps == [5, 25]
    assert parse_retrain_request(json.loads(blocks(section(text, "retrain_model"), "json")[0])).arguments


def test_the_answer_that_is_shown_is_that_of_a_publication() -> None:
    shown = json.loads(blocks(section(page("reference/execution-input.md"), "publish_model"), "json")[1])
    answers = [state["Parameters"] for name, state in states_of("publish_model").items() if name.startswith("Report")]

    assert answers
    for answer in answers:
        assert {key.removesuffix(".$") for key in answer} == set(shown)
        assert f"`{answer['status']}`" in page("reference/execution-input.md")


def test_every_error_is_described_and_none_that_does_not_exist() -> None:
    kinds = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}
    text = page("reference/errors.md")
    refusals = {name for name, kind in kinds.items() if issubclass(kind, errors.PublishError)} - {"PublishError"}

    assert len(refusals) > 10
    assert described(text.split("\n## ")[0]) == refusals
    assert set(kinds) - described(text) == {"PublishError"}


def test_errors_that_the_serving_function_raises_or_answers_are_described() -> None:
    serving = Path(model_tools.__file__).parent / "serving"
    sources = "".join(path.read_text(encoding="utf-8") for path in serving.rglob("*.py"))
    raised = re.findall(r"^class (\w+)\(Exception\)", sources, re.MULTILINE)

    assert {"ModelFailed", "BadRequest"} <= set(raised)
    assert set(raised) - described(section(page("reference/errors.md"), "Errors of the function that serves")) == set()


# ---- the workflows, the record and the stack


def test_the_tables_of_states_are_those_of_the_definitions() -> None:
    text = page("reference/states.md")

    assert with_tables(text) == text, "write them anew: make definitions"
    assert MACHINES
    for machine in MACHINES:
        assert described(section(text, machine)) >= set(states_of(machine))


def test_every_error_belongs_to_a_phase_or_to_the_training() -> None:
    text = page("reference/states.md")
    told = section(text, "The phases of a publication") + section(text, "retrain_model")
    refusals = described(page("reference/errors.md").split("\n## ")[0])

    assert {name for name in refusals if f"`{name}`" not in told} == set()


def attributes_written(calls: Any) -> set[str]:
    """Return the attributes of the registry that calls of DynamoDB write, puts and updates alike."""
    found: set[str] = set()
    waiting: list[Any] = [calls]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
            found |= set(value.get("Item", ())) | set(value.get("Key", ()))
            found |= set(re.findall(r"(?<![:#\w])[a-z_]+", value.get("UpdateExpression", "")))
    return found


def claim_of_the_lease() -> dict[str, Any]:
    """Return the call by which the lease is taken, which is the one write that no state machine makes itself."""
    calls: list[dict[str, Any]] = []
    client = SimpleNamespace(update_item=lambda **call: calls.append(call))
    claim = Claim(holder="an execution", release_id="a release", at="2026-11-25T09:00:00Z")
    Registry(client, "registry", "inference", errors=for_workflow).claim_lease(claim, seen=Lease())
    return calls.pop()


def test_every_attribute_of_the_registry_is_described_and_none_that_is_not_written() -> None:
    text = page("reference/registry.md")
    written = attributes_written([claim_of_the_lease(), *map(states_of, MACHINES)])
    told = set().union(*(described(section(text, name)) for name in ("lease", "live", "release#…")))

    assert {"fencing_token", "acquired_at", "requested_by", "cause"} <= written
    assert {name for name in written if f"`{name}`" not in text} == set()
    assert told - written == set()


def test_every_parameter_of_the_template_is_described_with_its_default() -> None:
    text = section(page("reference/stack.md"), "Parameters")
    told = dict(re.findall(r"^\| `(\w+)` \| `?([^|`]+?)`? \|", text, re.MULTILINE))

    assert told == {name: str(each["Default"]) or "none" for name, each in load_template()["Parameters"].items()}


def test_every_output_of_the_template_is_described() -> None:
    assert described(section(page("reference/stack.md"), "Outputs")) == set(load_template()["Outputs"])


def test_every_variable_of_the_inference_function_is_described() -> None:
    template = load_template()
    places = [template["Globals"]["Function"], template["Resources"]["InferenceFunction"]["Properties"]]
    variables = {name for place in places for name in place["Environment"]["Variables"]}

    assert variables - described(section(page("reference/inference.md"), "Settings")) == set()


# ---- the pages themselves


def leads_somewhere(target: str, path: Path) -> bool:
    """Tell whether a link of a page leads to a file of the repository, and to a heading in it if it names one."""
    file, _, anchor = target.partition("#")
    there = (path.parent / file).resolve() if file else path
    if not there.exists() or not there.is_relative_to(ROOT):
        return False
    return not anchor or anchor in anchors(there.read_text(encoding="utf-8"))


@each_page
def test_every_link_leads_somewhere(path: Path) -> None:
    targets = links(path.read_text(encoding="utf-8"))

    assert [target for target in targets if not leads_somewhere(target, path)] == []


@each_page
def test_every_path_of_the_repository_that_is_named_is_there(path: Path) -> None:
    rooms = "benchmarks|docs|emulator|examples|functions|model_tools|statemachine|tests"
    named = re.findall(rf"(?<![\w/.:{{-])(?:{rooms})/[\w./<>*-]*", path.read_text(encoding="utf-8"))
    keys_of_objects = ("<sha256>", "<digest>")
    wanted = {
        re.sub(r"<\w+>", "*", name.rstrip("./")) for name in named if not any(key in name for key in keys_of_objects)
    }

    assert {name for name in wanted if not any(ROOT.glob(name))} == set()


@each_page
def test_every_command_that_is_shown_can_be_run_in_a_clone(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert [(words, found) for words in shown_commands(text) if (found := problems_of(words, text))] == []


@each_page
def test_every_target_of_make_that_is_named_is_one(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"`make ([a-z]+)`", text) + re.findall(
        r"^make ([a-z]+)", "\n".join(blocks(text, "sh")), re.MULTILINE
    )

    assert set(named) - targets == set()


def test_every_command_is_shown_to_a_reader_who_has_something_to_do() -> None:
    places = [ROOT / "README.md", *(DOCS / "tutorial").glob("*.md"), *(DOCS / "how-to").glob("*.md")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in places)

    assert [command for command in all_commands() if f"model-tools {command}" not in text] == []


def test_every_page_is_in_the_index() -> None:
    listed = {(DOCS / target).resolve() for target in links(page("README.md"))}

    assert set(DOCS.rglob("*.md")) - listed - set(DECISIONS) == {DOCS / "README.md"}


def test_the_architecture_names_every_room() -> None:
    rooms = [path.parent.name for path in Path(model_tools.__file__).parent.glob("*/__init__.py")]
    told = described(section(page("explanation/architecture.md"), "The rooms"))

    assert [room for room in rooms if f"model_tools/{room}" not in told] == []


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_dated_and_listed_with_its_date(path: Path) -> None:
    dated = re.search(r"\A# (\d{4}) .+\n\nDecided on (\d{4}-\d\d-\d\d)[.;]", path.read_text(encoding="utf-8"))

    assert dated, "write `Decided on <date>.` below the title"
    assert f"| [{dated[1]}]({path.name}) | {dated[2]} |" in page("explanation/decisions/README.md")


def test_numbers_of_decisions_that_are_missing_are_said_to_be_unused() -> None:
    used = {int(path.name[:4]) for path in DECISIONS}
    named = {int(number) for number in re.findall(r"\b0\d{3}\b", prose(page("explanation/decisions/README.md")))}

    assert named - used == set(range(1, max(used))) - used


def test_the_changelog_says_what_is_not_released_yet() -> None:
    assert section((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), "Unreleased").strip()


def test_the_examples_of_yaml_are_yaml() -> None:
    for path in PAGES:
        for block in blocks(path.read_text(encoding="utf-8"), "yaml"):
            assert yaml.safe_load(block), name_of(path)
