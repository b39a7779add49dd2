"""The result of a forecast: its tables, and its views as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdasim.study.forecast.tables import ForecastTables
from lambdasim.study.forecast.text import headline, notes, text
from lambdasim.views import Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Forecast(ForecastTables, Result):
    """Bills of a month on many sample paths; see ``ForecastTables`` for its attributes."""

    def frame(self) -> pd.DataFrame:
        """Return quantiles of each line item, the whole bill last; see ``lines``."""
        return self.lines()

    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Return quantiles by line item, by function and by day, by title."""
        return {"lines": self.lines(), "functions": self.functions(), "days": self.days()}

    def shown(self) -> Mapping[str, pd.DataFrame]:
        """Return the tables that people read, their quantiles named as money."""

        def named(name: str) -> str:
            return f"{name}_usd" if name.rsplit("_", maxsplit=1)[-1] in {"p10", "p50", "p90"} else name

        return {title: table.rename(columns=named) for title, table in self.frames().items()}

    def notes(self) -> tuple[str, ...]:
        """Say what the forecast rests on."""
        return notes(self)

    def text(self) -> str:
        """Return the forecast in at most 80 columns."""
        return text(self)

    def headline(self) -> str:
        """Say what the month costs, and in which range."""
        return f"{headline(self)}."

    def __repr__(self) -> str:
        """Say what the month costs, and in which range."""
        return self.headline()
