"""What a model changes when it is asked is refused by its name, for every kind of checkpoint."""

from pathlib import Path

import pytest
import torch
from torch import nn

from model_tools.errors import ParityFailed
from tests.support.packaging.model_folders import LINEAR_FIELDS, build, sample, write_folder, write_model
from tests.support.packaging.packing import package_model
from tests.support.packaging.state_models import net, refused

CHANGED = {
    "weights_taken_from_the_first_data": (
        net(
            "self.shift = nn.Parameter(torch.zeros(4))\nself.ready = False",
            """
                if not self.ready:
                    self.shift.data.copy_(-x.mean(0))
                    self.ready = True
                return self.head(x + self.shift)
            """,
        ),
        "`shift`.*training",
    ),
    "running_statistics": (
        net(
            "self.norm = nn.BatchNorm1d(4)",
            "self.norm.train()\nreturn self.head(self.norm(x))",
        ),
        r"`norm\.running_mean`, `norm\.running_var`.*\.train\(\)",
    ),
    "a_buffer_with_the_last_input": (
        net("self.register_buffer('last', torch.zeros(4))", "self.last.copy_(x[0])\nreturn self.head(x)"),
        "`last`",
    ),
    "a_counter": (net("self.calls = 0", "self.calls += 1\nreturn self.head(x)"), "`calls`"),
    "a_counter_in_a_class": (
        net(forward="Net.calls += 1\nreturn self.head(x)", base="calls = 0"),
        r"`Net\.calls`",
    ),
    "a_global_counter": (
        net(forward="global CALLS\nCALLS += 1\nreturn self.head(x)", top="CALLS = 0"),
        r"`net\.CALLS`",
    ),
    "a_generator_of_random_numbers": (
        net("self.source = random.Random(1)", "return self.head(x) * self.source.random()"),
        "`source`",
    ),
    "a_memory_of_the_input_before": (
        net(
            "self.memory = torch.zeros(4)",
            "self.memory = 0.5 * self.memory + x.mean(0)\nreturn self.head(x + self.memory)",
        ),
        "`memory`",
    ),
    "a_list_that_grows": (
        net("self.history = []", "self.history.append(x.sum())\nreturn self.head(x)"),
        "`history`",
    ),
    "the_largest_value_so_far": (
        net(
            "self.largest = torch.zeros(())",
            "self.largest = torch.maximum(self.largest, x.abs().max())\nreturn self.head(x / (1 + self.largest))",
        ),
        "`largest`",
    ),
    "an_attribute_taken_from_the_first_data": (
        net(
            "self.mean = None",
            "if self.mean is None:\n    self.mean = x.mean(0)\nreturn self.head(x - self.mean)",
        ),
        "`mean`",
    ),
    "a_tensor_drawn_by_the_first_call": (
        net(
            "self.directions = None",
            "if self.directions is None:\n    self.directions = torch.randn(4, 4)\n"
            "return self.head(x @ self.directions)",
        ),
        "`directions`",
    ),
    "a_tensor_in_a_dict_taken_from_the_first_data": (
        net("self.scale = {}", "return self.head(x / self.scale.setdefault('x', x.std()))"),
        "`scale`",
    ),
}
"""State that forward changes, and the name by which it must be refused."""


@pytest.mark.parametrize(("code", "name"), CHANGED.values(), ids=CHANGED)
def test_what_forward_changes_is_refused_by_name(tmp_path, code, name):
    with pytest.raises(ParityFailed, match=f"forward changes {name}"):
        package_model(write_model(tmp_path / "model", code), tmp_path / "package")


def test_many_samples_do_not_hide_what_forward_remembers(tmp_path):
    code = net(
        "self.largest = torch.zeros(())", "self.largest = torch.maximum(self.largest, x.max())\nreturn self.head(x)"
    )
    events = {f"samples/{number:03}.json": sample({"input": [[number / 1000] * 4]}) for number in range(140)}
    folder = write_model(tmp_path / "model", code, files=events, samples="samples/*.json")
    with pytest.raises(ParityFailed, match="forward changes `largest`"):
        package_model(folder, tmp_path / "package")


class Recording(nn.Module):
    """Keeps the last input in a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 4)
        self.register_buffer("last", torch.zeros(4))

    def forward(self, x):
        self.last.copy_(x[0])
        return self.head(x)


class Counting(nn.Module):
    """Counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 4)
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return self.head(x)


class Remembering(nn.Module):
    """Answers with a share of the inputs before."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 4)
        self.memory = torch.zeros(4)

    def forward(self, x):
        self.memory = self.memory * 0.5 + x[0]
        return self.head(x + self.memory)


@pytest.mark.parametrize(("model", "name"), [(Recording, "last"), (Counting, "calls"), (Remembering, "memory")])
def test_what_a_torchscript_checkpoint_changes_is_refused_by_name(tmp_path, model, name):
    folder = write_folder(tmp_path / "model", {**LINEAR_FIELDS, "checkpoint": "model.pt"})
    torch.jit.script(model().eval()).save(folder / "model.pt")
    with pytest.raises(ParityFailed, match=f"forward changes `{name}`"):
        package_model(folder, tmp_path / "package")


def program_folder(folder: Path, code: str) -> Path:
    fields = {**LINEAR_FIELDS, "checkpoint": "model.pt2", "inputs": [{"shape": [2, 4]}]}
    torch.export.save(
        torch.export.export(build(code), (torch.randn(2, 4),)), write_folder(folder, fields) / "model.pt2"
    )
    return folder


def test_what_an_exported_program_changes_is_refused_by_name(tmp_path):
    code = net("self.register_buffer('last', torch.zeros(4))", "self.last.copy_(x[0])\nreturn self.head(x)")
    with pytest.raises(ParityFailed, match="forward changes `last`"):
        package_model(program_folder(tmp_path / "model", code), tmp_path / "package")


def test_an_exported_program_without_state_is_published(tmp_path):
    code = net("self.norm = nn.BatchNorm1d(4)", "return self.head(self.norm(x))")
    package_model(program_folder(tmp_path / "model", code), tmp_path / "package")


def test_a_torchscript_checkpoint_without_state_is_published(tmp_path):
    folder = write_folder(tmp_path / "model", {**LINEAR_FIELDS, "checkpoint": "model.pt"})
    torch.jit.script(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)).eval()).save(folder / "model.pt")
    package_model(folder, tmp_path / "package")


def test_normalisation_in_a_list_is_named_as_what_stays_in_training_mode(tmp_path):
    code = net("self.norms = [nn.BatchNorm1d(4, affine=False)]", "return self.head(self.norms[0](x))")
    message = refused(ParityFailed, code, tmp_path)
    assert "`norms`: model.eval() does not reach BatchNorm1d" in message
    assert "train again" in message


def test_dropout_in_a_list_is_named_as_what_draws_random_numbers(tmp_path):
    code = net("self.drops = [nn.Dropout(0.5)]", "return self.head(self.drops[0](x))")
    message = refused(ParityFailed, code, tmp_path)
    assert "`drops`: model.eval() does not reach" in message
    assert "nn.ModuleList" in message
