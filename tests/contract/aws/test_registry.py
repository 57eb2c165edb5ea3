import pytest
from botocore.exceptions import ClientError

from model_tools.aws.faults import CallRefused, for_people, for_workflow
from model_tools.aws.registry import Registry
from model_tools.errors import ServiceUnavailable
from model_tools.release.lease import Claim, Lease
from tests.support.fakes.lease_record import FakeLeaseRecord


@pytest.fixture(scope="module")
def registry(connection):
    client = connection.client("dynamodb")
    client.create_table(
        TableName="registry",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "function", "KeyType": "HASH"},
            {"AttributeName": "record", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "function", "AttributeType": "S"},
            {"AttributeName": "record", "AttributeType": "S"},
        ],
    )
    rows = [
        ("inference", "lease", {"fencing_token": {"N": "3"}}),
        ("inference", "live", {"release_id": {"S": "digits-1"}, "version": {"S": "2"}, "at": {"S": "2026-01-01"}}),
        ("inference", "release#run-1", {"release_id": {"S": "digits-1"}, "status": {"S": "RELEASED"}}),
        ("inference", "release#run-2", {"status": {"S": "FAILED"}, "error": {"S": "ParityFailed"}}),
        ("other", "release#run-9", {"release_id": {"S": "not ours"}}),
    ]
    for at, (function, record, fields) in enumerate(rows):
        key = {"function": {"S": function}, "record": {"S": record}, "at": {"S": f"2026-01-0{at + 1}T00:00:00Z"}}
        client.put_item(TableName="registry", Item={**key, **fields})
    return Registry(client, "registry", "inference", errors=for_people)


def test_releases_of_the_function_are_read_newest_first(registry):
    found = registry.releases()

    assert [(record.execution, record.status, record.error) for record in found] == [
        ("run-2", "FAILED", "ParityFailed"),
        ("run-1", "RELEASED", None),
    ]


def test_the_live_release_is_read_and_there_may_be_none(registry, connection):
    live = registry.live()

    assert live
    assert (live.release_id, live.version) == ("digits-1", "2")
    assert Registry(connection.client("dynamodb"), "registry", "new", errors=for_people).live() is None


def test_a_missing_table_says_to_deploy(connection):
    with pytest.raises(CallRefused, match="deploy the stack"):
        Registry(connection.client("dynamodb"), "nowhere", "inference", errors=for_people).releases()


def test_a_throttle_is_for_the_state_machine_to_try_again(registry, connection):
    client = connection.client("dynamodb")

    def refuse(**_):
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "Query")

    client.meta.events.register("before-call.dynamodb.Query", refuse)
    try:
        with pytest.raises(ServiceUnavailable, match="ThrottlingException"):
            Registry(client, "registry", "inference", errors=for_workflow).releases()
    finally:
        client.meta.events.unregister("before-call.dynamodb.Query", refuse)


ARN = "arn:aws:states:us-east-1:123456789012:execution:publish:"
CLAIM = Claim(f"{ARN}one", "digits-1", "2026-01-02T03:04:05Z")


@pytest.fixture(params=["dynamodb", "fake"])
def leases(request, registry, connection):
    """A lease that nobody has taken yet, in DynamoDB and in the fake that unit tests use."""
    if request.param == "fake":
        return FakeLeaseRecord()
    name = request.node.name
    return Registry(connection.client("dynamodb"), "registry", f"inference-{name}", errors=for_workflow)


def test_a_lease_that_was_never_taken_is_free(leases):
    assert leases.lease() == Lease(None, 0)


def test_a_claim_is_written_under_the_next_token(leases):
    taken = leases.claim_lease(CLAIM, seen=leases.lease())

    assert taken == leases.lease() == Lease(CLAIM.holder, 1)
    next_claim = Claim(f"{ARN}two", "digits-2", CLAIM.at)
    assert leases.claim_lease(next_claim, seen=taken) == leases.lease() == Lease(next_claim.holder, 2)


def test_a_claim_on_a_lease_that_is_not_as_it_was_seen_writes_nothing(leases):
    free = leases.lease()
    taken = leases.claim_lease(CLAIM, seen=free)
    outdated = [free, Lease(f"{ARN}other", 1), Lease(CLAIM.holder, 2), Lease(None, 1), Lease(CLAIM.holder, 0)]

    assert [leases.claim_lease(Claim(f"{ARN}two", "digits-2", CLAIM.at), seen=seen) for seen in outdated] == [None] * 5
    assert leases.lease() == taken


def test_a_lease_that_was_given_back_keeps_its_token(registry, connection):
    client = connection.client("dynamodb")
    leases = Registry(client, "registry", "given-back", errors=for_workflow)
    leases.claim_lease(CLAIM, seen=leases.lease())
    key = {"function": {"S": "given-back"}, "record": {"S": "lease"}}
    client.update_item(TableName="registry", Key=key, UpdateExpression="REMOVE holder, release_id, acquired_at")

    assert leases.lease() == Lease(None, 1)
    assert leases.claim_lease(CLAIM, seen=leases.lease()) == Lease(CLAIM.holder, 2)


def test_a_write_that_meets_a_transaction_is_for_the_state_machine_to_try_again(registry, connection):
    client = connection.client("dynamodb")

    def refuse(**_):
        raise ClientError({"Error": {"Code": "TransactionConflictException"}}, "UpdateItem")

    client.meta.events.register("before-call.dynamodb.UpdateItem", refuse)
    try:
        with pytest.raises(ServiceUnavailable, match="TransactionConflictException"):
            Registry(client, "registry", "inference", errors=for_workflow).claim_lease(CLAIM, seen=Lease())
    finally:
        client.meta.events.unregister("before-call.dynamodb.UpdateItem", refuse)
