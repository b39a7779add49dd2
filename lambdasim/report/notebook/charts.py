"""What a notebook shows beyond text, tables and pictures, as a page that fetches nothing can show it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from lambdasim.report.html import paragraph

_VEGA_LITE: Final = re.compile(r"application/vnd\.vegalite\.v\d+(\.\d+)*\+json")
_ALTAIR: Final = re.compile(r"\}\)\((?=\{)")
"""Where Altair's HTML hands the chart to its script."""
_LOADS: Final = re.compile(
    r"<(?:script|iframe)[^>]*\bsrc\s*=\s*[\"']?(?:https?:)?//|class=\"vega-embed\"", re.IGNORECASE
)
NOT_LOADED: Final = paragraph(
    "Part of this output comes from the network, from which this page loads nothing.", "small"
)
"""The sentence below what cannot be shown whole."""
_SHOWN: Final = frozenset({"text/plain", "text/llm+plain"})


def vega_lite_svg(data: Mapping[str, Any]) -> str | None:
    """Draw a chart of Vega-Lite, Altair's grammar, without network.

    Parameters
    ----------
    data : mapping of str to any
        An output of a cell, by MIME type.

    Returns
    -------
    str or None
        SVG; None where the output is no such chart, or cannot be drawn.
    """
    chart = next((data[kind] for kind in data if _VEGA_LITE.fullmatch(kind)), None)
    if chart is None:
        chart = _of_altair(str(data.get("text/html", "")))
    if chart is None:
        return None
    try:
        import vl_convert

        svg: str = vl_convert.vegalite_to_svg(chart)
    except (ImportError, ValueError):
        return None
    return svg


def needs_network(html: str) -> bool:
    """Say whether the HTML of an output loads a script or a page, which a report does not allow."""
    return bool(_LOADS.search(html))


def not_shown(data: Mapping[str, Any]) -> str:
    """Write the sentence that stands where an output cannot be shown; nothing for one without content."""
    kinds = sorted(kind for kind in data if kind not in _SHOWN)
    if not kinds:
        return ""
    if kinds == ["application/vnd.jupyter.widget-view+json"]:
        return paragraph("A widget is here in the notebook; it works only while the notebook runs.", "small")
    name = "A Plotly figure" if any("plotly" in kind for kind in kinds) else f"An output ({', '.join(kinds)})"
    return paragraph(f"{name} is here in the notebook; this page loads nothing and cannot show it.", "small")


def _of_altair(html: str) -> Any:
    """Find the chart in what Altair gives to a browser."""
    if "vega-embed" not in html:
        return None
    for place in _ALTAIR.finditer(html):
        try:
            chart, _ = json.JSONDecoder().raw_decode(html, place.end())
        except ValueError:
            continue
        if isinstance(chart, dict) and "$schema" in chart:
            return chart
    return None
