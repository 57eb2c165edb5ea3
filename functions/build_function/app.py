"""BuildFunctionCode: the inference function's code, rebuilt with the release file that names the archive."""

import base64
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from model_tools.aws.lambda_functions import FunctionVersions
from model_tools.aws.objects import ObjectStore
from model_tools.packaging.function_code import build_function_code
from model_tools.release_file import ReleaseFile

logger, tracer, metrics = Logger(), Tracer(), Metrics()
store = ObjectStore(boto3.client("s3"))
function = FunctionVersions(boto3.client("lambda"), os.environ["INFERENCE_FUNCTION"])


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Rebuild the code of `$LATEST` for this release and store it under its digest; a second run stores the same."""
    release_id, execution = event["release"]["id"], event["execution"]
    logger.append_keys(execution=execution, release=release_id)
    release = ReleaseFile(release_id=release_id, execution=execution, archive=event["archive"])
    deployed = function.deployed_code()
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
    return {
        "bucket": bucket,
        "key": key,
        "code_sha256": base64.b64encode(digest.digest()).decode(),  # as Lambda writes CodeSha256
        "revision_id": deployed.revision_id,
    }
