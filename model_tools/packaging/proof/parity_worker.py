"""The child process that proves parity: it loads the finished model and imports no code of the user."""

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
from safetensors import safe_open

from model_tools.errors import PublishError
from model_tools.packaging.checkpoint.compiled import load_script
from model_tools.packaging.children.worker import answer_job
from model_tools.packaging.limits import MAX_EXPECTED_NUMBERS
from model_tools.packaging.proof.comparison import allowed_differences, compare, nested_allowance
from model_tools.packaging.proof.messages import (
    REFERENCE_FILE,
    DecodingDifference,
    DecodingJob,
    Difference,
    ParityJob,
    ParityResult,
    QuantizationResult,
    RowsResult,
)
from model_tools.packaging.proof.model_outputs import take_apart
from model_tools.packaging.proof.rows import prove_rows
from model_tools.packaging.proof.scales import UsualScales
from model_tools.packaging.proof.tolerance import rows_tolerance, served_tolerance, tolerance_of
from model_tools.packaging.stopwatch import Stopwatch
from model_tools.tensors.dtypes import DTYPE_NAMES
from model_tools.tensors.memory_format import in_format

RUNS = 2
"""Runs of a case. TorchScript profiles in the first and optimises in the second; both must be right.

Cases of other sizes than the first case has are asked once, since the graph is optimised by then: TorchScript only
optimises it anew for other sizes where it fuses operators, which the builds of torch for processors do not.
"""
CLASS_AXES = 2
"""The number of axes of a classifier's answer, [batch, classes]."""
LATENCY_RUNS = 5
"""The largest number of calls whose times are measured."""
LATENCY_SECONDS = 2.0
"""The time after which no further call is measured."""


NOTHING_COMPARED = RowsResult(independent=None, ignores_padding=None, causal=None)
"""The findings about the rows of a model that fails, and is refused for that."""


def prove_parity(job: ParityJob, scratch: Path) -> ParityResult:
    """Do the job: compare the traced model's answer to every case with the eager model's."""
    torch.set_num_threads(1)
    watch = Stopwatch()
    model = load_script(job.model)
    watch.lap("load")
    with torch.inference_mode(), safe_open(scratch / REFERENCE_FILE, framework="pt") as file:
        share = None if job.quantized is None else job.quantized.tolerance
        scales = _scales(job, file, quantized=share is not None)
        differences = _differences(model, job, file, scales, share)
        watch.lap("compare")
        first = _inputs(job, file, 0)
        quantized = _measure_unquantized(model, job, file)
        watch.lap("unquantized")
        allowances = _allowances(job, file, scales, share)
        latency = _latency_ms(model, first)
        watch.lap("measure")
        sound = all(difference.excess is not None for difference in differences)
        rows = _prove_rows(model, job, file, scales, share) if sound else NOTHING_COMPARED
        watch.lap("rows")
        decoding = [] if job.decoding is None else _compare_decoding(model, job.decoding, scratch, job)
        watch.lap("decode")
    return ParityResult(
        differences=differences,
        allowances=allowances,
        quantized=quantized,
        decoding=decoding,
        rows=rows,
        latency_ms=latency,
        torch_version=torch.__version__,
        seconds=watch.seconds,
    )


def _differences(
    model: torch.jit.ScriptModule, job: ParityJob, file: Any, scales: Sequence[UsualScales], share: float | None
) -> list[Difference]:
    optimises_again = torch._C._jit_can_fuse_on_cpu()  # noqa: SLF001 (it has no public name)
    first = job.cases[0].shapes
    runs = [RUNS if optimises_again or case.sample or case.shapes == first else 1 for case in job.cases]
    return [
        _compare_runs(model, _inputs(job, file, number), _outputs(job, file, number), scales, share, runs=runs[number])
        for number in range(len(job.cases))
    ]


def _measure_unquantized(model: torch.jit.ScriptModule, job: ParityJob, file: Any) -> QuantizationResult | None:
    """Measure the model before quantisation, which tells whether tracing or quantisation causes a difference."""
    if job.quantized is None:
        return None
    before = load_script(job.quantized.unquantized)
    return QuantizationResult(
        differences_before=_differences(before, job, file, _scales(job, file, quantized=False), None),
        latency_ms_before=_latency_ms(before, _inputs(job, file, 0)),
        top1_agreement=_top1_agreement(model, job, file),
    )


