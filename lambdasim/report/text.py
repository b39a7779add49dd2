"""A run and a bill as a terminal shows them: 80 columns."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from lambdasim.billing.bill import BillRow
from lambdasim.units import US_PER_S, format_duration
from lambdasim.wording import clipped, count, money, percent, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from lambdasim.billing import Bill
    from lambdasim.finance import BillComparison, CostShare, PriceRefresh
    from lambdasim.results.run import RunResult


def run_text(run: RunResult, intervals: pd.DataFrame | None = None) -> str:
    """Tell how a run went, what it costs, and what that rests on.

    Parameters
    ----------
    run : RunResult
    intervals : DataFrame, optional
        See ``results.replicate``.
    """
    parts = [repr(run), "", _summary_table(run)]
    if intervals is None:
        parts.append(_batch_intervals(run))
    else:
        number = int(intervals["replications"].iloc[0])
        shown = intervals.to_string(float_format="{:,.4f}".format)
        parts += ["", f"95 % intervals from {number} replications", shown]
    throttles = run.throttles()
    if len(throttles):
        throttles["attempts"] = [f"{number:,}" for number in throttles["attempts"]]
        parts += ["", throttles.rename(columns={"attempts": "refused attempts"}).to_string(index=False)]
    parts += _sources(run)
    return "\n".join([*parts, "", bill_text(run.charges()), *_days(run), _assumptions(run)])


def _summary_table(run: RunResult) -> str:
    table = run.summary()
    shown = table[
        ["function", "events", "throttled", "failed", "lost", "cold_share", "p50_ms", "p95_ms", "p99_ms"]
    ].copy()
    shown["function"] = [clipped(name, 20) for name in shown["function"]]
    shown["cold_share"] = [percent(share) for share in table["cold_share"]]
    for name in ("events", "throttled", "failed", "lost"):
        shown[name] = [f"{number:,}" for number in table[name]]
    for name in ("p50_ms", "p95_ms", "p99_ms"):
        shown[name] = [count(number) for number in table[name]]
    return shown.rename(columns={"cold_share": "cold"}).to_string(index=False)


def _sources(run: RunResult) -> list[str]:
    """Tell what became of messages and records, where there are any."""
    table = run.sources()
    if table.empty:
        return []
    ends = _with_commas(
        table[["sent", "processed", "dead_lettered", "expired", "given_up", "received_again"]]
    )
    waits = _with_commas(table[["peak_backlog", "left_at_end", "receive_calls", "empty_receives"]])
    for place, name in ((0, "oldest_s"), (3, "drain_s")):
        shown = [format_duration(round(time) * US_PER_S) if time else "-" for time in table[name]]
        waits.insert(place, name.removesuffix("_s"), shown)
    parts = ["", "queues and streams, messages or records"]
    for part in (ends, waits):
        part.insert(0, "function", [clipped(name, 20) for name in table["function"]])
        parts.append(part.rename(columns=lambda name: name.replace("_", " ")).to_string(index=False))
    return parts


def _with_commas(table: pd.DataFrame) -> pd.DataFrame:
    """Write whole numbers with commas."""
    return table.map("{:,}".format)


def _batch_intervals(run: RunResult) -> str:
    table = run.summary()
    widths = zip(table["function"], table["p95_half_width_ms"], strict=True)
    shown = [f"{clipped(name, 24)} ± {_two_digits(width)} ms" for name, width in widths if not isnan(width)]
    if not shown:
        return ""
    return wrapped(f"95 % interval of p95 from batch means of this run: {', '.join(shown)}")


def _two_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _days(run: RunResult) -> list[str]:
    """Say which days of a trace stand for which."""
    rows = run.parameters().itertuples()
    return [wrapped(f"{row.parameter}: {row.value}") for row in rows if str(row.source).startswith("align: ")]


def _assumptions(run: RunResult) -> str:
    """Say what the result rests on that AWS does not publish."""
    rows = run.parameters().itertuples()
    unpublished = [
        f"{row.parameter} {row.value}" for row in rows if row.known in ("assumed", "measured", "fitted")
    ]
    return wrapped(f"not published by AWS, so assumed or measured: {'; '.join(unpublished)}")


def bill_text(bill: Bill) -> str:
    """Tell a bill by line item."""
    months: dict[str, list[BillRow]] = {}
    for row in bill.rows():
        months.setdefault(row.month, []).append(row)
    lines = [f"{month}\n{_aligned(months[month])}" for month in sorted(months)]
    width = max((len(row) for rows in lines for row in rows.splitlines()), default=0)
    paid = f"total {money(bill.total, bill.currency)}".rjust(width)
    lines.append(paid if lines else "nothing to pay")
    return "\n".join([*lines, *(wrapped(f"note: {note}") for note in bill.notes)])


def costs_text(shares: Iterable[CostShare], currency: str = "USD") -> str:
    """Tell who causes a bill, the largest first."""
    return "\n".join(
        f"{clipped(one.name, 52):52} {money(one.amount, currency):>16} {percent(float(one.share), 1):>7}"
        for one in shares
    )


def _aligned(rows: list[BillRow]) -> str:
    """Set lines of a month in columns, as a DataFrame would be, but without loading one's library."""
    cells = [BillRow._fields[1:]]
    cells += [row._replace(unit=row.unit.replace("Lambda-GB-Second", "GB-s"))[1:] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        " ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in cells
    )


def compared_bills_text(found: BillComparison) -> str:
    """Tell by line where a real bill and ours differ: by usage, by rate, or neither."""
    table = found.frame()
    shown = table[["period", "usage_type", "line"]].copy()
    shown["line"] = [
        f"{kind} {line}".strip() for kind, line in zip(shown.pop("usage_type"), shown["line"], strict=True)
    ]
    for name in ("actual_cost", "our_cost", "from_usage", "from_rate", "from_other"):
        shown[name.replace("_cost", "").replace("from_", "")] = [money(cost) for cost in table[name]]
    return "\n".join([shown.to_string(index=False), *(f"note: {note}" for note in found.notes)])


def refreshed_prices_text(refreshed: PriceRefresh) -> str:
    """Tell which rates a Price List file changes."""
    table = refreshed.frame()
    columns = ["region", "architecture", "rate", "before", "after"]
    changes = "no rate changes" if table.empty else table[columns].to_string(index=False)
    return "\n".join([changes, *map(wrapped, (f"note: {note}" for note in refreshed.notes))])
