"""State that the checkpoint does not hold, or that answers change, is refused by name; sound models are published."""

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from model_tools.errors import CheckpointRejected, ParityFailed, PublishError
from tests.support.packaging.model_folders import LINEAR_FIELDS, build, sample, write_folder, write_model
from tests.support.packaging.packing import package_model

PLAIN_FORWARD = "return self.head(x)"
TEXT_FIELDS: dict[str, Any] = {
    "name": "positions",
    "task": "tensor",
    "inputs": [{"shape": ["batch", "length", 4]}],
    "axes": {"length": {"min": 1, "max": 12}},
}


def net(init: str = "", forward: str = PLAIN_FORWARD, *, top: str = "", methods: str = "", base: str = "") -> str:
    """Return the code of a linear model with more in its constructor, its forward, its class or its module."""
    lines = ["import math, random, functools, itertools", "import numpy", "import torch", "from torch import nn"]
    lines += ["import torch.nn.functional as F", textwrap.dedent(top).strip(), "", "class Net(nn.Module):"]
    lines += [textwrap.indent(textwrap.dedent(base).strip(), "    ")] if base else []
    lines += ["    def __init__(self):", "        super().__init__()", "        self.head = nn.Linear(4, 4)"]
    lines += [textwrap.indent(textwrap.dedent(init).strip(), "        ")] if init else []
    lines += ["    def forward(self, x):", textwrap.indent(textwrap.dedent(forward).strip(), "        ")]
    lines += [textwrap.indent(textwrap.dedent(methods).strip(), "    ")] if methods else []
    return "\n".join(lines) + "\n"


def refused(error: type[PublishError], code: str, tmp_path: Path, **fields: Any) -> str:
    folder = write_model(tmp_path / "model", code, **fields)
    with pytest.raises(error) as caught:
        package_model(folder, tmp_path / "package")
    assert type(caught.value) is error
    return str(caught.value)


DRAWN = {
    "a_tensor": (net("self.directions = torch.randn(4, 4)", "return self.head(x @ self.directions)"), "directions"),
    "a_buffer_that_is_not_saved": (
        net("self.register_buffer('mask', torch.rand(4), persistent=False)", "return self.head(x * self.mask)"),
        "mask",
    ),
    "a_permutation": (net("self.order = torch.randperm(4)", "return self.head(x[:, self.order])"), "order"),
    "a_numpy_array": (
        net("self.noise = numpy.random.rand(4).astype('float32')", "return self.head(x * torch.tensor(self.noise))"),
        "noise",
    ),
    "tensors_in_a_list": (
        net("self.tables = [torch.ones(4), torch.randn(4)]", "return self.head(x * self.tables[1])"),
        "tables",
    ),
    "tensors_in_nested_containers": (
        net("self.tables = {'a': ([torch.randn(4)],)}", "return self.head(x * self.tables['a'][0][0])"),
        "tables",
    ),
    "a_tensor_in_a_dataclass": (
        net(
            "self.settings = Settings(torch.randn(4))",
            "return self.head(x * self.settings.scale)",
            top="""
                import dataclasses

                @dataclasses.dataclass
                class Settings:
                    scale: torch.Tensor
            """,
        ),
        "settings",
    ),
    "a_tensor_in_an_object_with_slots": (
        net(
            "self.holder = Holder()",
            "return self.head(x * self.holder.scale)",
            top="""
                class Holder:
                    __slots__ = ("scale",)
                    def __init__(self):
                        self.scale = torch.randn(4)
            """,
        ),
        "holder",
    ),
    "a_class_attribute": (
        net(forward="return self.head(x * self.scale)", base="scale = torch.randn(4)"),
        r"Net\.scale",
    ),
    "a_global_variable": (
        net(forward="return self.head(x * SCALE)", top="SCALE = torch.randn(4)"),
        r"net\.SCALE",
    ),
    "a_closure": (
        net(
            "scale = torch.randn(4)\nself.stretch = lambda values: values * scale",
            "return self.head(self.stretch(x))",
        ),
        "stretch",
    ),
    "a_partial": (
        net("self.stretch = functools.partial(torch.mul, torch.randn(4))", "return self.head(self.stretch(x))"),
        "stretch",
    ),
    "frozen_layers_in_a_list": (
        net(
            "self.random = [nn.Linear(4, 4).requires_grad_(False)]",
            "return self.head(self.random[0](x))",
        ),
        "random",
    ),
    # The kernel hands out so large a piece of memory as zeros.
    "uninitialised_memory": (
        net("self.scale = torch.empty(1 << 24)[:4].clone()", "return self.head(x * self.scale)"),
        "scale",
    ),
    "a_random_number": (net("self.scale = random.random()", "return self.head(x * self.scale)"), "scale"),
    "a_shuffled_list": (
        net(
            "self.order = list(range(12))\nrandom.shuffle(self.order)",
            "return self.head(x) + torch.tensor(self.order[:4])",
        ),
        "order",
    ),
    "the_order_of_a_set": (
        net(
            "self.columns = [int(name[1:]) for name in {'c0', 'c1', 'c2', 'c3'}]",
            "return self.head(x[:, self.columns])",
        ),
        "columns",
    ),
    # The tenth draw is the same in the first two builds.
    "one_of_two_values": (
        net("self.sign = [random.choice([1, -1]) for _ in range(10)][-1]", "return self.head(x) * self.sign"),
        "sign",
    ),
    "a_short_permutation": (
        net("self.order = torch.randperm(2)", "return self.head(x)[:, self.order]"),
        "order",
    ),
    "a_hash_of_a_text": (net(forward="return self.head(x) + hash('a') % 97"), "hash"),
    "a_copy_of_weights_before_loading": (
        net("self.first = self.head.weight.detach().clone()", "return x @ self.first"),
        "first",
    ),
}
"""State that differs from build to build, and the name by which it must be refused."""


