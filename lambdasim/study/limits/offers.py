"""Which of the simulated plans may be advised: none that is worse than one that stands before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from lambdasim.study.limits.outcome import LimitOutcome
from lambdasim.study.limits.plan import LimitPlan
from lambdasim.study.limits.tables import ProvisionedAdvice
from lambdasim.wording import count, money, percent


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
    scenario as it is and what is advised before it. Target tracking must besides refuse no more and cost no more than
    the schedule, and be better in something.

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
    shown = {
        "the quota": with_quota,
        "the plan against the scaling rate": None if plan is None else plan.outcome,
    }
    if provisioned is not None and (why := _no_better(provisioned) or _refuses_more(provisioned, shown)):
        refused.append(f"provisioned concurrency by schedule: {why}")
        provisioned = None
    if tracking is not None:
        why = _no_better(tracking) or _refuses_more(tracking, shown)
        if not why and provisioned is not None:
            why = _worse(tracking, provisioned)
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


def _refuses_more(found: ProvisionedAdvice, shown: Mapping[str, LimitOutcome | None]) -> str:
    """Say what was shown before that refuses fewer attempts; empty where nothing does."""
    for name, outcome in shown.items():
        if outcome is not None and found.refused_after > outcome.refused_share:
            after, there = percent(found.refused_after), percent(outcome.refused_share)
            return f"without {name} it refuses {after} of attempts, with {name} alone {there} are refused; set that first"
    return ""


def _worse(tracking: ProvisionedAdvice, schedule: ProvisionedAdvice) -> str:
    """Say in what target tracking is worse than the schedule; empty where it may stand beside it."""
    if tracking.refused_after > schedule.refused_after:
        after, there = percent(tracking.refused_after), percent(schedule.refused_after)
        return f"it refuses {after} of attempts, the schedule {there}"
    fewer = schedule.cold_after - tracking.cold_after
    if tracking.usd_after > schedule.usd_after:
        saves = f"saves only {count(fewer, 'more cold start')}" if fewer > 0 else "saves no more cold starts"
        return f"it costs {money(tracking.usd_after)} against {money(schedule.usd_after)} for the schedule, and {saves}"
    if tracking.usd_after == schedule.usd_after and fewer <= 0:
        return "it costs as much as the schedule, and saves no more cold starts"
    return ""
