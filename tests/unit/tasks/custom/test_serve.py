"""A model's own serving code."""

import base64
import io
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from model_tools.serving.failures import ModelFailed
from model_tools.serving.served_model import ServedModel
from model_tools.serving.service import handle
from tests.support.serving.archives import Double
from tests.support.serving.kinds import CUSTOM, Counted, served

WHOLE = """
from names import NAMES
import tiny_wheel
import torch

def preprocess(request, context):
    if "name" not in request:
        raise context.BadRequest("give a name.")
    known = context.path("data/known.txt").read_text().split()
    return torch.tensor([[float(NAMES[request["name"]]), len(known), tiny_wheel.ONE, 0.0]])

def predict(model, inputs, context):
    return model(inputs) + 1

def respond(output, request, context):
    return {"name": request["name"], "numbers": output[0].tolist(), "classes": list(context.classes)}
"""
FILES = {
    "names.py": "NAMES = {'ada': 7}\n", "data/known.txt": "a b c", "tiny_wheel/__init__.py": "ONE = 1\n",
}  # fmt: skip


@pytest.fixture(autouse=True)
def own_modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget what a predictor imported: each function has one, in a process of its own."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in set(sys.modules) - before:
        if name in ("predictor", "names", "tiny_wheel"):
            del sys.modules[name]


def with_predictor(
    folder: Path, code: str, files: dict[str, str] | None = None, model: torch.nn.Module | None = None, **fields: Any
) -> ServedModel:
    names = {"predictor.py": code, **(files or {})}
    members = {f"code/{name}": text.encode() for name, text in names.items()} | {"classes.txt": b"dark\nbright\n"}
    return served(folder, CUSTOM | fields, model or Double(), members, fetch=lambda url: url.encode())


def ask(predictor: ServedModel, request: object) -> dict[str, Any]:
    return handle(request, predictor, version="7")


def test_a_predictor_has_each_step_its_files_and_its_packages(tmp_path: Path) -> None:
    predictor = with_predictor(tmp_path, WHOLE, FILES)

    answer = ask(predictor, {"name": "ada"})

    assert answer == {"name": "ada", "numbers": [15, 7, 3, 1], "classes": ["dark", "bright"], "version": "7"}


def test_what_a_predictor_refuses_is_the_callers_and_what_it_trips_over_the_models(tmp_path: Path) -> None:
    predictor = with_predictor(tmp_path, WHOLE, FILES)

    assert ask(predictor, {})["message"] == "give a name."
    with pytest.raises(ModelFailed, match=r"preprocess failed with KeyError \(predictor.py, line 10, in preprocess\)$"):
        ask(predictor, {"name": "secret"})


def test_each_item_of_a_batch_has_its_own_refusal(tmp_path: Path) -> None:
    answers = ask(with_predictor(tmp_path, WHOLE, FILES), {"requests": [{"name": "ada"}, {}]})["answers"]

    assert answers[0]["numbers"] == [15, 7, 3, 1]
    assert answers[1] == {"error": "BadRequest", "message": "give a name."}


def test_steps_that_are_left_out_are_those_of_a_tensor(tmp_path: Path) -> None:
    predictor = with_predictor(tmp_path, "def predict(model, inputs):\n    return model(*inputs) / 2\n")

    answer = ask(predictor, {"input": [[1, 2, 3, 4]]})

    assert answer["output"] == [[1, 2, 3, 4]]
    assert answer["library"].startswith("torch")
    assert "shape [1, 1]" in ask(predictor, {"input": [[1]]})["message"]
    assert "the axis batch is missing" in ask(predictor, {"input": [1, 2, 3, 4]})["message"]


def test_what_preprocess_makes_of_a_batch_is_asked_together(tmp_path: Path) -> None:
    code = "import torch\ndef preprocess(request):\n    return [torch.full((1, 4), float(request['n']))]\n"
    predictor = with_predictor(tmp_path, code, model=Counted())

    answers = ask(predictor, {"requests": [{"n": 1}, {"n": 2}]})["answers"]

    assert [answer["output"] for answer in answers] == [[[1, 1, 1, 1, 2]], [[2, 2, 2, 2, 2]]]


