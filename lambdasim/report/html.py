"""Pieces of self-contained HTML pages: no script, nothing fetched, what comes from outside escaped."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from lambdasim.report.pictures import Drawn
from lambdasim.views import cell
from lambdasim.views import heading as heading_of_column
from lambdasim.wording import NONE, printable

if TYPE_CHECKING:
    import pandas as pd

_STYLE: Final = Path(__file__).with_name("page.css")
_IDENTIFIER: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_STACKED: Final = 3
"""Columns from which a table's rows become cards on a phone."""
_FEW: Final = 2
"""Warnings that have a box each."""
_LONG: Final = 30
"""Characters beyond which a column of words wraps."""
_HALF: Final = 18
"""Characters of a figure with its label, up to which two fit side by side on a phone."""
_FIGURE: Final = re.compile(r"[-+±<>≥≤~$€£]*(?:\d[\d.,:-]*|∞)(?:%|×|ms|s|min|h)?")
_BESIDE_FIGURES: Final = frozenset(
    ("", NONE, "none", "yes", "±", "to", "of", "ms", "s", "min", "h", "MB", "GB", "USD", "million", "billion")
)
"""Words that may stand in a column of figures."""


class Fact(NamedTuple):
    """A figure of the headline.

    Attributes
    ----------
    name, value : str
        What it is, and the figure with its unit.
    note : str
        What it rests on or is held against; may be empty.
    """

    name: str
    value: str
    note: str = ""


def document(title: str, parts: Iterable[str], *, titled: bool = True, policy: str = "") -> str:
    """Write a page.

    Parameters
    ----------
    title : str
        Text.
    parts : iterable of str
        HTML.
    titled : bool
        Whether the page begins with the title; else a part shows it.
    policy : str
        What the browser lets the page do, as a Content Security Policy.

    Returns
    -------
    str
    """
    allowed = f"<meta http-equiv='Content-Security-Policy' content=\"{policy}\">" if policy else ""
    head = (
        f"<meta charset='utf-8'>{allowed}<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<meta name='color-scheme' content='light dark'>"
        f"<title>{escaped(title)}</title><style>{_STYLE.read_text(encoding='utf-8')}</style>"
    )
    top = f"<h1>{escaped(title)}</h1>" if titled else ""
    return (
        f"<!doctype html>\n<html lang='en'><head>{head}</head>\n"
        f"<body><main>{top}{''.join(parts)}</main></body></html>\n"
    )


def escaped(text: object) -> str:
    """Write a text from outside so that it is neither markup nor a control of the reader's screen."""
    return html.escape(printable(str(text)), quote=True)


def headline(facts: Sequence[Fact]) -> str:
    """Write the figures that a reader takes away, as cards; nothing where there are none."""
    cards = "".join(
        f"<div><dt>{escaped(fact.name)}</dt><dd>{escaped(fact.value)}"
        f"{f'<small>{escaped(fact.note)}</small>' if fact.note else ''}</dd></div>"
        for fact in facts
    )
    return f"<dl class='facts'>{cards}</dl>" if cards else ""


def heading(text: str) -> str:
    """Write the heading of a section."""
    return f"<h2>{escaped(text)}</h2>"


def paragraph(text: str, css_class: str = "") -> str:
    """Write a paragraph; its lines stay lines."""
    inside = "<br>".join(escaped(line) for line in text.splitlines())
    return f"<p class='{css_class}'>{inside}</p>" if css_class else f"<p>{inside}</p>"


def warning(text: str) -> str:
    """Write what a reader must see before any figure; nothing where there is nothing to say."""
    return f"<p class='warning' role='note'>{escaped(text)}</p>" if text else ""


def warnings(texts: Sequence[str]) -> str:
    """Write several of them: one box for each, or one box for all where they are many.

    Parameters
    ----------
    texts : sequence of str
    """
    if len(texts) <= _FEW:
        return "".join(map(warning, texts))
    rows = "".join(f"<li>{escaped(text)}</li>" for text in texts)
    return f"<div class='warning' role='note'><ul>{rows}</ul></div>"


