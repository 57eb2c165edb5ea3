"""A publication in the image lane, through the real workflow.

The emulator runs no container images, so the function of the image lane is a zip here, with the libraries installed as
they are in the image. All else is the template's.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from emulator.server import Emulator
from model_tools.formats.release_file import RELEASE_VARIABLE
from tests.support.image.dockerfile import ROOT
from tests.support.integration.stack import Stack

AN_IMAGE = """\
      PackageType: Image
      ImageUri: !Ref ImageUri
"""
A_ZIP = """\
      CodeUri: functions/inference/
"""
PARAMETERS = {"Lane": "image", "ImageUri": f"1.dkr.ecr.us-east-1.amazonaws.com/inference@sha256:{'0' * 64}"}


class Times(torch.nn.Module):
    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return numbers * self.factor


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    for name in ("functions", "model_tools", "statemachine"):
        (folder / name).symlink_to(ROOT / name)
    text = (ROOT / "template.yaml").read_text()
    assert text.count(AN_IMAGE) == 1
    assert text.count("    IgnoreGlobals:") == 1
    lines = text.replace(AN_IMAGE, A_ZIP).splitlines(keepends=True)
    (folder / "template.yaml").write_text("".join(line for line in lines if "IgnoreGlobals:" not in line))
    with Emulator(time_scale=60, preinstalled=("torch", "numpy", "pillow", "safetensors")) as emulator:
        yield Stack(emulator, emulator.deploy(folder / "template.yaml", parameters=PARAMETERS))


def write_model(folder: Path, factor: int) -> Path:
    folder.mkdir()
    torch.jit.script(Times(factor)).save(str(folder / "model.pt"))
    manifest = {"name": "times", "task": "tensor", "checkpoint": "model.pt", "inputs": [{"shape": ["batch", 2]}]}
    (folder / "publish.yaml").write_text(yaml.safe_dump(manifest))
    return folder


def test_each_release_is_a_version_of_the_same_image_with_an_environment_of_its_own(
    stack: Stack, tmp_path: Path
) -> None:
    ended = [
        stack.publish(write_model(tmp_path / str(factor), factor), rollout={"strategy": "all-at-once"})
        for factor in (2, 3)
    ]
    versions = [each.output.get("version", "") for each in ended]

    assert [each.status for each in ended] == ["SUCCEEDED", "SUCCEEDED"], ended
    assert versions == ["2", "3"]
    for each in ended:
        assert "UpdateFunctionConfiguration" in each.states
        assert "UpdateFunctionCode" not in each.states
    answers = [stack.invoke({"input": [[1, 2]]}, version)[0] for version in versions]
    assert [answer["output"] for answer in answers] == [[[2, 4]], [[3, 6]]]
    found = [configuration(stack, version) for version in versions]
    assert len({each["CodeSha256"] for each in found}) == 1
    for each, publication in zip(found, ended, strict=True):
        release = json.loads(each["Environment"]["Variables"][RELEASE_VARIABLE])
        assert release["execution"] == publication.name
        assert "runtime" not in release
        assert each["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == "inference"  # what was there stays


def configuration(stack: Stack, version: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.lambda_.get_function_configuration(FunctionName=stack.function, Qualifier=version)
    return found
