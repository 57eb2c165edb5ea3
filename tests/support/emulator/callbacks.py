"""Tasks that send their token to a queue and wait for the answer."""

import json

from tests.support.emulator.machines import states, task
from tests.support.emulator.waiting import wait_until

TOKEN = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"


def ask(queue, **fields):
    """Return a definition with one state that sends its token to the queue."""
    message = {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token"}}
    return states("Ask", Ask=task(TOKEN, message, **fields))


def received_token(aws, queue):
    """Return the next token from the queue."""

    def receive():
        return aws.client("sqs").receive_message(QueueUrl=queue).get("Messages")

    [message] = wait_until(receive, "the question")
    aws.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return json.loads(message["Body"])["token"]
