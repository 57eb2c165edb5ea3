"""Requests that leave out the batch axis: what is known of a model's answers, and how they are served."""

from pathlib import Path
from typing import Any

import pytest
import torch

from model_tools.errors import ManifestInvalid
from model_tools.serving.service import handle
from tests.support.packaging.model_folders import build, sample, write_model
from tests.support.packaging.packing import package_model, serve_package

HEAD = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 2)
            self.words = nn.Embedding(10, 4)
            self.scale = nn.Parameter(torch.ones(3))

        def forward(self, {}):
            return {}
"""


def model(inputs: str, answer: str) -> str:
    return HEAD.format(inputs, answer)


def spec(*shape: int | str, **more: Any) -> dict[str, Any]:
    return {"shape": list(shape), **more}


def served(tmp_path: Path, code: str, inputs: list[dict[str, Any]], **fields: Any):
    base = {"name": "rows", "task": "tensor", "inputs": inputs}
    package = package_model(write_model(tmp_path / "model", code, base=base, **fields), tmp_path / "package")
    return serve_package(package, tmp_path / "home"), package


def eager(code: str, *inputs: Any) -> Any:
    with torch.no_grad():
        return build(code)(*inputs)


def assert_same(answer: Any, wanted: torch.Tensor) -> None:
    """Assert that nested lists have the shape and the values of a tensor."""
    torch.testing.assert_close(torch.tensor(answer).to(wanted.dtype), wanted, atol=1e-5, rtol=1e-5)


ROW = [0.5, -1.0, 2.0, 0.0]
IDS = spec("batch", "tokens", dtype="int64", range=[0, 9])
READINGS = [[float(row + column) for column in range(4)] for row in range(3)]
IMAGE = [[[0.1 * (row + column) for column in range(4)] for row in range(5)] for _ in range(3)]


@pytest.mark.parametrize(
    ("code", "shape", "value"),
    [
        pytest.param(model("x", "self.layer(x)"), ("batch", 4), ROW, id="numbers"),
        pytest.param(model("x", "self.layer(x)"), ("batch", 3, 4), READINGS, id="a table"),
        pytest.param(model("x", "self.layer(x)"), ("batch", "time", 4), READINGS, id="a table of any length"),
        pytest.param(model("x", "self.layer(x)"), ("batch", 3, 5, 4), IMAGE, id="an image"),
        pytest.param(model("x", "x.sum((1, 2, 3))"), ("batch", 3, 5, 4), IMAGE, id="an image to a number"),
        pytest.param(model("x", "x * self.scale[0]"), ("batch",), 2.5, id="a number"),
        pytest.param(model("x", "self.layer(x).argmax(-1)"), ("batch", 4), ROW, id="numbers to an integer"),
    ],
)
def test_a_row_without_the_batch_axis_is_answered_without_it(
    tmp_path: Path, code: str, shape: tuple[int | str, ...], value: Any
) -> None:
    predictor, _ = served(tmp_path, code, [spec(*shape)])
    wanted = eager(code, torch.tensor([value]))

    answer = handle({"input": value}, predictor, version="1")

    assert_same(answer["output"], wanted[0])
    assert handle({"inputs": [value]}, predictor, version="1")["output"] == answer["output"]
    batched = handle({"input": [value, value]}, predictor, version="1")["output"]
    assert_same(batched, torch.stack([wanted[0]] * 2))
    mixed = handle({"requests": [{"input": value}, {"input": [value]}]}, predictor, version="1")["answers"]
    assert_same(mixed[0]["output"], wanted[0])
    assert_same(mixed[1]["output"], wanted)


def test_a_list_of_tokens_is_one_text(tmp_path: Path) -> None:
    code = model("ids", "self.layer(self.words(ids).mean(1))")
    predictor, _ = served(tmp_path, code, [IDS])

    assert handle({"input": [3, 1, 4]}, predictor, version="1")["output"] == pytest.approx(
        eager(code, torch.tensor([[3, 1, 4]]))[0].tolist(), abs=1e-5
    )


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param('{"sum": self.layer(x + y), "mean": (x * y).mean(1)}', id="dict"),
        pytest.param("(self.layer(x + y), (x * y).mean(1))", id="tuple"),
    ],
)
def test_several_inputs_all_lack_the_batch_axis_or_none_does(tmp_path: Path, answer: str) -> None:
    code = model("x, y", answer)
    predictor, _ = served(tmp_path, code, [spec("batch", 4), spec("batch", 4)])
    outputs = eager(code, torch.tensor([ROW]), torch.tensor([ROW[::-1]]))
    wanted = [each[0].tolist() for each in (outputs.values() if isinstance(outputs, dict) else outputs)]

    answers = handle({"inputs": [ROW, ROW[::-1]]}, predictor, version="1")["outputs"]

    assert answers[0] == pytest.approx(wanted[0], abs=1e-5)
    assert answers[1] == pytest.approx(wanted[1], abs=1e-5)
    told = handle({"inputs": [ROW, [ROW]]}, predictor, version="1")
    assert (told["statusCode"], "others lack it" in told["message"]) == (400, True)


def test_an_input_without_a_batch_axis_stays_as_it_is(tmp_path: Path) -> None:
    code = model("x, weights", "self.layer(x * weights)")
    predictor, _ = served(tmp_path, code, [spec("batch", 4), spec(4)])

    answer = handle({"inputs": [ROW, [1.0, 2.0, 3.0, 4.0]]}, predictor, version="1")

    wanted = eager(code, torch.tensor([ROW]), torch.tensor([1.0, 2.0, 3.0, 4.0]))[0]
    assert answer["output"] == pytest.approx(wanted.tolist(), abs=1e-5)


def test_a_batch_axis_that_is_not_the_first_is_left_out_where_it_lies(tmp_path: Path) -> None:
    code = model("x", "self.layer(x)")
    predictor, package = served(tmp_path, code, [spec("time", "batch", 4)])

    answer = handle({"input": READINGS}, predictor, version="1")["output"]

    assert package.manifest.batch_axes == [1]
    assert_same(answer, eager(code, torch.tensor(READINGS)))


@pytest.mark.parametrize(
    ("answer", "shape"),
    [
        pytest.param("self.layer(x).sum()", ("batch", 4), id="one number for the batch"),
        pytest.param("(self.layer(x), self.scale * 2)", ("batch", 4), id="an output without batch axis beside one"),
        pytest.param("x @ x.T", ("batch", 4), id="two axes that follow the batch"),
        pytest.param("self.layer(x).flatten()", ("batch", 4), id="an axis that follows it times two"),
    ],
)
def test_a_row_is_refused_where_an_answer_has_no_batch_axis(
    tmp_path: Path, answer: str, shape: tuple[Any, ...]
) -> None:
    predictor, package = served(tmp_path, model("x", answer), [spec(*shape)])

    told = handle({"input": ROW}, predictor, version="1")

    assert told["statusCode"] == 400
    assert "send a batch of one row" in told["message"]
    assert "statusCode" not in handle({"input": [ROW]}, predictor, version="1")
    assert "one row" not in package.samples.read_text()


def test_answers_that_only_look_like_rows_are_not_divided_among_requests(tmp_path: Path) -> None:
    code = model("x", "self.scale * x.sum()")  # three numbers, whatever the batch
    predictor, _ = served(tmp_path, code, [spec("batch", 4)])
    rows = [[ROW], [[1.0] * 4], [[2.0] * 4]]

    answers = handle({"requests": [{"input": row} for row in rows]}, predictor, version="1")["answers"]

    for row, answer in zip(rows, answers, strict=True):
        assert answer["output"] == pytest.approx(eager(code, torch.tensor(row)).tolist(), abs=1e-5)


@pytest.mark.parametrize(
    ("shape", "fields", "value", "told"),
    [
        pytest.param(
            ("batch", "batch2"), {}, ROW, "input has shape [4]; the model takes ['batch', 'batch2']", id="two batches"
        ),
        pytest.param(("rows", 4), {}, ROW, "input has shape [4]; the model takes ['rows', 4]", id="another name"),
        pytest.param(("batch", 4), {"axes": {"batch": {"min": 2}}}, ROW, "batch from 2 to 4", id="no batch of one"),
        pytest.param(("batch", 4), {}, ROW[:3], "input has shape [3]; the model takes ['batch', 4]", id="too short"),
        pytest.param(("batch", 3, 4), {}, ROW, "input has shape [4]", id="two axes missing"),
    ],
)
def test_other_shapes_are_refused_with_both_of_them(
    tmp_path: Path, shape: tuple[Any, ...], fields: dict[str, Any], value: Any, told: str
) -> None:
    predictor, _ = served(tmp_path, model("x", "x * 2"), [spec(*shape)], **fields)

    answer = handle({"input": value}, predictor, version="1")

    assert answer["statusCode"] == 400
    assert told in answer["message"]


def test_a_sample_without_the_batch_axis_expects_the_trained_answer_without_it(tmp_path: Path) -> None:
    code = model("x", "self.layer(x)")
    files = {"samples/a.json": sample({"input": ROW})}
    _, package = served(tmp_path, code, [spec("batch", 4)], files=files, samples="samples/*.json")

    assert str(eager(code, torch.tensor([ROW]))[0].tolist()) in package.samples.read_text()


def test_a_sample_that_cannot_be_answered_without_the_batch_axis_is_refused(tmp_path: Path) -> None:
    files = {"samples/a.json": sample({"input": ROW})}
    with pytest.raises(ManifestInvalid, match="add the batch axis to the sample"):
        served(tmp_path, model("x", "x.sum()"), [spec("batch", 4)], files=files, samples="samples/*.json")


def test_a_row_to_an_embedding_and_to_a_table_is_answered_alone(tmp_path: Path) -> None:
    code = model("x", "self.layer(x)")
    wanted = eager(code, torch.tensor([ROW]))[0].tolist()
    table, _ = served(tmp_path / "table", code, [spec("batch", 4)], task="tabular")
    vectors, _ = served(
        tmp_path / "vectors", code, [spec("batch", 4)], task="embedding", embedding={"normalize": False}
    )

    assert handle({"input": ROW}, table, version="1")["output"] == pytest.approx(wanted, abs=1e-5)
    assert handle({"input_X": ROW}, table, version="1")["prediction"] == pytest.approx(wanted, abs=1e-5)
    assert handle({"input": ROW}, vectors, version="1")["embedding"] == pytest.approx(wanted, abs=1e-5)
