"""The child process that proves parity: it loads the finished model and imports no code of the user."""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import torch
from safetensors import safe_open

from model_tools.errors import PublishError
from model_tools.packaging.checkpoint.compiled import load_script
from model_tools.packaging.children.worker import answer_job
from model_tools.packaging.proof.messages import (
    REFERENCE_FILE,
    DecodingDifference,
    DecodingJob,
    Difference,
    ParityJob,
    ParityResult,
    QuantizationJob,
    QuantizationResult,
)
from model_tools.packaging.proof.model_outputs import take_apart
from model_tools.packaging.proof.tolerance import Tolerance, tolerance_of
from model_tools.tensors.dtypes import DTYPE_NAMES
from model_tools.tensors.memory_format import in_format

RUNS = 2
"""Runs of each case. TorchScript profiles in the first and optimises in the second; both must be right."""
CLASS_AXES = 2
"""The number of axes of a classifier's answer, [batch, classes]."""
SMALLEST_SCALE = 1e-6
"""The smallest magnitude of an answer that differences are measured by, so that zeros are not divided by."""
LATENCY_RUNS = 9
"""The largest number of calls whose times are measured."""
LATENCY_SECONDS = 2.0
"""The time after which no further call is measured."""


def prove_parity(job: ParityJob, scratch: Path) -> ParityResult:
    """Do the job: compare the traced model's answer to every case with the eager model's."""
    torch.set_num_threads(1)
    began = time.perf_counter()
    model = load_script(job.model)
    at_loaded = time.perf_counter()
    with torch.inference_mode(), safe_open(scratch / REFERENCE_FILE, framework="pt") as file:
        share = None if job.quantized is None else job.quantized.tolerance
        differences = _differences(model, job, file, share)
        at_compared = time.perf_counter()
        first = _inputs(job, file, 0)
        quantized = None if job.quantized is None else _measure_unquantized(model, job, job.quantized, file)
        latency = _latency_ms(model, first)
        decoding = [] if job.decoding is None else _compare_decoding(model, job.decoding, scratch, job)
    return ParityResult(
        differences=differences,
        quantized=quantized,
        decoding=decoding,
        latency_ms=latency,
        torch_version=torch.__version__,
        seconds={"load": round(at_loaded - began, 3), "compare": round(at_compared - at_loaded, 3)},
    )


def _differences(model: torch.jit.ScriptModule, job: ParityJob, file: Any, share: float | None) -> list[Difference]:
    scales = _usual_scales(job, file)
    return [
        _compare_runs(model, _inputs(job, file, number), _outputs(job, file, number), scales, share)
        for number in range(len(job.cases))
    ]


def _measure_unquantized(
    model: torch.jit.ScriptModule, job: ParityJob, quantized: QuantizationJob, file: Any
) -> QuantizationResult:
    """Measure the model before quantisation, which tells whether tracing or quantisation causes a difference."""
    before = load_script(quantized.unquantized)
    return QuantizationResult(
        differences_before=_differences(before, job, file, None),
        latency_ms_before=_latency_ms(before, _inputs(job, file, 0)),
        top1_agreement=_top1_agreement(model, job, file),
    )


def _top1_agreement(model: torch.jit.ScriptModule, job: ParityJob, file: Any) -> float | None:
    agreed: list[torch.Tensor] = []
    for number in range(len(job.cases)):
        expected = _outputs(job, file, number)[0]
        if job.outputs != 1 or expected.dim() != CLASS_AXES or expected.shape[1] == 1:
            return None
        answer = take_apart(model(*_inputs(job, file, number))).tensors[0]
        if answer.shape != expected.shape:
            return None
        agreed.append(answer.argmax(-1) == expected.argmax(-1))
    return round(float(torch.cat(agreed).double().mean()), 4)


def _compare_decoding(
    model: torch.jit.ScriptModule, decoding: DecodingJob, scratch: Path, job: ParityJob
) -> list[DecodingDifference]:
    from model_tools.packaging.proof.decoding_worker import compare_decoding  # noqa: PLC0415 (only images need Pillow)

    return compare_decoding(model, decoding, scratch, channels_last=job.channels_last)


def _inputs(job: ParityJob, file: Any, number: int) -> tuple[torch.Tensor, ...]:
    inputs = [file.get_tensor(f"{number}.in.{index}") for index in range(job.inputs)]
    return in_format(inputs, channels_last=job.channels_last)


