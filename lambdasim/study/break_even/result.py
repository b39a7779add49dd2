"""The result of a break-even: its tables, and its views as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdasim.results.parameters import Parameter
from lambdasim.study.break_even.tables import BreakEvenTables
from lambdasim.study.break_even.text import headline, parameters, reasons, sentences, text
from lambdasim.views import Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class BreakEven(BreakEvenTables, Result):
    """The result of ``break_even``; see ``BreakEvenTables`` for its attributes."""

    def frame(self) -> pd.DataFrame:
        """Return the bills at no traffic and at each multiple that was simulated; see ``table``."""
        return self.table

    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Return all tables by title: the bills, both ends of requests per process, and bills at many multiples."""
        return {"bills": self.frame(), "both ends": self.ends, "curves": self.curve}

    def shown(self) -> Mapping[str, pd.DataFrame]:
        """Return the tables that people read by title."""
        bills = self.table.pivot_table(
            index=["multiple", "requests"], columns="option", values="usd", sort=False
        )
        named = {one.value: f"{one.value}_usd" for one in self.costs.options}
        return {"both ends": self.ends, "bills": bills.rename(columns=named).reset_index()}

    def text(self) -> str:
        """Return the whole answer in at most 80 columns."""
        return text(self)

    def reasons(self) -> tuple[str, ...]:
        """Say what of the run speaks against Lambda.

        Returns
        -------
        tuple of str
            A sentence for each reason, with its evidence; one that says so where there is none.
        """
        return tuple(reasons(self))

    def parameters(self) -> pd.DataFrame:
        """Return what the answer assumes and how each value is known.

        Returns
        -------
        DataFrame
            ``parameter``, ``value``, ``known``, ``source``.
        """
        import pandas as pd

        return pd.DataFrame(parameters(self), columns=list(Parameter._fields))

    def __repr__(self) -> str:
        """Say what each option costs and where the lines cross."""
        return "\n".join([*headline(self), *sentences(self)])
