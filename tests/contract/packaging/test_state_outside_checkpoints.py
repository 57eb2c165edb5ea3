"""State that the checkpoint does not hold is refused by its name, and the remedies of the refusals work."""

import re

import pytest

from model_tools.errors import CheckpointRejected, ParityFailed
from tests.support.packaging.model_folders import write_model
from tests.support.packaging.packing import package_model
from tests.support.packaging.state_models import net, refused

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


def test_the_time_in_an_answer_is_refused(tmp_path):
    code = "import time\n" + net(forward="return self.head(x) + 1e-9 * time.time()")
    assert "the time" in refused(ParityFailed, code, tmp_path)


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
