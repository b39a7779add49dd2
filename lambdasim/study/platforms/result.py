"""The result of a comparison of platforms: its tables, and its views as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdasim.results.parameters import Parameter
from lambdasim.study.platforms.lock_in import Tie, lock_in
from lambdasim.study.platforms.payback import Payback, paybacks
from lambdasim.study.platforms.prices import parameters
from lambdasim.study.platforms.tables import PlatformTables
from lambdasim.study.platforms.text import cannot, caveats, headline, text
from lambdasim.views import Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class PlatformComparison(PlatformTables, Result):
    """The result of ``platforms``; see ``PlatformTables`` for its attributes."""

    def frame(self) -> pd.DataFrame:
        """Return every way to set each platform up; see ``table``."""
        return self.table

    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Return all tables by title: the ways to set platforms up, what ties to AWS, paybacks, what it rests on."""
        return {
            "platforms": self.table,
            "lock_in": self.lock_in(),
            "payback": self.payback(),
            "parameters": self.parameters(),
        }

    def shown(self) -> Mapping[str, pd.DataFrame]:
        """Return the table that people read."""
        columns = [
            "platform",
            "at_once",
            "size",
            "usd",
            "without_grants_usd",
            "p50_ms",
            "p99_ms",
            "cold_share",
        ]
        return {"platforms": self.table[columns]}

    def text(self) -> str:
        """Return the whole answer in at most 80 columns."""
        return text(self)

    def caveats(self) -> tuple[str, ...]:
        """Say what cannot be compared, and what is assumed.

        Returns
        -------
        tuple of str
        """
        return (*cannot(self), *caveats(self))

    def lock_in(self) -> pd.DataFrame:
        """Return what ties the scenario to AWS, the hardest to move first.

        Returns
        -------
        DataFrame
            ``piece``, ``functions``, ``effort``, ``google``, ``azure``, ``self_run``, ``breaks``, ``source``.
        """
        import pandas as pd

        return pd.DataFrame(lock_in(self.scenario), columns=list(Tie._fields))

    def payback(self) -> pd.DataFrame:
        """Return what moving to each platform saves a month, and after how many months it is paid for; nothing of a run.

        Returns
        -------
        DataFrame
            ``platform``, ``low_saving_usd``, ``high_saving_usd``, ``affordable_usd``, ``low_months``, ``high_months``.
        """
        import pandas as pd

        found = () if self.period == "run" else paybacks(self.ranges, self.terms.leaving_usd)
        return pd.DataFrame(found, columns=list(Payback._fields))

    def parameters(self) -> pd.DataFrame:
        """Return prices, rules and start-ups of the platforms, and how each is known.

        Returns
        -------
        DataFrame
            ``parameter``, ``value``, ``known``, ``source``.
        """
        import pandas as pd

        return pd.DataFrame(parameters(self), columns=list(Parameter._fields))

    def __repr__(self) -> str:
        """Say what Lambda asks, and who asks less."""
        return headline(self)
