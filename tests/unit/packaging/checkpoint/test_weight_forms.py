"""Weights in the forms that training and its tools leave: loaded as the trained model answers, or refused by name."""

import copy

import pytest
import torch
from safetensors.torch import save_model
from torch import nn
from torch.nn.utils import parametrizations, prune, spectral_norm, weight_norm
from torch.optim.swa_utils import AveragedModel

from model_tools.packaging.checkpoint.weights import load_weights, read_weights
from tests.support.packaging.remedies import follow
from tests.support.packaging.weight_files import INPUTS, Net, Tied, assert_same, loaded, refusal, trained


def wrap_part(wrap):
    def build(net: Net) -> nn.Module:
        net.body = wrap(net.body)
        return net

    return build


def under(name: str):
    def build(net: nn.Module) -> nn.Module:
        outer = nn.Module()
        outer.add_module(name, net)
        return outer

    return build


lightning = under("model")


WRAPPINGS = {
    "data parallel": nn.DataParallel,
    "a part in data parallel": wrap_part(nn.DataParallel),
    "torch.compile": torch.compile,
    "a part compiled": wrap_part(torch.compile),
    "data parallel of a compiled model": lambda net: nn.DataParallel(torch.compile(net)),
    "a compiled part in data parallel in a Lightning module": lambda net: lightning(
        nn.DataParallel(wrap_part(torch.compile)(net))
    ),
    "a part under FSDP and activation checkpoints": wrap_part(
        lambda part: under("_fsdp_wrapped_module")(under("_checkpoint_wrapped_module")(part))
    ),
    "a Lightning module that calls it net": under("net"),
    "averaged": AveragedModel,
    "averaged and compiled": lambda net: AveragedModel(torch.compile(net)),
    "averaged in a Lightning module": lambda net: lightning(AveragedModel(net)),
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("name", ["a.pt", "a.safetensors"])
def test_names_under_wrappers_are_those_of_the_architecture(wrapping, name, tmp_path):
    net = trained()
    model, notes = loaded(WRAPPINGS[wrapping](copy.deepcopy(net)).state_dict(), tmp_path, name=name)
    assert_same(model, net)
    assert any("was removed from" in note for note in notes)


def test_a_wrapper_in_the_architecture_itself_takes_plain_weights(tmp_path):
    net = trained()
    model = wrap_part(torch.compile)(trained(seed=0))
    _, notes = loaded(net.state_dict(), tmp_path, model)
    assert torch.equal(model.state_dict()["body._orig_mod.0.weight"], net.body[0].weight)
    assert notes == ["`_orig_mod.` was added to 7 of 9 names of weights."]


def test_plain_weights_need_no_note(tmp_path):
    assert loaded(trained().state_dict(), tmp_path)[1] == []


@pytest.mark.parametrize("dropped", ["head.weight", "model.0.weight", pytest.param(None, id="neither")])
@pytest.mark.parametrize("prefix", [pytest.param("", id="no prefix"), "module.", "net._orig_mod."])
def test_tied_weights_may_be_in_the_file_under_any_of_their_names(dropped, prefix, tmp_path):
    net = trained(Tied)
    saved = {f"{prefix}{key}": value.clone() for key, value in net.state_dict().items() if key != dropped}
    model, _ = loaded(saved, tmp_path, trained(Tied, seed=0), "a.safetensors")
    assert_same(model, net, torch.arange(6))


def test_what_safetensors_save_model_leaves_out_is_loaded_with_a_note(tmp_path):
    net, model = trained(Tied), trained(Tied, seed=0)
    save_model(net, str(tmp_path / "a.safetensors"))
    notes = load_weights(model, read_weights(tmp_path / "a.safetensors"), where="a.safetensors")
    assert_same(model, net, torch.arange(6))
    assert notes == [
        "Weights that the architecture shares are in the file under one name: model.0.weight is head.weight."
    ]


def test_tied_weights_with_different_numbers_are_refused(tmp_path):
    saved = trained(lambda: Tied(tie=False)).state_dict()
    message = refusal(saved, tmp_path, trained(Tied))
    assert "has different numbers for model.0.weight and head.weight, which are one tensor" in message


@pytest.mark.parametrize("prefix", [pytest.param("", id="no prefix"), "module.", "model._orig_mod."])
def test_tied_weights_that_are_under_none_of_their_names_are_refused(prefix, tmp_path):
    class Shared(Tied):
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Sequential(nn.Linear(6, 6))

    saved = {f"{prefix}{key}": value for key, value in trained(Shared).state_dict().items() if "last" in key}
    assert "it lacks" in refusal(saved, tmp_path, trained(Shared))


def test_a_weight_that_the_architecture_does_not_tie_must_be_in_the_file(tmp_path):
    saved = {"model.0.weight": trained(Tied).head.weight.detach()}
    message = refusal(saved, tmp_path, trained(lambda: Tied(tie=False)))
    assert "it lacks head.weight" in message
    assert "self.head.weight = self.model.0.weight" in message


def test_pruned_weights_are_the_product_with_their_masks(tmp_path):
    net = trained()
    prune.l1_unstructured(net.body[0], "weight", amount=0.5)
    prune.random_unstructured(net.head, "bias", amount=0.5)
    model, notes = loaded(nn.DataParallel(net).state_dict(), tmp_path)
    assert_same(model, net)
    assert (
        notes[0]
        == "Pruned weights were computed as the product with their masks: module.body.0.weight, module.head.bias."
    )


def test_an_architecture_that_prunes_itself_takes_pruned_weights_as_they_are(tmp_path):
    def pruned():
        net = Net()
        prune.l1_unstructured(net.head, "weight", amount=0.5)
        return net

    net = trained(pruned)
    model, notes = loaded(net.state_dict(), tmp_path, trained(pruned, seed=0))
    assert_same(model, net)
    assert notes == []


@pytest.mark.parametrize("dim", [0, 1, None])
def test_the_old_form_of_weight_norm_is_joined(dim, tmp_path):
    net = trained()
    weight_norm(net.head, dim=dim)
    with torch.no_grad():
        net.head.weight_g.mul_(1.5)
    model, notes = loaded(net.state_dict(), tmp_path)
    assert_same(model, net)
    assert notes == ["Weights of weight_norm were computed from direction and magnitude: head.weight."]


REFUSED_FORMS = {
    "weight_norm as parametrisation": (parametrizations.weight_norm, "parametrised"),
    "spectral_norm": (spectral_norm, "spectral_norm"),
    "spectral_norm as parametrisation": (parametrizations.spectral_norm, "parametrised"),
    "orthogonal": (parametrizations.orthogonal, "parametrised"),
}


@pytest.mark.parametrize("form", REFUSED_FORMS)
def test_other_parametrised_weights_are_refused_with_the_line_that_makes_them_plain(form, tmp_path):
    apply, told = REFUSED_FORMS[form]
    net = trained()
    apply(net.head)
    net.eval()(INPUTS)
    message = refusal(net.state_dict(), tmp_path)
    assert told in message
    answers = net(INPUTS)
    model = trained(seed=0)
    load_weights(model, read_weights(follow(message, tmp_path, model=net)), where="weights.pt")
    assert torch.allclose(model.eval()(INPUTS), answers, atol=1e-6)


@pytest.mark.parametrize("apply", [weight_norm, spectral_norm, parametrizations.orthogonal])
def test_plain_weights_for_a_parametrised_architecture_are_refused_with_the_reason(apply, tmp_path):
    net = trained(seed=0)
    apply(net.head)
    assert "has them parametrised or pruned" in refusal(trained().state_dict(), tmp_path, net)


def test_weights_of_weight_norm_fit_its_parametrisation_by_torch_s_own_hook(tmp_path):
    net, model = trained(), trained(seed=0)
    weight_norm(net.head)
    parametrizations.weight_norm(model.head)
    loaded(nn.DataParallel(net).state_dict(), tmp_path, model)
    assert_same(model, net)


QUANTISED = {
    "dynamic": lambda net: torch.ao.quantization.quantize_dynamic(net, {nn.Linear}).state_dict(),
    "quantised tensors": lambda net: {
        key: torch.quantize_per_tensor(value, 0.1, 0, torch.qint8) if value.dim() > 1 else value
        for key, value in net.state_dict().items()
    },
    "GPTQ": lambda net: {
        **{key: value for key, value in net.state_dict().items() if key != "head.weight"},
        "head.qweight": torch.ones(5, 2, dtype=torch.int32), "head.scales": torch.ones(2),
    },
    "bitsandbytes": lambda net: {**net.state_dict(), "head.weight.absmax": torch.ones(3)},
    "integers whose scale is elsewhere": lambda net: {
        key: (100 * value).to(torch.int8) if value.dim() > 1 else value for key, value in net.state_dict().items()
    },
    "float8": lambda net: {key: value.to(torch.float8_e4m3fn) for key, value in net.state_dict().items()},
}  # fmt: skip


@pytest.mark.parametrize("form", QUANTISED)
@pytest.mark.parametrize("key", [None, "state_dict"])
def test_quantised_weights_are_refused_as_such(form, key, tmp_path):
    state = QUANTISED[form](trained())
    message = refusal(state if key is None else {key: state, "epoch": 1}, tmp_path)
    assert "holds quantised weights" in message
    assert "optimize: {quantize: dynamic-int8}" in message


def test_zeros_and_ones_are_the_same_weights_as_integers(tmp_path):
    ones = {**trained().state_dict(), "head.bias": torch.tensor([0, 1], dtype=torch.uint8)}
    model, notes = loaded(ones, tmp_path)
    assert model.head.bias.tolist() == [0.0, 1.0]
    assert notes[0].startswith("Converted from uint8")


def test_integers_in_a_buffer_are_loaded_as_the_numbers_that_they_are(tmp_path):
    saved = trained().state_dict()
    saved["body.1.running_mean"] = torch.arange(5)
    model, _ = loaded(saved, tmp_path)
    assert model.body[1].running_mean.tolist() == [0, 1, 2, 3, 4]


def test_parameters_without_the_buffers_are_refused_with_what_leaves_them_out(tmp_path):
    net = trained()
    message = refusal(dict(net.named_parameters()), tmp_path)
    assert "holds parameters only, and lacks body.1.running_mean, body.1.running_var" in message
    model = trained(seed=0)
    load_weights(model, read_weights(follow(message, tmp_path, model=net)), where="weights.pt")
    assert_same(model, net)


def test_adapters_are_refused_with_how_to_merge_them(tmp_path):
    saved = {
        "base_model.model.head.lora_A.weight": torch.ones(1, 5),
        "base_model.model.head.lora_B.weight": torch.ones(2, 1),
    }
    assert "merge_and_unload()" in refusal(saved, tmp_path)


def test_the_state_of_an_optimiser_is_refused_as_such(tmp_path):
    net = trained()
    optimizer = torch.optim.Adam(net.parameters())
    net(INPUTS).sum().backward()
    optimizer.step()
    assert "holds the state of an optimiser, no weights" in refusal(optimizer.state_dict(), tmp_path)


def test_batch_norm_s_counters_may_be_missing_or_left_over(tmp_path):
    net = trained()
    saved = {key: value for key, value in net.state_dict().items() if "num_batches" not in key}
    assert_same(loaded(nn.DataParallel(net).state_dict() and saved, tmp_path)[0], net)
    frozen = trained(seed=0)
    del frozen.body[1]._buffers["num_batches_tracked"]
    frozen.body[1]._version = 1
    model, notes = loaded(net.state_dict(), tmp_path, frozen)
    assert_same(model, net)
    assert "num_batches_tracked" in notes[0]


def test_counters_of_operations_are_left_out(tmp_path):
    net = trained()
    saved = dict(net.state_dict())
    for prefix in ("", "body.", "body.0."):
        saved |= {f"{prefix}total_ops": torch.zeros(1, dtype=torch.float64), f"{prefix}total_params": torch.zeros(1)}
    model, notes = loaded({f"module.{key}": value for key, value in saved.items()}, tmp_path)
    assert_same(model, net)
    assert notes[0].startswith("Counters of operations were left out")


class Positions(nn.Module):
    def __init__(self, start: int = 0) -> None:
        super().__init__()
        self.words = nn.Embedding(6, 4)
        self.register_buffer("positions", torch.arange(start, start + 6), persistent=False)


def test_buffers_that_the_architecture_makes_itself_must_have_the_numbers_of_the_file(tmp_path):
    saved = {**trained(Positions).state_dict(), "positions": torch.arange(6)}
    model, notes = loaded(saved, tmp_path, trained(Positions, seed=0))
    assert torch.equal(model.words.weight, saved["words.weight"])
    assert "have the same numbers" in notes[0]
    assert "persistent=True" in refusal(saved, tmp_path, trained(lambda: Positions(1)))


@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_a_conversion_of_dtypes_is_noted(name, tmp_path):
    dtype = getattr(torch, name)
    saved = {
        key: value.to(dtype) if value.is_floating_point() else value for key, value in trained().state_dict().items()
    }
    model, notes = loaded(saved, tmp_path)
    assert torch.equal(model.head.weight, saved["head.weight"].float())
    assert notes[0].startswith(f"Converted from {name}, the file's dtype, to float32")


def test_a_conversion_that_loses_numbers_is_refused(tmp_path):
    saved = {**trained().state_dict(), "head.bias": torch.tensor([1.0, 1e6])}
    assert "head.bias (float32 to float16)" in refusal(saved, tmp_path, trained(seed=0).half())
    saved["body.1.num_batches_tracked"] = torch.tensor(0.5)
    assert "body.1.num_batches_tracked (float32 to int64)" in refusal(saved, tmp_path)
    saved |= {"body.1.num_batches_tracked": torch.tensor(1), "head.bias": torch.tensor([1j, 0])}
    assert "head.bias (complex64 to float32)" in refusal(saved, tmp_path)


@pytest.mark.parametrize(
    "dtype", [pytest.param(torch.int8, id="with a sign"), pytest.param(torch.uint8, id="without a sign")]
)
def test_integers_of_8_bits_for_floats_are_quantised_weights_without_their_scale(dtype, tmp_path):
    saved = {**trained().state_dict(), "head.weight": (trained().head.weight.detach() * 100).to(dtype)}
    told = refusal(saved, tmp_path)
    assert "holds quantised weights (head.weight)" in told
    assert "optimize: {quantize: dynamic-int8}" in told


def test_a_mask_of_integers_for_floats_is_converted(tmp_path):
    saved = {**trained().state_dict(), "head.weight": torch.ones_like(trained().head.weight).to(torch.uint8)}
    model, _ = loaded(saved, tmp_path)
    assert torch.equal(model.head.weight, torch.ones_like(model.head.weight))


def test_the_state_dict_of_a_model_without_weights_is_empty(tmp_path):
    _, notes = loaded({}, tmp_path, nn.ReLU())
    assert notes == []
    assert "lacks" in refusal({}, tmp_path)


def test_sparse_and_strided_weights_are_loaded_as_the_numbers_that_they_are(tmp_path):
    net = trained()
    saved = dict(net.state_dict())
    saved["head.weight"] = saved["head.weight"].t().contiguous().t()
    saved["body.0.weight"] = saved["body.0.weight"].to_sparse()
    model, notes = loaded(saved, tmp_path)
    assert_same(model, net)
    assert notes == ["Sparse weights were made dense: body.0.weight."]


def test_weights_without_numbers_are_refused(tmp_path):
    with torch.device("meta"):
        saved = Net().state_dict()
    assert "they are on the device 'meta'" in refusal(saved, tmp_path)


def test_weights_that_are_spread_over_processes_are_refused(tmp_path):
    saved = {"module": {key: torch.empty(0) for key in Net().state_dict()}, "ds_version": "0.16"}
    assert "zero_to_fp32.py" in refusal(saved, tmp_path)


def test_a_mask_of_minus_infinity_is_no_sign_of_divergence(tmp_path):
    class Masked(Net):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mask", torch.full((3, 3), -torch.inf).triu(1))

    net = trained(Masked)
    assert_same(loaded(net.state_dict(), tmp_path, trained(Masked, seed=0))[0], net)
    with torch.no_grad():
        net.head.bias[0] = -torch.inf
    assert "training diverged" in refusal(net.state_dict(), tmp_path, trained(Masked, seed=0))
