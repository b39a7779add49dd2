"""A what-if in a page: sliders over settings that were all simulated, with charts by Vega-Lite inside the page."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cache, partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, Final

from lambdasim.atomic import write_atomically
from lambdasim.errors import InputError
from lambdasim.report.html import bullets, columns_html, escaped, folded, heading, paragraph
from lambdasim.report.notebook.packages import needed_packages
from lambdasim.wording import NONE, count, money, percent

_HERE: Final = Path(__file__).parent
_CARDS: Final = (
    ("usd", "Bill"),
    ("p50_ms", "Latency, p50"),
    ("p95_ms", "Latency, p95"),
    ("p99_ms", "Latency, p99"),
    ("cold_share", "Cold starts"),
    ("refused_share", "Attempts refused"),
    ("lost_share", "Events not served"),
    ("peak_concurrency", "Peak concurrency"),
)
_AXES: Final = ("Region", "Memory", "Architecture", "Traffic", "Provisioned")
_INK: Final = "#222"


def what_if_html(content: Mapping[str, Any]) -> str:
    """Write the section of a what-if.

    Parameters
    ----------
    content : mapping
        As ``WhatIf`` gives it to notebooks.

    Returns
    -------
    str
        HTML with a script that needs ``what_if_script`` in the same page.
    """
    regions, settings, outcomes = content["regions"], content["settings"], content["outcomes"]
    axes = [_sorted([setting[place] for setting in settings]) for place in range(4)]
    labels = [list(regions), *([_label(place, value) for value in axis] for place, axis in enumerate(axes))]
    places = [[axes[place].index(value) for place, value in enumerate(setting)] for setting in settings]
    given = [0, *(axes[place].index(value) for place, value in enumerate(content["given"]))]
    row = settings.index(content["given"])
    tier = bool(content["free_tier"])
    named = (
        [("usd", "Bill, whole free tier"), ("full_usd", "Bill without it"), *_CARDS[1:]]
        if tier
        else [*_CARDS]
    )
    cards = [[_text(name, outcome) for outcome in outcomes] for name, _ in named]
    data = {
        "labels": labels,
        "settings": places,
        "memory": axes[0],
        "cards": cards,
        "money": 1 if tier else 0,
        "wait": [name for name, _ in named].index("p95_ms"),
        "usd": [outcome["full_usd"] for outcome in outcomes],
        "p95": [outcome["p95_ms"] for outcome in outcomes],
        "charts": _charts("bill without free tier [USD]" if tier else "bill [USD]"),
    }
    controls = "".join(_control(number, labels[number], given[number]) for number in (1, 3, 4, 2, 0))
    facts = "".join(
        f"<div><dt>{escaped(name)}</dt><dd><span>{escaped(_first(cards[number][row]))}</span></dd></div>"
        for number, (_, name) in enumerate(named)
    )
    free = "with a whole month's free tier and without" if tier else "no free tier"
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return "".join(
        [
            heading(f"What if: {content['function']}"),
            paragraph(content["answer"]),
            paragraph(
                f"Every figure below is that of a run: {content['span']} of traffic, the bill of all functions ({free}), "
                f"latency and failures of {content['function']}.",
                "small",
            ),
            f"<div class='what-if' data-row='{row}'><style>{_read('what_if.css')}</style>",
            f"<div class='controls'>{controls}</div><p><button type='button'>As in the scenario</button></p>",
            f"<dl class='facts' aria-live='polite'>{facts}</dl>",
            "<div class='charts'><div role='img' aria-label='Bill by memory size and architecture'></div>",
            "<div role='img' aria-label='95th percentile of latency by memory size and architecture'></div></div>",
            f"<script type='application/json'>{text}</script></div>",
            bullets(content["notes"]),
            folded(
                f"All {count(len(settings), 'setting')}, in {regions[0]}",
                columns_html(_table(content, labels, named), "Settings"),
            ),
        ]
    )


@cache
def what_if_script() -> str:
    """Return the scripts that a page with what-ifs ends with: Vega-Lite, and ours.

    Raises
    ------
    InputError
        When the package that brings Vega-Lite is missing.
    """
    with needed_packages("report"):
        import vl_convert
    kept = _cache() / f"vega-{version('vl-convert-python')}.js"
    library = _kept(kept)
    if library is None:
        library = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace(
            "</script", "<\\/script"
        )
        with suppress(OSError, InputError):  # a home that cannot be written to
            write_atomically(kept, partial(_keep, text=library))
    return f"<script>{library}</script><script>{_read('what_if.js')}</script>"


def _cache() -> Path:
    """Return the folder of what takes seconds to make and depends on versions alone."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lambdasim"