def table_html(table: pd.DataFrame, name: str) -> str:
    """Write a table; what is in its cells is escaped.

    Parameters
    ----------
    table : DataFrame
        Columns named as programs name them get their unit, and cells are written by it, see ``views``; the first
        column names the row. Columns without any value are left out.
    name : str
        For those who hear the page.
    """
    return columns_html(
        ((str(column), table.iloc[:, place]) for place, column in enumerate(table.columns)), name
    )


def columns_html(table: Iterable[tuple[str, Iterable[object]]], name: str) -> str:
    """Write a table that is given by its columns, each a name and its cells, as ``table_html`` writes one."""
    columns = []
    for place, (column, values) in enumerate(table):
        cells = [cell(column, value) for value in values]
        if place == 0 or not cells or {*cells} - {"", NONE}:
            columns.append((_heading(column), _kind(cells), cells))
    columns = _in_pairs(columns)
    head = "".join(f"<th scope='col'{_class(kind)}>{escaped(said)}</th>" for said, kind, _ in columns)
    rows = []
    for row in range(len(columns[0][2]) if columns else 0):
        _, kind, cells = columns[0]
        written = f"<th scope='row'{_class(kind)}>{escaped(cells[row])}</th>"
        for said, kind, cells in columns[1:]:
            written += f"<td{_class(kind)} data-label='{escaped(said)}'>{escaped(cells[row])}</td>"
        rows.append(f"<tr>{written}</tr>")
    stacked = " class='stacked'" if len(columns) >= _STACKED else ""
    return (
        f"<div class='wide' role='region' tabindex='0' aria-label='{escaped(name)}'>"
        f"<table{stacked}><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _in_pairs(columns: list[tuple[str, str, list[str]]]) -> list[tuple[str, str, list[str]]]:
    """Mark neighbours of short figures, two of which stand side by side on a phone; one without a partner stays whole."""
    found, place = columns[:1], 1
    while place < len(columns):
        pair = columns[place : place + 2]
        if len(pair) == 2 and all(map(_is_short, pair)):
            found += [(said, "half", cells) for said, _, cells in pair]
            place += 2
        else:
            found.append(columns[place])
            place += 1
    return found


def _is_short(column: tuple[str, str, list[str]]) -> bool:
    said, kind, cells = column
    return not kind and len(said) + max(map(len, cells), default=0) <= _HALF


def _kind(cells: Sequence[str]) -> str:
    """Say how a column is set: figures to the right, words to the left, long ones wrapped."""
    if max(map(len, cells), default=0) > _LONG:
        return "long"
    is_figures = all(
        word in _BESIDE_FIGURES or _FIGURE.fullmatch(word) for text in cells for word in text.split(" ")
    )
    return "" if is_figures else "text"


def _class(kind: str) -> str:
    return f" class='{kind}'" if kind else ""


def _heading(name: str) -> str:
    """Write a column's name; one that programs use, in words and with its unit."""
    return heading_of_column(name) if _IDENTIFIER.fullmatch(name) else name


def bullets(lines: Iterable[str], css_class: str = "small") -> str:
    """Write a list; nothing where there are no lines."""
    items = "".join(f"<li>{escaped(line)}</li>" for line in lines)
    return f"<ul class='{css_class}'>{items}</ul>" if items else ""


def folded(summary: str, inside: str) -> str:
    """Write a section that a reader opens; printed, it is open."""
    return f"<details><summary>{escaped(summary)}</summary>{inside}</details>"


def figure(drawn: Drawn) -> str:
    """Put a picture into the page, in the width that fits the reader's screen."""
    return (
        f"<figure><picture><source media='(max-width: 40rem)' srcset='{_data(drawn.narrow_png)}'>"
        f"<img alt='{escaped(drawn.title)}' src='{_data(drawn.png)}'></picture></figure>"
    )


def _data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
