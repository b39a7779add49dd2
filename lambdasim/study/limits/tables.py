"""What limits advice found, as numbers: each limit, the risk with more traffic, and what was simulated to help."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from lambdasim.results.intervals import Interval
from lambdasim.results.run import RunResult
from lambdasim.study.limits.concurrency import QuotaAdvice
from lambdasim.study.limits.outcome import LimitOutcome
from lambdasim.study.limits.plan import LimitPlan, steps_text
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
    now : LimitOutcome or None
        The scenario as it is, with its own seed.
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
    now: LimitOutcome | None = None

    @cached_property
    def plans(self) -> pd.DataFrame:
        """What may be set, beside the scenario as it is.

        Returns
        -------
        DataFrame
            One row for each: ``plan``, what it ``changes`` in words, ``refused_share`` of attempts, ``cold_starts``, and
            ``usd``, the run's bill without free tier.
        """
        import pandas as pd

        rows: list[tuple[str, str, float, int, float]] = []

        def add(plan: str, changes: Iterable[str], outcome: LimitOutcome | None) -> None:
            if outcome is not None:
                cold = sum(outcome.cold.values())
                rows.append((plan, "; ".join(changes), outcome.refused_share, cold, outcome.usd))

        add("as it is", (), self.now)
        asked = [f"quota {self.quota.ask:,}"] if self.quota.ask > self.quota.now else []
        add("quota", asked + _reserved(self.quota.reserved), self.with_quota)
        if self.plan is not None:
            quota = [f"quota {self.plan.quota:,}"] if self.plan.quota > self.quota.now else []
            steps = [*quota, *_reserved(self.plan.reserved), *_provisioned(self.plan.schedule)]
            add("against the scaling rate", steps, self.plan.outcome)
        for name, found in (("schedule", self.provisioned), ("target tracking", self.tracking)):
            if found is not None:
                changes = "; ".join(_provisioned(found.schedule))
                rows.append((name, changes, found.refused_after, found.cold_after, found.usd_after))
        return pd.DataFrame(rows, columns=["plan", "changes", "refused_share", "cold_starts", "usd"])

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


def _reserved(counts: Mapping[str, int]) -> list[str]:
    return [f"reserved concurrency of {name} {number:,}" for name, number in counts.items()]


def _provisioned(schedule: Mapping[str, Steps]) -> list[str]:
    return [f"provisioned concurrency of {name}: {steps_text(steps)}" for name, steps in schedule.items()]
