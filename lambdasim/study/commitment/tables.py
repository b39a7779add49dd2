"""What each plan costs: the tables of a study of commitments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from lambdasim.catalog import Knowledge
from lambdasim.catalog.prices.savings_plans import SavingsPlan

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class CommitmentOption:
    """One plan with its best commitment.

    Attributes
    ----------
    plan : SavingsPlan
    discount : Fraction
        Part that the plan takes off the usage that it covers, at first on-demand rates.
    marks : tuple of (str, str)
        Usage types that no rate is listed for, and how theirs was made.
    usd_per_hour : Fraction
        Commitment that costs least on average over the futures, in steps that can be bought; 0 where none pays [USD].
    total_usd, unused_usd : Fraction
        Mean over the futures: bill with the commitment, and what of the commitment is lost [USD].
    saving_usd : Fraction
        Less than on demand, from 0 [USD].
    upfront_usd : Fraction
        Paid up front for the whole term [USD].
    regrets_usd : tuple of Fraction
        For each future, what this commitment costs above the best one for that future [USD].
    """

    plan: SavingsPlan
    discount: Fraction
    marks: tuple[tuple[str, str], ...]
    usd_per_hour: Fraction
    total_usd: Fraction
    unused_usd: Fraction
    saving_usd: Fraction
    upfront_usd: Fraction
    regrets_usd: tuple[Fraction, ...]


@dataclass(frozen=True)
class TrafficCase:
    """The recommended commitment where there is more or less usage; mean over the futures, covered charges alone.

    Attributes
    ----------
    multiple : Fraction
    on_demand_usd, committed_usd : Fraction
        Without and with the commitment [USD].
    best_usd_per_hour : Fraction
        The best commitment for so much usage [USD].
    regret_usd : Fraction
        What the recommended commitment costs above that one [USD].
    """

    multiple: Fraction
    on_demand_usd: Fraction
    committed_usd: Fraction
    best_usd_per_hour: Fraction
    regret_usd: Fraction


@dataclass(frozen=True)
class CommitmentTables:
    """Every plan against the same usage.

    Attributes
    ----------
    hours : int
        Of the usage.
    futures : int
    on_demand_usd : Fraction
        Mean bill without a plan [USD].
    coverable_usd : Fraction
        Part of it that plans cover [USD].
    options : tuple of CommitmentOption
        By term and payment.
    cases : tuple of TrafficCase
        For the recommended option.
    notes : tuple of str
    unlike : tuple of str
        Why hours of a run are no sample of the years for which a commitment is paid; empty where they may be.
    """

    hours: int
    futures: int
    on_demand_usd: Fraction
    coverable_usd: Fraction
    options: tuple[CommitmentOption, ...]
    cases: tuple[TrafficCase, ...]
    notes: tuple[str, ...]
    unlike: tuple[str, ...] = ()

    @property
    def best(self) -> CommitmentOption:
        """The cheapest option; among equals the shortest term, then the least upfront."""
        return best_option(self.options)

    def frame(self) -> pd.DataFrame:
        """Return one row for each plan, in floating point."""
        import pandas as pd

        return pd.DataFrame(
            {
                "years": option.plan.years,
                "payment": option.plan.payment.value,
                "percent": float(100 * option.discount),
                "known": option.plan.knowledge.value if option.marks else Knowledge.AWS_PAGE.value,
                "usd_per_hour": float(option.usd_per_hour),
                "total_usd": float(option.total_usd),
                "saving_usd": float(option.saving_usd),
                "unused_usd": float(option.unused_usd),
                "upfront_usd": float(option.upfront_usd),
                "least_regret_usd": float(min(option.regrets_usd)),
                "most_regret_usd": float(max(option.regrets_usd)),
            }
            for option in self.options
        )

    def case_frame(self) -> pd.DataFrame:
        """Return one row for each multiple of the usage, in floating point."""
        import pandas as pd

        names = ("multiple", "on_demand_usd", "committed_usd", "best_usd_per_hour", "regret_usd")
        rows = [[float(getattr(case, name)) for name in names] for case in self.cases]
        return pd.DataFrame(rows, columns=list(names))


def best_option(options: Sequence[CommitmentOption]) -> CommitmentOption:
    """Return the cheapest option; among equals the shortest term, then the least upfront."""
    return min(options, key=lambda option: (option.total_usd, option.plan.years, option.plan.upfront_percent))
