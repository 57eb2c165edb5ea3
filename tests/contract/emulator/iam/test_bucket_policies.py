"""Bucket policies are kept, and not enforced."""

import json

from emulator.server import Emulator


def test_a_policy_that_asks_for_tls_does_not_lock_everybody_out(aws: Emulator) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="tls-only")
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::tls-only/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket="tls-only", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))

    s3.put_object(Bucket="tls-only", Key="a", Body=b"x")

    assert s3.get_object(Bucket="tls-only", Key="a")["Body"].read() == b"x"
    assert json.loads(s3.get_bucket_policy(Bucket="tls-only")["Policy"])["Statement"] == [statement]
