"""GetExecutionHistory, in pages and without data."""

import json

from tests.support.emulator.machines import finished, history, start, states


def test_history_comes_in_pages_in_both_directions(aws):
    arn = start(aws, states("A", A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "End": True}))
    finished(aws, arn)
    everything = history(aws, arn)["events"]
    assert [event["id"] for event in everything] == [1, 2, 3, 4, 5, 6]
    assert everything[0]["type"] == "ExecutionStarted"

    pages, token = [], {}
    while True:
        page = history(aws, arn, maxResults=4, **token)
        pages.append([event["id"] for event in page["events"]])
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert pages == [[1, 2, 3, 4], [5, 6]]

    last = history(aws, arn, reverseOrder=True, maxResults=1)
    assert last["events"] == everything[-1:]
    assert history(aws, arn, reverseOrder=True, nextToken=last["nextToken"])["events"][0]["id"] == 5


def test_history_can_leave_the_data_out(aws):
    arn = start(aws, states("A", A={"Type": "Pass", "End": True}), {"secret": 1})
    finished(aws, arn)
    assert "secret" in json.dumps(history(aws, arn), default=str)
    assert "secret" not in json.dumps(history(aws, arn, includeExecutionData=False), default=str)
