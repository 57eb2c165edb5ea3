"""BuildFunctionCode: makes the code, or the configuration, by which the inference function serves one release.

In the bundle lane the result is a zip: the deployed code with the release file in it. A container image stays as it
is, and the release goes into the function's environment variables.
"""

import base64
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from model_tools.aws.faults import for_workflow
from model_tools.aws.functions import DeployedFunction, LambdaFunction
from model_tools.aws.objects import ObjectStore
from model_tools.formats.release_file import RELEASE_VARIABLE, ReleaseFile
from model_tools.packaging.archive.function_code import build_function_code
from model_tools.release.lanes import with_release
from model_tools.tasks.registry import spec_of

logger, tracer, metrics = Logger(), Tracer(), Metrics()
store = ObjectStore(boto3.client("s3"), errors=for_workflow)
function = LambdaFunction(boto3.client("lambda"), os.environ["INFERENCE_FUNCTION"], errors=for_workflow)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Return the next code or environment of `$LATEST`, and its present revision; a second run returns the same."""
    release = ReleaseFile(
        release_id=event["release"]["id"],
        execution=event["execution"],
        archive=event["archive"],
        runtime=event["runtime"],
        part=spec_of(event["release"]["task"]).bundle_part,
    )
    logger.append_keys(execution=release.execution, release=release.release_id)
    deployed = function.deployed()
    if os.environ["LANE"] == "image":
        environment = with_release(deployed.variables, release, name=RELEASE_VARIABLE)
        code = {"lane": "image", "environment": environment, "code_sha256": deployed.code_sha256}
        return {**code, "bucket": None, "key": None, "revision_id": deployed.revision_id}
    return {**build_zip(deployed, release), "environment": None, "revision_id": deployed.revision_id}


def build_zip(deployed: DeployedFunction, release: ReleaseFile) -> dict[str, Any]:
    """Rebuild the deployed code for this release and store the zip under its digest."""
    with tempfile.TemporaryDirectory() as folder:
        base, code = Path(folder, "base.zip"), Path(folder, "code.zip")
        with base.open("wb") as file:
            function.download_code(deployed, file)
        build_function_code(base, release, code)
        with code.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        bucket, key = os.environ["ARTIFACTS_BUCKET"], f"functions/{digest.hexdigest()}.zip"
        store.upload(code, f"s3://{bucket}/{key}")
    logger.info("built", extra={"key": key})
    sha256 = base64.b64encode(digest.digest()).decode()  # Lambda writes CodeSha256 in base64
    return {"lane": "bundle", "bucket": bucket, "key": key, "code_sha256": sha256}
