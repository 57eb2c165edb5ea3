"""Brings weights from the forms in which tools keep them during training to plain ones, or names the form.

Pruned weights and weight_norm's are joined, since their value is known exactly. Other forms are refused with what
converts them, since it cannot be known from the file alone what the model computed.
"""

import re
from collections.abc import Callable, Collection, Mapping

import torch

from model_tools.errors import CheckpointRejected
from model_tools.packaging.checkpoint.weight_names import listed
from model_tools.packaging.checkpoint.weight_remedies import CONVERTED

QUANTIZED_LEAVES = frozenset(
    {"_packed_params", "qweight", "qzeros", "SCB", "absmax", "quant_map", "weight_scale", "weight_scale_inv",
     "weight_format", "fake_quant_enabled", "activation_post_process"}
)  # fmt: skip
"""The components of names that quantised state dicts have: torch's own, GPTQ's and AWQ's, bitsandbytes' and FP8's."""
NARROW_FLOATS = frozenset(
    {torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz, torch.float8_e8m0fnu,
     torch.float4_e2m1fn_x2}
)  # fmt: skip
"""The floating-point dtypes of 8 bits and fewer, whose numbers need a scale that only training's code knows."""
MAX_DEPTH = 4
"""The number of mappings inside one another that are searched for quantised weights."""
COUNTERS = ("total_ops", "total_params")
"""The buffers that thop, which counts operations, adds to every module."""
Join = Callable[[torch.Tensor, torch.Tensor], torch.Tensor | None]
"""Returns the weight that two tensors make; None for two that make none."""
SAVE = f"torch.save(model.state_dict(), {CONVERTED!r})"
"""The line that saves a model's weights after it was converted."""


def refuse_quantized(saved: object, where: str, depth: int = 0) -> None:
    """Raise CheckpointRejected for a saved object that holds a quantised state dict, itself or in its parts."""
    if not isinstance(saved, Mapping) or depth > MAX_DEPTH:
        return
    quantized = [name for name, entry in saved.items() if _is_quantized(name, entry)]
    if quantized:
        raise CheckpointRejected(quantized_message(where, quantized))
    for part in saved.values():
        refuse_quantized(part, where, depth + 1)


def refuse_without_numbers(entries: Mapping[str, object], where: str) -> None:
    """Raise CheckpointRejected for tensors that hold no plain numbers: meta, sharded or nested ones."""
    meta = [name for name, entry in entries.items() if isinstance(entry, torch.Tensor) and entry.is_meta]
    if meta:
        raise CheckpointRejected(
            f"{where} holds no numbers for {listed(meta)}: they are on the device 'meta', on which a model is built "
            f"without weights. Load the trained weights into the model, and save them: `{SAVE}`."
        )
    sharded = [name for name, entry in entries.items() if type(entry).__name__ in ("DTensor", "ShardedTensor")]
    if sharded:
        raise CheckpointRejected(
            f"{where} holds one process's share of {listed(sharded)}: gather the weights where the model is trained, "
            "with torch.distributed.checkpoint.state_dict.get_model_state_dict(model, "
            "options=StateDictOptions(full_state_dict=True)), and save what it returns."
        )
    nested = [name for name, entry in entries.items() if isinstance(entry, torch.Tensor) and entry.is_nested]
    if nested:
        raise CheckpointRejected(
            f"{where} holds nested tensors ({listed(nested)}), which no architecture's weight can take: save them as "
            "plain tensors."
        )


def plain_weights(
    state: Mapping[str, torch.Tensor], expected: Collection[str]
) -> tuple[dict[str, torch.Tensor], list[str]]:
    """Return the weights without what tools have added, pruned and normalised ones joined, and notes on both.

    Forms that the architecture has itself are left as they are.
    """
    leaves = {_leaf(name) for name in expected}
    plain = dict(state)
    notes = [
        *_without_counters(plain, leaves),
        *_without_averaging(plain, leaves),
        *_joined(plain, leaves, "Pruned weights", ("_orig", "_mask"), _masked),
        *_joined(plain, leaves, "Weights of weight_norm", ("_g", "_v"), _normalised),
    ]
    return plain, notes


