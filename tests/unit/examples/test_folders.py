"""Each example is a folder that can be published as it is: nothing in it is left to be made."""

import ast
import json
import re
from pathlib import Path

import pytest

from model_tools.tasks.manifests import named_files, own_code_of
from model_tools.tasks.registry import SPECS
from tests.support.manifests import parse_manifest

EXAMPLES = Path(__file__).parents[3] / "examples"
FOLDERS = sorted(path.parent for path in EXAMPLES.glob("*/publish.yaml"))
MAX_CHECKPOINT_BYTES = 1_000_000
MAX_README_LINES = 25

each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def test_there_is_an_example_of_every_kind_of_task() -> None:
    tasks = {parse_manifest((folder / "publish.yaml").read_text()).task for folder in FOLDERS}

    assert tasks == set(SPECS)


def test_the_list_of_examples_names_every_folder() -> None:
    listed = re.findall(r"^\| \[`(\w+)/`\]\(\1/\)", (EXAMPLES / "README.md").read_text(), re.MULTILINE)

    assert sorted(listed) == [folder.name for folder in FOLDERS]


@each_folder
def test_all_that_the_manifest_names_is_there_and_the_checkpoint_is_small(folder: Path) -> None:
    manifest = parse_manifest((folder / "publish.yaml").read_text())

    assert manifest.name == folder.name
    for path in named_files(manifest).values():
        assert (folder / path).is_file(), path
    assert (folder / manifest.checkpoint).stat().st_size < MAX_CHECKPOINT_BYTES


@each_folder
def test_its_samples_expect_something(folder: Path) -> None:
    samples = [json.loads(path.read_text()) for path in (folder / "samples").glob("*.json")]

    assert len(samples) >= 3
    assert all(sample["event"] and sample["expect"] for sample in samples)


@each_folder
def test_its_readme_says_in_a_few_lines_how_to_publish_it_and_ask_it(folder: Path) -> None:
    readme = (folder / "README.md").read_text()

    assert readme.count("\n") <= MAX_README_LINES
    assert f"model-tools publish examples/{folder.name} --local" in readme
    assert "model-tools invoke --local" in readme
    assert len(re.findall(r"^curl .* -d '\{.*\}' \"\$URL\"$", readme, re.MULTILINE)) == 1
    assert f"python examples/{folder.name}/train.py" in readme


@each_folder
def test_what_its_trainer_writes_elsewhere_is_complete(folder: Path) -> None:
    manifest = parse_manifest((folder / "publish.yaml").read_text())
    trainer = ast.parse((folder / "train.py").read_text())
    told = {node.value for node in ast.walk(trainer) if isinstance(node, ast.Constant)}

    needed = {"publish.yaml", *named_files(manifest).values(), *(own.include if (own := own_code_of(manifest)) else ())}
    if manifest.architecture:
        needed.add(f"{manifest.architecture.partition(':')[0]}.py")
    assert needed <= told
