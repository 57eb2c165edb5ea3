import json

from model_tools.aws.registry import ReleaseRecord
from model_tools.cli.main import run
from model_tools.cli.releases import release_rows
from tests.support.fakes.aws_services import FakeFunction, FakeRegistry, FakeStack

RECORDS = [
    ReleaseRecord("digits-3", "FAILED", "2026-01-03T00:00:00Z", "run-3", None, "ParityFailed", "it answers otherwise"),
    ReleaseRecord("digits-2", "RELEASED", "2026-01-02T00:00:00Z", "run-2", "4"),
    ReleaseRecord("digits-1", "RELEASED", "2026-01-01T00:00:00Z", "run-1", "3"),
]


def stack(shares: dict[str, float]) -> FakeStack:
    return FakeStack(function=FakeFunction(live=shares), registry=FakeRegistry(RECORDS))


def test_releases_are_listed_with_status_and_share_of_the_traffic(capsys):
    assert run(["releases"], stack({"4": 1.0}).command()) == 0

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["RELEASE", "VERSION", "STATUS", "SINCE", "(UTC)", "TRAFFIC", "ERROR"]
    assert lines[1][:3] == ["digits-3", "–", "FAILED"]
    assert lines[1][-4:] == ["ParityFailed:", "it", "answers", "otherwise"]
    assert lines[2] == ["digits-2", "4", "LIVE", "2026-01-02", "00:00:00", "100", "%"]
    assert lines[3] == ["digits-1", "3", "RELEASED", "2026-01-01", "00:00:00"]


def test_a_split_of_the_traffic_is_shown_with_both_versions():
    rows = release_rows(RECORDS, {"3": 0.9, "4": 0.1})

    assert [(row.version, row.status, row.share) for row in rows[1:]] == [("4", "LIVE", 0.1), ("3", "LIVE", 0.9)]


def test_a_version_that_is_being_tried_comes_first():
    rows = release_rows(RECORDS, {"4": 0.9, "5": 0.1})

    assert (rows[0].version, rows[0].status, rows[0].share) == ("5", "CANARY", 0.1)
    assert (rows[2].version, rows[2].status, rows[2].share) == ("4", "LIVE", 0.9)


def test_a_version_with_all_traffic_that_was_never_released_is_shown_as_what_it_is():
    rows = release_rows(RECORDS, {"7": 1.0})

    assert (rows[0].version, rows[0].status) == ("7", "NOT A RELEASE")


def test_a_failed_publication_never_has_the_traffic_of_its_versions_number():
    failed = ReleaseRecord("digits-9", "FAILED", "2026-01-04T00:00:00Z", "run-4", "4", "CanaryFailed", "x")
    rows = release_rows([failed, *RECORDS], {"4": 1.0})

    assert [(row.release_id, row.status) for row in rows[:3]] == [
        ("digits-9", "FAILED"),
        ("digits-3", "FAILED"),
        ("digits-2", "LIVE"),
    ]


def test_older_ones_than_the_limit_are_counted(capsys):
    run(["releases", "--limit", "1"], stack({"4": 1.0}).command())

    out = capsys.readouterr().out
    assert "digits-1" not in out
    assert "2 older ones" in out


def test_nothing_published_says_how_to_begin(capsys):
    empty = FakeStack(function=FakeFunction(live={"1": 1.0}), registry=FakeRegistry())

    assert run(["releases"], empty.command()) == 0
    assert "Nothing was published yet" in capsys.readouterr().out


def test_for_machines_there_is_one_document_with_full_messages(capsys):
    run(["releases", "--json"], stack({"4": 1.0}).command())

    said = json.loads(capsys.readouterr().out)["releases"]
    assert [release["status"] for release in said] == ["FAILED", "LIVE", "RELEASED"]
    assert said[0]["message"] == "it answers otherwise"
