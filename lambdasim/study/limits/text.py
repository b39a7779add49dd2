"""Advice on limits in words: 80 columns."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any, Final

from lambdasim.catalog import limit
from lambdasim.results.usage.as_month import month_basis
from lambdasim.study.limits.findings.case import groups_that_bind
from lambdasim.study.limits.limit_table import ACCOUNT, GATEWAY
from lambdasim.study.limits.plan import steps_text
from lambdasim.study.provisioned_use import pays_above
from lambdasim.study.target_text import plan_sentences, plan_text
from lambdasim.units import format_duration
from lambdasim.wording import clipped, count, money, percent, wrapped

if TYPE_CHECKING:
    from lambdasim.study.limits.outcome import LimitOutcome
    from lambdasim.study.limits.plan import LimitPlan
    from lambdasim.study.limits.tables import AdviceTables, ProvisionedAdvice

_MOST_LIMITS: Final = 12
_MOST_IN_ANSWER: Final = 3
_LEAST_LIMITS: Final = 3
_LONG_S: Final = 600
_ROOM: Final = 0.8
_WIDTH: Final = 6
_PER: Final = {"month": "a month", "run": "in this run"}


def answer(advice: AdviceTables) -> str:
    """Say which limit, when, whose requests fail, and what to set, as a paragraph of 80 columns."""
    return wrapped(" ".join(answers(advice)))


def answers(advice: AdviceTables) -> list[str]:
    """Say which limit, when, whose requests fail, and what to set, a thought in each sentence."""
    run, breaches = advice.run, advice.worst
    gateway = breaches[breaches["limit"] == GATEWAY].to_dict("records")
    breaches = breaches[breaches["limit"] != GATEWAY]
    parts = []
    if breaches.empty:
        limits = advice.limits[advice.limits["limit"] != GATEWAY].sort_values("headroom")
        row = limits.iloc[0]
        parts.append(
            f"{run.scenario.name}: no limit refuses anything. Tightest: {_limit_of(row)}, "
            f"{row['used_peak']:,.0f} of {row['allowed']:,.0f} {row['unit']} ({row['headroom']:.0%} left)."
        )
    else:
        worst, first = breaches.iloc[0], breaches.sort_values("first_breach_s", na_position="last").iloc[0]
        parts.append(
            f"{run.scenario.name}: {_limit_of(worst)} hurts most (allowed {worst['allowed']:,.0f} {worst['unit']}"
            f"{_first(worst)}): {_effect_on(worst)}."
        )
        if first.name != worst.name:
            parts.append(f"First to bind is {_limit_of(first)}{_first(first)}: {_effect_on(first)}.")
        parts.append(
            f"Over all limits, and as a mean over {count(len(advice.unlimited), 'seed')}, "
            f"{percent(advice.refused.mean, 1)} ± {percent(advice.refused.half_width, 1)} of attempts are refused and "
            f"{percent(advice.not_served.mean, 1)} of events are not served."
        )
    for cut in gateway:
        parts.append(
            f"API Gateway's own throttle of {cut['allowed']:,.0f} requests/s, which this run does not have, would refuse "
            f"{percent(cut['hit_share'], 1)} of the requests through it, the first after {cut['first_breach_s']:,.0f} s; "
            "ask for a higher one."
        )
    parts += _behind_by_groups(advice)
    holders = advice.reserved.dropna(subset=["pool_share"]).sort_values("pool_share", ascending=False)
    if len(holders) > 1:
        neighbour = holders.to_dict("records")[0]
        parts.append(
            f"While the account's pool refused, {neighbour['function']} held {neighbour['pool_share']:.0%} of it."
        )
    targets = [] if advice.targets is None else plan_sentences(run, advice.targets)
    return [*parts, *_what_to_set(advice), *targets]


def _behind_by_groups(advice: AdviceTables) -> list[str]:
    """Say which FIFO queues fall behind since their message groups bind, which no limit of the account shows."""
    run = advice.run
    specs = {spec.name: spec for spec in run.scenario.functions}
    said = []
    for plan, totals in zip(run.plan.functions, run.aggregate.functions, strict=True):
        groups = groups_that_bind(specs[plan.name], plan, totals, run.scenario.duration_us)
        if groups:
            said.append(
                f"What binds {plan.name} is its {groups:,} message groups, each worked on one batch at a time: it does "
                "NOT keep up. More groups, a more even spread over them or shorter runs help; more concurrency does not."
            )
    return said


def _first(row: Any) -> str:
    return "" if isnan(row["first_breach_s"]) else f", first after {_moment(row['first_breach_s'])}"


def _moment(seconds: float) -> str:
    """Write a moment since the scenario's start, with hours or minutes where seconds alone say nothing."""
    whole = round(seconds)
    if whole < _LONG_S:
        return f"{seconds:,.1f} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {whole % 60} s"


