"""Pieces of self-contained HTML pages: no script, nothing fetched, what comes from outside escaped."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from lambdasim.report.pictures import Drawn
from lambdasim.wording import number

if TYPE_CHECKING:
    import pandas as pd

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


def document(title: str, parts: Iterable[str]) -> str:
    """Write a page of parts, which are HTML, under a title, which is text."""
    head = (
        "<meta charset='utf-8'><meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style>"
    )
    return f"<!doctype html>\n<html lang='en'><head>{head}</head>\n<body>{''.join(parts)}</body></html>\n"


def table_html(table: pd.DataFrame, css_class: str = "numbers") -> str:
    """Write a table; what is in its cells is escaped."""
    named = table.rename(columns=lambda name: name.replace("_", " "))
    for name, column in named.items():
        if column.dtype.kind in "if":
            named[name] = [number(value) for value in column]
    return f"<div class='wide'>{named.to_html(index=False, border=0, classes=css_class, escape=True)}</div>"


def bullets(lines: Iterable[str]) -> str:
    """Write a list; nothing where there are no lines."""
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<ul class='small'>{items}</ul>" if items else ""


def figure(drawn: Drawn) -> str:
    """Put a picture into the page."""
    told, image = html.escape(drawn.title, quote=True), base64.b64encode(drawn.png).decode()
    return f"<figure><img alt='{told}' src='data:image/png;base64,{image}'></figure>"
