"""What a page says of any run: headline, functions, refused attempts, bill, costs, and what they rest on."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any, Final

from lambdasim.catalog import price_sheet
from lambdasim.report.html import (
    Fact,
    bullets,
    figure,
    folded,
    heading,
    paragraph,
    table_html,
)
from lambdasim.results.failures import CUT_ANSWERS, RUN_FAILURES
from lambdasim.results.foreseen import days_of
from lambdasim.results.usage.managed import left_out_of_peak
from lambdasim.study.targets import time_text
from lambdasim.wording import count, listed, money, number, percent, two_digits

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.billing import Bill
    from lambdasim.report.pictures import Album
    from lambdasim.results.run import RunResult

_MOST_NAMED: Final = 10
_MOST_ROWS: Final = 12
_TOP_ROWS: Final = 10
"""Rows that a table shows where it has more than ``_MOST_ROWS``: on a phone each is a card."""
_MILLION: Final = 1_000_000
_NOT_PUBLISHED: Final = ("assumed", "measured", "fitted")
_COUNTED: Final = ("events", "succeeded", "failed", "lost", "throttled", "runs")


def what_ran(run: RunResult) -> str:
    """Say in a line what ran."""
    scenario = run.scenario
    events = sum(totals.events for totals in run.aggregate.functions)
    span = f"{time_text(scenario.duration_us)} from {scenario.start:%Y-%m-%d %H:%M} UTC"
    functions = count(len(scenario.functions), "function")
    days = [f"; {one.parameter}: {one.value}" for one in days_of(run.plan)]
    more = f"; {count(len(days) - 1, 'more trace')} below" if len(days) > 1 else ""
    said = f"{''.join(days[:1])}{more}"
    return f"{count(events, 'event')}, {functions}, {span}, {scenario.region}; seed {scenario.seed}{said}"


def bill_fact(run: RunResult, bill: Bill, intervals: pd.DataFrame | None = None) -> Fact:
    """Give the bill with what it rests on: its free tier, and the interval over seeds."""
    notes = ["no free tier"]
    if run.scenario.free_tier:
        without = money(run.charges(free_tier=False).total, bill.currency)
        notes = [f"with a whole month's free tier; {without} without"]
    if intervals is not None:
        row = intervals.to_dict(orient="index")["bill_usd"]
        low, high = money(max(row["low"], 0.0)), money(row["high"])
        notes.append(f"{low} to {high}, 95% interval of {count(row['replications'], 'seed')}")
    if bill.beside_lambda:
        notes.insert(0, bill.beside_said)
    span = time_text(run.scenario.duration_us)
    return Fact(f"Bill for {span}", money(bill.total, bill.currency), "; ".join(notes))


def facts(run: RunResult, bill: Bill, intervals: pd.DataFrame | None = None) -> list[Fact]:
    """Give what a reader takes away: money, latency, the account's limit, what did not succeed, cold starts."""
    latency = run.latency_ms()
    peak, limit = run.aggregate.account.peak, run.plan.concurrency
    totals = run.aggregate.functions
    events = sum(one.events for one in totals)
    lost = events - int(run.summary()["succeeded"].sum())
    runs, cold = sum(one.runs for one in totals), sum(one.cold for one in totals)
    waited = [count(latency.quantile(q)) for q in (0.5, 0.95, 0.99)]
    return [
        bill_fact(run, bill, intervals),
        Fact("Latency, 95th percentile", f"{waited[1]} ms", f"p50 {waited[0]} ms, p99 {waited[2]} ms"),
        Fact(
            f"Peak concurrency{left_out_of_peak(run.scenario)}",
            f"{peak:,}",
            f"{percent(peak / limit, 1)} of the account's {limit:,}",
        ),
        Fact("Events not served", percent(lost / events if events else 0), f"{lost:,} of {events:,}"),
        Fact("Cold starts", percent(cold / runs if runs else 0), f"{cold:,} of {runs:,} runs"),
    ]


def functions(run: RunResult, album: Album) -> list[str]:
    """Show each function's events, latency and concurrency."""
    summary = run.summary()
    kinds = [name for name in (*RUN_FAILURES, CUT_ANSWERS) if (summary[name] > 0).any()]
    counted = [*_COUNTED, *kinds]
    events = summary[["function", *counted, "cold_share"]].astype(dict.fromkeys(counted, "int64"))
    events = events.assign(cold_share=[percent(share) for share in events["cold_share"]])
    waits = summary[["function", "p50_ms", "p95_ms", "p95_half_width_ms", "p99_ms"]]
    waits = waits.join(summary[["peak_concurrency", "mean_concurrency"]])
    widths = ["–" if isnan(width) else f"± {two_digits(width)}" for width in waits["p95_half_width_ms"]]
    waits = waits.assign(
        p95_half_width_ms=widths, mean_concurrency=[number(mean) for mean in waits["mean_concurrency"]]
    )
    return [
        heading("Functions"),
        _ranked(
            events.rename(columns={"throttled": "refused attempts", "cold_share": "cold starts"}),
            "Functions",
            summary["events"],
        ),
        heading("Latency and concurrency"),
        _ranked(
            waits.rename(columns={"p95_half_width_ms": "95% interval of p95"}), "Latency", summary["events"]
        ),
        paragraph(
            "Latency in ms from arrival to answer, rounded up to whole ms, of every client that waited for a run, also "
            "where the run failed. The interval of p95 comes from batch means of this run.",
            "small",
        ),
        *(figure(album[name]) for name in ("latency", "latency_histogram", "concurrency")),
    ]


