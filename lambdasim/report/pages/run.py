"""A run as one self-contained HTML page: tables and pictures, no script, nothing fetched."""

from __future__ import annotations

import html
from typing import Final

from lambdasim.billing import Bill
from lambdasim.report.html import bullets, document, figure, table_html
from lambdasim.report.pictures import Album
from lambdasim.results.run import RunResult
from lambdasim.wording import percent

_MILLION: Final = 1_000_000


def report_html(run: RunResult) -> str:
    """Make the page.

    Parameters
    ----------
    run : RunResult

    Returns
    -------
    str
        HTML with its pictures inside; what comes from the scenario is escaped.
    """
    return page_of(Album(run))


def page_of(album: Album) -> str:
    """Make the page of an album's run; see `report_html`."""
    run = album.run
    bill, parameters = run.charges(), run.parameters()
    title = html.escape(run.scenario.name)
    told = "<br>".join(map(html.escape, run.sentences()))
    parts = [
        f"<h1>{title}</h1><p>{told}</p>",
        *_functions(run, album),
        *_sources(run),
        *_throttles(run, album),
        *_bill(bill, album),
        *_costs(run, album),
        "<h2>What this rests on</h2>",
        table_html(
            parameters.assign(known=[known.replace("_", " ") for known in parameters["known"]]), "words"
        ),
        bullets(f"{key.replace('_', ' ')}: {value}" for key, value in run.provenance().items() if value),
    ]
    return document(run.scenario.name, parts)


def _functions(run: RunResult, album: Album) -> list[str]:
    summary = run.summary()
    events = summary[["function", "events", "succeeded", "failed", "lost", "throttled", "runs", "cold_share"]]
    events = events.assign(cold_share=[percent(share) for share in events["cold_share"]])
    waits = summary[["function", "p50_ms", "p95_ms", "p95_half_width_ms", "p99_ms"]]
    waits = waits.join(summary[["peak_concurrency", "mean_concurrency"]])
    return [
        "<h2>Functions</h2>",
        table_html(events.rename(columns={"throttled": "refused attempts", "cold_share": "cold starts"})),
        "<h2>Latency and concurrency</h2>",
        table_html(waits.rename(columns={"p95_half_width_ms": "± ms"})),
        "<p class='small'>Latency in ms from arrival to answer, over served events, rounded up to whole ms. ± is the "
        "half-width of a 95 % interval of p95, from batch means of this run.</p>",
        *(figure(album[name]) for name in ("latency", "latency_histogram", "concurrency")),
    ]


def _sources(run: RunResult) -> list[str]:
    table = run.sources()
    if table.empty:
        return []
    ends = table[
        ["function", "source", "sent", "processed", "dead_lettered", "expired", "given_up", "received_again"]
    ]
    waits = table[["function", "oldest_s", "peak_backlog", "left_at_end", "drain_s"]]
    calls = table[["function", "receives", "receive_calls", "empty_receives", "delete_calls"]]
    return [
        "<h2>Queues and streams</h2>",
        *(
            table_html(part.rename(columns=lambda name: name.replace("_", " ")))
            for part in (ends, waits, calls)
        ),
        "<p class='small'>Messages or records. Ages in seconds, of the oldest that there was; drain is the time from the "
        "end of the scenario until the last one ended. Latency above runs from being sent to being processed. A call "
        "carries up to 10 messages; empty receives assume that idle pollers wait 20 s each time.</p>",
    ]


def _throttles(run: RunResult, album: Album) -> list[str]:
    throttles = run.throttles()
    if throttles.empty:
        return []
    named = throttles.assign(limit=[name.replace("_", " ") for name in throttles["limit"]])
    return [
        "<h2>Throttles</h2>",
        table_html(named),
        *(figure(album[name]) for name in ("throttles", "throttles_over_time")),
    ]


def _bill(bill: Bill, album: Album) -> list[str]:
    return [
        "<h2>Bill</h2>",
        table_html(bill.table().set_index("usage_type").reset_index())
        if bill.items
        else "<p>Nothing to pay.</p>",
        bullets(bill.notes),
        *(figure(album[name]) for name in ("bill", "hourly_cost")),
    ]


def _costs(run: RunResult, album: Album) -> list[str]:
    costs = run.costs()
    if costs.empty:
        return []
    shown = costs[["function"]].assign(
        mean=costs["usd_per_million"],
        **{q: costs[f"{q}_usd"] * _MILLION for q in ("p50", "p95", "p99")},
        slowest=[percent(share) for share in costs["slowest_5_percent_share"]],
    )
    return [
        "<h2>Cost of one invocation</h2>",
        table_html(shown.rename(columns={"slowest": "slowest 5 % cause"})),
        "<p class='small'>In USD per million such invocations, on demand, request fee included, at first-tier rates "
        "without free tier. The last column is the part of the duration charge that the slowest 5 % cause.</p>",
        *(figure(album[name]) for name in ("cost_distribution", "cost")),
    ]