def _prove_rows(
    model: torch.jit.ScriptModule, job: ParityJob, file: Any, scales: Sequence[UsualScales], share: float | None
) -> RowsResult:
    usual = [number for number, case in enumerate(job.cases) if case.spread == "usual" and case.sample is None]

    tolerance = rows_tolerance if job.rows.may_be_apart else tolerance_of

    def ask(inputs: tuple[torch.Tensor, ...]) -> Sequence[torch.Tensor]:
        # A model may write into its inputs, which are parts of a case here.
        return take_apart(model(*in_format([each.clone() for each in inputs], channels_last=job.channels_last))).tensors

    def same(found: Sequence[torch.Tensor], wanted: Sequence[torch.Tensor]) -> bool:
        compared = [
            # Quantising measures all rows by the largest number among them, so it has its own tolerance.
            compare(one, other, usual=scale, tolerance=tolerance(DTYPE_NAMES[other.dtype], share))
            for one, other, scale in zip(found, wanted, scales, strict=True)
        ]
        return all(difference.excess is not None and difference.excess <= 1 for difference in compared)

    return prove_rows(job.rows, [_inputs(job, file, number) for number in usual], ask, same)


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


@dataclass(frozen=True)
class _UsualAnswers:
    """The trained model's answers of one output to the usual cases, loaded one after the other."""

    job: ParityJob
    file: Any
    output: int

    def __iter__(self) -> Iterator[torch.Tensor]:
        for number, case in enumerate(self.job.cases):
            if case.spread == "usual" and case.sample is None:
                yield self.file.get_tensor(f"{number}.out.{self.output}")


def _scales(job: ParityJob, file: Any, *, quantized: bool) -> list[UsualScales]:
    """Return the scales of each output; classes are weighed against each other, so that coarse tolerances are alike."""
    fine = not quantized and not any(
        file.get_tensor(f"0.out.{output}").dtype in (torch.float16, torch.bfloat16) for output in range(job.outputs)
    )
    connects = fine or job.has_classes
    return [UsualScales(_UsualAnswers(job, file, output), connects=connects) for output in range(job.outputs)]


def _allowances(job: ParityJob, file: Any, scales: Sequence[UsualScales], share: float | None) -> list[Any]:
    """Return what the served model may be off from the trained model's answer to each sample."""
    samples = [_outputs(job, file, number)[0] for number, case in enumerate(job.cases) if case.sample]
    return [
        nested_allowance(
            allowed_differences(answer, scales[0].scales_of(answer), served_tolerance(DTYPE_NAMES[answer.dtype], share))
        )
        if job.outputs == 1 and answer.numel() <= MAX_EXPECTED_NUMBERS
        else None
        for answer in samples
    ]


def _compare_runs(
    model: torch.jit.ScriptModule,
    inputs: Sequence[torch.Tensor],
    expected: list[torch.Tensor],
    scales: Sequence[UsualScales],
    share: float | None,
    *,
    runs: int,
) -> Difference:
    worst = Difference(max_abs=0, max_rel=0, excess=0)
    before: list[torch.Tensor] | None = None
    for _ in range(runs):
        try:
            answered = take_apart(model(*(tensor.clone() for tensor in inputs)))
        except (RuntimeError, PublishError) as error:
            # TorchScript's message lists the traced code; its last line names the fault.
            lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
            return Difference(problem=f"it fails with {type(error).__name__}: {lines[-1][:500]}")
        if len(answered.tensors) != len(expected):
            return Difference(problem=f"it answers {len(answered.tensors)} tensors instead of {len(expected)}")
        if before is not None and all(map(_is_equal, before, answered.tensors)):
            return worst  # the very same answer has just been compared
        before = [tensor.clone() for tensor in answered.tensors] if runs > 1 else None
        for name, traced, trained, usual in zip(answered.names, answered.tensors, expected, scales, strict=True):
            tolerance = tolerance_of(DTYPE_NAMES[trained.dtype], share)
            difference = compare(traced, trained, usual=usual, tolerance=tolerance, name=name)
            if difference.excess is None or difference.excess > (worst.excess or 0):
                worst = difference
            if difference.excess is None:
                return worst
    return worst


def _is_equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.dtype == other.dtype and torch.equal(one, other)


def _latency_ms(model: torch.jit.ScriptModule, inputs: Sequence[torch.Tensor]) -> float:
    times: list[float] = []
    while len(times) < LATENCY_RUNS and sum(times) < LATENCY_SECONDS:
        began = time.perf_counter()
        model(*inputs)
        times.append(time.perf_counter() - began)
    return round(statistics.median(times) * 1000, 3)


def main(scratch: Path) -> NoReturn:
    """Do the job in a scratch folder, and end the process."""
    answer_job(ParityJob, prove_parity, scratch, doing="Asking the traced model")
