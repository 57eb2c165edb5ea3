"""Models that keep state without harm are published."""

import json
from typing import Any

import pytest

from tests.support.packaging.model_folders import write_model
from tests.support.packaging.packing import package_model
from tests.support.packaging.state_models import net

TEXT_FIELDS: dict[str, Any] = {
    "name": "positions",
    "task": "tensor",
    "inputs": [{"shape": ["batch", "length", 4]}],
    "axes": {"length": {"min": 1, "max": 12}},
}


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
