"""The limit of a function's memory."""

from tests.support.emulator.lambda_functions import MISBEHAVING


def test_a_function_that_outgrows_its_memory_is_killed(functions):
    name = functions.create(MISBEHAVING, Timeout=900, MemorySize=512)

    error = functions.error(name, {"do": "grow"})

    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith("Runtime exited with error: signal: killed")


def test_memory_of_child_processes_counts(functions):
    name = functions.create(
        """
        import subprocess, sys

        def handler(event, context):
            subprocess.run([sys.executable, "-c", "import time; held = b'x' * 300_000_000; time.sleep(900)"])
        """,
        Timeout=900,  # so that nothing but its memory ends it
    )

    assert functions.error(name)["errorType"] == "Runtime.ExitError"


def test_files_in_memory_count(functions):
    name = functions.create(
        """
        import os

        def handler(event, context):
            held = os.memfd_create("bundle")
            for _ in range(event):
                os.write(held, bytes(1024 * 1024))
            os.close(os.dup(held))
            return event
        """,
        MemorySize=256,
    )
    assert functions.call(name, 20) == 20

    assert functions.error(name, 300)["errorType"] == "Runtime.ExitError"


def test_a_peak_of_memory_between_two_samples_counts(limited_functions):
    with limited_functions(memory_poll_seconds=600) as functions:
        name = functions.create("""
            def handler(event, context):
                return len(b"x" * event)
        """)
        assert functions.call(name, 1_000_000) == 1_000_000

        assert functions.error(name, 200_000_000)["errorType"] == "Runtime.ExitError"
