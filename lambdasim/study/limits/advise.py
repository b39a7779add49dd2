"""Will it throttle, which limit does it, and what to set: every limit of a scenario in one call."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lambdasim.errors import InputError
from lambdasim.results.intervals import Interval, t_interval
from lambdasim.results.run import RunResult
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.limits.concurrency import (
    QuotaAdvice,
    break_even_utilization,
    quota_advice,
    reserved_advice,
)
from lambdasim.study.limits.findings import chosen_rules, findings
from lambdasim.study.limits.outcome import LimitOutcome, outcome_of
from lambdasim.study.limits.plan import LimitPlan, plan_case
from lambdasim.study.limits.provisioned import Steps, provisioned_schedule, tracking_schedule
from lambdasim.study.limits.runs import LimitCase, Variant, case_outcomes, run_case
from lambdasim.study.limits.table import headroom_series, limit_table
from lambdasim.views import Result
from lambdasim.wording import percent

if TYPE_CHECKING:
    import pandas as pd

MULTIPLES = (1.0, 2.0, 5.0, 10.0)


class ProvisionedAdvice(NamedTuple):
    """What provisioned concurrency would do.

    Attributes
    ----------
    schedule : mapping of str to tuple of ProvisionedStep
        By function; as a scenario's ``provisioned_concurrency`` takes it.
    cold_before, cold_after : int
        Cold starts in the run, over all functions.
    usd_before, usd_after : float
        The run's bill [USD].
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
class LimitsAdvice(Result):
    """The result of ``advise_limits``.

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

    def text(self) -> str:
        """Tell the advice in 80 columns."""
        from lambdasim.study.limits.text import limits_text

        return limits_text(self)

    def __repr__(self) -> str:
        """Say which limit binds first."""
        from lambdasim.study.limits.text import answer

        return answer(self)

    def frame(self) -> pd.DataFrame:
        """Return ``limits``: how near the run came to each limit."""
        return self.limits

    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Return limits, risk with more traffic, reserved concurrency and findings."""
        return {
            "limits": self.limits,
            "with more traffic": self.risk,
            "reserved concurrency": self.reserved,
            "findings": self.findings,
        }