@pytest.mark.parametrize(("code", "name"), DRAWN.values(), ids=DRAWN)
def test_what_is_drawn_at_construction_and_not_saved_is_refused_by_name(tmp_path, code, name):
    with pytest.raises((CheckpointRejected, ParityFailed), match=name) as caught:
        package_model(write_model(tmp_path / "model", code), tmp_path / "package")
    assert "is built" in str(caught.value)
    assert "checkpoint" in str(caught.value)


def test_a_tensor_that_no_answer_depends_on_may_be_removed_instead(tmp_path):
    message = refused(CheckpointRejected, net("self.noise = torch.randn(4)"), tmp_path)
    assert "`noise`" in message
    assert "if nothing reads it, remove it or fill it with constants" in message


def test_memory_that_forward_reads_and_never_writes_is_refused(tmp_path):
    code = net(forward="out = torch.empty(4)\nout[:2] = 1.0\nreturn self.head(x) + out")
    assert "torch.empty" in refused(ParityFailed, code, tmp_path)


UNTRAINED = {
    "a_list": (
        net("self.hidden = [nn.Linear(4, 4) for _ in range(3)]", "return self.head(self.hidden[2](x))"),
        "`hidden`: .* a Python list .* nn.ModuleList",
    ),
    "a_tuple": (net("self.hidden = (nn.Linear(4, 4),)", "return self.head(self.hidden[0](x))"), "`hidden`: .* tuple"),
    "a_dict": (
        net("self.hidden = {'in': nn.Linear(4, 4)}", "return self.head(self.hidden['in'](x))"),
        "`hidden`: .* a dict .* nn.ModuleDict",
    ),
    "nested_lists": (
        net("self.hidden = [[nn.Linear(4, 4)]]", "return self.head(self.hidden[0][0](x))"),
        "`hidden`: .* nn.ModuleList",
    ),
    "a_plain_object": (
        net(
            "self.block = Block()",
            "return self.head(self.block.layer(x))",
            top="class Block:\n    def __init__(self):\n        self.layer = nn.Linear(4, 4)",
        ),
        "`block`: .*Block",
    ),
    "a_class": (
        net("setattr(Net, 'shared', nn.Linear(4, 4))", "return self.head(self.shared(x))"),
        r"`Net\.shared`: .* in __init__",
    ),
    "a_lambda": (
        net("layer = nn.Linear(4, 4)\nself.step = lambda x: layer(x)", "return self.head(self.step(x))"),
        "`step`: .* not registered",
    ),
    "a_partial": (
        net(
            "self.step = functools.partial(apply, nn.Linear(4, 4))",
            "return self.head(self.step(x))",
            top="def apply(layer, x):\n    return layer(x)",
        ),
        "`step`: .* not registered",
    ),
    "a_global_variable": (
        net(forward="return self.head(LAYER(x))", top="LAYER = nn.Linear(4, 4)"),
        r"`net\.LAYER`: .* not registered",
    ),
    "a_list_of_parameters": (
        net("self.gains = [nn.Parameter(torch.ones(4))]", "return self.head(x * self.gains[0])"),
        "`gains`: .* nn.ParameterList",
    ),
    "a_tensor_that_wants_gradients": (
        net("self.gain = torch.ones(4, requires_grad=True)", "return self.head(x * self.gain)"),
        r"`gain`: .* nn.Parameter",
    ),
    "a_part_of_the_model": (
        net(
            "self.part = Part()",
            "return self.head(self.part(x))",
            top="""
                class Part(nn.Module):
                    def __init__(self):
                        super().__init__()
                        self.hidden = [nn.Linear(4, 4)]
                    def forward(self, x):
                        return self.hidden[0](x)
            """,
        ),
        r"`part\.hidden`: ",
    ),
}
"""Layers that torch does not find, and the message that must name them."""


