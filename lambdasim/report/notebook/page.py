"""An executed notebook as one page: what its cells show, without their code."""

from __future__ import annotations

import base64
import html
import re
from typing import TYPE_CHECKING, Any, Final

from lambdasim.errors import InputError
from lambdasim.report.html import document, escaped, warning
from lambdasim.report.notebook.charts import NOT_LOADED, needs_network, not_shown, vega_lite_svg
from lambdasim.report.notebook.packages import needed_packages
from lambdasim.report.notebook.what_if import what_if_html, what_if_script
from lambdasim.study.what_if.result import MIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from nbformat import NotebookNode

_TITLE: Final = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL)
_TABLE: Final = re.compile(r"<table[^>]*\bdataframe\b.*?</table>", re.DOTALL)
_TAG: Final = re.compile(r"<[^>]*>")
POLICY: Final = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "font-src data:; base-uri 'none'; form-action 'none'"
)
"""What a page may do: show what is in it; nothing is fetched, whatever a cell has written."""


def notebook_page(notebook: NotebookNode, name: str, folder: Path, ending: Iterable[str] = ()) -> str:
    """Write the page of an executed notebook.

    Parameters
    ----------
    notebook : NotebookNode
    name : str
        The page's title where no cell shows one.
    folder : Path
        The notebook's; pictures that its text shows are read from there.
    ending : iterable of str
        HTML below everything.

    Returns
    -------
    str
        HTML; it fetches nothing.

    Raises
    ------
    InputError
        When a picture that was pasted into text is missing.
    """
    parts = [part for cell in notebook.cells for part in _shown(cell, folder)]
    body = "".join(parts)
    found = _TITLE.search(body)
    title = html.unescape(_TAG.sub("", found[1])) if found else name
    scripts = [what_if_script()] if "<div class='what-if'" in body else []
    return document(title, [*parts, *ending, *scripts], titled=found is None, policy=POLICY)


def _shown(cell: NotebookNode, folder: Path) -> list[str]:
    if cell.cell_type == "markdown":
        return [_markdown(cell.source, folder, cell.get("attachments", {}))]
    if cell.cell_type != "code":
        return []
    alternative = next((line for line in reversed(cell.source.splitlines()) if line.strip()), "")
    return [_output(output, alternative, folder) for output in cell.outputs]


def _markdown(text: str, folder: Path, attachments: Mapping[str, Any]) -> str:
    """Write text of a notebook, with the pictures that it shows inside."""
    with needed_packages("report"):
        from nbconvert.filters.markdown_mistune import InvalidNotebook, IPythonRenderer, MarkdownWithMath
    renderer = IPythonRenderer(
        escape=False,
        embed_images=True,
        exclude_anchor_links=True,
        path=str(folder),
        attachments=dict(attachments),
    )
    try:
        return str(MarkdownWithMath(renderer=renderer).render(text))
    except InvalidNotebook as error:
        raise InputError.single("report", "notebook", f"has text with a {error}") from None


def _output(output: Any, alternative: str, folder: Path) -> str:
    """Write an output in the richest form that a page can show."""
    if output.output_type == "stream":
        if output.name == "stderr":
            return warning(output.text.strip())
        return _pre(output.text.rstrip())
    data = output.get("data", {})
    if MIME in data:
        return what_if_html(data[MIME])
    svg = vega_lite_svg(data)
    if svg is not None:
        return _image(svg.encode(), "image/svg+xml", alternative)
    if "text/html" in data:
        shown = str(data["text/html"])
        return _TABLE.sub(_scrolling, shown) + (NOT_LOADED if needs_network(shown) else "")
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            return _image(base64.b64decode(data[kind]), kind, alternative)
    if "image/svg+xml" in data:
        return _image(str(data["image/svg+xml"]).encode(), "image/svg+xml", alternative)
    if "text/markdown" in data:
        return _markdown(str(data["text/markdown"]), folder, {})
    text = str(data.get("text/latex") or data.get("text/plain") or "")
    unseen = not_shown(data) if "text/latex" not in data else ""
    return unseen or (_pre(text) if text else "")


def _image(content: bytes, kind: str, alternative: str) -> str:
    text = base64.b64encode(content).decode()
    return f"<figure><img alt='{escaped(alternative)}' src='data:{kind};base64,{text}'></figure>"


def _scrolling(table: re.Match[str]) -> str:
    """Let a wide table of pandas scroll by itself."""
    return f"<div class='wide' role='region' tabindex='0' aria-label='Table'>{table[0]}</div>"


def _pre(text: str) -> str:
    return f"<pre role='region' tabindex='0' aria-label='Text'>{escaped(text)}</pre>"
