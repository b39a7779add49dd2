"""What limits advice found, as numbers: each limit, the risk with more traffic, and what was simulated to help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lambdasim.results.intervals import Interval
from lambdasim.results.run import RunResult
from lambdasim.study.limits.concurrency import QuotaAdvice
from lambdasim.study.limits.outcome import LimitOutcome
from lambdasim.study.limits.plan import LimitPlan
from lambdasim.study.limits.provisioned import Steps
from lambdasim.study.target_plan import TargetPlan

if TYPE_CHECKING:
    import pandas as pd


class ProvisionedAdvice(NamedTuple):
    """What provisioned concurrency would do.

    Attributes
    ----------
    schedule : mapping of str to tuple of ProvisionedStep
        By function; as a scenario's ``provisioned_concurrency`` takes it.
    cold_before, cold_after : int
        Cold starts in the run, over all functions.
    usd_before, usd_after : float
        The run's bill without free tier [USD].
    refused_before, refused_after : float
        Share of attempts that limits refuse.
    utilization : float
        Use of what is allocated.
    break_even : mapping of str to float
        By function: the use above which it would save money.
    """

    schedule: Mapping[str, Steps]
    cold_before: int
    cold_after: int
    usd_before: float
    usd_after: float
    refused_before: float
    refused_after: float
    utilization: float
    break_even: Mapping[str, float]


@dataclass(frozen=True, eq=False, repr=False)
class AdviceTables:
    """How near a scenario comes to each limit, and what was simulated to do about it.

    Attributes
    ----------
    run : RunResult
        The scenario as it is; its seed is replication 0.
    limits : DataFrame
        See ``limit_table``.
    headroom : DataFrame
        See ``headroom_series``.
    risk : DataFrame
        One row for each multiple of the traffic: ``multiple``, ``refused_share`` of attempts,
        ``not_served_share`` of events, ``p99_ms``, ``first_limit``, ``first_s``, ``peak``.
    quota : QuotaAdvice
    with_quota : LimitOutcome or None
        The scenario with that quota and those reserved; None where what there is suffices.
    plan : LimitPlan or None
        The scenario with environments that are there before, where the scaling rate refuses whatever the quota.
    reserved : DataFrame
        See ``reserved_advice``.
    provisioned, tracking : ProvisionedAdvice or None
        By schedule, and by target tracking; None where no function can use it.
    findings : DataFrame
        See ``findings``.
    refused, not_served : Interval
        Share of attempts refused, and of events not served, over replications.
    unlimited : tuple of LimitOutcome
        Without limits of concurrency, by replication.
    not_offered : tuple of str
        What was simulated and would make things worse than what is advised, with the reason.
    targets : TargetPlan or None
        Whether the targets that were asked for are kept, and what keeps them.
    period : {"month", "run"}
        What the findings' money is of.
    """

    run: RunResult
    limits: pd.DataFrame
    headroom: pd.DataFrame
    risk: pd.DataFrame
    quota: QuotaAdvice
    with_quota: LimitOutcome | None
    plan: LimitPlan | None
    reserved: pd.DataFrame
    provisioned: ProvisionedAdvice | None
    tracking: ProvisionedAdvice | None
    findings: pd.DataFrame
    refused: Interval
    not_served: Interval
    unlimited: tuple[LimitOutcome, ...]
    not_offered: tuple[str, ...] = ()
    targets: TargetPlan | None = None
    period: str = "month"

    @property
    def breaches(self) -> pd.DataFrame:
        """Rows of ``limits`` that hit an event, the first breach first; see ``worst`` for what hurts most."""
        return self.limits[self.limits["hit_share"] > 0]

    @property
    def worst(self) -> pd.DataFrame:
        """Rows of ``limits`` that hit an event: those that most events are lost to first, then those that hit most."""
        return self.breaches.sort_values(
            ["lost", "hit", "first_breach_s"], ascending=[False, False, True], na_position="last"
        )