@pytest.mark.parametrize(("code", "message"), UNTRAINED.values(), ids=UNTRAINED)
def test_layers_that_torch_does_not_find_are_refused_by_name(tmp_path, code, message):
    said = refused(CheckpointRejected, code, tmp_path)
    assert re.search(message, said), said
    assert len(said) < 400


LOST_IN_TRAINING = {
    "a_running_mean_in_an_attribute": (
        net(
            "self.mean = torch.zeros(4)",
            """
                if self.training:
                    self.mean = 0.9 * self.mean + 0.1 * x.mean(0)
                return self.head(x - self.mean)
            """,
        ),
        "`mean`",
    ),
    "a_running_mean_of_numpy_in_an_object": (
        net(
            "self.scaler = Scaler()",
            """
                if self.training:
                    self.scaler.mean += x.mean(0).numpy()
                return self.head(x - torch.tensor(self.scaler.mean))
            """,
            top="""
                class Scaler:
                    def __init__(self):
                        self.mean = numpy.zeros(4, dtype="float32")
            """,
        ),
        "`scaler`",
    ),
    "a_step_that_anneals": (
        net(
            "self.step = 0",
            """
                if self.training:
                    self.step += 1
                return self.head(x) / (1 + self.step)
            """,
        ),
        "`step`",
    ),
    "a_mean_in_a_buffer_that_is_not_saved": (
        net(
            "self.register_buffer('mean', torch.zeros(4), persistent=False)",
            "if self.training:\n    self.mean.copy_(x.mean(0))\nreturn self.head(x - self.mean)",
        ),
        "`mean`",
    ),
}
"""State that is a constant in every build, that training changes, and that no checkpoint holds."""


@pytest.mark.parametrize(("code", "name"), LOST_IN_TRAINING.values(), ids=LOST_IN_TRAINING)
def test_what_training_changes_and_the_checkpoint_lacks_is_refused_by_name(tmp_path, code, name):
    message = refused(CheckpointRejected, code, tmp_path)
    assert f"forward changes {name} in training mode" in message
    assert "register_buffer" in message


REMEDIED = {
    "a_buffer_instead_of_an_attribute": net(
        "self.register_buffer('directions', torch.randn(4, 4))", "return self.head(x @ self.directions)"
    ),
    "a_module_list_instead_of_a_list": net(
        "self.hidden = nn.ModuleList([nn.Linear(4, 4) for _ in range(3)])", "return self.head(self.hidden[2](x))"
    ),
    "a_module_dict_instead_of_a_dict": net(
        "self.hidden = nn.ModuleDict({'in': nn.Linear(4, 4)})", "return self.head(self.hidden['in'](x))"
    ),
    "a_parameter_list_instead_of_a_list": net(
        "self.gains = nn.ParameterList([nn.Parameter(torch.ones(4))])", "return self.head(x * self.gains[0])"
    ),
    "dropout_in_a_module_list": net(
        "self.drops = nn.ModuleList([nn.Dropout(0.5)])", "return self.head(self.drops[0](x))"
    ),
    "weights_changed_in_training_alone": net(
        "self.shift = nn.Parameter(torch.zeros(4))\nself.ready = False",
        """
            if self.training and not self.ready:
                self.shift.data.copy_(-x.mean(0))
                self.ready = True
            return self.head(x + self.shift)
        """,
    ),
    "constants_instead_of_what_nothing_reads": net("self.noise = torch.zeros(4)"),
}
"""The refused models after what their messages say."""


