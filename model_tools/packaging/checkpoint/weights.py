"""Reads weights, refusing anything that is not a weight, and loads them into a model. Runs in a child process."""

import pickle
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch.nn.modules.utils import consume_prefix_in_state_dict_if_present

from model_tools.errors import CheckpointRejected
from model_tools.packaging.checkpoint.pickle_names import names_in_pickles

WRAPPERS = ("state_dict", "model_state_dict", "model", "module", "net", "network", "weights")
"""The keys under which training loops save the weights beside their own state, the most usual first."""
MAX_TOLD = 5
"""The number of names that a message lists."""

StateDict = dict[str, torch.Tensor]
"""The weights of a model by their names."""


def read_weights(path: Path) -> StateDict:
    """Return the weights in a `.pt`, `.pth` or `.safetensors` file, by name; the file is memory-mapped if possible.

    Raises CheckpointRejected for a file that holds no mapping of names to tensors, and for a pickle of other objects.
    """
    if path.suffix == ".safetensors":
        try:
            return dict(load_file(path))
        except SafetensorError as error:
            raise CheckpointRejected(f"{path.name} is damaged ({error}): copy or save it again.") from error
    return find_state_dict(_load(path), path.name)


def find_state_dict(saved: object, name: str) -> StateDict:
    """Return the mapping of names to tensors: the saved object itself, or its value under one of the usual keys.

    Raises CheckpointRejected when there is none; messages call the file `name`.
    """
    if _is_state_dict(saved):
        return cast("StateDict", saved)
    if isinstance(saved, Mapping):
        for key in WRAPPERS:
            if _is_state_dict(saved.get(key)):
                return cast("StateDict", saved[key])
        keys = ", ".join(repr(key) for key in list(saved)[:MAX_TOLD])
        raise CheckpointRejected(
            f"{name} holds no weights under its keys ({keys}): save model.state_dict() itself, or under 'state_dict'."
        )
    raise CheckpointRejected(f"{name} holds a {type(saved).__name__}, no weights: save model.state_dict().")


def without_wrapper(state: StateDict, expected: Collection[str]) -> StateDict:
    """Remove the prefix that a wrapper (DataParallel, torch.compile, Lightning) has put before every name.

    A prefix is removed only while no name is an expected one, since an architecture may have a part called `module`.
    """
    while state and not any(key in expected for key in state):
        prefixes = {key.partition(".")[0] for key in state}
        if len(prefixes) > 1 or not all("." in key for key in state):
            break
        # torch's function renames in place, and renames the state dict's metadata as well.
        consume_prefix_in_state_dict_if_present(state, f"{prefixes.pop()}.")
    return state


def refuse_non_finite(state: Mapping[str, torch.Tensor]) -> None:
    """Raise CheckpointRejected, which names the first tensors with NaN or infinite values, if there are any."""
    bad = [name for name, tensor in state.items() if _is_float(tensor) and not bool(torch.isfinite(tensor).all())]
    if bad:
        raise CheckpointRejected(
            f"The checkpoint has NaN or infinite values in {_first_few(bad)}: training diverged; publish an earlier "
            "checkpoint, or train again with a lower learning rate or clipped gradients."
        )


def load_weights(model: torch.nn.Module, state: StateDict, *, where: str) -> None:
    """Copy the weights into the model. Raises CheckpointRejected, which tells which weights do not fit, and why."""
    expected = model.state_dict()
    state = without_wrapper(state, expected)
    try:
        fit = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        # load_state_dict's message lists every weight that does not fit; ours lists the first few.
        wrong = [
            f"{key} is {list(value.shape)}, the architecture has {list(expected[key].shape)}"
            for key, value in state.items()
            if key in expected and isinstance(expected[key], torch.Tensor) and expected[key].shape != value.shape
        ]
        told = "; ".join(wrong[:MAX_TOLD]) or " ".join(str(error).split())[:500]
        more = f"; and {len(wrong) - MAX_TOLD} more" if len(wrong) > MAX_TOLD else ""
        raise CheckpointRejected(
            f"{where} does not fit the architecture: {told}{more}. Give the architecture the arguments that the model "
            "was trained with (arguments: in publish.yaml)."
        ) from error
    problems = []
    if fit.missing_keys:
        problems.append(f"it lacks {_first_few(fit.missing_keys)}")
    if fit.unexpected_keys:
        problems.append(f"it has {_first_few(fit.unexpected_keys)}, which the architecture has not")
    if problems:
        raise CheckpointRejected(
            f"{where} does not fit the architecture: {'; '.join(problems)}. Publish the code and the arguments that "
            "the model was trained with."
        )


def _load(path: Path) -> object:
    try:
        with path.open("rb") as file:
            mapped = file.read(2) == b"PK"  # only the zip format can be mapped
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        names = _first_few(_unsafe_names(path)) or "objects of other kinds"
        raise CheckpointRejected(
            f"{path.name} is a pickle that wants {names}, more than weights; nothing of it was loaded. Save the "
            "weights alone: torch.save(model.state_dict(), …) or .safetensors."
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


def _is_state_dict(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(key, str) for key in value)
        and all(isinstance(entry, torch.Tensor) or key.endswith("_extra_state") for key, entry in value.items())
    )


def _is_float(tensor: object) -> bool:
    return isinstance(tensor, torch.Tensor) and (tensor.is_floating_point() or tensor.is_complex())


def _first_few(names: list[str]) -> str:
    more = f" and {len(names) - MAX_TOLD} more" if len(names) > MAX_TOLD else ""
    return ", ".join(names[:MAX_TOLD]) + more