def _outputs(job: ParityJob, file: Any, number: int) -> list[torch.Tensor]:
    return [file.get_tensor(f"{number}.out.{index}") for index in range(job.outputs)]


def _usual_scales(job: ParityJob, file: Any) -> list[float]:
    """Return each output's largest magnitude over the usual cases, by which smaller answers are measured as well."""
    usual = [number for number, case in enumerate(job.cases) if case.spread == "usual"]
    return [max(_largest(file.get_tensor(f"{number}.out.{index}")) for number in usual) for index in range(job.outputs)]


def _compare_runs(
    model: torch.jit.ScriptModule,
    inputs: Sequence[torch.Tensor],
    expected: list[torch.Tensor],
    scales: Sequence[float],
    share: float | None,
) -> Difference:
    worst = Difference(max_abs=0, max_rel=0, excess=0)
    for _ in range(RUNS):
        try:
            actual = take_apart(model(*(tensor.clone() for tensor in inputs))).tensors
        except (RuntimeError, PublishError) as error:
            # TorchScript's message lists the traced code; its last line names the fault.
            lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
            return Difference(problem=f"it fails with {type(error).__name__}: {lines[-1][:500]}")
        if len(actual) != len(expected):
            return Difference(problem=f"it answers {len(actual)} tensors instead of {len(expected)}")
        for traced, eager, scale in zip(actual, expected, scales, strict=True):
            difference = compare(traced, eager, usual_scale=scale, share=share)
            if difference.excess is None or difference.excess > (worst.excess or 0):
                worst = difference
            if difference.excess is None:
                return worst
    return worst


def compare(traced: torch.Tensor, eager: torch.Tensor, *, usual_scale: float, share: float | None = None) -> Difference:
    """Return the difference of two answers, absolute, relative, and in units of the tolerance.

    `usual_scale` is the usual magnitude of this output, by which smaller answers are measured as well. The tolerance is
    that of the dtype, or `share` of the magnitude if that is given.
    """
    if traced.shape != eager.shape or traced.dtype != eager.dtype:
        return Difference(
            problem=f"it answers {traced.dtype} of shape {list(traced.shape)}, the trained one {eager.dtype} of shape "
            f"{list(eager.shape)}"
        )
    if eager.numel() == 0:
        return Difference(max_abs=0, max_rel=0, excess=0)
    exact = eager.double()
    found = traced.double()
    finite = torch.isfinite(exact)
    same = (found == exact) | (found.isnan() & exact.isnan())
    if not bool((finite | same).all()) or not bool((torch.isfinite(found) | ~finite).all()):
        return Difference(
            problem="it answers NaN or infinite values where the trained one does not, or the other way round"
        )
    apart = torch.where(finite & ~same, (found - exact).abs(), 0.0)
    size = magnitudes(eager)
    scale = max(usual_scale, float(size.max()), SMALLEST_SCALE)
    tolerance = tolerance_of(DTYPE_NAMES[eager.dtype])
    if share is not None and eager.is_floating_point():
        tolerance = Tolerance(of_scale=share, of_value=0.0)
    allowed = tolerance.of_scale * scale + tolerance.of_value * size
    excess = torch.where(apart == 0, 0.0, apart / allowed)  # infinite if an exact dtype, which allows 0, differs
    return Difference(
        max_abs=float(apart.max()),
        max_rel=float(apart.max()) / scale,
        excess=min(float(excess.max()), 1e300),  # JSON has no infinity
    )


def magnitudes(tensor: torch.Tensor) -> torch.Tensor:
    """Return the values' magnitudes in float64, with 0 for values that are not finite."""
    return torch.nan_to_num(tensor.double().abs(), nan=0.0, posinf=0.0)


def _largest(tensor: torch.Tensor) -> float:
    return float(magnitudes(tensor).max()) if tensor.numel() else 0.0


def _latency_ms(model: torch.jit.ScriptModule, inputs: Sequence[torch.Tensor]) -> float:
    times: list[float] = []
    while len(times) < LATENCY_RUNS and sum(times) < LATENCY_SECONDS:
        began = time.perf_counter()
        model(*inputs)
        times.append(time.perf_counter() - began)
    return round(statistics.median(times) * 1000, 3)


def main(scratch: Path) -> NoReturn:
    """Do the job in a scratch folder, and end the process."""
    answer_job(ParityJob, prove_parity, scratch)
