"""The sliders of a page's what-if, in a notebook that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lambdasim.report.html import Fact, headline
from lambdasim.report.notebook.packages import needed_packages
from lambdasim.wording import count, money, percent

if TYPE_CHECKING:
    from lambdasim.study.what_if.result import WhatIf

_AXES: Final = ("memory_mb", "architecture", "traffic", "provisioned", "region")


def explore(found: WhatIf) -> Any:
    """Show a what-if with a slider for each setting; ``WhatIf.at`` gives the same figures to a program.

    Parameters
    ----------
    found : WhatIf

    Returns
    -------
    ipywidgets.VBox
        Sliders, and below them the figures of the run that they choose.

    Raises
    ------
    InputError
        When ipywidgets is not installed.
    """
    with needed_packages("explore"):
        import ipywidgets
    given = {**found.given._asdict(), "region": found.regions[0]}
    sliders = {}
    for axis in _AXES:
        values = list(found.regions) if axis == "region" else found.values(axis)
        sliders[axis] = ipywidgets.SelectionSlider(
            options=[(_said(axis, value), value) for value in values],
            value=given[axis],
            description=axis.removesuffix("_mb"),
            disabled=len(values) == 1,
        )
    figures = ipywidgets.HTML()

    def show(_: object = None) -> None:
        at = found.at(**{axis: slider.value for axis, slider in sliders.items()})
        figures.value = headline(
            [
                Fact("Bill", money(at["usd"]), f"{money(at['full_usd'])} without free tier"),
                Fact("Latency, p95", f"{count(at['p95_ms'])} ms", f"p50 {count(at['p50_ms'])} ms"),
                Fact("Cold starts", percent(at["cold_share"])),
                Fact("Attempts refused", percent(at["refused_share"])),
                Fact("Events not served", percent(at["lost_share"])),
                Fact("Peak concurrency", count(at["peak_concurrency"])),
            ]
        )

    for slider in sliders.values():
        slider.observe(show, names="value")
    show()
    return ipywidgets.VBox([*sliders.values(), figures])


def _said(axis: str, value: Any) -> str:
    if axis == "memory_mb":
        return f"{value:,} MB"
    return f"{value:g}×" if axis == "traffic" else str(value)
