"""Traces an eager model to TorchScript, in a child process.

`torch.jit.optimize_for_inference` is not used, because a model that it has optimised fails after it was saved and
loaded (torch 2.13).
"""

import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.jit._trace import TracerWarning

from model_tools.errors import ParityFailed, TraceFailed
from model_tools.formats.manifest import Manifest
from model_tools.packaging.checkpoint.architecture import place_text, user_code_errors
from model_tools.packaging.proof.control_flow import Place, Reads, callers_place, reads_of_inputs
from model_tools.tensors.memory_format import IMAGE_AXES, in_format

MAX_TOLD = 3
"""The number of places in the code that a message lists."""
HALF = (torch.float16, torch.bfloat16)
MAX_NOTES = 50
"""The number of the tracer's warnings that are kept."""


@dataclass(frozen=True)
class Traced:
    """A traced model in memory."""

    module: torch.jit.ScriptModule
    channels_last: bool
    """The model is traced with images in channels-last memory format."""
    notes: tuple[str, ...]
    """The tracer's warnings, which were found to be harmless."""


def trace_model(model: torch.nn.Module, inputs: tuple[torch.Tensor, ...], manifest: Manifest, folder: Path) -> Traced:
    """Trace an eager model with example inputs, and freeze it.

    Raises ParityFailed for a model whose code decides by the values of the inputs, TraceFailed for one that cannot be
    traced. The weights of `model` itself may be in another memory format afterwards.
    """
    with user_code_errors(folder, "Running the model"):
        decision_places = reads_of_inputs(model, inputs)
    wanted = manifest.optimize.channels_last
    may_profit = bears_other_roundings(model, manifest) and profits_from_channels_last(model, inputs)
    if wanted is True or (wanted == "auto" and may_profit):
        try:
            return _trace(model, inputs, manifest, folder, decision_places, channels_last=True)
        except TraceFailed as error:
            if wanted is True:
                raise TraceFailed(
                    f"{error} With optimize: {{channels_last: auto}} it may be traced without."
                ) from error
            # A usual cause is x.view() of a convolution's result, which needs the contiguous memory format.
            plain = _trace(model, inputs, manifest, folder, decision_places, channels_last=False)
            return Traced(plain.module, channels_last=False, notes=(*plain.notes, f"channels_last was tried: {error}"))
    return _trace(model, inputs, manifest, folder, decision_places, channels_last=False)


def profits_from_channels_last(model: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> bool:
    """Tell whether channels-last is faster for a model, which is so for 2-D convolutions over image-like inputs.

    The structure decides and not a measurement: the same checkpoint must give the same archive
    (docs/explanation/decisions/0010).
    """
    convolutional = any(isinstance(module, torch.nn.Conv2d) for module in model.modules())
    return convolutional and any(tensor.dim() == IMAGE_AXES and tensor.is_floating_point() for tensor in inputs)


def freeze(module: torch.jit.ScriptModule, manifest: Manifest) -> torch.jit.ScriptModule:
    """Return a scripted or traced module, frozen if the manifest wants that and the module is not frozen already.

    Raises TraceFailed for a module that cannot be frozen.
    """
    if not manifest.optimize.freeze or getattr(module, "training", None) is None:
        return module
    try:
        return torch.jit.freeze(module.eval(), optimize_numerics=bears_other_roundings(module, manifest))  # type: ignore[no-any-return]
    except RuntimeError as error:
        raise TraceFailed(
            f"The traced model cannot be frozen ({' '.join(str(error).split())[:500]}): set optimize: "
            f"{{freeze: false}}."
        ) from error


def bears_other_roundings(model: torch.nn.Module, manifest: Manifest) -> bool:
    """Tell whether a model may be folded and sum in another order, which is false in half precision.

    A batch norm that is folded into a convolution there rounds each weight to three digits or fewer, which the trained
    model does not. A model that is quantised to bfloat16 is measured by its answers before.
    """
    return manifest.optimize.quantize != "none" or not any(weight.dtype in HALF for weight in model.parameters())


def _trace(
    model: torch.nn.Module,
    inputs: tuple[torch.Tensor, ...],
    manifest: Manifest,
    folder: Path,
    decision_places: dict[Place, Place],
    *,
    channels_last: bool,
) -> Traced:
    model = in_memory_format(model, channels_last=channels_last)
    reads, notes = Reads(), _TracerNotes(folder)
    with notes.collected(), user_code_errors(folder, "Tracing the model"), torch.no_grad(), reads:
        # check_trace is off, since parity is proved in another process and on more inputs.
        example = in_format(inputs, channels_last=channels_last)
        traced = torch.jit.trace(model, example, strict=False, check_trace=False)  # type: ignore[no-untyped-call]
    lost = sorted({outer for inner, outer in decision_places.items() if inner in reads.places})
    if lost:
        raise ParityFailed(_lost_control_flow(lost, folder))
    return Traced(freeze(traced, manifest), channels_last, notes.texts)


def in_memory_format(model: torch.nn.Module, *, channels_last: bool) -> torch.nn.Module:
    """Return the same model object with its convolutions' weights in the wanted memory format."""
    wanted = torch.channels_last if channels_last else torch.contiguous_format
    return model.to(memory_format=wanted)  # type: ignore[call-overload, no-any-return]  # torch's stub lacks it


class _TracerNotes:
    """Collects the tracer's warnings, each with its place in the user's code, which is read from the stack."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._notes: dict[str, None] = {}

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(self._notes)[:MAX_NOTES]

    @contextmanager
    def collected(self) -> Iterator[None]:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = self._note  # type: ignore[assignment]  # the rest of its arguments is not needed
            yield

    def _note(self, message: Warning | str, category: type[Warning], *_: object) -> None:
        if issubclass(category, TracerWarning):
            filename, line = callers_place(sys._getframe(1))  # noqa: SLF001 (no public function gives the place of the warning)
            said = re.split(r"\. |\n", str(message), maxsplit=1)[0].rstrip(".")[:300]
            self._notes[f"{said}{place_text(filename, line, self._folder)}: not decided by input values"] = None


def _lost_control_flow(lost: Sequence[Place], folder: Path) -> str:
    places = ";".join(place_text(filename, line, folder) for filename, line in lost[:MAX_TOLD])
    return (
        f"The model's code decides by the values of its input, and tracing keeps only one of the ways:{places}. "
        "Compute both ways and choose with torch.where, or put the decision into a function decorated with "
        "torch.jit.script, or out of forward; then publish again."
    )
