"""`model-tools plan` with a real model, packaged and served by real children."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
import yaml

from model_tools.cli.command import Command
from model_tools.cli.errors import report_on
from model_tools.cli.plan import plan
from model_tools.packaging.checkpoint.resolve import resolve_checkpoint
from tests.support.fakes.object_store import FakeObjectStore

Run = Callable[..., tuple[int, list[dict[str, Any]]]]


class Doubled(torch.nn.Module):
    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return numbers * 2


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("doubled")
    torch.jit.script(Doubled()).save(str(folder / "model.pt"))
    manifest = {"name": "doubled", "task": "tensor", "checkpoint": "model.pt", "inputs": [{"shape": ["batch", 4]}]}
    (folder / "publish.yaml").write_text(yaml.safe_dump(manifest))
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    app = typer.Typer()
    app.command()(plan)

    def run(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
        command = Command(environ={"XDG_CACHE_HOME": str(tmp_path / "cache")})
        code = 0
        try:
            app([*arguments, "--json"], obj=command, standalone_mode=False)
        except Exception as error:  # noqa: BLE001 (as the entry point does)
            report = report_on(error)
            command.output.fail(report.error, report.message)
            code = report.code
        return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def test_a_plan_tells_everything_and_leaves_nothing_behind(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    before = {path: path.stat().st_mtime_ns for path in model.iterdir()}

    monkeypatch.chdir(model.parent)

    code, printed = run(model.name)

    *steps, document = printed
    assert code == 0
    assert {step["event"] for step in steps} == {"step"}
    assert document["event"] == "plan"
    assert document["model"] == {
        "name": "doubled",
        "task": "tensor",
        "format": "torchscript",
        "release_id": released_as(model),
    }
    assert document["bytes"]["checkpoint"] == (model / "model.pt").stat().st_size
    assert document["lane"] == "bundle"
    assert document["runtime"] is None
    assert document["placement"] is None
    assert document["measurement"]["requests"] >= 5
    assert 0 < document["measurement"]["latency_ms"] < 1000
    assert 100 < document["memory_mb"]["peak"] < 2000
    assert document["cost_usd"]["snapshot_month"] > 0
    assert {limit["name"] for limit in document["limits"]} >= {"disk (/tmp)", "memory", "init"}
    assert list((tmp_path / "scratch").iterdir()) == []
    assert {path: path.stat().st_mtime_ns for path in model.iterdir()} == before
    assert not (tmp_path / "cache").exists()


def released_as(folder: Path) -> str:
    """Return the release that the workflow calls the folder, once it is uploaded."""
    store = FakeObjectStore({f"s3://c/m/{path.name}": path.read_bytes() for path in folder.iterdir()})
    return resolve_checkpoint("s3://c/m/", store).release_id


def test_a_region_without_prices_is_refused_before_anything_is_packaged(run: Run, model: Path) -> None:
    code, (told,) = run(str(model), "--region", "mars-north-1")

    assert (code, told["error"]) == (1, "UserError")
    assert "us-east-1" in told["message"]


def test_a_model_in_s3_is_to_be_downloaded_first(run: Run) -> None:
    code, (told,) = run("s3://bucket/runs/42/")

    assert code == 1
    assert "download" in told["message"]


def test_a_folder_without_a_bundle_is_no_runtime(run: Run, model: Path, tmp_path: Path) -> None:
    code, (told,) = run(str(model), "--with-runtime", str(tmp_path))

    assert (code, told["error"]) == (1, "RuntimeMissing")