def _effect_on(row: Any) -> str:
    of = "events" if row["scope"] == ACCOUNT else "its events"
    return f"in this run {percent(row['hit_share'], 1)} of {of} hit it and {percent(row['lost_share'], 1)} are lost to it"


def _limit_of(row: Any) -> str:
    name = str(row["limit"])
    return f"the {name}" if row["scope"] == ACCOUNT else f"the {name} of {row['scope']}"


def _what_to_set(advice: AdviceTables) -> list[str]:
    quota, said = advice.quota, []
    demand = f"{quota.demand.mean:,.0f} ± {quota.demand.half_width:,.0f}"
    for row in advice.reserved.to_dict("records"):
        if row["function"] in quota.reserved:
            said.append(
                f"Raise the reserved concurrency of {row['function']} from {row['reserved']:,} to {row['reserve']:,}, "
                f"unless it is meant as a cap; of the present quota that leaves {row['left_for_others']:,} to the "
                f"others, who need {row['others_demand']:,.0f}."
            )
    if quota.ask > quota.now:
        because = f"{quota.rate_per_s.mean:,.0f} requests/s" if quota.by_rate else f"{demand} executions"
        said.append(f"Ask for a quota of {quota.ask:,} (now {quota.now:,}): peak demand is {because}.")
    else:
        said.append(f"The account's quota of {quota.now:,} suffices: peak demand is {demand} executions.")
    if advice.with_quota is not None:
        said.append(_remaining(advice))
    scaling = max((outcome.refused["scaling rate"] for outcome in advice.unlimited), default=0.0)
    if scaling > 0:
        said.append(
            f"Whatever the quota, the scaling rate refuses {percent(scaling, 1)} of attempts: only provisioned "
            "concurrency or a gentler ramp helps."
        )
    if advice.plan is not None:
        said.append(_together(advice, advice.plan))
    return said


def _together(advice: AdviceTables, plan: LimitPlan) -> str:
    counts = {name: max(step.count for step in steps) for name, steps in plan.schedule.items()}
    shown = [f"{count:,} for {name}" for name, count in list(counts.items())[:_MOST_IN_ANSWER]]
    more = len(counts) - len(shown)
    shown += [f"{more} more functions"] if more else []
    reserved = [f"{count:,} for {name}" for name, count in list(plan.reserved.items())[:_MOST_IN_ANSWER]]
    needed = [f"provisioned concurrency of {' and '.join(shown)}"]
    needed += [f"reserved concurrency of {' and '.join(reserved)}"] if reserved else []
    needed += [f"a quota of {plan.quota:,}"] if plan.quota > advice.quota.now else []
    return f"With {' and '.join(needed)}, {_refused(plan.outcome)}{_bill(advice, plan.outcome)}."


def _refused(outcome: LimitOutcome) -> str:
    if not outcome.refused_share:
        return "nothing is refused"
    worst = max(outcome.refused, key=lambda name: outcome.refused[name])
    return f"{percent(outcome.refused_share)} of attempts are still refused, mostly by the {worst}"


