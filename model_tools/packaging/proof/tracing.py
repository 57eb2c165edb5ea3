"""Traces an eager model to TorchScript, in a child process.

`torch.jit.optimize_for_inference` is not used, because a model that it has optimised fails after it was saved and
loaded (torch 2.13).
"""

import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch.jit._trace import TracerWarning

from model_tools.errors import TraceFailed
from model_tools.formats.manifest import Manifest
from model_tools.packaging.checkpoint.architecture import user_code_errors
from model_tools.packaging.children.faults import error_text
from model_tools.packaging.children.places import place_text
from model_tools.packaging.proof import tolerance
from model_tools.packaging.proof.example_inputs import draw_inputs
from model_tools.packaging.proof.messages import TraceJob
from model_tools.packaging.proof.user_places import callers_place
from model_tools.tensors.dtypes import DTYPES
from model_tools.tensors.memory_format import IMAGE_AXES, in_format

MAX_TOLD = 3
"""The number of places in the code that a message lists."""
HALF = tuple(DTYPES[name] for name in tolerance.HALF)
"""The dtypes of half precision, in which another number in the code may not show in the answers."""
NUMBERS_READ = ("Converting a tensor to a Python", "Using len to get tensor shape", "Iterating over a tensor")
"""The beginnings of warnings that Python reads a number, which `control_flow` has judged."""
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


def trace_model(model: torch.nn.Module, job: TraceJob) -> Traced:
    """Trace an eager model with the job's example inputs, and freeze it.

    Raises TraceFailed for a model that cannot be traced. The weights of `model` itself may be in another memory format
    afterwards.
    """
    inputs = draw_inputs(job.trace, job.manifest.inputs)
    wanted = job.manifest.optimize.channels_last
    may_profit = bears_other_roundings(model, job.manifest) and profits_from_channels_last(model, inputs)
    if wanted is True or (wanted == "auto" and may_profit):
        try:
            return _trace(model, inputs, job, channels_last=True)
        except TraceFailed as error:
            if wanted is True:
                raise TraceFailed(
                    f"{error} With optimize: {{channels_last: auto}} it may be traced without."
                ) from error
            # A usual cause is x.view() of a convolution's result, which needs the contiguous memory format.
            plain = _trace(model, inputs, job, channels_last=False)
            return replace(plain, notes=(*plain.notes, f"channels_last was tried: {error}"))
    return _trace(model, inputs, job, channels_last=False)


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
        with warnings.catch_warnings(action="ignore"):  # the user's code may have turned warnings into errors
            return torch.jit.freeze(module.eval(), optimize_numerics=bears_other_roundings(module, manifest))  # type: ignore[no-any-return]
    except RuntimeError as error:
        raise TraceFailed(
            f"The traced model cannot be frozen ({error_text(error)}): set optimize: {{freeze: false}}."
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
    job: TraceJob,
    *,
    channels_last: bool,
) -> Traced:
    model = in_memory_format(model, channels_last=channels_last)
    notes = _TracerNotes(job.folder)
    # Nothing is watched here: what is recorded is what the model computes when nobody looks.
    with notes.collected(), user_code_errors(job.folder, "Tracing the model"), torch.no_grad():
        # check_trace is off, since parity is proved in another process and on more inputs.
        example = in_format(inputs, channels_last=channels_last)
        traced = torch.jit.trace(model, example, strict=False, check_trace=False)  # type: ignore[no-untyped-call]
    return Traced(freeze(traced, job.manifest), channels_last, notes.texts)


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
            if not said.startswith(NUMBERS_READ):
                self._notes[f"{said}{place_text(filename, line, self._folder)}"] = None
