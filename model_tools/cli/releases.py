"""`model-tools releases`: the list of releases and refusals, and which versions get the traffic now."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from model_tools.aws.registry import ReleaseRecord
from model_tools.cli.command import Command, with_connection_options

STYLES = {"LIVE": "bold green", "CANARY": "cyan", "FAILED": "red", "RELEASED": "", "NOT A RELEASE": "yellow"}
"""The colour of each status."""
MAX_ERROR = 100
"""The longest error that the table shows, in characters; --json shows all of it."""
SECONDS = len("2026-01-02T03:04:05")
"""The length of a time of the registry without its fraction of a second."""

LimitOption = Annotated[int, typer.Option(help="Show no more than this many.", min=1, metavar="NUMBER")]


@dataclass(frozen=True)
class ReleaseRow:
    """One line of the list: a release, a refusal, or a version with traffic that is neither."""

    release_id: str | None
    version: str | None
    status: str
    """LIVE: it gets traffic. CANARY: it is tried with a part of the traffic. RELEASED: it was live before.

    FAILED: it was refused. NOT A RELEASE: it gets traffic, but nothing on record put it there.
    """
    since: str | None
    share: float
    """Its share of the alias' requests now, from 0 to 1."""
    error: str | None = None
    message: str | None = None
    execution: str | None = None
    requested_by: str | None = None


@with_connection_options
def releases(
    command: Command,
    *,
    limit: LimitOption = 20,
) -> None:
    """List releases and refusals, newest first, with their share of the traffic now.

    For example:

        model-tools releases --local

        model-tools releases --limit 5 --json

    Exit code: 0 listed, 1 something you can put right, 2 a bug or a fault of AWS.
    """
    services = command.services()
    rows = release_rows(services.registry.releases(), services.function.shares())
    command.output.emit({"releases": [asdict(row) for row in rows[:limit]]})
    if not any(row.release_id for row in rows):
        command.output.say("Nothing was published yet: start with `model-tools publish FOLDER`.")
        return
    command.output.show(_table(rows[:limit]))
    if len(rows) > limit:
        command.output.say(f"{len(rows) - limit} older ones: --limit {len(rows)}", style="dim")


def release_rows(records: Sequence[ReleaseRecord], shares: Mapping[str, float]) -> list[ReleaseRow]:
    """Return the rows of the list, newest first, after those of versions with traffic that no release accounts for.

    `shares` holds each version's share of the traffic, from 0 to 1. A release that went live several times is on record
    with the version of each time, and the newest record of a version is the one that counts.
    """
    rows = []
    accounted: set[str] = set()
    for record in records:
        share = 0.0
        version = record.version
        if record.status != "FAILED" and version is not None and version not in accounted:
            accounted.add(version)
            share = shares.get(version, 0.0)
        rows.append(
            ReleaseRow(
                release_id=record.release_id,
                version=record.version,
                status="LIVE" if share > 0 else record.status,
                since=record.at,
                share=share,
                error=record.error,
                message=record.cause,
                execution=record.execution,
                requested_by=record.requested_by,
            )
        )
    # A release is recorded once it has all traffic: a second version without a record is being tried.
    stranger = "CANARY" if len(shares) > 1 else "NOT A RELEASE"
    strangers = [
        ReleaseRow(None, version, stranger, None, share)
        for version, share in shares.items()
        if version not in accounted and share > 0
    ]
    return strangers + rows


def _table(rows: Sequence[ReleaseRow]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("RELEASE", "VERSION", "STATUS", "SINCE (UTC)"):
        table.add_column(heading, no_wrap=True)
    table.add_column("TRAFFIC", justify="right", no_wrap=True)
    table.add_column("ERROR", overflow="fold")
    for row in rows:
        told = f"{row.error}: {row.message}" if row.error else ""
        table.add_row(
            row.release_id or "–",
            row.version or "–",
            Text(row.status, style=STYLES.get(row.status, "")),
            (row.since or "–")[:SECONDS].replace("T", " "),
            f"{row.share * 100:g} %" if row.share else "",
            told if len(told) <= MAX_ERROR else f"{told[: MAX_ERROR - 1]}…",
        )
    return table
