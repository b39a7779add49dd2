"""A run as one self-contained HTML page: tables and pictures, no script, nothing fetched."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from lambdasim.billing import Bill, format_usd
from lambdasim.report.pictures import Album, Drawn
from lambdasim.results.run import RunResult

if TYPE_CHECKING:
    import pandas as pd

_MILLION: Final = 1_000_000
_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
h2 { margin-top: 2.2rem }
.wide { overflow-x: auto; margin: 1rem 0 }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .8rem; border-bottom: 1px solid #ddd; text-align: right; vertical-align: top }
thead th { border-bottom: 2px solid #999; vertical-align: bottom }
th:first-child, td:first-child { text-align: left; padding-left: 0; min-width: 6.5rem }
td:last-child, th:last-child { padding-right: 0 } .numbers td { white-space: nowrap }
.words td, .words th { text-align: left } .words td:last-child { min-width: 14rem }
figure { margin: 1rem 0 } img { max-width: 100%; height: auto } .small { color: #555; font-size: 14px }
.small li { overflow-wrap: anywhere }
@media print {
  body { max-width: none; margin: 0; font-size: 10pt } table, .small { font-size: 8.5pt } .wide { overflow: visible }
  h2 { break-after: avoid } tr, figure { break-inside: avoid } img { max-height: 9cm } th, td { padding: .15rem .5rem }
}
"""


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
    told = html.escape(repr(run)).removeprefix(f"{title}: ").replace("\n", "<br>")
    parts = [
        f"<h1>{title}</h1><p>{told}</p>",
        *_functions(run, album),
        *_throttles(run, album),
        *_bill(bill, album),
        *_costs(run, album),
        "<h2>What this rests on</h2>",
        _table(parameters.assign(known=[known.replace("_", " ") for known in parameters["known"]]), "words"),
        _list(f"{key.replace('_', ' ')}: {value}" for key, value in run.provenance().items() if value),
    ]
    head = (
        "<meta charset='utf-8'><meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{title}</title><style>{_STYLE}</style>"
    )
    return f"<!doctype html>\n<html lang='en'><head>{head}</head>\n<body>{''.join(parts)}</body></html>\n"


def _functions(run: RunResult, album: Album) -> list[str]:
    summary = run.summary()
    events = summary[["function", "events", "succeeded", "failed", "lost", "throttled", "runs", "cold_share"]]
    events = events.assign(cold_share=[_percent(share) for share in events["cold_share"]])
    waits = summary[["function", "p50_ms", "p95_ms", "p95_half_width_ms", "p99_ms"]]
    waits = waits.join(summary[["peak_concurrency", "mean_concurrency"]])
    return [
        "<h2>Functions</h2>",
        _table(events.rename(columns={"throttled": "refused attempts", "cold_share": "cold starts"})),
        "<h2>Latency and concurrency</h2>",
        _table(waits.rename(columns={"p95_half_width_ms": "± ms"})),
        "<p class='small'>Latency in ms from arrival to answer, over served events, rounded up to whole ms. ± is the "
        "half-width of a 95 % interval of p95, from batch means of this run.</p>",
        *(_picture(album[name]) for name in ("latency", "latency_histogram", "concurrency")),
    ]


def _throttles(run: RunResult, album: Album) -> list[str]:
    throttles = run.throttles()
    if throttles.empty:
        return []
    named = throttles.assign(limit=[name.replace("_", " ") for name in throttles["limit"]])
    return [
        "<h2>Throttles</h2>",
        _table(named),
        *(_picture(album[name]) for name in ("throttles", "throttles_over_time")),
    ]


def _bill(bill: Bill, album: Album) -> list[str]:
    return [
        f"<h2>Bill: {html.escape(format_usd(bill.total))}</h2>",
        _table(bill.table().set_index("usage_type").reset_index())
        if bill.items
        else "<p>Nothing to pay.</p>",
        _list(bill.notes),
        *(_picture(album[name]) for name in ("bill", "hourly_cost")),
    ]


def _costs(run: RunResult, album: Album) -> list[str]:
    costs = run.costs()
    if costs.empty:
        return []
    shown = costs[["function"]].assign(
        mean=costs["usd_per_million"],
        **{q: costs[f"{q}_usd"] * _MILLION for q in ("p50", "p95", "p99")},
        slowest=[_percent(share) for share in costs["slowest_5_percent_share"]],
    )
    return [
        "<h2>Cost of one invocation</h2>",
        _table(shown.rename(columns={"slowest": "slowest 5 % cause"})),
        "<p class='small'>In USD per million such invocations, on demand, request fee included, at first-tier rates "
        "without free tier. The last column is the part of the duration charge that the slowest 5 % cause.</p>",
        *(_picture(album[name]) for name in ("cost_distribution", "cost")),
    ]


def _table(table: pd.DataFrame, css_class: str = "numbers") -> str:
    named = table.rename(columns=lambda name: name.replace("_", " "))
    for name, column in named.items():
        if column.dtype.kind in "if":
            named[name] = [_number(value) for value in column]
    return f"<div class='wide'>{named.to_html(index=False, border=0, classes=css_class, escape=True)}</div>"


def _number(value: float) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:,.4g}"


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{share:.2%}".replace("%", " %")


def _list(lines: Iterable[str]) -> str:
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<ul class='small'>{items}</ul>" if items else ""


def _picture(drawn: Drawn) -> str:
    told, image = html.escape(drawn.title, quote=True), base64.b64encode(drawn.png).decode()
    return f"<figure><img alt='{told}' src='data:image/png;base64,{image}'></figure>"
