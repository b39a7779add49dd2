"""The result of a what-if: its table, and its views for people, notebooks and pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any, Final

from lambdasim.study.targets import time_text
from lambdasim.study.what_if.tables import AS_GIVEN, Outcome, WhatIfTables
from lambdasim.views import Result
from lambdasim.wording import count, money, percent, wrapped

if TYPE_CHECKING:
    import pandas as pd

MIME: Final = "application/vnd.lambdasim.what-if+json"
"""How a page recognises a what-if among the outputs of a notebook."""
_MOST_SHOWN: Final = 24


@dataclass(frozen=True, eq=False, repr=False)
class WhatIf(WhatIfTables, Result):
    """The result of ``what_if``; see ``WhatIfTables`` for its attributes."""

    def text(self) -> str:
        """Write the answer and the table of the scenario's own traffic, in 80 columns."""
        heads = ("memory", "", "provisioned", "bill", "p95", "cold", "refused", "lost")
        lines = ["{:>10}  {:7}{:>12}{:>11}{:>12}{:>8}{:>9}{:>8}".format(*heads)]
        for setting, found in self.outcomes.items():
            if setting.traffic == 1:
                steps = "as given" if setting.provisioned == AS_GIVEN else setting.provisioned
                shares = (found.cold_share, found.refused_share, found.lost_share)
                cold, refused, lost = (percent(share, 1) for share in shares)
                lines.append(
                    f"{setting.memory_mb:>7,} MB  {setting.architecture:7}{steps:>12}{money(found.full_usd[0]):>11}"
                    f"{count(found.p95_ms):>9} ms{cold:>8}{refused:>9}{lost:>8}"
                )
        tier = ("bills are without free tier",) if self.scenario.free_tier else ()
        notes = [wrapped(f"note: {note}") for note in (*self.notes, *tier)]
        return "\n".join([wrapped(repr(self)), "", *lines[: _MOST_SHOWN + 1], "", *notes])

    def frame(self) -> pd.DataFrame:
        """Return one row for each setting and region."""
        return WhatIfTables.frame(self)

    def shown(self) -> Mapping[str, pd.DataFrame]:
        """Return the settings at the scenario's own traffic and region."""
        return {f"{self.function} at the scenario's traffic, {self.regions[0]}": self._own_traffic()}

    def __repr__(self) -> str:
        """Say what was tried, and the cheapest setting at the scenario's own traffic."""
        own = {setting: found for setting, found in self.outcomes.items() if setting.traffic == 1}
        served = {
            setting: found for setting, found in own.items() if found.lost_share <= self._own.lost_share
        }
        best = min(served, key=lambda setting: (served[setting].full_usd[0], setting))
        span = time_text(self.scenario.duration_us)
        line = f"{count(len(self.outcomes), 'setting')} of {self.function} simulated, {span} each. "
        tier = " without free tier" if self.scenario.free_tier else ""
        if best == self.given:
            return (
                f"{line}None that loses no more events costs less than {money(self._own.full_usd[0])}{tier}."
            )
        kept = "" if best.provisioned == self.given.provisioned else f", provisioned {best.provisioned}"
        return (
            f"{line}{best.memory_mb:,} MB on {best.architecture}{kept} costs least of those that lose no more events: "
            f"{money(served[best].full_usd[0])} instead of {money(self._own.full_usd[0])}{tier}, "
            f"p95 {count(served[best].p95_ms)} ms instead of {count(self._own.p95_ms)} ms."
        )

    def _own_traffic(self) -> pd.DataFrame:
        table = self.frame()
        own = table[(table["traffic"] == 1) & (table["region"] == self.regions[0])]
        dropped = ["traffic", "region", *([] if self.scenario.free_tier else ["full_usd"])]
        return own.drop(columns=dropped).head(_MOST_SHOWN)

    @property
    def _own(self) -> Any:
        return self.outcomes[self.given]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Give a notebook the table, and a page all values."""
        return {
            "text/plain": repr(self),
            "text/html": self._repr_html_(),
            MIME: {
                "scenario": self.scenario.name,
                "function": self.function,
                "span": time_text(self.scenario.duration_us),
                "free_tier": self.scenario.free_tier,
                "answer": repr(self),
                "notes": list(self.notes),
                "given": list(self.given),
                "regions": list(self.regions),
                "settings": [list(setting) for setting in self.outcomes],
                "outcomes": [_known(found) for found in self.outcomes.values()],
            },
        }


def _known(outcome: Outcome) -> dict[str, Any]:
    """Replace what is not known, such as the latency where nothing was served, by null, which JSON has."""
    return {
        name: None if isinstance(value, float) and isnan(value) else value
        for name, value in outcome._asdict().items()
    }
