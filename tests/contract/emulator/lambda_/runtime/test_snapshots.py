"""SnapStart: one init, many environments; what is equal in them, what is not, and what cannot be snapshot."""

from concurrent.futures import ThreadPoolExecutor

import pytest

HOOKS = """
    import os, random, socket, tempfile, time, uuid
    from pathlib import Path
    from snapshot_restore_py import register_after_restore, register_before_snapshot

    INIT = str(uuid.uuid4())
    STEPS = []
    SCRATCH = Path(tempfile.gettempdir())
    (SCRATCH / "from-init").write_text("still here")
    LISTENER = socket.create_server(("127.0.0.1", 0))
    CONNECTION = socket.create_connection(LISTENER.getsockname())
    THREADS_AT_INIT = os.environ["OMP_NUM_THREADS"]

    register_before_snapshot(STEPS.append, "before, registered first")
    register_before_snapshot(STEPS.append, "before, registered last")
    register_after_restore(STEPS.append, "after, registered first")
    register_after_restore(STEPS.append, "after, registered last")

    if os.environ.get("RESEED"):
        register_after_restore(random.seed)

    def handler(event, context):
        time.sleep(0.3)
        own = Path(tempfile.gettempdir())
        (own / str(os.getpid())).touch()
        CONNECTION.settimeout(5)
        return {
            "init": INIT,
            "pid": os.getpid(),
            "steps": STEPS,
            "random": random.random(),
            "from_init": (own / "from-init").read_text(),
            "written_here": sorted(path.name for path in own.iterdir() if path.name.isdigit()),
            "connection": CONNECTION.recv(1).decode(),
            "type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"],
            "stream": os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
            "openmp": [THREADS_AT_INIT, os.environ.get("OMP_NUM_THREADS")],
        }
"""


def in_four_environments(functions, name: str, version: str) -> list[dict]:
    with ThreadPoolExecutor(4) as threads:
        return list(threads.map(lambda _: functions.call(name, Qualifier=version), range(4)))


@pytest.fixture(scope="module")
def restored(functions) -> list[dict]:
    return in_four_environments(functions, *functions.snapshot(HOOKS))


def test_init_runs_once_for_many_environments(restored):
    assert len({answer["pid"] for answer in restored}) == 4
    assert len({answer["init"] for answer in restored}) == 1
    assert {answer["type"] for answer in restored} == {"snap-start"}


def test_hooks_run_in_lambdas_order_and_after_restore_hooks_in_each_environment(restored):
    for answer in restored:
        assert answer["steps"] == [
            "before, registered last",
            "before, registered first",
            "after, registered first",
            "after, registered last",
        ]


def test_random_state_from_init_is_the_same_in_every_environment(restored):
    assert len({answer["random"] for answer in restored}) == 1


def test_a_restore_hook_that_reseeds_makes_environments_differ(functions):
    name, version = functions.snapshot(HOOKS, Environment={"Variables": {"RESEED": "1"}})

    answers = in_four_environments(functions, name, version)

    assert len({answer["random"] for answer in answers}) == 4


def test_files_from_init_are_there_and_new_ones_stay_in_their_environment(restored):
    assert {answer["from_init"] for answer in restored} == {"still here"}
    for answer in restored:
        assert answer["written_here"] == [str(answer["pid"])]


def test_connections_from_init_are_dead(restored):
    assert {answer["connection"] for answer in restored} == {""}


def test_every_environment_logs_to_a_stream_of_its_own(restored):
    assert len({answer["stream"] for answer in restored}) == 4


def test_init_runs_with_one_openmp_thread_whatever_the_function_wants(functions):
    name, version = functions.snapshot(HOOKS, Environment={"Variables": {"OMP_NUM_THREADS": "2"}})

    assert functions.call(name, Qualifier=version)["openmp"] == ["1", "2"]


