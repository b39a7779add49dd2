"""A run as one self-contained HTML page: tables and pictures, no script, nothing fetched."""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING, Final

from matplotlib.figure import Figure

from lambdasim.billing import format_usd
from lambdasim.plots.figures import plot_bill, plot_concurrency, plot_cost, plot_latency
from lambdasim.results.run import RunResult

if TYPE_CHECKING:
    import pandas as pd

_PLOTS: Final = (plot_latency, plot_cost, plot_concurrency, plot_bill)
_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; font-size: 14px; margin: 1rem 0; display: block; overflow-x: auto }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #ddd; text-align: right; vertical-align: top }
th:first-child, td:first-child { text-align: left } table.words td, table.words th { text-align: left }
img { max-width: 100% } .small { color: #555; font-size: 14px }
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
    bill = run.charges()
    first, second = (html.escape(line) for line in repr(run).split("\n", 1))
    facts = "".join(
        f"<li>{html.escape(str(key))}: {html.escape(str(value))}</li>"
        for key, value in run.provenance().items()
        if value
    )
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in bill.notes)
    throttles = run.throttles()
    parts = [
        f"<h1>{first}</h1><p>{second}</p>",
        "<h2>Functions</h2>",
        _table(run.summary()),
        "<p class='small'>Latency in ms from arrival to answer, over served events, rounded up to whole ms; "
        "the half-width of p95 is a 95 % interval from batch means of this run.</p>",
        "<h2>Throttles</h2>" + _table(throttles) if len(throttles) else "",
        f"<h2>Bill: {html.escape(format_usd(bill.total))}</h2>",
        _table(bill.table()),
        f"<ul class='small'>{notes}</ul>",
        "<h2>Cost of one invocation</h2>",
        _table(run.costs()),
        "<h2>Pictures</h2>",
        *(_picture(plot(run).figure) for plot in _PLOTS),
        "<h2>What this rests on</h2>",
        _table(run.parameters(), "words"),
        f"<ul class='small'>{facts}</ul>",
    ]
    title = html.escape(run.scenario.name)
    head = f"<meta charset='utf-8'><title>{title}</title><style>{_STYLE}</style>"
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{''.join(parts)}</body></html>\n"


def _table(table: pd.DataFrame, css_class: str = "numbers") -> str:
    named = table.rename(columns=lambda name: name.replace("_", " "))
    written: str = named.to_html(index=False, border=0, classes=css_class, float_format=_number, escape=True)
    return written


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _picture(figure: object) -> str:
    assert isinstance(figure, Figure)  # noqa: S101 - plots without axes make their own
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=120, metadata={"Software": None})
    return f"<p><img alt='' src='data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}'></p>"
