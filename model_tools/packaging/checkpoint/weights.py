"""Reads weights, refusing anything that is not a weight, and loads them into a model. Runs in a child process."""

import pickle
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from model_tools.errors import CheckpointRejected
from model_tools.packaging.checkpoint.fitting import Fitted, fit_weights, without_wrappers
from model_tools.packaging.checkpoint.pickle_names import names_in_pickles
from model_tools.packaging.checkpoint.refused_pickles import outline
from model_tools.packaging.checkpoint.shared_weights import refuse_contradictions
from model_tools.packaging.checkpoint.weight_dtypes import cast_notes, refuse_integer_parameters
from model_tools.packaging.checkpoint.weight_forms import refuse_quantized, refuse_without_numbers
from model_tools.packaging.checkpoint.weight_names import listed
from model_tools.packaging.checkpoint.weight_remedies import CONVERTED, at
from model_tools.packaging.checkpoint.weight_sets import Weights, find_weights


def read_weights(path: Path) -> Weights:
    """Return the weights in a file of torch.save or safetensors, by name; the file is memory-mapped if possible.

    Raises CheckpointRejected for a file that holds no weights or several sets of them, for a pickle of other objects,
    and for tensors that are quantised or hold no numbers.
    """
    if path.suffix == ".safetensors":
        try:
            weights = Weights(load_file(path))
        except SafetensorError as error:
            raise CheckpointRejected(f"{path.name} is damaged ({error}): copy or save it again.") from error
    else:
        saved = _load(path)
        refuse_quantized(saved, path.name)
        weights = find_weights(saved, path.name)
    refuse_quantized(weights, path.name)
    refuse_without_numbers(weights, path.name)
    return weights


def refuse_non_finite(state: Mapping[str, torch.Tensor]) -> None:
    """Raise CheckpointRejected, which names the first tensors with NaN or infinite values, if there are any.

    A mask of zeros and -inf, which attention adds to its scores, is no sign of training that diverged.
    """
    bad = [name for name, tensor in state.items() if _is_float(tensor) and not (_is_finite(tensor) or _is_mask(tensor))]
    if bad:
        raise CheckpointRejected(
            f"The checkpoint has NaN or infinite values in {listed(bad)}: training diverged; publish an earlier "
            "checkpoint, or train again with a lower learning rate or clipped gradients."
        )


def load_weights(model: torch.nn.Module, state: Mapping[str, torch.Tensor], *, where: str) -> list[str]:
    """Copy the weights into the model, and return sentences that say how they were brought to it, for the evidence.

    The weights are taken as torch takes them if every name fits, and otherwise in the forms that fit_weights knows.
    Raises CheckpointRejected, which tells which weights do not fit, and why.
    """
    before = dict(model.state_dict())
    fitted = Fitted(dict(state), getattr(state, "versions", None))
    if not _loads(model, fitted):
        fitted = _fitted(model, state, where)
    parameters = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    refuse_integer_parameters(fitted.state, before, parameters, where)
    notes = [*getattr(state, "notes", ()), *fitted.notes, *cast_notes(fitted.state, before, where)]
    refuse_contradictions(model.state_dict(), fitted.state, where)
    return notes


def _fitted(model: torch.nn.Module, state: Mapping[str, torch.Tensor], where: str) -> Fitted:
    """Bring the weights to the architecture and load them."""
    try:
        fitted = fit_weights(model, state, where=where)
    except CheckpointRejected:
        # An architecture may bring older names up to date itself, by a hook, once a wrapper's are removed.
        for candidate in without_wrappers(state):
            if _loads(model, candidate):
                return candidate
        raise
    if not _loads(model, fitted):
        raise CheckpointRejected(
            f"{where} has the names and shapes of the architecture, but the architecture's own load_state_dict does "
            "not take them: try model.load_state_dict(…) by hand, and correct it."
        )
    return fitted


def _loads(model: torch.nn.Module, fitted: Fitted) -> bool:
    """Tell whether torch loads the weights, with none left over and none missing but `fitted.absent`."""
    try:
        result = model.load_state_dict(fitted.as_state_dict(), strict=False)
    except RuntimeError:
        return False
    return not result.unexpected_keys and set(result.missing_keys) <= fitted.absent


def _load(path: Path) -> object:
    try:
        with path.open("rb") as file:
            mapped = file.read(2) == b"PK"  # only the zip format can be mapped
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        refused = outline(path)
        what = (
            f"holds a whole model ({refused.model}), whose code would run when it is loaded"
            if refused.model
            else f"is a pickle that wants {listed(_unsafe_names(path)) or 'objects of other kinds'}, more than weights"
        )
        others = (
            f"There are weights under {' and '.join(at(keys) for keys in refused.others[:5])} as well: write into the "
            "line the one that shall answer. "
            if refused.others
            else ""
        )
        raise CheckpointRejected(
            f"{path.name} {what}; nothing of it was loaded. Save the weights alone: `{refused.line}`, and name "
            f"{CONVERTED} as checkpoint in publish.yaml. {others}Run this only on a file of your own, since loading "
            "such a pickle runs what it names."
        ) from error
    except (RuntimeError, ValueError, EOFError, KeyError, AttributeError, TypeError, IndexError) as error:
        raise CheckpointRejected(
            f"{path.name} cannot be read ({type(error).__name__}: {' '.join(str(error).split())[:300]}): save it again "
            "with torch.save(model.state_dict(), …)."
        ) from error


def _unsafe_names(path: Path) -> list[str]:
    """Return the names in a pickle that torch refuses to import for weights."""
    try:
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except (ValueError, RuntimeError, pickle.UnpicklingError):  # the file is no zip but in the format before torch 1.6
        with path.open("rb") as file:
            names = names_in_pickles(file)
        return [name for name in names if not re.match(r"(torch\.|collections\.OrderedDict$)", name)]


def _is_float(tensor: object) -> bool:
    return isinstance(tensor, torch.Tensor) and (tensor.is_floating_point() or tensor.is_complex())


def _is_finite(tensor: torch.Tensor) -> bool:
    if tensor.layout != torch.strided:
        tensor = tensor.coalesce().values() if tensor.layout == torch.sparse_coo else tensor.to_dense()
    return bool(torch.isfinite(tensor).all())


def _is_mask(tensor: torch.Tensor) -> bool:
    return tensor.layout == torch.strided and bool(((tensor == 0) | (tensor == -torch.inf)).all())
