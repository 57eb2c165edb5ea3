"""What is written down about a proof: `parity.json` in the archive, and the figures of the run beside it. Pure."""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from model_tools.packaging.cases import Case
from model_tools.packaging.messages import ParityResult, TraceResult
from model_tools.packaging.tolerance import tolerance_of


def describe_parity(
    cases: Sequence[Case], trace: Case, traced: TraceResult, proved: ParityResult, *, model_sha256: str
) -> dict[str, object]:
    """Return the contents of parity.json. It holds nothing that two runs on one machine differ in."""
    return {
        "verdict": "same",
        "model_sha256": model_sha256,
        "torch_version": proved.torch_version,
        "traced_with": {"seed": trace.seed, "shapes": trace.shapes},
        "channels_last": traced.channels_last,
        "outputs": [
            {
                "name": output.name,
                "dtype": output.dtype,
                "tolerance": {
                    "of_scale": tolerance_of(output.dtype).of_scale,
                    "of_value": tolerance_of(output.dtype).of_value,
                },
            }
            for output in traced.outputs
        ],
        "cases": [
            {**case.model_dump(exclude_none=True), **difference.model_dump(exclude={"problem"}, exclude_none=True)}
            for case, difference in zip(cases, proved.differences, strict=True)
        ],
        "tracer_notes": traced.notes,
    }


def describe_run(traced: TraceResult, proved: ParityResult, *, archive_size: int, model_size: int) -> dict[str, object]:
    """Return the figures of one run: times in seconds and milliseconds, sizes in bytes."""
    return {
        "seconds": {"trace": traced.seconds, "parity": proved.seconds},
        "latency_ms": proved.latency_ms,
        "model_size": model_size,
        "archive_size": archive_size,
    }


def render_json(value: Mapping[str, object]) -> bytes:
    """Return JSON, a line for each field and each entry of a list, that is the same bytes for the same value."""
    fields = [f" {_dump(key)}: {_lines(field)}" for key, field in value.items()]
    return ("{\n" + ",\n".join(fields) + "\n}\n").encode()


def _lines(field: object) -> str:
    if isinstance(field, list) and field:
        return "[\n  " + ",\n  ".join(_dump(entry) for entry in field) + "\n ]"
    return _dump(field)


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def tools_version() -> str:
    """Return the version of this library, `unknown` where it was copied without its metadata."""
    try:
        return version("model-tools")
    except PackageNotFoundError:
        return "unknown"
