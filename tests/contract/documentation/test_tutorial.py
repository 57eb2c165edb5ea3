"""The first model of the tutorial: made from what the page shows, trained, and packaged."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from model_tools.errors import CheckpointRejected
from model_tools.packaging.package import package_model
from tests.support.documentation.pages import blocks, page, section

TEXT = page("tutorial/first-model.md")
WIDTH = re.compile(r"(width\W+)16")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the files that the page shows, in its order, and run the training."""
    folder = tmp_path_factory.mktemp("tutorial")
    training, publishing = section(TEXT, "3. Train a model"), section(TEXT, "4. Say how to publish it")
    shown = blocks(training, "python")
    for language in ("yaml", "text", "json"):
        shown += blocks(publishing, language)
    names = re.findall(r"`build/circle/([\w/]+\.\w+)`", training + publishing)
    for name, contents in zip(names, shown, strict=True):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(contents)
    train(folder)
    return folder


def train(folder: Path) -> str:
    done = subprocess.run([sys.executable, "train.py"], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def test_the_model_is_packaged_with_its_samples(model: Path, tmp_path: Path) -> None:
    package = package_model(model, tmp_path)

    samples = [json.loads(line) for line in package.samples.read_text().splitlines()]
    assert package.manifest.name == "circle"
    assert [sample["expect"]["class"] for sample in samples] == ["outside", "inside"]


def test_a_wider_net_is_refused_until_the_manifest_says_so(model: Path, tmp_path: Path) -> None:
    for name in ("train.py", "publish.yaml"):
        path = model / name
        assert WIDTH.search(path.read_text())
    (model / "train.py").write_text(WIDTH.sub(r"\g<1>64", (model / "train.py").read_text()))
    train(model)

    with pytest.raises(CheckpointRejected, match=r"does not fit the architecture: layers\.0\.weight is \[64, 2\]"):
        package_model(model, tmp_path / "refused")
    (model / "publish.yaml").write_text(WIDTH.sub(r"\g<1>64", (model / "publish.yaml").read_text()))

    assert package_model(model, tmp_path / "accepted").manifest.name == "circle"
