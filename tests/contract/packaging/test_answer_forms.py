"""Models whose answer cannot be served: the message names it, and what it says to write instead is published."""

import textwrap
from pathlib import Path

import pytest

from model_tools.errors import TraceFailed
from tests.support.packaging.model_folders import LINEAR, build, write_model
from tests.support.packaging.packing import package_model

BEFORE = """
from dataclasses import dataclass


@dataclass
class Answer:
    scores: torch.Tensor
    hidden: torch.Tensor


class Plain:
    def __init__(self, scores):
        self.scores = scores


class Slotted:
    __slots__ = ("scores",)

    def __init__(self, scores):
        self.scores = scores
"""


def folder_of(tmp_path: Path, forward: str) -> Path:
    body = textwrap.indent(textwrap.dedent(forward).strip(), " " * 12).lstrip()
    code = textwrap.dedent(LINEAR.replace("return self.layer(x)", body)).replace(
        "from torch import nn\n", "from torch import nn\n" + BEFORE
    )
    return write_model(tmp_path / "model", code, weights=build(LINEAR).state_dict())


@pytest.mark.parametrize(
    ("forward", "told", "instead"),
    [
        pytest.param(
            "self.layer(x)",
            "The model answers nothing (None): end forward with `return`",
            "return self.layer(x)",
            id="nothing",
        ),
        pytest.param(
            "return Answer(self.layer(x), x)",
            "an object of the class Answer: return its tensors in a dict, {'scores': answer.scores, 'hidden'",
            "answer = Answer(self.layer(x), x)\nreturn {'scores': answer.scores, 'hidden': answer.hidden}",
            id="dataclass",
        ),
        pytest.param(
            "return Plain(self.layer(x))",
            "an object of the class Plain: return its tensors in a dict, {'scores': answer.scores}",
            "answer = Plain(self.layer(x))\nreturn {'scores': answer.scores}",
            id="object",
        ),
        pytest.param(
            "return Slotted(self.layer(x))",
            "an object of the class Slotted: return its tensors in a dict, {'scores': answer.scores}",
            "answer = Slotted(self.layer(x))\nreturn {'scores': answer.scores}",
            id="object with slots",
        ),
        pytest.param(
            "return {'scores': self.layer(x), 'hidden': None}",
            "The model's output 'hidden' is None: leave it out",
            "return {'scores': self.layer(x)}",
            id="none in a dict",
        ),
        pytest.param(
            "return {'scores': self.layer(x), 'version': 'v2'}",
            "The model's output 'version' is a text",
            "return {'scores': self.layer(x)}",
            id="text in a dict",
        ),
        pytest.param(
            "return {'scores': self.layer(x), 'inner': {'hidden': x}}",
            "output 'inner' is a dict inside the answer: let forward return the tensors of all levels side by side",
            "return {'scores': self.layer(x), 'hidden': x}",
            id="dict in a dict",
        ),
        pytest.param(
            "return self.layer(x), (x, 2 * x)",
            "The model's output 1 is a tuple inside the answer",
            "return self.layer(x), x, 2 * x",
            id="tuple in a tuple",
        ),
        pytest.param(
            "return {0: self.layer(x)}",
            "Let forward return a dict whose keys are texts and whose values are tensors, for example {'0': …}",
            "return {'0': self.layer(x)}",
            id="number as key",
        ),
        pytest.param(
            "return float(self.layer(x).sum())",
            "a number of Python (float): return the tensor that it was read from, without .item() or float()",
            "return self.layer(x).sum(1)",
            id="number",
        ),
        pytest.param(
            "return self.layer(x).numpy()",
            "a NumPy array: return the tensor that it was made from, without .numpy()",
            "return self.layer(x)",
            id="array",
        ),
        pytest.param(
            "yield self.layer(x)",
            "a generator, which is read piece by piece: use `return` instead of `yield`",
            "return self.layer(x)",
            id="generator",
        ),
        pytest.param(
            "return self.layer(x).to_sparse()",
            "The model's answer is a sparse tensor: return it after .to_dense()",
            "return self.layer(x).to_sparse().to_dense()",
            id="sparse",
        ),
        pytest.param(
            "return torch.nested.as_nested_tensor(list(self.layer(x)))",
            "The model's answer is a nested tensor: return torch.nested.to_padded_tensor",
            "return self.layer(x)",
            id="nested",
        ),
        pytest.param(
            "return torch.complex(self.layer(x), self.layer(x))",
            "The model's answer has complex numbers: return torch.view_as_real(…) of it",
            "return torch.view_as_real(torch.complex(self.layer(x), self.layer(x)))",
            id="complex",
        ),
        pytest.param(
            "return {'class': self.layer(x).argmax(1).to(torch.int16)}",
            "The model's output 'class' has the dtype int16: convert it to one of",
            "return {'class': self.layer(x).argmax(1).to(torch.int16).to(torch.int32)}",
            id="dtype",
        ),
        pytest.param("return ()", "The model answers an empty tuple", "return (self.layer(x),)", id="empty"),
        pytest.param("return {self.layer(x)}", "The model answers a set", "return [self.layer(x)]", id="set"),
    ],
)
def test_an_answer_that_cannot_be_served_is_named_and_the_remedy_works(tmp_path, forward, told, instead):
    with pytest.raises(TraceFailed) as caught:
        package_model(folder_of(tmp_path, forward), tmp_path / "package")
    assert told in str(caught.value)
    assert "NoneType" not in str(caught.value)

    package_model(folder_of(tmp_path / "again", instead), tmp_path / "again" / "package")
