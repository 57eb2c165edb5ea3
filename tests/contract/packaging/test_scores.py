"""Probabilities and logits: what is told from a model's answers, served accordingly, or refused."""

import base64
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import torch

from model_tools.errors import ClassesMismatch, ManifestInvalid, PublishError, TraceFailed
from model_tools.serving.service import handle
from tests.support.packaging.model_folders import build, write_folder, write_model
from tests.support.packaging.packing import package_model, serve_package

TABLE = {"name": "parts", "task": "tabular", "inputs": [{"shape": ["batch", 4]}], "classes": "classes.txt"}
IMAGES = {
    "name": "pets", "task": "image-classification", "inputs": [{"shape": ["batch", 1, 8, 8], "range": [0, 1]}],
    "classes": "classes.txt", "preprocess": {"size": [8, 8], "mode": "L"},
}  # fmt: skip
ROW = [1.5, -0.5, 0.25, 2.0]
NAMES = ["ash", "birch", "cedar", "damson"]


def net(width: int, head: str, *, features: int = 4) -> str:
    """Return the code of a model whose values, before its head, lie well beyond 0 and 1."""
    return f"""
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear({features}, {width})
            nn.init.normal_(self.layer.weight, std={8 / features})

        def forward(self, x):
            x = self.layer(x.flatten(1))
            return {head}
"""


def folder(tmp_path: Path, code: str, names: list[str], base: dict[str, Any] = TABLE, **fields: Any) -> Path:
    return write_model(tmp_path / "model", code, base=base, files={"classes.txt": "\n".join(names)}, **fields)


def published(tmp_path: Path, code: str, names: list[str], base: dict[str, Any] = TABLE, **fields: Any):
    package = package_model(folder(tmp_path, code, names, base, **fields), tmp_path / "package")
    with tarfile.open(package.archive) as tar:
        evidence = json.loads(tar.extractfile("parity.json").read())
    return serve_package(package, tmp_path / "home"), evidence


def refused(tmp_path: Path, code: str, names: list[str], base: dict[str, Any] = TABLE, **fields: Any) -> PublishError:
    with pytest.raises(PublishError) as caught:
        package_model(folder(tmp_path, code, names, base, **fields), tmp_path / "package")
    return caught.value


def softmax_of(code_of_logits: str, row: list[float] = ROW) -> list[float]:
    with torch.no_grad():
        return build(code_of_logits)(torch.tensor([row])).softmax(-1)[0].tolist()


@pytest.mark.parametrize(
    ("head", "scores"),
    [
        pytest.param("x", "logits", id="logits"),
        pytest.param("x.log_softmax(-1)", "logits", id="log-probabilities"),
        pytest.param("x.softmax(-1)", "probabilities", id="softmax"),
        pytest.param("x.exp() / x.exp().sum(-1, keepdim=True)", "probabilities", id="softmax by hand"),
        pytest.param("x.half().softmax(-1)", "probabilities", id="softmax in float16"),
        pytest.param("x.bfloat16().softmax(-1).float()", "probabilities", id="softmax in bfloat16"),
    ],
)
def test_a_class_has_its_probability_whatever_the_head(tmp_path: Path, head: str, scores: str) -> None:
    model, evidence = published(tmp_path, net(4, head), NAMES)

    answer = handle({"input_X": ROW}, model, version="1")

    wanted = softmax_of(net(4, "x"))
    assert answer["class"] == NAMES[wanted.index(max(wanted))]
    assert answer["confidence"] == pytest.approx(max(wanted), abs=0.01)
    assert evidence["scores"]["are"] == scores


def test_one_hot_answers_are_probabilities(tmp_path: Path) -> None:
    model, _ = published(tmp_path, net(4, "torch.nn.functional.one_hot(x.argmax(-1), 4).float()"), NAMES)

    wanted = softmax_of(net(4, "x"))
    assert handle({"input_X": ROW}, model, version="1")["class"] == NAMES[wanted.index(max(wanted))]
    assert handle({"input_X": ROW}, model, version="1")["confidence"] == 1.0