def form_problem(missing: Collection[str], unexpected: Collection[str], where: str) -> str | None:
    """Return the message for weights in a form that is known by its names; None for names of no such form."""
    parts = {part for name in unexpected for part in name.split(".")}
    if parts & QUANTIZED_LEAVES or {"scale", "zero_point"} <= parts:
        return quantized_message(
            where, [name for name in unexpected if set(name.split(".")) & QUANTIZED_LEAVES] or unexpected
        )
    adapters = [name for name in unexpected if re.search(r"(^|[._])lora_|base_layer\.|\.ia3_|adapter_", name)]
    if adapters:
        return (
            f"{where} holds adapters ({listed(adapters)}), which the architecture has not: merge them into the "
            f"weights where the model is trained, `model = model.merge_and_unload()`, and save it: `{SAVE}`."
        )
    if any(part in ("_flat_param", "flat_param") for part in parts):
        return (
            f"{where} holds weights that FSDP has flattened into one tensor. Save them whole where the model is "
            f"trained: `with FSDP.state_dict_type(model, StateDictType.FULL_STATE_DICT): {SAVE}`."
        )
    return _parametrized(missing, unexpected, where)


def quantized_message(where: str, names: Collection[str]) -> str:
    """Return the message for weights that are quantised."""
    return (
        f"{where} holds quantised weights ({listed(names)}). Publish the weights as they were before quantising, saved "
        "by torch.save(model.state_dict(), …) of the model in float, with optimize: {quantize: dynamic-int8} in "
        "publish.yaml: then they are quantised here, and the answers are compared with the model's in float."
    )


def _parametrized(missing: Collection[str], unexpected: Collection[str], where: str) -> str | None:
    names = [name for name in unexpected if "parametrizations" in name.split(".")]
    if names:
        return (
            f"{where} holds parametrised weights ({listed(names)}), such as weight_norm and spectral_norm make, and "
            "the architecture has plain ones. Make them plain where the model is trained, then save it: `model.eval(); "
            "[torch.nn.utils.parametrize.remove_parametrizations(m, n) for m in model.modules() for n in "
            f"list(getattr(m, 'parametrizations', []))]; {SAVE}`."
        )
    found = set(unexpected)
    spectral = [name.removesuffix("_u") for name in unexpected if name.endswith("_u")]
    spectral = [name for name in spectral if f"{name}_orig" in found]
    if spectral:
        return (
            f"{where} holds weights of spectral_norm ({listed(spectral)}, as _orig, _u and _v), and the architecture "
            "has plain ones. Make them plain where the model is trained, then save it: "
            "`[torch.nn.utils.remove_spectral_norm(m, h.name) for m in model.modules() for h in "
            f"list(m._forward_pre_hooks.values()) if type(h).__name__ == 'SpectralNorm']; {SAVE}`."
        )
    pruned = [name for name in unexpected if name.endswith("_mask") and f"{name.removesuffix('_mask')}_orig" in found]
    if pruned:
        return (
            f"{where} holds pruned weights ({listed(pruned)}), which do not fit the architecture. Make them plain "
            "where the model is trained, then save it: `[torch.nn.utils.prune.remove(m, n.removesuffix('_mask')) for "
            f"m in model.modules() for n, _ in list(m.named_buffers(recurse=False)) if n.endswith('_mask')]; {SAVE}`."
        )
    wanted = [name for name in unexpected if _has_parts(name, set(missing))]
    if wanted:
        return (
            f"{where} holds plain weights ({listed(wanted)}), and the architecture has them parametrised or pruned: "
            "weight_norm, spectral_norm, prune or parametrize is applied when it is built. Build it without, since "
            "the file's weights are plain already."
        )
    return None


