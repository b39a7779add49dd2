"""Which of the simulated plans may be advised: none that is worse than one that stands before it."""

from __future__ import annotations

from typing import NamedTuple

from lambdasim.study.limits.outcome import LimitOutcome
from lambdasim.study.limits.plan import LimitPlan
from lambdasim.study.limits.tables import ProvisionedAdvice
from lambdasim.wording import percent


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
    """Return whether another is at least as good in refusals, money and cold starts."""
    return (
        other.refused_after <= one.refused_after
        and other.usd_after <= one.usd_after
        and other.cold_after <= one.cold_after
    )
