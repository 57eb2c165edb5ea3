"""`Code.Location` of GetFunction: a presigned URL into a bucket of the emulator's own account."""

import threading

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.s3.exceptions import MissingBucket
from moto.s3.models import s3_backends
from moto.utilities.utils import get_partition

from emulator.account import OPERATOR_KEY, OPERATOR_SECRET
from emulator.lambda_.spec import CodePackage

SERVICE_ACCOUNT = "999999999999"
"""The account of the bucket. It is not the user's, so that the bucket is not in their list."""

URL_SECONDS = 600
"""The time for which a URL is valid, as on AWS."""

_bucket_lock = threading.Lock()


def download_url(package: CodePackage, *, region: str, endpoint_url: str) -> str:
    """Put the zip into the bucket when it is not there yet, and sign a URL for it."""
    bucket, key = f"awslambda-{region}-tasks", f"snapshots/{package.digest}"
    store = s3_backends[SERVICE_ACCOUNT][get_partition(region)]
    with _bucket_lock:
        try:
            store.head_bucket(bucket)
        except MissingBucket:
            store.create_bucket(bucket, region)
        if store.get_object(bucket, key) is None:
            store.put_object(bucket, key, package.archive.read_bytes())
    request = AWSRequest("GET", f"{endpoint_url}/{bucket}/{key}")
    S3SigV4QueryAuth(Credentials(OPERATOR_KEY, OPERATOR_SECRET), "s3", region, expires=URL_SECONDS).add_auth(request)
    return str(request.url)
