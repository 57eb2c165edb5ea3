"""TraceAndPackageModel: turns a pinned checkpoint into `model.tar.gz`, with the proof that it answers alike.

torch or XGBoost comes from the stack's runtime bundle; the child processes that use the library find it on `sys.path`.
"""

import os
import tempfile
from pathlib import Path
from typing import Any, cast

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from model_tools.aws.faults import for_workflow
from model_tools.aws.objects import ObjectStore
from model_tools.formats.archive import ARCHIVE_NAME
from model_tools.formats.pin import MAX_PIN_BYTES, Pin
from model_tools.formats.sizes import MIB
from model_tools.packaging.checkpoint.fetch import fetch_checkpoint
from model_tools.packaging.package import package_model
from model_tools.release.lanes import Lane, ModelSizes, fit
from model_tools.runtime.current import CurrentRuntimes
from model_tools.runtime.placement import PlacementWish
from model_tools.tasks.registry import spec_of

logger, tracer, metrics = Logger(), Tracer(), Metrics()
store = ObjectStore(boto3.client("s3"), errors=for_workflow)
runtimes = CurrentRuntimes(f"s3://{os.environ['ARTIFACTS_BUCKET']}", store, Path(tempfile.gettempdir(), "runtimes"))
runtimes.prepare("torch")  # nearly every model needs torch, and at init nobody waits for an answer yet


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Package the pinned checkpoint and store the archive under its digest; a second run stores the same bytes again.

    A model that the inference function cannot hold is refused before anything is stored; the message tells the sizes.
    """
    release = event["release"]
    logger.append_keys(execution=event["execution"], release=release["id"])
    pin = Pin.model_validate_json(store.read(release["pin_uri"], max_bytes=MAX_PIN_BYTES))
    runtime = runtimes.provide(pin.manifest.library)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = fetch_checkpoint(pin, store, Path(folder, "checkpoint"))
        package = package_model(checkpoint, Path(folder, "package"), report=logger.info)
        fit(
            ModelSizes(archive=package.size, unpacked=package.unpacked),
            runtime,
            part=spec_of(pin.manifest.task).bundle_part,
            lane=cast("Lane", os.environ["LANE"]),  # the template allows no other values
            wish=cast("PlacementWish", os.environ["RUNTIME_PLACEMENT"]),
            tmp=int(os.environ["INFERENCE_TMP"]) * MIB,
            memory=int(os.environ["INFERENCE_MEMORY"]) * MIB,
        )
        home = f"s3://{os.environ['ARTIFACTS_BUCKET']}/models/{pin.manifest.name}/{package.sha256}"
        store.upload(package.samples, f"{home}/samples.jsonl")
        store.upload(package.evidence, f"{home}/evidence.json")
        store.upload(package.archive, f"{home}/{ARCHIVE_NAME}")
    return {
        "archive": {
            "uri": f"{home}/{ARCHIVE_NAME}",
            "sha256": package.sha256,
            "size": package.size,
            "unpacked": package.unpacked,
        },
        "samples_uri": f"{home}/samples.jsonl",
        "evidence_uri": f"{home}/evidence.json",
        "runtime": None if runtime is None else runtime.model_dump(mode="json"),
    }