@pytest.mark.parametrize(
    ("head", "fields"),
    [
        pytest.param("x", {}, id="a logit"),
        pytest.param("x.squeeze(1)", {}, id="a logit without its axis"),
        pytest.param("x.sigmoid()", {}, id="a sigmoid"),
        pytest.param("torch.sigmoid(x).squeeze(-1)", {}, id="a sigmoid without its axis"),
        pytest.param("1 / (1 + (-x).exp())", {"scores": "probabilities"}, id="a declared sigmoid by hand"),
        pytest.param("torch.cat([0 * x, x], 1).softmax(1)[:, 1:]", {}, id="the second value of a softmax"),
    ],
)
@pytest.mark.parametrize("task", ["tabular", "image"])
def test_one_value_is_that_of_the_second_class(tmp_path: Path, head: str, fields: dict[str, Any], task: str) -> None:
    images = task == "image"
    code = net(1, head, features=64 if images else 4)
    model, _ = published(tmp_path, code, ["healthy", "faulty"], IMAGES if images else TABLE, **fields)

    if images:
        (event,) = [{"image": base64.b64encode(png()).decode(), "top_k": 2}]
        answer = handle(event, model, version="1")
        confidences = {each["class"]: each["confidence"] for each in answer["top_k"]}
        pixels = torch.zeros(1, 1, 8, 8)
    else:
        answer = handle({"input_X": ROW}, model, version="1")
        confidences = {answer["class"]: answer["confidence"]}
        pixels = torch.tensor([ROW])
    with torch.no_grad():
        faulty = float(build(net(1, "x.sigmoid()", features=64 if images else 4))(pixels))
    wanted = {"healthy": 1 - faulty, "faulty": faulty}
    assert answer["class"] == max(wanted, key=wanted.get)
    assert confidences == pytest.approx({name: wanted[name] for name in confidences}, abs=1e-4)


def png() -> bytes:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "png")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("head", "told"),
    [
        pytest.param("x.sigmoid()", "ends in a sigmoid", id="several labels"),
        pytest.param("0.5 + x.tanh() / 2", "scores: logits", id="several labels by hand"),
        pytest.param("x.softmax(0)", "ends in a softmax, whose values sum to 1 along another axis", id="another axis"),
        pytest.param("torch.cat([x, x], 1).softmax(1)[:, 4:]", "leave no class out", id="half of a softmax"),
        pytest.param("100 * x.softmax(-1)", "divide the values of each row by their sum", id="percentages"),
    ],
)
def test_values_that_may_be_either_are_refused_with_what_was_seen(tmp_path: Path, head: str, told: str) -> None:
    error = refused(tmp_path, net(4, head), NAMES)

    assert isinstance(error, TraceFailed)
    assert told in str(error)
    assert "cases all values lie from" in str(error)


def test_the_remedies_for_several_labels_work(tmp_path: Path) -> None:
    plain = {name: value for name, value in TABLE.items() if name != "classes"}
    code = net(4, "x.sigmoid()")
    package = package_model(write_model(tmp_path / "plain", code, base=plain), tmp_path / "package")
    answer = handle({"input_X": ROW}, serve_package(package, tmp_path / "home"), version="1")

    assert answer["prediction"] == pytest.approx(build(code)(torch.tensor([ROW]))[0].tolist(), abs=1e-5)
    assert "class" not in answer


def test_logits_that_lie_within_zero_and_one_are_served_as_logits_if_that_is_declared(tmp_path: Path) -> None:
    code = net(4, "0.5 + x.tanh() / 2")
    model, evidence = published(tmp_path, code, NAMES, scores="logits")

    assert handle({"input_X": ROW}, model, version="1")["confidence"] == pytest.approx(max(softmax_of(code)), abs=1e-4)
    assert evidence["scores"]["are"] == "logits"


@pytest.mark.parametrize(
    ("width", "head", "declared", "told"),
    [
        pytest.param(4, "x", "probabilities", "lie from 0 to 1 and sum to 1", id="logits declared probabilities"),
        pytest.param(
            4, "x.softmax(1)", "logits", "the model answers probabilities", id="probabilities declared logits"
        ),
        pytest.param(4, "x.log_softmax(1)", "probabilities", "are none", id="logarithms declared probabilities"),
        pytest.param(1, "x", "probabilities", "remove scores", id="a logit declared a probability"),
        pytest.param(1, "x.sigmoid()", "logits", "ends in a sigmoid", id="a sigmoid declared a logit"),
    ],
)
def test_a_declaration_that_contradicts_the_answers_is_refused(
    tmp_path: Path, width: int, head: str, declared: str, told: str
) -> None:
    error = refused(tmp_path, net(width, head), NAMES if width > 1 else NAMES[:2], scores=declared)

    assert isinstance(error, ManifestInvalid)
    assert told in str(error)


