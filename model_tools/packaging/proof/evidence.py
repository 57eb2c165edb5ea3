"""Describes a proof: `parity.json` in the archive, and the figures of the run, which are kept beside it. Pure."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from model_tools.formats.manifest import Manifest
from model_tools.formats.sections import Dtype
from model_tools.packaging.proof.cases import Cases
from model_tools.packaging.proof.messages import ParityResult, TraceResult
from model_tools.packaging.proof.sizes import SizePlan
from model_tools.packaging.proof.state_messages import RebuildResult
from model_tools.packaging.proof.tolerance import quantized_tolerance, tolerance_of

NOT_EVIDENCE = {"problem", "worst"}
"""The fields of a difference that are told only when a model is refused."""

ROWS = {
    True: "a row is answered alone as in a batch: requests share batches",
    False: "rows of a batch change one another's answers: each request is answered alone",
}
"""The evidence on rows, by whether they are independent."""
PADDING = {
    True: "padding does not change the answer to a text: texts of different lengths share batches",
    False: "padding changes the answer to a text: only texts of equal length share a batch",
}
"""The evidence on padding, by whether the model ignores it."""


def describe_parity(manifest: Manifest, cases: Cases, traced: TraceResult, proved: ParityResult) -> dict[str, object]:
    """Return the contents of parity.json, which are the same for all runs on one machine."""
    share = quantized_tolerance(manifest.optimize)
    described: dict[str, object] = {
        "verdict": "same",
        "torch_version": proved.torch_version,
        "traced_with": {"seed": cases.traced.seed, "shapes": cases.traced.shapes},
        "channels_last": traced.channels_last,
        "outputs": [
            {"name": output.name, "dtype": output.dtype, "tolerance": _tolerance(output.dtype, share)}
            for output in traced.outputs
        ],
        "cases": [
            {
                **case.model_dump(exclude_none=True),
                **difference.model_dump(exclude=NOT_EVIDENCE, exclude_none=True),
            }
            for case, difference in zip(cases.proved, proved.differences, strict=True)
        ],
        "sizes": describe_sizes(manifest, cases.sizes),
        "notes": traced.notes,
        "sizes_read": traced.sizes_read,
        "tracer_notes": traced.tracer_notes,
    }
    if proved.rows.independent is not None:
        described["rows"] = ROWS[proved.rows.independent]
    if proved.rows.ignores_padding is not None:
        described["padding"] = PADDING[proved.rows.ignores_padding]
    if proved.decoding:
        described["decoding"] = [image.model_dump(mode="json") for image in proved.decoding]
    return described


def describe_sizes(manifest: Manifest, plan: SizePlan) -> dict[str, object]:
    """Return how many of each named axis' sizes were proved."""
    bounds = {axis: manifest.axis_sizes(axis) for axis in plan.traced}
    return {
        axis: {"min": sizes.min, "max": sizes.max, "proved": plan.proved_of(axis), "of": sizes.max - sizes.min + 1}
        for axis, sizes in bounds.items()
    }


def describe_quantization(manifest: Manifest, proved: ParityResult, *, sizes: tuple[int, int]) -> dict[str, object]:
    """Return the figures of a model before and after quantisation; `sizes` are its bytes before and after."""
    found = proved.quantized
    described: dict[str, object] = {
        "kind": manifest.optimize.quantize,
        "tolerance": quantized_tolerance(manifest.optimize),
        "largest_difference": max((difference.max_rel or 0.0 for difference in proved.differences), default=0.0),
        "size_before": sizes[0],
        "size_after": sizes[1],
        "latency_ms_before": None if found is None else found.latency_ms_before,
        "latency_ms_after": proved.latency_ms,
    }
    if found is not None and found.top1_agreement is not None and manifest.classes is not None:
        described["top1_agreement"] = found.top1_agreement
    return described


def describe_run(
    traced: TraceResult,
    proved: ParityResult,
    rebuilt: RebuildResult,
    *,
    steps: Mapping[str, float],
    model_size: int,
) -> dict[str, object]:
    """Return the figures of one run: times in seconds and milliseconds, sizes in bytes.

    `steps` are the seconds of the parent process, which include those of its children.
    """
    return {
        "seconds": {**steps, "trace": traced.seconds, "parity": proved.seconds, "rebuild": rebuilt.seconds},
        "latency_ms": proved.latency_ms,
        "model_size": model_size,
    }


def render_json(value: Mapping[str, object]) -> bytes:
    """Return a value as JSON with a line for each field and each entry of a list; equal values give equal bytes."""
    fields = [f" {_dump(key)}: {_lines(field)}" for key, field in value.items()]
    return ("{\n" + ",\n".join(fields) + "\n}\n").encode()


def _tolerance(dtype: Dtype, share: float | None) -> dict[str, float]:
    return asdict(tolerance_of(dtype, share))


def _lines(field: object) -> str:
    if isinstance(field, list) and field:
        return "[\n  " + ",\n  ".join(_dump(entry) for entry in field) + "\n ]"
    return _dump(field)


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
