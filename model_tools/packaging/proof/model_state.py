"""Takes the digests of all values that a model's code can reach, so that two states can be compared by name."""

import hashlib
import random
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from model_tools.packaging.proof.reachable_values import Found, reachable_values
from model_tools.packaging.proof.state_messages import Kind, State, Value


@dataclass
class StateReader:
    """Reads the state of one model again and again."""

    model: Any
    folder: Path
    """The folder with the code of the model's author."""
    _known: dict[int, tuple[int, int, str]] = field(default_factory=dict)
    """The version counter, address and digest of each weight by its identity."""
    _last: State = field(default_factory=dict)
    """The values that were read last, by their names."""

    def read(self, *, thoroughly: bool = True) -> State:
        """Return the digests of all values.

        Unless `thoroughly`, the bytes of a weight are only read again if torch has counted a change of it.
        """
        found, _ = reachable_values(self.model, self.folder)
        storages = {address(value.value) for value in found if value.registered}
        state: State = {}
        for value in found:
            digest = (
                self._weight_digest(value.value, thoroughly=thoroughly) if value.registered else digest_of(value.value)
            )
            kind = _kind(value, storages)
            if value.name not in state:
                state[value.name] = self._described(value, kind, digest)
        self._last = state
        return state

    def _described(self, found: Found, kind: Kind, digest: str) -> Value:
        """Return the description of a value, the same object as at the last reading if nothing has changed."""
        fields = {"kind": kind, "digest": digest, "attribute": found.attribute, "holder": found.holder}
        last = self._last.get(found.name)
        return last if last is not None and last.__dict__ == fields else Value.model_validate(fields)

    def loose_modules(self) -> list[Found]:
        """Return the modules that the model's code can reach, and that are not registered as its parts."""
        return reachable_values(self.model, self.folder)[1]

    def _weight_digest(self, tensor: torch.Tensor, *, thoroughly: bool) -> str:
        version = -1 if tensor.is_inference() else tensor._version  # noqa: SLF001 (the counter has no public name)
        known = self._known.get(id(tensor))
        if not thoroughly and known and version >= 0 and known[:2] == (version, address(tensor)):
            return known[2]
        digest = digest_of(tensor)
        self._known[id(tensor)] = (version, address(tensor), digest)
        return digest


def digest_of(value: Any) -> str:
    """Return the digest of a value's contents; equal contents give equal digests in every process."""
    if isinstance(value, torch.Tensor):
        return _hexdigest(str(value.dtype), str(tuple(value.shape)), *_tensor_bytes(value))
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        contents = repr(value.tolist()) if value.dtype.hasobject else numpy.ascontiguousarray(value).tobytes()
        return _hexdigest(str(value.dtype), str(value.shape), contents)
    if _is_generator(value):
        return _generator_digest(value)
    return _text_digest(type(value).__name__, repr(value))


def inputs_digest(inputs: Iterable[torch.Tensor]) -> str:
    """Return the digest of the inputs of one call."""
    return _hexdigest(*(digest_of(tensor) for tensor in inputs))


def address(tensor: torch.Tensor) -> int:
    """Return the address of a tensor's memory, or its identity if it has none."""
    if tensor.layout != torch.strided or tensor.device.type != "cpu":
        return id(tensor)
    return tensor.untyped_storage().data_ptr() or id(tensor)


def _kind(found: Found, weights: set[int]) -> Kind:
    value = found.value
    if found.registered:
        return "weight"
    if isinstance(value, torch.Tensor):
        trainable = value.requires_grad and value.is_leaf and address(value) not in weights
        return "trainable" if trainable else "tensor"
    if _is_generator(value):
        return "generator"
    numpy = sys.modules.get("numpy")
    return "tensor" if numpy is not None and isinstance(value, numpy.ndarray) else "value"


def _is_generator(value: object) -> bool:
    return isinstance(value, torch.Generator | random.Random) or type(value).__module__.startswith("numpy.random")


def _generator_digest(generator: Any) -> str:
    """Return the digest of the state of a generator of torch, Python or numpy."""
    if isinstance(generator, torch.Generator):
        return digest_of(generator.get_state())
    if isinstance(generator, random.Random):
        return _hexdigest(repr(generator.getstate()))
    if hasattr(generator, "get_state"):
        return _hexdigest(repr(generator.get_state(legacy=False)))
    return _hexdigest(repr(getattr(generator, "bit_generator", generator).state))


def _tensor_bytes(tensor: torch.Tensor) -> list[Any]:
    """Return a tensor's contents, or nothing for a kind that torch does not lay out as numbers, such as nested ones."""
    try:
        return _contents(tensor.detach())
    except (RuntimeError, TypeError, NotImplementedError):
        return []


def _contents(tensor: torch.Tensor) -> list[Any]:
    if tensor.device.type != "cpu":
        return [tensor.device.type]
    if tensor.is_quantized:
        return [str(tensor.qscheme()), *_contents(tensor.int_repr()), *_contents(tensor.dequantize())]
    if tensor.layout != torch.strided:
        return _contents(tensor.to_dense())
    flat = tensor.resolve_conj().resolve_neg().contiguous().reshape(-1)
    return [flat.view(torch.uint8).numpy().data] if flat.numel() else []


@lru_cache(maxsize=4096)
def _text_digest(kind: str, text: str) -> str:
    """Return the digest of a value by its text; most are the same few, such as False, and are read after every call."""
    return _hexdigest(kind, text)


def _hexdigest(*parts: Any) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
        digest.update(b"\0")
    return digest.hexdigest()[:32]