def test_images_are_read_as_the_manifest_says_and_urls_by_our_rules(tmp_path: Path) -> None:
    code = """
def preprocess(request, context):
    return context.images.read(request) if "image" in request else context.fetch(request["page"])

def predict(model, inputs, context):
    return inputs

def respond(output, request, context):
    return {"mean": float(output.mean())} if "image" in request else {"page": output.decode()}
"""
    fields = {"inputs": [{"shape": ["batch", 3, 2, 2]}], "preprocess": {"size": [2, 2]}}
    buffer = io.BytesIO()
    Image.new("RGB", (5, 5), (255, 255, 255)).save(buffer, "PNG")
    predictor = with_predictor(tmp_path, code, **fields)

    assert ask(predictor, {"image": base64.b64encode(buffer.getvalue()).decode()})["mean"] == 1
    assert "not base64" in ask(predictor, {"image": "?"})["message"]
    assert ask(predictor, {"page": "https://example.org/"})["page"] == "https://example.org/"


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        pytest.param("7", "predictor answered int", id="number"),
        pytest.param("{1: 2}", "predictor answered dict", id="numbered keys"),
        pytest.param("{'a': float('nan')}", "what JSON cannot say (ValueError)", id="NaN"),
        pytest.param("{'a': output}", "what JSON cannot say (TypeError)", id="tensor"),
    ],
)
def test_an_answer_that_cannot_be_sent_is_the_models_failure(tmp_path: Path, returned: str, told: str) -> None:
    predictor = with_predictor(tmp_path, f"def respond(output, request):\n    return {returned}\n")

    with pytest.raises(ModelFailed) as failure:
        ask(predictor, {"input": [[1, 2, 3, 4]]})
    assert told in str(failure.value)


def test_what_is_no_tensor_is_not_handed_to_the_model(tmp_path: Path) -> None:
    predictor = with_predictor(tmp_path, "def preprocess(request):\n    return request\n")

    with pytest.raises(ModelFailed, match="let it return a tensor"):
        ask(predictor, {"a": 1})


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("def respond(output):\n    ...\n", id="respond"),
        pytest.param("def preprocess():\n    ...\n", id="preprocess"),
    ],
)
def test_a_step_that_takes_too_little_is_told_when_it_is_loaded(tmp_path: Path, code: str) -> None:
    with pytest.raises(ValueError, match="context; correct its parameters"):
        with_predictor(tmp_path, code)


def test_serving_is_not_replaced_by_a_file_of_the_same_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`colorsys.py` in a model's folder must not become everybody's colorsys."""
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with_predictor(tmp_path, "def respond(output, request):\n    ...\n", {"colorsys.py": ""})

    import colorsys

    assert colorsys.rgb_to_hsv(0, 0, 0) == (0, 0, 0)


def test_a_file_that_was_not_included_is_named(tmp_path: Path) -> None:
    predictor = with_predictor(tmp_path, "def preprocess(request, context):\n    context.path('none.csv')\n")

    with pytest.raises(ModelFailed, match="failed with FileNotFoundError"):
        ask(predictor, {})
    with pytest.raises(FileNotFoundError, match=r"name it in custom\.include"):
        predictor._task._context.path("none.csv")


def test_numbers_that_json_can_say_pass_as_they_are(tmp_path: Path) -> None:
    predictor = with_predictor(
        tmp_path, "def respond(output, request):\n    return {'a': [1.5, None, 'x', {'b': []}]}\n"
    )

    answer = ask(predictor, {"input": [[1, 2, 3, 4]]})

    assert json.loads(json.dumps(answer))["a"] == [1.5, None, "x", {"b": []}]
    assert not math.isnan(answer["a"][0])


def test_the_documented_predictor_answers_as_documented(tmp_path: Path) -> None:
    page = (Path(__file__).parents[4] / "docs" / "reference" / "inference.md").read_text()
    code = page.partition("```python\n")[2].partition("```")[0]
    predictor = with_predictor(
        tmp_path, code, {"words.json": '["dull", "bright", "sun"]'}, inputs=[{"shape": ["batch", 3]}]
    )

    assert ask(predictor, {"review": "Bright sun, bright day"})["mood"] == "bright"
    assert ask(predictor, {"review": 1})["message"] == "review must be a string."