@pytest.mark.parametrize("base", [pytest.param(TABLE, id="table"), pytest.param(IMAGES, id="images")])
@pytest.mark.parametrize("names", [NAMES[:1], NAMES[:3]], ids=["one name", "three names"])
def test_one_value_with_other_than_two_names_is_refused_with_a_remedy(
    tmp_path: Path, base: dict[str, Any], names: list[str]
) -> None:
    error = refused(tmp_path, net(1, "x", features=64 if base is IMAGES else 4), names, base)

    assert isinstance(error, ClassesMismatch)
    assert "write two names" in str(error)


def test_a_softmax_over_one_value_is_refused(tmp_path: Path) -> None:
    assert "softmax over a single value" in str(refused(tmp_path, net(1, "x.softmax(1)"), NAMES[:2]))


def test_a_declaration_for_a_task_that_ranks_nothing_is_refused(tmp_path: Path) -> None:
    tensor = {**TABLE, "task": "tensor"}
    assert "does not rank classes" in str(refused(tmp_path, net(4, "x"), NAMES, tensor, scores="logits"))


@pytest.mark.parametrize(
    ("width", "names"),
    [
        pytest.param(10, 10, id="ten names for ten values"),
        pytest.param(1, 2, id="two names for one value"),
        pytest.param(1, 1, id="one name for one value"),
    ],
)
def test_a_tensor_model_may_name_its_values(tmp_path: Path, width: int, names: int) -> None:
    lines = [f"class {number}" for number in range(names)]
    package_model(folder(tmp_path, net(width, "x"), lines, {**TABLE, "task": "tensor"}), tmp_path / "package")


@pytest.mark.parametrize(
    ("width", "names"),
    [
        pytest.param(10, 9, id="nine names for ten values"),
        pytest.param(10, 11, id="eleven names for ten values"),
        pytest.param(1, 3, id="three names for one value"),
    ],
)
def test_names_that_do_not_fit_the_values_of_a_tensor_model_are_refused(tmp_path: Path, width: int, names: int) -> None:
    error = refused(tmp_path, net(width, "x"), [f"class {n}" for n in range(names)], {**TABLE, "task": "tensor"})

    assert isinstance(error, ClassesMismatch)
    assert f"names {names} classes, the model answers {width} values" in str(error)


PREDICTORS = {
    "no step of its own after the model": "def preprocess(request, context):\n    return request",
    "its own answer": "def respond(output, request, context):\n    return {'first': context.classes[0]}",
}


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_names_must_fit_a_custom_model_only_where_its_outputs_are_answered_as_they_are(
    tmp_path: Path, predictor: str
) -> None:
    custom = {**TABLE, "task": "custom", "custom": {}, "samples": "a.json"}
    files = {"classes.txt": "a\nb\n", "predictor.py": PREDICTORS[predictor], "a.json": '{"event": {}}'}
    model = write_model(tmp_path / "model", net(4, "x"), base=custom, files=files)

    if predictor == "its own answer":
        package_model(model, tmp_path / "package")
    else:
        with pytest.raises(ClassesMismatch, match="names 2 classes, the model answers 4"):
            package_model(model, tmp_path / "package")


@pytest.mark.parametrize("kind", ["torchscript", "pt2"])
def test_a_sigmoid_is_found_in_compiled_checkpoints_too(tmp_path: Path, kind: str) -> None:
    torch.manual_seed(7)
    model = torch.nn.Sequential(torch.nn.Linear(4, 1), torch.nn.Sigmoid(), torch.nn.Flatten(0)).eval()
    suffix = {"torchscript": "pt", "pt2": "pt2"}[kind]
    fields = {**TABLE, "checkpoint": f"model.{suffix}"}
    home = write_folder(tmp_path / "model", fields, {"classes.txt": "healthy\nfaulty\n"})
    if kind == "torchscript":
        torch.jit.save(torch.jit.script(model), home / fields["checkpoint"])
    else:
        rows = torch.export.Dim("rows", min=1, max=4)
        program = torch.export.export(model, (torch.randn(2, 4),), dynamic_shapes=[{0: rows}])
        torch.export.save(program, home / fields["checkpoint"])

    served = serve_package(package_model(home, tmp_path / "package"), tmp_path / "home")

    with torch.no_grad():
        faulty = float(model(torch.tensor([ROW]))[0])
    assert handle({"input_X": ROW}, served, version="1")["confidence"] == pytest.approx(
        max(faulty, 1 - faulty), abs=1e-4
    )