def _kept(path: Path) -> str | None:
    """Read what was kept, below its checksum; None where it is not there, or not whole."""
    try:
        first, _, text = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    return text.decode() if first == sha256(text).hexdigest().encode() else None


def _keep(file: IO[bytes], text: str) -> None:
    """Write a text below its checksum."""
    content = text.encode()
    file.write(sha256(content).hexdigest().encode() + b"\n" + content)


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _sorted(values: list[Any]) -> list[Any]:
    """Sort values; counts of provisioned environments are text, steps of the scenario come last."""
    return sorted(
        set(values),
        key=lambda value: (
            (not value.isdigit(), int(value) if value.isdigit() else 0, value)
            if isinstance(value, str)
            else (False, value, "")
        ),
    )


def _label(place: int, value: Any) -> str:
    if place == 0:
        return f"{value:,} MB"
    if place == 2:
        return f"{value:g}×"
    return str(value)


def _text(name: str, outcome: Mapping[str, Any]) -> str | list[str]:
    value = outcome[name]
    if value is None:
        return NONE
    if name in ("usd", "full_usd"):
        return [money(usd) for usd in value]
    if name.endswith("_ms"):
        return f"{count(value)} ms"
    return percent(value) if name.endswith("_share") else count(value)


def _first(text: str | list[str]) -> str:
    return text if isinstance(text, str) else text[0]


def _control(number: int, labels: list[str], given: int) -> str:
    """Write a slider for values in order, a list for architecture and region; a single value stays hidden."""
    name = _AXES[number]
    common = f"data-axis='{number}' data-given='{given}'"
    if len(labels) == 1:
        return f"<input type='hidden' {common} value='0'>"
    if name in ("Region", "Architecture"):
        options = "".join(
            f"<option value='{place}'{' selected' if place == given else ''}>{escaped(label)}</option>"
            for place, label in enumerate(labels)
        )
        said = "Price region" if name == "Region" else name
        return f"<label>{said}<select {common} autocomplete='off'>{options}</select></label>"
    said = escaped(labels[given])
    return (
        f"<label>{name} <output>{said}</output><input type='range' {common} min='0' max='{len(labels) - 1}' "
        f"step='1' value='{given}' autocomplete='off' aria-valuetext='{said}'></label>"
    )


def _table(
    content: Mapping[str, Any], labels: list[list[str]], cards: list[tuple[str, str]]
) -> list[tuple[str, list[str]]]:
    """Give the columns of the table of all settings; those with one value for all are left out, but for the first."""
    columns = [
        (name, [_label(place, setting[place]) for setting in content["settings"]])
        for place, name in enumerate(_AXES[1:])
        if place == 0 or len(labels[place + 1]) > 1
    ]
    return columns + [(name, [_first(_text(key, one)) for one in content["outcomes"]]) for key, name in cards]


def _charts(bill: str) -> list[dict[str, Any]]:
    """Write both charts in Vega-Lite's grammar: a line for each architecture over memory, the chosen setting larger."""
    return [_chart("usd", "cost", bill), _chart("p95", "wait", "p95 of latency [ms]")]


def _chart(field: str, shown: str, title: str) -> dict[str, Any]:
    y = {"field": field, "type": "quantitative", "title": title, "axis": {"tickCount": 5}}
    size = {"condition": {"test": "datum.chosen", "value": 260}, "value": 70}
    hover = [
        {"field": "memory", "title": "memory [MB]", "format": ","},
        {"field": "architecture", "title": "architecture"},
        {"field": shown, "title": title},
    ]
    return {
        "data": {"name": "shown"},
        "width": "container",
        "height": 220,
        "autosize": {"type": "fit", "contains": "padding"},
        "encoding": {
            "x": {
                "field": "memory",
                "type": "ordinal",
                "title": "memory [MB]",
                "axis": {"labelAngle": 0, "format": ",", "labelOverlap": True, "grid": True},
            },
            "color": {
                "field": "architecture",
                "type": "nominal",
                "scale": {"domain": ["arm64", "x86_64"], "range": ["#0072b2", "#d55e00"]},
                "legend": {"orient": "top", "title": None},
            },
        },
        "layer": [
            {"mark": {"type": "line"}, "encoding": {"y": y}},
            {
                "mark": {"type": "point", "filled": True, "opacity": 1},
                "encoding": {"y": y, "size": size, "tooltip": hover},
            },
        ],
        "config": {
            "view": {"stroke": None},
            "axis": {"labelColor": _INK, "titleColor": _INK, "labelFontSize": 12, "titleFontSize": 13},
            "legend": {"labelColor": _INK, "labelFontSize": 12},
        },
    }
