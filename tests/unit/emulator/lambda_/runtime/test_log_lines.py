"""The log lines of the platform."""

import json

from emulator.lambda_.runtime.log_lines import InvocationReport, end_lines


def test_a_report_says_what_happened_and_nothing_else():
    plain = InvocationReport("r", duration_ms=12.344, memory_mb=128, peak_mb=40)
    restored = InvocationReport("r", 1.2, 128, 40, restore_ms=30.1, status="error", error_type="Runtime.ExitError")

    assert end_lines(plain, "Text") == (
        "END RequestId: r",
        "REPORT RequestId: r\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB",
    )
    assert end_lines(restored, "Text")[1].endswith(
        "\tRestore Duration: 30.10 ms\tBilled Restore Duration: 31 ms\tStatus: error\tError Type: Runtime.ExitError"
    )
    assert json.loads(end_lines(plain, "JSON")[0])["record"] == {
        "requestId": "r",
        "status": "success",
        "metrics": {"durationMs": 12.344, "billedDurationMs": 13, "memorySizeMB": 128, "maxMemoryUsedMB": 40},
    }