def _bill(advice: AdviceTables, outcome: LimitOutcome) -> str:
    """Say what it costs beside what is paid now."""
    run = advice.run
    now, length = run.charges(free_tier=False).total, format_duration(run.scenario.duration_us)
    return f"; the bill of {length} goes from {money(now)} to {money(outcome.usd)}{_tier(advice)}"


def _tier(advice: AdviceTables) -> str:
    """Say that a whole month's free tier is left out, where the scenario has one: it would hide what a plan costs."""
    return " before the free tier" if advice.run.scenario.free_tier else ""


def _remaining(advice: AdviceTables) -> str:
    outcome = advice.with_quota
    assert outcome is not None  # noqa: S101 - asked by the caller
    return f"With those settings {_refused(outcome)}{_bill(advice, outcome)}."


def limits_text(advice: AdviceTables) -> str:
    """Write all of it."""
    parts = [
        answer(advice),
        "",
        *_limits_block(advice),
        "",
        *_risk_block(advice),
        "",
        *_reserved_block(advice),
    ]
    if advice.plan is not None:
        parts += ["", *_plan_block(advice, advice.plan)]
    if advice.provisioned is not None:
        parts += ["", *_provisioned_block(advice, advice.provisioned)]
    if advice.tracking is not None:
        parts += ["", *_tracking_block(advice, advice.tracking)]
    if advice.targets is not None:
        parts += ["", plan_text(advice.run, advice.targets)]
    if advice.not_offered:
        parts += ["", *(wrapped(f"Not advised: {why}.") for why in advice.not_offered)]
    return "\n".join([*parts, "", *_findings_block(advice)])


def _plan_block(advice: AdviceTables, plan: LimitPlan) -> list[str]:
    """Show what to set against the scaling rate: its schedule, its bill and what it changes."""
    before = percent(advice.refused.mean if advice.now is None else advice.now.refused_share)
    lines = [
        f"Plan against the scaling rate: refused attempts {before} -> {percent(plan.outcome.refused_share)}"
        f"{_bill(advice, plan.outcome)}."
    ]
    for name, steps in list(plan.schedule.items())[:_MOST_LIMITS]:
        lines.append(f"  {clipped(name, 30)}: {steps_text(steps)}")
    return [wrapped(line) for line in lines]


def _limits_block(advice: AdviceTables) -> list[str]:
    table = advice.limits
    shown = table[(table["hit_share"] > 0) | (table["headroom"] < _ROOM)].head(_MOST_LIMITS)
    if shown.empty:
        shown = table.head(_LEAST_LIMITS)
    rows = [
        f"{'limit':<20} {'of':<9} {'allows':>6} {'p50':>6} {'p99':>6} {'peak':>6} {'left':>5} {'first':>8} {'hit':>6}"
    ]
    for row in shown.to_dict("records"):
        first = "" if isnan(row["first_breach_s"]) else f"{_short(row['first_breach_s'])} s"
        used = [f"{_short(row[name]):>6}" for name in ("used_p50", "used_p99", "used_peak")]
        rows.append(
            f"{clipped(row['limit'], 20):<20} {clipped(row['scope'], 9):<9} {_short(row['allowed']):>6} "
            f"{' '.join(used)} {max(row['headroom'], -9.99):>5.0%} {first:>8} {row['hit_share']:>6.1%}"
        )
    hidden = len(table) - len(shown)
    return [*rows, *([f"and {hidden} more with room, see the table of limits"] if hidden else [])]


def _short(number: float) -> str:
    """Write a number in at most six characters."""
    for unit in ("", "k", "M", "G"):
        text = f"{number:,.0f}" if unit == "" and number >= 100 else f"{number:,.1f}".removesuffix(".0")
        if len(text) + len(unit) <= _WIDTH:
            return f"{text}{unit}"
        number /= 1000
    return f"{number:.0e}"