def advise_limits(
    scenario: ScenarioSpec,
    *,
    replications: int = 3,
    multiples: Iterable[float] = MULTIPLES,
    select: Collection[str] | None = None,
    ignore: Collection[str] = (),
    engine: str = "auto",
    executor: Executor | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LimitsAdvice:
    """Tell which limit binds first, when, how often, whose requests fail, and what to set.

    Parameters
    ----------
    scenario : ScenarioSpec
    replications : int
        At least 2: seeds for intervals of demand and of refusals.
    multiples : iterable of float
        Of the traffic, for the throttle-risk curve; above 0.
    select : collection of str, optional
        Rules whose findings are told; default: all.
    ignore : collection of str
        Rules whose findings are left out.
    engine : {"auto", "kernel", "reference"}
    executor : concurrent.futures.Executor, optional
        Where runs go side by side; the result does not depend on it.
    resume : path-like, optional
        Folder where each finished run is kept. Those that are there already are not simulated again, unless scenario,
        traces, or the version of lambdasim and its prices have changed; but the scenario as it is with its own seed
        always is, since the tables need all of that run.
    progress : callable, optional
        Called with how many runs are finished, and how many are planned.

    Returns
    -------
    LimitsAdvice

    Raises
    ------
    InputError
        When an argument cannot be accepted.
    """
    if replications < 2:
        raise InputError.single("limits", "replications", f"must be at least 2, got {replications}")
    wanted = sorted(set(multiples))
    if any(not multiple > 0 for multiple in wanted):
        raise InputError.single("limits", "multiples", f"must be above 0, got {wanted}")
    chosen_rules(select, ignore)
    run, meter = run_case(scenario, LimitCase(Variant.AS_IS), engine)
    first = outcome_of(run, meter)
    cases = [LimitCase(Variant.UNLIMITED, number) for number in range(replications)]
    cases += [LimitCase(Variant.AS_IS, number) for number in range(1, replications)]
    cases += [LimitCase(Variant.TRAFFIC, number=multiple) for multiple in wanted if multiple != 1]
    # The largest first: side by side nobody waits for it at the end.
    cases.sort(key=lambda case: -case.number)
    schedules = {Variant.PROVISIONED: provisioned_schedule(run), Variant.TRACKING: tracking_schedule(run)}
    cases += [LimitCase(way, provisioned=schedule) for way, schedule in schedules.items() if schedule]
    before, planned = 1, len(cases) + 3

    def tell(finished: int, _: int) -> None:
        if progress is not None:
            progress(before + finished, planned)

    def outcomes_of(cases: list[LimitCase]) -> list[LimitOutcome]:
        return case_outcomes(scenario, cases, engine=engine, executor=executor, progress=tell, resume=resume)

    tell(0, 0)
    outcomes = list(zip(cases, outcomes_of(cases), strict=True))

    def of(variant: Variant) -> list[tuple[LimitCase, LimitOutcome]]:
        found = [(case, outcome) for case, outcome in outcomes if case.variant is variant]
        return sorted(found, key=lambda pair: (pair[0].replication, pair[0].number))

    unlimited = tuple(outcome for _, outcome in of(Variant.UNLIMITED))
    quota = quota_advice(scenario, unlimited)
    further = [plan_case(scenario, unlimited, quota, engine)]
    if quota.ask > quota.now or quota.reserved:
        limit = max(quota.ask, quota.now)
        further.append(LimitCase(Variant.QUOTA, number=limit, reserved=quota.reserved))
    last = [case for case in further if case is not None]
    planned, before = 1 + len(cases) + len(last), 1 + len(cases)
    after = {case.variant: (case, outcome) for case, outcome in zip(last, outcomes_of(last), strict=True)}
    as_is = [first, *(outcome for _, outcome in of(Variant.AS_IS))]
    at = {case.number: outcome for case, outcome in of(Variant.TRAFFIC)} | {1.0: first}
    provided = {
        way: _provisioned(scenario, schedule, first, of(way)[0][1])
        for way, schedule in schedules.items()
        if schedule
    }
    with_quota = after[Variant.QUOTA][1] if Variant.QUOTA in after else None
    plan = _plan(*after[Variant.TOGETHER]) if Variant.TOGETHER in after else None
    offers = offered(
        first, with_quota, plan, provided.get(Variant.PROVISIONED), provided.get(Variant.TRACKING)
    )
    return LimitsAdvice(
        run=run,
        limits=limit_table(run, meter),
        headroom=headroom_series(run),
        risk=_risk({multiple: at[multiple] for multiple in wanted}),
        quota=quota,
        with_quota=with_quota,
        plan=offers.plan,
        reserved=reserved_advice(run, meter, unlimited),
        provisioned=offers.provisioned,
        tracking=offers.tracking,
        findings=findings(run, select=select, ignore=ignore),
        refused=t_interval([outcome.refused_share for outcome in as_is]),
        not_served=t_interval([outcome.not_served_share for outcome in as_is]),
        unlimited=unlimited,
        not_offered=offers.refused,
    )


class Offers(NamedTuple):
    """What may be advised, and why the rest is not."""

    plan: LimitPlan | None
    provisioned: ProvisionedAdvice | None
    tracking: ProvisionedAdvice | None
    refused: tuple[str, ...]


def offered(
    now: LimitOutcome,
    with_quota: LimitOutcome | None,
    plan: LimitPlan | None,
    provisioned: ProvisionedAdvice | None,
    tracking: ProvisionedAdvice | None,
) -> Offers:
    """Drop what is worse than what stands before it.

    A plan is there to have fewer attempts refused: it must refuse fewer than the scenario as it is and than the quota
    alone. Provisioned concurrency is there to have fewer cold starts: it must have fewer, and refuse no more than the
    scenario as it is; target tracking must also be better than the schedule in refusals, in money or in cold starts.

    Parameters
    ----------
    now : LimitOutcome
        The scenario as it is.
    with_quota : LimitOutcome or None
    plan : LimitPlan or None
    provisioned, tracking : ProvisionedAdvice or None

    Returns
    -------
    Offers
    """
    refused = []
    least = min(now.refused_share, *(one.refused_share for one in (with_quota,) if one is not None), 1.0)
    if plan is not None and plan.outcome.refused_share >= least:
        share = percent(plan.outcome.refused_share)
        refused.append(
            f"provisioned concurrency against the scaling rate: {share} of attempts would still be refused"
        )
        plan = None
    if provisioned is not None and (why := _no_better(provisioned)):
        refused.append(f"provisioned concurrency by schedule: {why}")
        provisioned = None
    if tracking is not None:
        why = _no_better(tracking)
        if not why and provisioned is not None and _beaten(tracking, provisioned):
            why = "the schedule refuses no more, costs no more and has no more cold starts"
        if why:
            refused.append(f"provisioned concurrency by target tracking: {why}")
            tracking = None
    return Offers(plan, provisioned, tracking, tuple(refused))


def _no_better(found: ProvisionedAdvice) -> str:
    """Say why provisioned concurrency does not help; empty where it does."""
    if found.refused_after > found.refused_before:
        before, after = percent(found.refused_before), percent(found.refused_after)
        return f"it would raise refused attempts from {before} to {after}"
    if found.cold_after >= found.cold_before:
        return f"cold starts would go from {found.cold_before:,} to {found.cold_after:,}"
    return ""


def _beaten(one: ProvisionedAdvice, other: ProvisionedAdvice) -> bool:
    """Tell whether another is at least as good in refusals, money and cold starts."""
    return (
        other.refused_after <= one.refused_after
        and other.usd_after <= one.usd_after
        and other.cold_after <= one.cold_after
    )


def _plan(case: LimitCase, outcome: LimitOutcome) -> LimitPlan:
    return LimitPlan(int(case.number), case.reserved, case.provisioned, outcome)


def _risk(outcomes: Mapping[float, LimitOutcome]) -> pd.DataFrame:
    import pandas as pd

    names = ["refused_share", "not_served_share", "p99_ms", "first_limit", "first_s", "peak"]
    rows = [
        {"multiple": multiple} | {name: getattr(outcome, name) for name in names}
        for multiple, outcome in outcomes.items()
    ]
    return pd.DataFrame(rows, columns=["multiple", *names])


def _provisioned(
    scenario: ScenarioSpec,
    schedule: Mapping[str, Steps],
    before: LimitOutcome,
    after: LimitOutcome,
) -> ProvisionedAdvice:
    specs = {spec.name: spec for spec in scenario.functions}
    return ProvisionedAdvice(
        schedule=schedule,
        cold_before=sum(before.cold.values()),
        cold_after=sum(after.cold.values()),
        usd_before=before.usd,
        usd_after=after.usd,
        refused_before=before.refused_share,
        refused_after=after.refused_share,
        utilization=after.provisioned_share,
        break_even={name: break_even_utilization(specs[name], scenario) for name in schedule},
    )
