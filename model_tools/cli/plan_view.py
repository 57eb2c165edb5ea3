"""The words and the table in which `model-tools plan` shows a plan to people."""

from rich.table import Table

from model_tools.cli.output import CommandOutput, duration
from model_tools.formats.sizes import size_text
from model_tools.planning.plan import Limit, PublicationPlan, notes

NEARLY = 80
"""The percentage of a limit from which it is shown in another colour."""
CENTS = 0.1
"""The amount in US dollars below which more digits are shown."""


def show_plan(output: CommandOutput, plan: PublicationPlan) -> None:
    """Print the plan: the model, the limits, the costs, and notes on the figures."""
    facts, measured, memory = plan.facts, plan.measurement, plan.memory
    placement = f", runtime bundle in {plan.fit.placement}: {plan.fit.reason}" if plan.fit.placement else ""
    recommended = f"recommended: InferenceMemorySize={memory.recommended}"
    told = {
        "model": f"{facts.name} ({facts.task}, {facts.format}), release {facts.release_id}",
        "sizes": f"checkpoint {size_text(facts.checkpoint_bytes)}, packed {size_text(facts.archive_bytes)}, unpacked "
        f"{size_text(facts.unpacked_bytes)}",
        "lane": f"{plan.fit.lane} ({plan.lane_reason}){placement}",
        "memory": f"{memory.peak:,} MB at its peak, {memory.needed:,} MB with a margin; {recommended}",
        "latency": f"{measured.latency_ms:.1f} ms, median of {measured.requests:,} answers on one thread here",
        "measured": f"with {plan.measured_with}; library ready in {duration(measured.library_seconds)}, model in "
        f"{duration(measured.model_seconds)}",
    }
    output.say()
    for name, text in told.items():
        output.say(f"{name:<9} {text}")
    output.say()
    output.show(_limits(plan.limits))
    output.say(f"\ncost of {memory.planned:,} MB in {plan.prices.region} (US dollars, prices of {plan.prices.as_of})")
    output.say(f"  {_money(plan.cost.snapshot_month)} a month for the snapshot of each version that is kept")
    output.say(f"  {_money(plan.cost.restore)} each time that an environment is restored from it")
    output.say(f"  {_money(plan.cost.million_requests)} for a million requests of {plan.cost.billed_ms:,} ms")
    for text in notes(plan).values():
        output.say(f"\nnote: {text}")


def _limits(limits: tuple[Limit, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("limit")
    for title in ("used", "of", "%", "left"):
        table.add_column(title, justify="right")
    for limit in limits:
        if limit.used is None or limit.percent is None:
            table.add_row(limit.name, "not known", _amount(limit.limit, limit.unit), "", "")
            continue
        style = "yellow" if limit.percent >= NEARLY else ""
        left = _amount(limit.limit - limit.used, limit.unit)
        used = _amount(limit.used, limit.unit)
        table.add_row(limit.name, used, _amount(limit.limit, limit.unit), f"{limit.percent:.1f}", left, style=style)
    return table


def _amount(value: float, unit: str) -> str:
    if unit == "bytes":
        return size_text(int(value))
    return f"{value:,.1f} s" if value >= 1 else f"{value * 1000:,.1f} ms"


def _money(dollars: float | None) -> str:
    if dollars is None:
        return "not known:"
    return f"${dollars:,.2f}" if dollars >= CENTS or dollars == 0 else f"${dollars:.6f}"
