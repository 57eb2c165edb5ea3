"""The credentials of roles, and the callers behind access keys."""

import boto3


def client_of(aws, service, credentials):
    return boto3.session.Session().client(
        service,
        endpoint_url=aws.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        aws_session_token=credentials.session_token,
    )


def test_a_role_is_known_by_its_credentials(aws):
    role = aws.client("iam").create_role(RoleName="known", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    issued = aws.credential_issuer.issue(role, "session")
    assert issued == aws.credential_issuer.issue(role, "session")
    identity = client_of(aws, "sts", issued).get_caller_identity()
    assert identity["Arn"] == "arn:aws:sts::123456789012:assumed-role/known/session"
    assert aws.credential_issuer.identify(issued.access_key_id).role_arn == role
    taken = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="by-hand")["Credentials"]
    assert aws.credential_issuer.identify(taken["AccessKeyId"]).session_name == "by-hand"
    assert aws.credential_issuer.identify("AKIAWHOEVER").is_operator
    assert aws.credential_issuer.identify(None).is_operator
