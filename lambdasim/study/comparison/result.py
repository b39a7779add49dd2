"""The result of a comparison: its tables, and its views for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lambdasim.study.comparison.tables import ACCOUNT, ComparisonTables
from lambdasim.study.comparison.text import comparison_markdown, comparison_text, difference_text, doubts
from lambdasim.views import Result

if TYPE_CHECKING:
    import pandas as pd

_GROUPS: Final = {"money": ("Bill", "usd"), "latency": ("Latency", "ms"), "limits": ("Limits", "share")}


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(ComparisonTables, Result):
    """The result of ``compare``; see ``ComparisonTables`` for its attributes."""

    def text(self) -> str:
        """Write the comparison in 80 columns."""
        return comparison_text(self)

    def markdown(self) -> str:
        """Write the comparison as Markdown for a pull request's comment; names are escaped."""
        return comparison_markdown(self)

    def __repr__(self) -> str:
        """Say the difference of the bills."""
        return " ".join([*doubts(self), difference_text(self)])

    def frame(self) -> pd.DataFrame:
        """Return ``differences``: one row for each scenario but the first, and each measure."""
        return self.differences

    def shown(self) -> Mapping[str, pd.DataFrame]:
        """Return a table for each group of measures, whose unit is in its title."""
        found = {}
        for group, (title, unit) in _GROUPS.items():
            rows = self.differences[self.differences["group"] == group]
            moved = rows[(rows["difference"] != 0) | (rows["scope"] == ACCOUNT)].drop(columns="group")
            suffixed = {name: f"{name}_{unit}" for name in ("base", "value", "difference", "low", "high")}
            found[title] = moved.rename(columns=suffixed)
        return found
