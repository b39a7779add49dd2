"""Will it throttle, which limit does it, and what to set: every limit of a scenario in one call."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from lambdasim.results.gathering import check_replications
from lambdasim.results.intervals import t_interval
from lambdasim.results.usage.as_month import shared_period
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.limits.concurrency import (
    quota_advice,
    reserved_advice,
)
from lambdasim.study.limits.findings.check import chosen_rules, findings
from lambdasim.study.limits.limit_table import headroom_series, limit_table
from lambdasim.study.limits.offers import offered
from lambdasim.study.limits.outcome import LimitOutcome, outcome_of
from lambdasim.study.limits.plan import LimitPlan, plan_case
from lambdasim.study.limits.provisioned import Steps, provisioned_schedule, tracking_schedule, unpriced
from lambdasim.study.limits.result import LimitsAdvice
from lambdasim.study.limits.runs import case_outcomes, run_case
from lambdasim.study.limits.tables import ProvisionedAdvice
from lambdasim.study.provisioned_use import break_even_utilization
from lambdasim.study.target_plan import plan_targets
from lambdasim.study.targets import Target
from lambdasim.study.variants import LimitCase, Variant, checked_multiples

if TYPE_CHECKING:
    import pandas as pd

MULTIPLES = (1.0, 2.0, 5.0, 10.0)


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
    targets: Iterable[Target] = (),
    per: str | None = None,
) -> LimitsAdvice:
    """Find which limit binds first, when, how often, whose requests fail, and what to set.

    Parameters
    ----------
    scenario : ScenarioSpec
    replications : int
        At least 2: seeds for intervals of demand and of refusals.
    multiples : iterable of float
        Of the traffic, for the throttle-risk curve; above 0.
    select : collection of str, optional
        Rules whose findings are shown; default: all.
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
    targets : iterable of Target
        Of backlog, message age, lost events and latency; what keeps them is looked for, see ``plan_targets``.
    per : {"month", "run"}, optional
        Period of the findings' money. Default: a month; the run, where it is no sample of one, see ``month_basis``.

    Returns
    -------
    LimitsAdvice

    Raises
    ------
    InputError
        When an argument cannot be accepted.
    """
    scenario.require_on_demand("limits")
    check_replications("limits", replications)
    wanted = checked_multiples("limits", multiples)
    chosen_rules(select, ignore)
    period = shared_period((scenario,), per)
    run, meter = run_case(scenario, LimitCase(Variant.AS_IS), engine)
    asked = tuple(targets)
    kept = plan_targets(run, asked, engine=engine, seeds=replications, executor=executor) if asked else None
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
        findings=findings(run, select=select, ignore=ignore, per=period),
        refused=t_interval([outcome.refused_share for outcome in as_is]),
        not_served=t_interval([outcome.not_served_share for outcome in as_is]),
        unlimited=unlimited,
        not_offered=(*offers.refused, *unpriced(run)),
        targets=kept,
        period=period,
        now=first,
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