@pytest.mark.parametrize("code", REMEDIED.values(), ids=REMEDIED)
def test_the_remedy_that_a_refusal_names_works(tmp_path, code):
    package_model(write_model(tmp_path / "model", code), tmp_path / "package")


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


SOUND = {
    "a_constant_table": net(
        "self.table = torch.arange(4.0)\nself.names = ['a', 'b']\nself.options = {'x': 1.5}",
        "return self.head(x + self.table) * self.options['x']",
    ),
    "constants_everywhere": net(
        "self.f = lambda y, t=torch.ones(4): y * t\nself.g = functools.partial(torch.add, torch.ones(4))",
        "return self.head(self.f(self.g(x)) * TABLE * self.scale)",
        top="TABLE = torch.full((4,), 2.0)",
        base="scale = torch.full((4,), 0.5)",
    ),
    "layers_without_weights_in_a_list": net(
        "self.steps = [nn.ReLU(), nn.Tanh()]",
        "for step in self.steps:\n    x = step(x)\nreturn self.head(x)",
    ),
    "a_registered_layer_in_a_list_as_well": net("self.also = [self.head]", "return self.also[0](x)"),
    "a_random_number_that_nobody_uses": net("self.identity = random.random()\nself.address = id(self)"),
    "a_logger_and_a_lock": net(
        "import logging, threading\nself.log = logging.getLogger('net')\nself.lock = threading.Lock()"
    ),
    "dropout_in_eval_mode": net("self.drop = nn.Dropout(0.5)", "return self.head(self.drop(x))"),
    "normalisation_in_eval_mode": net("self.norm = nn.BatchNorm1d(4)", "return self.head(self.norm(x))"),
    "normalised_weights": net(
        "self.inner = torch.nn.utils.weight_norm(nn.Linear(4, 4))",
        "return self.head(self.inner(x))",
    ),
    "spectrally_normalised_weights": net(
        "self.inner = torch.nn.utils.spectral_norm(nn.Linear(4, 4))\n"
        "self.other = torch.nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4))",
        "return self.head(self.other(self.inner(x)))",
    ),
    "the_last_activations_kept_to_look_at": net(
        "self.seen = None\nself.parts = {}",
        "self.seen = x * 2\nself.parts['x'] = x\nreturn self.head(x)",
    ),
    "a_recurrent_layer": net(
        "self.lstm = nn.LSTM(4, 4, batch_first=True)",
        "return self.head(self.lstm(x.unsqueeze(1))[0][:, -1])",
    ),
    "a_random_tensor_that_demonstrates_the_file": net(top="EXAMPLE = torch.randn(2, 4)"),
    "a_hook_that_counts_nothing": net(
        "self.head.register_forward_hook(lambda module, args, answer: answer * 2)",
    ),
    "pruned_weights": net(
        "from torch.nn.utils import prune\nprune.random_unstructured(self.head, 'weight', 0.5)",
    ),
    "parametrised_weights": net(
        "torch.nn.utils.parametrize.register_parametrization(self.head, 'weight', Doubled())",
        top="class Doubled(nn.Module):\n    def forward(self, w):\n        return w * 2",
    ),
    "layers_that_learn_their_size": net(
        "self.lazy = nn.LazyLinear(4)\nself.lazy(torch.ones(1, 4))", "return self.lazy(x)"
    ),
    "an_optimiser_and_a_distribution": net(
        "self.optimiser = torch.optim.Adam(self.parameters())\n"
        "self.prior = torch.distributions.Normal(torch.zeros(4), torch.ones(4))",
    ),
    "a_scripted_part": net(
        "self.part = torch.jit.script(nn.Sequential(nn.Linear(4, 4), nn.ReLU()))", "return self.head(self.part(x))"
    ),
    "an_example_for_lightning": net("self.example_input_array = torch.randn(2, 4)"),
    "a_cached_property": net(
        forward="return self.head(x * self.scale)",
        methods="@functools.cached_property\ndef scale(self):\n    return torch.full((4,), 2.0)",
    ),
    "a_parent_in_an_object": net(
        "self.link = Link(self)",
        "return self.link.owner.head(x)",
        top="class Link:\n    def __init__(self, owner):\n        self.owner = owner",
    ),
    "a_method_as_an_attribute": net("self.step = self.head.forward", "return self.step(x)"),
    "a_graph_of_layers": net(
        "self.graph = torch.fx.symbolic_trace(nn.Sequential(nn.Linear(4, 4), nn.ReLU()))",
        "return self.head(self.graph(x))",
        top="import torch.fx",
    ),
    "a_set_of_numbers": net(
        "self.kept = {3, 1, 2}\nself.names = {'a', 'b', 'c'}", "return self.head(x) * len(self.kept)"
    ),
    "constants_with_gradients_switched_off": net(
        "self.sobel = [nn.Linear(4, 4)]\nself.sobel[0].requires_grad_(False)\n"
        "self.sobel[0].weight.fill_(0.5)\nself.sobel[0].bias.fill_(0.0)",
        "return self.head(self.sobel[0](x))",
    ),
    "random_numbers_under_a_seed": net(
        "torch.manual_seed(3)\nself.directions = torch.randn(4, 4)", "return self.head(x @ self.directions)"
    ),
    "a_loss_that_training_keeps": net(
        "self.loss = None\nself.norm = nn.BatchNorm1d(4)",
        "if self.training:\n    self.loss = x.square().mean()\nreturn self.head(self.norm(x))",
    ),
    "a_running_mean_in_a_buffer": net(
        "self.register_buffer('mean', torch.zeros(4))",
        "if self.training:\n    self.mean.copy_(x.mean(0))\nreturn self.head(x - self.mean)",
    ),
    "training_that_wants_targets": net(
        forward="if self.training:\n    raise ValueError('targets are missing')\nreturn self.head(x)",
    ),
    "a_counter_of_instances": net("Net.built += 1", base="built = 0"),
    "a_counter_in_training_alone": net("self.steps = 0", "if self.training:\n    self.steps += 1\nreturn self.head(x)"),
    "a_cached_method": net(
        forward="return self.head(x) + self.offset(3)",
        base="@functools.lru_cache(maxsize=None)\ndef offset(self, n):\n    return torch.arange(4.0) * n\n",
    ),
}
"""Models whose answers depend on nothing but their weights and their input."""


