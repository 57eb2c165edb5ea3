"""The log lines of the platform: INIT_START, START, END, REPORT, and their JSON forms. Pure."""

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class InvocationReport:
    """The values of an invocation's REPORT line. Times are in milliseconds, memory is in MB."""

    request_id: str
    duration_ms: float
    memory_mb: int
    peak_mb: int
    init_ms: float | None = None
    restore_ms: float | None = None
    status: str | None = None
    """`timeout`, `error`, or None after a success."""
    error_type: str | None = None


def start_line(request_id: str, version: str, log_format: str) -> str:
    """Return the line that opens an invocation."""
    if log_format == "JSON":
        return _event("platform.start", {"requestId": request_id, "version": version})
    return f"START RequestId: {request_id} Version: {version}"


def end_lines(report: InvocationReport, log_format: str) -> tuple[str, ...]:
    """Return the lines that close an invocation."""
    if log_format == "JSON":
        return (_event("platform.report", _record(report)),)
    billed = math.ceil(report.duration_ms + (report.init_ms or 0))
    parts = [
        f"REPORT RequestId: {report.request_id}",
        f"Duration: {report.duration_ms:.2f} ms",
        f"Billed Duration: {billed} ms",
        f"Memory Size: {report.memory_mb} MB",
        f"Max Memory Used: {report.peak_mb} MB",
    ]
    if report.init_ms is not None:
        parts.append(f"Init Duration: {report.init_ms:.2f} ms")
    if report.restore_ms is not None:
        parts += [
            f"Restore Duration: {report.restore_ms:.2f} ms",
            f"Billed Restore Duration: {math.ceil(report.restore_ms)} ms",
        ]
    if report.status is not None:
        parts.append(f"Status: {report.status}")
    if report.error_type is not None:
        parts.append(f"Error Type: {report.error_type}")
    return (f"END RequestId: {report.request_id}", "\t".join(parts))


def init_start_line(runtime: str, *, restored: bool, log_format: str) -> str:
    """Return the line that opens an environment's log."""
    if log_format == "JSON":
        return _event("platform.restoreStart" if restored else "platform.initStart", {"runtimeVersion": runtime})
    return f"{'RESTORE' if restored else 'INIT'}_START Runtime Version: {runtime}"


def init_report_line(duration_ms: float, *, phase: str, status: str, error_type: str | None, log_format: str) -> str:
    """Return the line about an init or a restore that has failed, or about an init that ended in a snapshot."""
    if log_format == "JSON":
        record = {"phase": phase, "status": status, "metrics": {"durationMs": round(duration_ms, 3)}}
        return _event("platform.initReport", record | ({"errorType": error_type} if error_type else {}))
    name, label = ("RESTORE", "Restore") if phase == "restore" else ("INIT", "Init")
    line = f"{name}_REPORT {label} Duration: {duration_ms:.2f} ms\tPhase: {phase}\tStatus: {status}"
    return line + (f"\tError Type: {error_type}" if error_type else "")


def _record(report: InvocationReport) -> dict[str, Any]:
    metrics = {
        "durationMs": round(report.duration_ms, 3),
        "billedDurationMs": math.ceil(report.duration_ms + (report.init_ms or 0)),
        "memorySizeMB": report.memory_mb,
        "maxMemoryUsedMB": report.peak_mb,
        "initDurationMs": report.init_ms,
        "restoreDurationMs": report.restore_ms,
    }
    record = {"requestId": report.request_id, "status": report.status or "success", "errorType": report.error_type}
    kept = {name: value for name, value in record.items() if value is not None}
    return {**kept, "metrics": {name: value for name, value in metrics.items() if value is not None}}


def _event(kind: str, record: dict[str, Any]) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"time": now, "type": kind, "record": record})
