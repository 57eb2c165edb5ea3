import pytest


@pytest.fixture(scope="module")
def queue(aws):
    """The URL of the queue that tasks send their tokens to."""
    return aws.client("sqs").create_queue(QueueName="asks")["QueueUrl"]
