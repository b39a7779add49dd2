"""The result of limits advice: its tables, and its views for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdasim.study.limits.tables import AdviceTables
from lambdasim.study.limits.text import answer, limits_text
from lambdasim.views import Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class LimitsAdvice(AdviceTables, Result):
    """The result of ``advise_limits``; see ``AdviceTables`` for its attributes."""

    def text(self) -> str:
        """Write the advice in 80 columns."""
        return limits_text(self)

    def __repr__(self) -> str:
        """Say which limit binds first."""
        return answer(self)

    def frame(self) -> pd.DataFrame:
        """Return ``limits``: how near the run came to each limit."""
        return self.limits

    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Return limits, plans, risk with more traffic, reserved concurrency and findings."""
        kept = {} if self.targets is None else {"targets": self.targets.frame()}
        return {
            "limits": self.limits,
            **kept,
            "plans": self.plans,
            "with more traffic": self.risk,
            "reserved concurrency": self.reserved,
            "findings": self.findings,
        }
