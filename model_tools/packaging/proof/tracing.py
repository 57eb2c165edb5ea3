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

from model_tools.errors import ParityFailed, TraceFailed
from model_tools.formats.manifest import Manifest
from model_tools.packaging.checkpoint.architecture import user_code_errors
from model_tools.packaging.children.faults import error_text
from model_tools.packaging.children.places import place_text
from model_tools.packaging.proof.control_flow import ControlFlow, control_flow
from model_tools.packaging.proof.example_inputs import draw_inputs
from model_tools.packaging.proof.fixed_sizes import Bounds, UnprovedRead, unproved_reads
from model_tools.packaging.proof.messages import TraceJob
from model_tools.packaging.proof.sizes import SizePlan, Sizes, shapes_at
from model_tools.packaging.proof.user_places import Place, callers_place
from model_tools.tensors.memory_format import IMAGE_AXES, in_format

MAX_TOLD = 3
"""The number of places in the code that a message lists."""
HALF = (torch.float16, torch.bfloat16)
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


def refuse_lost_control_flow(model: torch.nn.Module, job: TraceJob) -> list[str]:
    """Return the places where the model's code decides by sizes, all of which are proved.

    Raises ParityFailed for code that decides by the values of the inputs, or by sizes that are not proved.
    """
    with user_code_errors(job.folder, "Tracing the model"):
        found = control_flow(model, draw_inputs(job.trace, job.manifest.inputs))
    if found.caught:
        raise ParityFailed(_catches_an_error(found, job.folder))
    if found.by_values:
        raise ParityFailed(_decides_by_values(found, job.folder))
    if found.by_sizes is None:
        return []
    manifest = job.manifest
    bounds = {axis: (manifest.axis_sizes(axis).min, manifest.axis_sizes(axis).max) for axis in job.sizes.traced}

    def draw(sizes: Sizes) -> tuple[torch.Tensor, ...]:
        return draw_inputs(job.trace.model_copy(update={"shapes": shapes_at(manifest, sizes)}), manifest.inputs)

    unproved = unproved_reads(found.by_sizes, job.sizes, bounds, draw)
    if unproved:
        raise ParityFailed(_decides_by_sizes(unproved, job.sizes, bounds, job.folder))
    return list(dict.fromkeys(place_text(*place, job.folder).strip() for place in found.by_sizes.places))


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


def _decides_by_values(found: ControlFlow, folder: Path) -> str:
    remedy = (
        "nn.TransformerEncoder skips padding by its mask, in eval mode alone: build it with "
        "enable_nested_tensor=False (that of an nn.Transformer cannot be built so: set its encoder.use_nested_tensor = "
        "False in __init__), evaluate the model again, since it then answers as it does in training, and"
        if found.skips_padding
        else "Compute both ways and choose with torch.where, or put the decision into a function decorated with "
        "torch.jit.script, or out of forward; then"
    )
    return (
        f"The model's code decides by the values of its input, and tracing keeps only one of the ways:"
        f"{_places(found.by_values, folder)}. {remedy} publish again."
    )


def _catches_an_error(found: ControlFlow, folder: Path) -> str:
    return (
        "The model's code catches the error of an operation that fails, and goes on in another way; tracing keeps only "
        f"one of the ways:{_places(found.caught, folder)}. Compute both ways and choose with torch.where, or ask for "
        "what makes the operation fail in a function decorated with torch.jit.script; then publish again."
    )


def _decides_by_sizes(unproved: Sequence[UnprovedRead], plan: SizePlan, bounds: Bounds, folder: Path) -> str:
    axes = dict.fromkeys(axis for read in unproved for axis in read.axes)
    proved = " and ".join(
        f"{plan.proved_of(axis)} of the {bounds[axis][1] - bounds[axis][0] + 1} sizes of axis {axis!r}" for axis in axes
    )
    return (
        f"The model's code decides by a size, or reads it as a number, and tracing keeps what it was for the size that "
        f"is traced:{_places([read.place for read in unproved], folder)}. Parity can be proved at {proved}, and the "
        "others may be answered otherwise. Give the axis fewer sizes in publish.yaml (axes: min, max), so that each is "
        "proved, or put the decision into a function decorated with torch.jit.script."
    )


def _places(found: Sequence[Place], folder: Path) -> str:
    return ";".join(place_text(filename, line, folder) for filename, line in dict.fromkeys(found[:MAX_TOLD]))
