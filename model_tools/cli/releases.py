"""`model-tools releases`: what was published, what was refused, and who gets the traffic now."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from model_tools.aws.registry import ReleaseRecord
from model_tools.cli.command import Command, with_connection_options

STYLES = {"LIVE": "bold green", "CANARY": "cyan", "FAILED": "red", "RELEASED": "", "NOT A RELEASE": "yellow"}
MAX_ERROR = 100
SECONDS = len("2026-01-02T03:04:05")

Limit = Annotated[int, typer.Option(help="Show no more than this many.", min=1, metavar="NUMBER")]


@dataclass(frozen=True)
class Row:
    """One release as it is shown."""

    release_id: str | None
    version: str | None
    status: str
    """LIVE (gets traffic), CANARY (tried with a part of it), RELEASED (was live), FAILED (refused), NOT A RELEASE."""
    since: str | None
    share: float
    """Of the alias' requests now, 0…1."""
    error: str | None = None
    message: str | None = None
    execution: str | None = None
    requested_by: str | None = None


@with_connection_options
def releases(
    command: Command,
    *,
    limit: Limit = 20,
) -> None:
    """List releases and refusals, newest first, with their share of the traffic now.

    For example:

        model-tools releases --local

        model-tools releases --limit 5 --json

    Exit code: 0 listed, 1 something to put right, 2 AWS did not answer.
    """
    services = command.services()
    rows = make_rows(services.registry.releases(), services.function.shares())
    command.output.emit({"releases": [asdict(row) for row in rows[:limit]]})
    if not any(row.release_id for row in rows):
        command.output.say("Nothing was published yet: start with `model-tools publish FOLDER`.")
        return
    command.output.show(_table(rows[:limit]))
    if len(rows) > limit:
        command.output.say(f"{len(rows) - limit} older ones: --limit {len(rows)}", style="dim")


def make_rows(records: Sequence[ReleaseRecord], shares: Mapping[str, float]) -> list[Row]:
    """Return the releases as they are shown. Versions with traffic that no release accounts for come first.

    A version's number is released once; a release that went live again is on record with the version of each time.
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
            Row(
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
    # A release is recorded when it has all traffic; until then its version is one that is being tried.
    stranger = "CANARY" if len(shares) > 1 else "NOT A RELEASE"
    strangers = [
        Row(None, version, stranger, None, share)
        for version, share in shares.items()
        if version not in accounted and share > 0
    ]
    return strangers + rows


def _table(rows: Sequence[Row]) -> Table:
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