def _has_parts(name: str, missing: set[str]) -> bool:
    module, dot, leaf = name.rpartition(".")
    parts = [f"{name}_g", f"{name}_orig"]
    parts += [f"{module}{dot}parametrizations.{leaf}.{part}" for part in ("original", "original0")]
    return any(part in missing for part in parts)


def _without_counters(state: dict[str, torch.Tensor], leaves: set[str]) -> list[str]:
    extra = [name for name in state if _leaf(name) in COUNTERS and _leaf(name) not in leaves]
    for name in extra:
        del state[name]
    return [f"Counters of operations were left out: {listed(extra)}."] if extra else []


def _without_averaging(state: dict[str, torch.Tensor], leaves: set[str]) -> list[str]:
    """Remove the count that torch.optim.swa_utils.AveragedModel keeps beside its only member, `module`."""
    notes = []
    for name in [name for name in state if _leaf(name) == "n_averaged"]:
        parent = name.removesuffix("n_averaged")
        beside = {other.removeprefix(parent).partition(".")[0] for other in state if other.startswith(parent)}
        if beside == {"n_averaged", "module"} and "n_averaged" not in leaves:
            notes.append(f"The weights are an average over {int(state.pop(name))} models (AveragedModel).")
    return notes


def _joined(
    state: dict[str, torch.Tensor], leaves: set[str], form: str, ends: tuple[str, str], join: Join
) -> list[str]:
    """Replace each pair of tensors that make one weight by that weight."""
    names = [
        name.removesuffix(ends[0])
        for name in state
        if name.endswith(ends[0]) and f"{name.removesuffix(ends[0])}{ends[1]}" in state
    ]
    made = []
    for name in names:
        pair = (f"{name}{ends[0]}", f"{name}{ends[1]}")
        known = name in state or any(_leaf(part) in leaves for part in (*pair, f"{name}_u"))
        if known or _leaf(name) not in leaves or f"{name}_u" in state:
            continue
        joined = join(*(state[part] for part in pair))
        if joined is not None:
            for part in pair:
                del state[part]
            state[name] = joined
            made.append(name)
    if not made:
        return []
    how = "as the product with their masks" if ends[1] == "_mask" else "from direction and magnitude"
    return [f"{form} were computed {how}: {listed(made)}."]


def _masked(original: torch.Tensor, mask: torch.Tensor) -> torch.Tensor | None:
    return mask.to(original.dtype) * original if mask.shape == original.shape else None


def _normalised(magnitude: torch.Tensor, direction: torch.Tensor) -> torch.Tensor | None:
    """Return the weight that torch.nn.utils.weight_norm computes; None for tensors that are not its pair."""
    if magnitude.dim() == 0:
        return torch._weight_norm(direction, magnitude, -1)  # noqa: SLF001 (the function that weight_norm calls)
    wide = [axis for axis, size in enumerate(magnitude.shape) if size != 1]
    if magnitude.dim() != direction.dim() or len(wide) > 1 or not direction.is_floating_point():
        return None
    axis = wide[0] if wide else _axis_of_one(direction)
    if axis is None or magnitude.shape[axis] != direction.shape[axis]:
        return None
    return torch._weight_norm(direction, magnitude, axis)  # noqa: SLF001


def _axis_of_one(direction: torch.Tensor) -> int | None:
    """Return an axis of size 1: the norm of a direction with such an axis is the same for each of them."""
    return next((axis for axis, size in enumerate(direction.shape) if size == 1), None)


def _is_quantized(name: object, entry: object) -> bool:
    if isinstance(entry, torch.Tensor):
        return entry.is_quantized or entry.dtype in NARROW_FLOATS
    return isinstance(name, str) and "_packed_params" in name


def _leaf(name: str) -> str:
    return name.rpartition(".")[2]
