"""A deployed stack in memory, as the commands see it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from model_tools.aws.executions import Execution
from model_tools.aws.faults import CallRefused
from model_tools.aws.functions import Reply
from model_tools.aws.registry import ReleaseRecord
from model_tools.aws.stack import Stack
from model_tools.cli.command import Command
from model_tools.cli.connection import Services
from model_tools.formats.runtime_reference import RuntimeReference

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:model-tools-publish-model"
BUCKET = "model-tools-checkpoints-123456789012"
ANSWER = Reply({"class": "seven", "confidence": 0.98, "version": "4"}, "4", None)


@dataclass
class FakeExecutions:
    """One execution, whose events appear a few more at each look."""

    events: list[dict] = field(default_factory=list)
    at_once: int = 7
    started: list[tuple[str, dict]] = field(default_factory=list)
    status: str = "RUNNING"
    looks: int = 0
    on_look: Callable[[int], None] = lambda look: None

    def arn_of(self, execution: str) -> str:
        return (
            execution if execution.startswith("arn:") else f"{MACHINE.replace('stateMachine', 'execution')}:{execution}"
        )

    def start(self, name: str, given: dict) -> str:
        self.started.append((name, given))
        return self.arn_of(name)

    def newest(self) -> str:
        if not self.events:
            raise CallRefused("Nothing was published yet")
        return self.arn_of("newest")

    def describe(self, arn: str) -> Execution:
        return Execution(arn, arn.rpartition(":")[2], self.status, 1000.0)

    def events_after(self, arn: str, event_id: int) -> list[dict]:  # noqa: ARG002 (the real one's)
        self.looks += 1
        self.on_look(self.looks)
        visible = self.events[: self.looks * self.at_once]
        return [event for event in reversed(visible) if event["id"] > event_id]


@dataclass
class FakeFunction:
    live: dict[str, float] = field(default_factory=lambda: {"4": 1.0})
    reply: Reply = field(default_factory=lambda: ANSWER)
    asked: list[tuple[object, str]] = field(default_factory=list)
    name: str = "model-tools-inference"

    def shares(self, alias: str = "live") -> dict[str, float]:  # noqa: ARG002 (the real one's)
        return self.live

    def invoke(self, payload: object, *, qualifier: str) -> Reply:
        self.asked.append((payload, qualifier))
        return self.reply


@dataclass
class FakeRegistry:
    records: list[ReleaseRecord] = field(default_factory=list)
    live_record: ReleaseRecord | None = None

    def live(self) -> ReleaseRecord | None:
        return self.live_record

    def releases(self) -> list[ReleaseRecord]:
        return self.records


@dataclass
class FakeUploads:
    stored: dict[str, str] = field(default_factory=dict)
    bucket: str = BUCKET

    def missing(self, prefix: str, uploads: tuple) -> list:
        return [upload for upload in uploads if self.stored.get(prefix + upload.key) != upload.etag]

    def upload(self, prefix: str, uploads: list, *, last: str, progress: Callable[[int], None]) -> None:
        for upload in sorted(uploads, key=lambda upload: upload.key == last):
            self.stored[prefix + upload.key] = upload.etag
            progress(upload.size)


@dataclass
class FakeRuntimes:
    bundles: dict[str, RuntimeReference] = field(default_factory=dict)

    def current(self, name: str) -> RuntimeReference | None:
        return self.bundles.get(name)


def live_record(version: str = "4", release_id: str = "digits-1") -> ReleaseRecord:
    return ReleaseRecord(release_id, "RELEASED", "2026-01-02T03:04:05.678Z", "run-1", version)


@dataclass
class FakeStack:
    """The services, and the command that uses them with a clock of its own."""

    executions: FakeExecutions = field(default_factory=FakeExecutions)
    function: FakeFunction = field(default_factory=FakeFunction)
    registry: FakeRegistry = field(default_factory=lambda: FakeRegistry(live_record=live_record()))
    uploads: FakeUploads = field(default_factory=FakeUploads)
    runtimes: FakeRuntimes = field(default_factory=FakeRuntimes)
    now: float = 1_767_323_045.0

    def command(self, **changes: object) -> Command:
        stack = Stack("model-tools", MACHINE, self.function.name, BUCKET, "artifacts", "model-tools-registry", {})
        services = Services(
            stack, self.executions, self.function, self.registry, self.uploads, self.runtimes, is_local=True
        )
        surroundings = {
            "environ": {},
            "clock": lambda: self.now,
            "sleep": self._sleep,
            "token": lambda: "ab12",
            "connect": lambda options, environ: services,
        }
        return Command(**{**surroundings, **changes})

    def _sleep(self, seconds: float) -> None:
        self.now += seconds
