"""Writes execution histories event by event, as Step Functions does."""

import json


class Recorder:
    """Numbers and dates events; each follows the one before unless told otherwise. One second passes with each."""

    def __init__(self, *, at: float = 1000.0) -> None:
        self.events: list[dict] = []
        self.at = at

    def add(self, kind: str, *, after: int | None = None, seconds: float = 1.0, **details: object) -> int:
        number = len(self.events) + 1
        event: dict = {
            "id": number,
            "previousEventId": number - 1 if after is None else after,
            "type": kind,
            "timestamp": self.at,
        }
        if details:
            name = "State" + kind.partition("State")[2] if kind.endswith(("StateEntered", "StateExited")) else kind
            event[f"{name[0].lower()}{name[1:]}EventDetails"] = details
        self.events.append(event)
        self.at += seconds
        return number

    def start(self, **given: object) -> "Recorder":
        self.add("ExecutionStarted", after=0, input=json.dumps(given))
        return self

    def enter(self, state: str, kind: str = "Task", *, after: int | None = None, **given: object) -> int:
        if after is None and len(self.events) == 1:
            after = 0  # the first state names no event before it
        return self.add(f"{kind}StateEntered", after=after, name=state, input=json.dumps(given))

    def leave(self, state: str, kind: str = "Task", *, after: int | None = None, **output: object) -> int:
        return self.add(f"{kind}StateExited", after=after, name=state, output=json.dumps(output))

    def work(self, *, error: str | None = None, cause: str = "") -> int:
        """One attempt: scheduled, started, and succeeded or failed."""
        self.add("TaskScheduled", resourceType="lambda", resource="invoke")
        self.add("TaskStarted", resourceType="lambda", resource="invoke")
        if error is None:
            return self.add("TaskSucceeded", resourceType="lambda", output="{}")
        return self.add("TaskFailed", resourceType="lambda", error=error, cause=cause)

    def run(self, state: str, given: dict | None = None, output: dict | None = None) -> int:
        """A task state that succeeds at once."""
        self.enter(state, **(given or {}))
        self.work()
        return self.leave(state, **(output or {}))

    def succeed(self, **output: object) -> list[dict]:
        self.add("ExecutionSucceeded", output=json.dumps(output))
        return self.events

    def fail(self, error: str, cause: str) -> list[dict]:
        self.add("ExecutionFailed", error=error, cause=cause)
        return self.events


def released_by_canary() -> list[dict]:
    """A publication that gave version 4 10 %, then all of the traffic."""
    recorder = Recorder().start(model_uri="s3://b/m/")
    release = {"release": {"id": "digits-1"}}
    recorder.run("ResolveModel", {}, release)
    recorder.run("ReadAlias", release, {**release, "alias": {"FunctionVersion": "3"}})
    recorder.run("PublishVersion", release, {**release, "candidate": {"version": "4"}})
    for weight in (10, 100):
        traffic = {**release, "traffic": {"verdict": "advance", "weight": weight}}
        recorder.run("JudgeCanary", release, traffic)
        recorder.run("ShiftTraffic", traffic, {**traffic, "shift": {"revision_id": f"r{weight}"}})
    recorder.enter("PublishSucceeded", "Succeed")
    output = {"status": "LIVE", "release_id": "digits-1", "version": "4"}
    recorder.leave("PublishSucceeded", "Succeed", **output)
    return recorder.succeed(**output)


def refused_before_traffic(error: str = "ParityFailed", message: str = "it answers otherwise") -> list[dict]:
    """A publication that was refused while the model was traced."""
    recorder = Recorder().start(model_uri="s3://b/m/")
    recorder.run("ResolveModel", {}, {"release": {"id": "digits-2"}})
    recorder.enter("TraceAndPackageModel", release={"id": "digits-2"})
    recorder.work(error=error, cause=json.dumps({"errorType": error, "errorMessage": message, "stackTrace": []}))
    recorder.leave("TraceAndPackageModel", release={"id": "digits-2"}, error={"Error": error})
    recorder.enter("RecordFailure")
    recorder.work()
    recorder.leave("RecordFailure")
    recorder.enter("PublishFailed", "Fail")
    return recorder.fail(error, message)