def test_the_unpublished_function_does_not_use_snapshots(functions):
    name = functions.create(
        "import os\ndef handler(event, context): return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']",
        SnapStart={"ApplyOn": "PublishedVersions"},
    )

    assert functions.call(name) == "on-demand"
    described = functions.client.get_function_configuration(FunctionName=name)
    assert described["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}


def test_a_version_is_pending_until_its_snapshot_is_there(functions):
    name = functions.create(
        "import time; time.sleep(0.5)\ndef handler(event, context): return context.function_version",
        SnapStart={"ApplyOn": "PublishedVersions"},
    )

    published = functions.client.publish_version(FunctionName=name)

    assert published["State"] == "Pending"
    assert published["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}
    with pytest.raises(functions.client.exceptions.SnapStartNotReadyException):
        functions.call(name, Qualifier=published["Version"])

    waiter = functions.client.get_waiter("published_version_active")
    waiter.wait(FunctionName=name, Qualifier="1", WaiterConfig={"Delay": 0.02, "MaxAttempts": 1000})
    active = functions.client.get_function_configuration(FunctionName=name, Qualifier="1")
    assert active["SnapStart"]["OptimizationStatus"] == "On"
    assert functions.call(name, Qualifier="1") == "1"


THREADS = (
    "The emulator cannot snapshot a process with threads (prefetch): "
    "start them in an after-restore hook, or end them in a before-snapshot hook"
)


@pytest.mark.parametrize(
    ("source", "code", "reason"),
    [
        ("import no_such_module", "FunctionError",
         "Runtime.ImportModuleError: Unable to import module 'app': No module named 'no_such_module'"),
        ("raise ValueError('no model here')", "FunctionError", "ValueError: no model here"),
        ("import os; os._exit(9)", "FunctionError.RuntimeInitError",
         "Runtime.ExitError: Runtime exited with error: exit status 9"),
        ("held = b'x' * 400_000_000; import time; time.sleep(30)", "FunctionError.InitResourceExhausted",
         "Init used more than 128 MB of memory"),
        ("""
         from snapshot_restore_py import register_before_snapshot

         @register_before_snapshot
         def warm_up(): raise RuntimeError("the warm-up call failed")

         def handler(event, context): pass
         """, "FunctionError", "RuntimeError: the warm-up call failed"),
        ("""
         import threading, time
         threading.Thread(target=time.sleep, args=[60], name="prefetch", daemon=True).start()

         def handler(event, context): pass
         """, "FunctionError", THREADS),
    ],
    ids=["import error", "exception", "exit", "memory", "before-snapshot hook", "thread"],
)  # fmt: skip
def test_a_snapshot_that_cannot_be_taken_fails_the_version_with_the_real_reason(functions, source, code, reason):
    failed = functions.failed_version(source)

    assert failed["State"] == "Failed"
    assert failed["SnapStart"]["OptimizationStatus"] == "Off"
    assert (failed["StateReasonCode"], failed["StateReason"]) == (code, reason)
    with pytest.raises(functions.client.exceptions.ResourceConflictException):
        functions.call(failed["FunctionName"], Qualifier=failed["Version"])


def test_a_restore_hook_that_raises_is_a_function_error(functions):
    name, version = functions.snapshot(
        """
        from snapshot_restore_py import register_after_restore

        @register_after_restore
        def connect(): raise ConnectionError("no database")

        def handler(event, context): pass
        """
    )

    error = functions.error(name, Qualifier=version)

    assert (error["errorType"], error["errorMessage"]) == ("ConnectionError", "no database")


def test_a_restored_environment_that_exits_is_reported_and_replaced(functions):
    name, version = functions.snapshot(
        """
        import os

        def handler(event, context):
            if event: os._exit(event)
            return os.getpid()
        """
    )
    before = functions.call(name, Qualifier=version)

    error = functions.error(name, 5, Qualifier=version)

    assert error["errorMessage"].endswith("Runtime exited with error: exit status 5")
    assert functions.call(name, Qualifier=version) != before


def test_clients_made_at_init_work_after_the_restore_with_the_functions_role(functions):
    name, version = functions.snapshot(
        """
        import boto3

        sts = boto3.client("sts")
        sts.get_caller_identity()

        def handler(event, context):
            return sts.get_caller_identity()["Arn"]
        """,
        MemorySize=512,
    )

    assert functions.call(name, Qualifier=version).endswith(f":assumed-role/runs-functions/{name}")


def test_snapstart_is_refused_where_lambda_refuses_it(functions):
    for wrong in ({"Runtime": "python3.11"}, {"EphemeralStorage": {"Size": 1024}}):
        with pytest.raises(functions.client.exceptions.InvalidParameterValueException):
            functions.create(SnapStart={"ApplyOn": "PublishedVersions"}, **wrong)