def _ranked(table: pd.DataFrame, name: str, weight: pd.Series[Any]) -> str:
    """Write a table; of a long one the rows with the greatest weight, and all of them where a reader opens it."""
    if len(table) <= _MOST_ROWS:
        return table_html(table, name)
    largest = weight.reset_index(drop=True).nlargest(_TOP_ROWS).index
    top = table_html(table.iloc[list(largest)], f"{name}, the largest {_TOP_ROWS}")
    return top + folded(f"All {count(len(table), 'row')}", table_html(table, name))


def sources(run: RunResult, album: Album) -> list[str]:
    """Show what became of messages and records; nothing where there are no queues and streams."""
    table = run.sources()
    if table.empty:
        return []
    ends = table[
        ["function", "source", "sent", "processed", "dead_lettered", "expired", "given_up", "received_again"]
    ]
    waits = table[["function", "oldest_s", "peak_backlog", "left_at_end", "drain_s"]]
    calls = table[["function", "receives", "receive_calls", "empty_receives", "delete_calls"]]
    return [
        heading("Queues and streams"),
        *(_ranked(part, "Queues and streams", table["sent"]) for part in (ends, waits, calls)),
        paragraph(
            "Messages or records. Ages in seconds, of the oldest that there was; drain is the time from the end of the "
            "scenario until the last one ended. Latency above runs from being sent to being processed. A call carries up "
            "to 10 messages; empty receives assume that idle pollers wait 20 s each time.",
            "small",
        ),
        figure(album["backlog"]),
    ]


def refused(run: RunResult, album: Album) -> list[str]:
    """Show attempts that limits refused; nothing where there are none."""
    throttles = run.throttles()
    if throttles.empty:
        return []
    named = throttles.assign(limit=[name.replace("_", " ") for name in throttles["limit"]])
    return [
        heading("Refused attempts"),
        _ranked(named, "Refused attempts", named["attempts"]),
        *(figure(album[name]) for name in ("throttles", "throttles_over_time")),
    ]


def bill_lines(bill: Bill, album: Album) -> list[str]:
    """Show the bill by service and line by line."""
    import pandas as pd

    if not bill.items:
        return [heading("Bill"), paragraph("Nothing to pay."), bullets(bill.notes)]
    table = bill.table().set_index("usage_type").reset_index()
    beside = f"; {bill.beside_said}" if bill.beside_said else ""
    services = bill.service_rows()
    return [
        heading("Bill"),
        *([table_html(pd.DataFrame(services), "Bill by service")] if services else []),
        _ranked(table, "Bill", pd.Series([abs(float(item.amount)) for item in bill.items])),
        paragraph(f"Total {money(bill.total, bill.currency)}{beside}."),
        bullets(bill.notes),
        *(figure(album[name]) for name in (("bill", "hourly_cost") if bill.total else ("hourly_cost",))),
    ]


def invocation_costs(run: RunResult, album: Album) -> list[str]:
    """Show what a million invocations cost, and who causes it; nothing where none ran on demand."""
    costs = run.costs()
    if costs.empty:
        return []
    runs = run.summary().set_index("function")["runs"]
    shown = costs[["function"]].assign(
        mean=[money(usd) for usd in costs["usd_per_million"]],
        **{q: [money(usd * _MILLION) for usd in costs[f"{q}_usd"]] for q in ("p50", "p95", "p99")},
        slowest=[percent(share, 1) for share in costs["slowest_5_percent_share"]],
    )
    return [
        heading("Cost of a million invocations"),
        _ranked(
            shown.rename(columns={"slowest": "slowest 5% cause"}),
            "Cost of a million invocations",
            costs["usd_per_million"] * runs[costs["function"]].to_numpy(),
        ),
        paragraph(
            "USD per million such invocations, on demand, request fee included, at first-tier rates without free tier. "
            "The last column is the part of the duration charge that the slowest 5% cause.",
            "small",
        ),
        *(figure(album[name]) for name in ("cost_distribution", "cost")),
    ]


def basis(run: RunResult) -> list[str]:
    """Say what the figures rest on: first what AWS does not publish, then everything with its source."""
    rows = list(run.parameters().itertuples())
    unpublished = [f"{row.parameter} {row.value}" for row in rows if row.known in _NOT_PUBLISHED]
    table = run.parameters()
    sheet = price_sheet(run.scenario.region, run.scenario.billing_day)
    known = run.provenance() | {"prices": f"{run.scenario.region}, sheet as of {sheet.as_of}"}
    known["billing rules"] = f"of {run.scenario.billing_day}"
    provenance = [f"{key.replace('_', ' ')}: {value}" for key, value in known.items() if value != ""]
    return [
        heading("What this rests on"),
        paragraph(f"Not published by AWS, so assumed or measured: {listed(unpublished, _MOST_NAMED)}."),
        folded(
            f"All {count(len(rows), 'parameter')} with their sources",
            table_html(table, "Parameters"),
        ),
        folded("What ran, exactly: seed, versions, price date", bullets(provenance)),
    ]