@pytest.mark.parametrize("code", SOUND.values(), ids=SOUND)
def test_a_sound_model_is_published(tmp_path, code):
    package = package_model(write_model(tmp_path / "model", code), tmp_path / "package")
    assert json.loads(package.evidence.read_text())["built_again"]["order"] == "reversed"


FILLED_ONCE = {
    "a_positional_table_that_grows": net(
        "self.table = torch.zeros(0, 4)",
        """
            if self.table.shape[0] < x.shape[1]:
                self.table = torch.arange(x.shape[1] * 4.0).reshape(-1, 4).sin()
            return self.head(x + self.table[: x.shape[1]])
        """,
    ),
    "a_causal_mask_for_the_largest_length": net(
        "self.mask = None",
        """
            if self.mask is None:
                self.mask = torch.ones(12, 12).tril()
            return self.head(self.mask[: x.shape[1], : x.shape[1]] @ x)
        """,
    ),
    "rotary_tables_for_the_largest_length_in_a_buffer": net(
        "self.register_buffer('cos', None, persistent=False)",
        """
            if self.cos is None:
                self.register_buffer('cos', torch.arange(48.0).reshape(12, 4).cos(), persistent=False)
            return self.head(x * self.cos[: x.shape[1]])
        """,
    ),
}
"""Tables that are made by the first call, and depend on the sizes of the input alone."""


@pytest.mark.parametrize("code", FILLED_ONCE.values(), ids=FILLED_ONCE)
def test_a_table_that_the_first_call_makes_is_allowed(tmp_path, code):
    package_model(write_model(tmp_path / "model", code, base=TEXT_FIELDS), tmp_path / "package")