def _risk_block(advice: AdviceTables) -> list[str]:
    rows = [f"{'traffic':>8} {'refused':>8} {'not served':>10} {'p99 ms':>10} {'peak':>8}  first limit"]
    for row in advice.risk.to_dict("records"):
        when = "" if isnan(row["first_s"]) else f" {row['first_s']:,.0f} s"
        limit = str(row["first_limit"] or "none").partition(" (")[0]
        rows.append(
            f"{row['multiple']:>7g}x {percent(row['refused_share']):>8} {percent(row['not_served_share']):>10} "
            f"{count(row['p99_ms']):>10} {row['peak']:>8,.0f}  {limit}{when}"
        )
    return rows


def _reserved_block(advice: AdviceTables) -> list[str]:
    rows = [
        f"{'reserved':<20} {'demand':>8} {'±':>6} {'now':>6} {'to keep':>8} {'left':>8} {'others':>8}  of pool"
    ]
    for row in advice.reserved.head(_MOST_LIMITS).to_dict("records"):
        now = "-" if row["reserved"] < 0 else f"{row['reserved']:,}"
        left = f"{row['left_for_others']:,}" if row["possible"] else "no room"
        pool = "" if isnan(row["pool_share"]) else f"{row['pool_share']:.0%}"
        rows.append(
            f"{clipped(row['function'], 20):<20} {row['demand']:>8,.0f} {row['half_width']:>6,.0f} {now:>6} "
            f"{row['reserve']:>8,} {left:>8} {row['others_demand']:>8,.0f}  {pool}".rstrip()
        )
    more = len(advice.reserved) - _MOST_LIMITS
    return [*rows, *([f"and {more} more functions"] if more > 0 else [])]


def _provisioned_block(advice: AdviceTables, found: ProvisionedAdvice) -> list[str]:
    lines = [_effect("by schedule", advice, found)]
    for name, steps in list(found.schedule.items())[:_MOST_LIMITS]:
        lines.append(wrapped(f"  {name}: {steps_text(steps)}"))
    return lines


def _tracking_block(advice: AdviceTables, found: ProvisionedAdvice) -> list[str]:
    target = limit("autoscaling_target_percent").value
    lines = [_effect(f"by target tracking at {target}%", advice, found)]
    for name, steps in list(found.schedule.items())[:_MOST_LIMITS]:
        most = max(step.count for step in steps)
        lines.append(wrapped(f"  {name}: at most {most:,}, changed {count(len(steps) - 1, 'time')}"))
    return lines


def _effect(way: str, advice: AdviceTables, found: ProvisionedAdvice) -> str:
    length = format_duration(advice.run.scenario.duration_us)
    fewer = found.cold_before - found.cold_after
    change = f"{abs(fewer):,} {'fewer' if fewer >= 0 else 'more'}"
    even = min(found.break_even.values())
    return wrapped(
        f"Provisioned concurrency {way}: {found.cold_before:,} cold starts become {found.cold_after:,} ({change}), the "
        f"bill of {length} goes from {money(found.usd_before)} to {money(found.usd_after)}{_tier(advice)}; "
        f"used {found.utilization:.0%}, saves money {pays_above(even)}; "
        f"refused attempts {found.refused_before:.2%} -> {found.refused_after:.2%}."
    )


def _findings_block(advice: AdviceTables) -> list[str]:
    lines = []
    for row in advice.findings.to_dict("records"):
        gain = f" [{money(row['usd'])} {_PER[row['period']]}]" if row["usd"] else ""
        lines.append(
            wrapped(f"{row['rule']}: {row['function']}: {row['evidence']}{gain}. {_sentence(row['change'])}")
        )
    if lines:
        lines.append(wrapped(month_basis(advice.run.scenario).text(advice.period == "month")))
    return lines or ["no findings"]


def _sentence(text: Any) -> str:
    return f"{str(text)[:1].upper()}{str(text)[1:]}."
