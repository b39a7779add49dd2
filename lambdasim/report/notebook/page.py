"""An executed notebook as one page: what its cells show, without their code."""

from __future__ import annotations

import base64
import html
import re
from typing import TYPE_CHECKING, Any, Final

from lambdasim.report.html import document, escaped, warning
from lambdasim.report.notebook.packages import needed_packages
from lambdasim.report.notebook.what_if import what_if_html, what_if_script
from lambdasim.study.what_if.result import MIME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbformat import NotebookNode

_TITLE: Final = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL)
_ANCHOR: Final = re.compile(r"<a class=\"anchor-link\".*?</a>", re.DOTALL)
_TABLE: Final = re.compile(r"<table[^>]*\bdataframe\b.*?</table>", re.DOTALL)
_TAG: Final = re.compile(r"<[^>]*>")
POLICY: Final = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "font-src data:; base-uri 'none'; form-action 'none'"
)
"""What a page may do: show what is in it; nothing is fetched, whatever a cell has written."""


def notebook_page(notebook: NotebookNode, name: str, ending: Iterable[str] = ()) -> str:
    """Write the page of an executed notebook.

    Parameters
    ----------
    notebook : NotebookNode
    name : str
        The page's title where no cell shows one.
    ending : iterable of str
        HTML below everything.

    Returns
    -------
    str
        HTML; it fetches nothing.
    """
    parts = [part for cell in notebook.cells for part in _shown(cell)]
    body = "".join(parts)
    found = _TITLE.search(body)
    title = html.unescape(_TAG.sub("", found[1])) if found else name
    scripts = [what_if_script()] if "<div class='what-if'" in body else []
    return document(title, [*parts, *ending, *scripts], titled=found is None, policy=POLICY)


def _shown(cell: NotebookNode) -> list[str]:
    if cell.cell_type == "markdown":
        with needed_packages("report"):
            from nbconvert.filters.markdown_mistune import markdown2html_mistune

        return [_ANCHOR.sub("", markdown2html_mistune(cell.source))]
    if cell.cell_type != "code":
        return []
    alternative = next((line for line in reversed(cell.source.splitlines()) if line.strip()), "")
    return [_output(output, alternative) for output in cell.outputs]


def _output(output: Any, alternative: str) -> str:
    """Write an output in the richest form that a page can show."""
    if output.output_type == "stream":
        if output.name == "stderr":
            return warning(output.text.strip())
        return _pre(output.text.rstrip())
    data = output.get("data", {})
    if MIME in data:
        return what_if_html(data[MIME])
    if "application/vnd.jupyter.widget-view+json" in data:
        return ""  # works in a notebook that runs; a what-if shows its sliders itself
    if "text/html" in data:
        return _TABLE.sub(_scrolling, str(data["text/html"]))
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            content = base64.b64encode(base64.b64decode(data[kind])).decode()
            return f"<figure><img alt='{escaped(alternative)}' src='data:{kind};base64,{content}'></figure>"
    if "image/svg+xml" in data:
        content = base64.b64encode(str(data["image/svg+xml"]).encode()).decode()
        return (
            f"<figure><img alt='{escaped(alternative)}' src='data:image/svg+xml;base64,{content}'></figure>"
        )
    text = str(data.get("text/plain", ""))
    return _pre(text) if text else ""


def _scrolling(table: re.Match[str]) -> str:
    """Let a wide table of pandas scroll by itself."""
    return f"<div class='wide' role='region' tabindex='0' aria-label='Table'>{table[0]}</div>"


def _pre(text: str) -> str:
    return f"<pre role='region' tabindex='0' aria-label='Text'>{escaped(text)}</pre>"
