"""Pages of sweeps, comparisons and advice on limits: which of their tables and pictures are shown."""

from __future__ import annotations

from dataclasses import asdict
from math import isnan
from typing import TYPE_CHECKING, Any, Final

from lambdasim.report.html import Fact
from lambdasim.report.page import StudyPage
from lambdasim.report.pictures import Chart
from lambdasim.results.usage.as_month import month_basis
from lambdasim.study.comparison.tables import REFUSED
from lambdasim.study.comparison.text import behind, difference_text, doubts, note, remarks
from lambdasim.study.limits.text import answers
from lambdasim.study.memory.objective import short
from lambdasim.study.memory.plausible import cpu_share, plausible_ranges, to_measure
from lambdasim.study.memory.text import listed_usd, notes, reasons
from lambdasim.study.targets import BACKLOG, time_text
from lambdasim.units import US_PER_S
from lambdasim.wording import NONE, count, money, number, percent, points

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from lambdasim.study.comparison.result import Comparison
    from lambdasim.study.limits.provisioned import Steps
    from lambdasim.study.limits.result import LimitsAdvice
    from lambdasim.study.memory.result import MemorySweep
    from lambdasim.study.target_plan import TargetPlan

_SWEPT: Final = {
    "mean_duration_ms": "Duration [ms]",
    "mean_billed_ms": "billed [ms]",
    "p50_ms": "p50 [ms]",
    "p95_ms": "p95 [ms]",
    "p99_ms": "p99 [ms]",
    "cold_share": "cold",
    "throttled_share": "refused",
    "wins": "chosen in",
}
_TIGHTEST: Final = 6
_LIMITS: Final = {
    "limit": "limit",
    "scope": "of",
    "allowed": "allowed",
    "used_p50": "p50",
    "used_p99": "p99",
    "used_peak": "peak",
    "headroom": "left",
    "first_breach_s": "first hit",
    "hit_share": "hit",
    "lost_share": "lost",
}


def sweep_page(sweep: MemorySweep) -> StudyPage:
    """Show a sweep over memory sizes.

    Parameters
    ----------
    sweep : MemorySweep

    Returns
    -------
    StudyPage
    """
    table, differences = sweep.table, sweep.differences()
    period = sweep.per
    sizes = _in_percent(table[[sweep.money, *_SWEPT]], ["cold_share", "throttled_share", "wins"])
    sizes[sweep.money] = [money(usd) for usd in sizes[sweep.money]]
    sizes = sizes.rename(columns={sweep.money: f"USD {period.words}"} | _SWEPT)
    sizes.insert(0, "size", _size_names(table))
    sizes.insert(1, "note", "")
    sizes.loc[table["dominated"], "note"] = "dominated"
    sizes.loc[table["fails"], "note"] = "fails"
    sizes.loc[table["recommended"], "note"] = "recommended"
    costs = differences[differences["measure"] == sweep.money]
    against = costs.assign(
        size=_size_names(costs), mean=[money(usd, signed=True) for usd in costs["mean"]], **_interval(costs)
    )[["size", "mean", "95% interval", "share"]]
    against = _in_percent(against, ["share"], signed=True).rename(
        columns={"mean": f"{period.words} against {sweep.reference}"}
    )
    chosen = sweep.recommendation
    doubtful = {"plausible_work": plausible_ranges(sweep)} if sweep.alternatives else {}
    return StudyPage(
        title=f"{sweep.function}: which memory size",
        answer=(*([period.said] if period.said else []), *reasons(sweep)),
        headline=_sweep_facts(sweep),
        tables={"sizes": table, "differences": differences, **doubtful},
        shown={"sizes": sizes, "differences": against, **_plausible_shown(sweep)},
        pictures={
            "frontier": Chart("plot_frontier", sweep),
            "cost_and_duration": Chart("plot_cost_and_duration", sweep),
            "duration": Chart("plot_duration", sweep),
            "differences": Chart("plot_differences", sweep),
        },
        facts={
            "per": sweep.period,
            "recommendation": None if chosen is None else chosen._asdict(),
            "instability": sweep.instability,
            "replications": sweep.replications,
            "power_tuning_url": sweep.chart().url if (~sweep.table["fails"]).any() else None,
            **_plausible_facts(sweep),
        },
        notes=notes(sweep),
    )


def _plausible_shown(sweep: MemorySweep) -> dict[str, pd.DataFrame]:
    """Show the ranges over plausible work, where there is any."""
    if not sweep.alternatives:
        return {}
    ranges, latency = plausible_ranges(sweep), short(sweep.objective.latency)
    shown = ranges[["usd_least", "usd_most", "latency_least_ms", "latency_most_ms", "chosen_at_cpu"]]
    shown = shown.set_axis(
        [f"USD {sweep.per.words} from", "to", f"{latency} [ms] from", "to [ms]", "chosen if CPU is"],
        axis="columns",
    )
    shown.insert(0, "size", _size_names(ranges))
    return {"plausible_work": shown}


def _plausible_facts(sweep: MemorySweep) -> dict[str, Any]:
    """Show which size each plausible setting chooses, and where a measurement would decide."""
    if not sweep.alternatives:
        return {}
    chosen = [(one, one.recommendation) for one in (sweep, *sweep.alternatives)]
    telling = to_measure(sweep)
    return {
        "recommended_at_cpu_share": [
            {"cpu_share": round(cpu_share(one), 4), "size": None if best is None else best._asdict()}
            for one, best in chosen
        ],
        "to_measure": None if telling is None else telling._asdict(),
    }


def comparison_page(comparison: Comparison) -> StudyPage:
    """Show a comparison of scenarios.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    StudyPage
    """
    differences = comparison.differences
    told = differences[(differences["difference"] != 0) & differences["difference"].notna()]
    columns = ["scope", "measure", "base", "difference", "95% interval", "share"]
    if len(comparison.names) > 2:
        columns.insert(0, "scenario")
    shown = _in_percent(told.assign(**_interval(told)), ["share"], signed=True)
    for name in ("base", "difference"):
        cells = zip(told["group"], told[name], strict=True)
        shown[name] = [_in_unit(group, value, signed=name == "difference") for group, value in cells]
    shown["share"] = [
        share if sure else f"{share} ?" for share, sure in zip(shown["share"], told["certain"], strict=True)
    ]
    shown = shown[columns]
    pairs = zip(told["group"], told["measure"], strict=True)
    measures = [
        f"{group}: {measure if group == 'money' else measure.replace('_', ' ')}"
        + (" [s]" if group == "queues" and measure != BACKLOG else "")
        for group, measure in pairs
    ]
    verdict = comparison.verdict
    return StudyPage(
        title=f"{' and '.join(comparison.names)} compared",
        answer=(
            *doubts(comparison),
            *behind(comparison),
            f"{difference_text(comparison)}.",
            *(f"{name}: {said}" for name in comparison.names[1:] for said in remarks(comparison, name)),
            *verdict.reasons,
        ),
        headline=_comparison_facts(comparison),
        tables={"differences": differences},
        shown={"differences": shown.assign(measure=measures)},
        pictures={"differences": Chart("plot_comparison", comparison)},
        facts={
            "failed": verdict.failed,
            "reasons": list(verdict.reasons),
            "replications": comparison.replications,
        },
        notes=(note(comparison, doubtful=not told["certain"].all()),),
    )


def limits_page(advice: LimitsAdvice) -> StudyPage:
    """Show advice on limits.

    Parameters
    ----------
    advice : LimitsAdvice

    Returns
    -------
    StudyPage
    """
    limits = _in_percent(advice.limits[[*_LIMITS]], ["headroom", "hit_share", "lost_share"])
    units = zip(advice.limits["limit"], advice.limits["unit"], strict=True)
    limits["limit"] = [f"{limit} [{unit}]" for limit, unit in units]
    risk = _in_percent(advice.risk, ["refused_share", "not_served_share"])
    is_near = (advice.limits["hit_share"] > 0) | (advice.limits["headroom"].rank(method="first") <= _TIGHTEST)
    limits["first_breach_s"] = _moments(advice.limits["first_breach_s"])
    for name in risk.columns.intersection(["first_breach_s", "first_s"]):
        risk[name] = _moments(risk[name])
    risk["multiple"] = [f"{multiple:g}× traffic" for multiple in advice.risk["multiple"]]
    reserved = _in_percent(advice.reserved, ["pool_share"])
    reserved["reserved"] = ["none" if now < 0 else str(now) for now in advice.reserved["reserved"]]
    reserved["possible"] = ["yes" if possible else "no room" for possible in advice.reserved["possible"]]
    plan = advice.plan
    ways = (("by schedule", advice.provisioned), ("by target tracking", advice.tracking))
    return StudyPage(
        title=f"{advice.run.scenario.name}: limits",
        answer=tuple(answers(advice)),
        headline=_limits_facts(advice),
        tables={
            "plans": advice.plans,
            "limits": advice.limits,
            "risk": advice.risk,
            "reserved": advice.reserved,
            "findings": advice.findings,
            "headroom": advice.headroom,
            **({} if advice.targets is None else {"targets": advice.targets.frame()}),
        },
        shown={
            **({} if advice.targets is None else {"targets": _targets_shown(advice.targets)}),
            "plans": _plans_shown(advice),
            "limits": limits[is_near].rename(columns=_LIMITS),
            "risk": risk.rename(columns={"first_s": "first hit"}),
            "reserved": reserved,
            "headroom": advice.headroom.head(0),
            "all_limits": (limits.head(0) if is_near.all() else limits).rename(columns=_LIMITS),
        },
        folded=("all_limits",),
        titles={
            "plans": "What may be set, and what it changes",
            "limits": "Limits, those hit and the tightest",
            "risk": "If traffic grows",
            "reserved": "Reserved concurrency",
            "targets": "What keeps the targets",
        },
        pictures={
            "headroom": Chart("plot_headroom", advice),
            "risk": Chart("plot_risk", advice.risk),
            "provisioned": Chart("plot_provisioned", advice),
        },
        notes=(
            *(f"Not advised: {why}." for why in advice.not_offered),
            month_basis(advice.run.scenario).text(advice.period == "month"),
        ),
        facts={
            "quota": {
                "now": advice.quota.now,
                "ask": max(advice.quota.ask, advice.quota.now),
                "reserved": advice.quota.reserved,
            },
            "plan": None
            if plan is None
            else {
                "quota": plan.quota,
                "reserved": dict(plan.reserved),
                "schedule": _schedule(plan.schedule),
                "refused_share": plan.outcome.refused_share,
                "usd": plan.outcome.usd,
            },
            "not_offered": list(advice.not_offered),
            "refused_share": asdict(advice.refused),
            "not_served_share": asdict(advice.not_served),
            "provisioned": {
                way: None
                if found is None
                else {
                    "cold_before": found.cold_before,
                    "cold_after": found.cold_after,
                    "usd_before": found.usd_before,
                    "usd_after": found.usd_after,
                    "refused_before": found.refused_before,
                    "refused_after": found.refused_after,
                    "schedule": _schedule(found.schedule),
                }
                for way, found in ways
            },
        },
    )


def _moments(seconds: pd.Series[float]) -> list[str]:
    """Write moments since the scenario's start."""
    return [NONE if isnan(one) else f"after {time_text(one * US_PER_S)}" for one in seconds]


def _plans_shown(advice: LimitsAdvice) -> pd.DataFrame:
    """Show what may be set; nothing where the scenario as it is stands alone."""
    table = _in_percent(advice.plans, ["refused_share"])
    table["usd"] = [money(usd) for usd in table["usd"]]
    bill = "bill of the run"
    bill += " before the free tier" if advice.run.scenario.free_tier else ""
    renamed = {"refused_share": "refused", "cold_starts": "cold starts", "usd": bill}
    return (table if len(table) > 1 else table.head(0)).rename(columns=renamed)


def _targets_shown(plan: TargetPlan) -> pd.DataFrame:
    """Show what was simulated to keep the targets."""
    table = _in_percent(plan.frame(), ["refused_share"])
    table["usd"] = [money(usd) for usd in table["usd"]]
    for name in ("meets", "advised"):
        table[name] = ["yes" if value else "" for value in table[name]]
    return table.rename(columns={"usd": "bill of the run", "refused_share": "refused", "meets": "keeps all"})


def _schedule(schedule: Mapping[str, Steps]) -> dict[str, list[dict[str, Any]]]:
    """Write steps as a scenario file has them."""
    return {
        name: [step.model_dump(mode="json", exclude_none=True, by_alias=True) for step in steps]
        for name, steps in schedule.items()
    }


def _size_names(table: pd.DataFrame) -> list[str]:
    pairs = zip(table["memory_mb"], table["architecture"], strict=True)
    return [f"{memory_mb:,} MB {architecture}" for memory_mb, architecture in pairs]


def _interval(table: pd.DataFrame) -> dict[str, list[str]]:
    """Join the two ends of the interval of each row, in the unit of its group; money where rows have no group."""
    groups = table["group"] if "group" in table else ["money"] * len(table)
    rows = zip(groups, table["low"], table["high"], strict=True)
    return {
        "95% interval": [
            f"{_in_unit(group, low, signed=True)} to {_in_unit(group, high, signed=True)}"
            for group, low, high in rows
        ]
    }


def _in_unit(group: str, value: float, *, signed: bool = False) -> str:
    """Write a value of a comparison: money, latency in ms, or a share of attempts or events."""
    if group == "money":
        return money(value, signed=signed)
    if group == "limits":
        return points(value) if signed else percent(value)
    if group == "queues":
        return f"{'+' if signed and value > 0 else ''}{number(value)}"
    return f"{'+' if signed and value > 0 else ''}{number(value)} ms"


def _sweep_facts(sweep: MemorySweep) -> tuple[Fact, ...]:
    best = sweep.recommendation
    if best is None:
        return (Fact("Recommended", "no size", sweep.objective.words()),)
    row = sweep.table[sweep.table["recommended"]].iloc[0]
    latency = sweep.objective.latency
    wins = 1 - sweep.instability
    listed = listed_usd(sweep, row)
    without = "" if listed is None else f"; {money(listed)} without the free tier"
    return (
        Fact("Recommended", str(best), sweep.objective.words()),
        Fact(
            f"Cost {sweep.per.words}",
            money(row[sweep.money]),
            f"± {money(row['usd_half_width'])}, 95% interval{without}",
        ),
        Fact(
            f"Latency, {short(latency)}",
            f"{count(row[latency])} ms",
            f"Duration {number(row['mean_duration_ms'])} ms",
        ),
        Fact("Chosen in", percent(wins, 0), f"of {count(sweep.replications, 'replication')}"),
    )


def _comparison_facts(comparison: Comparison) -> tuple[Fact, ...]:
    facts = []
    base = comparison.names[0]
    for name in comparison.names[1:]:
        cost, p95 = comparison.difference(name), comparison.difference(name, ("latency", "account", "p95"))
        refused = comparison.difference(name, REFUSED)
        facts += [
            Fact(
                f"{name} against {base}: bill {comparison.per}",
                money(cost.mean, signed=True),
                f"{money(cost.low, signed=True)} to {money(cost.high, signed=True)}, 95% interval",
            ),
            Fact(f"{name} against {base}: p95 of latency", _in_unit("latency", p95.mean, signed=True)),
            Fact(f"{name} against {base}: refused attempts", _in_unit("limits", refused.mean, signed=True)),
        ]
    return tuple(facts[:6])


def _limits_facts(advice: LimitsAdvice) -> tuple[Fact, ...]:
    worst, run = advice.worst, advice.run
    quota, demand = advice.quota, advice.quota.demand
    binding = Fact("Limit that hurts most", "none", "nothing is refused")
    if len(worst):
        first = worst.iloc[0]
        binding = Fact(
            "Limit that hurts most",
            str(first["limit"]),
            f"{first['scope']}: {percent(first['lost_share'], 1)} of events lost to it",
        )
    return (
        binding,
        Fact(
            "Attempts refused",
            percent(advice.refused.mean, 1),
            f"± {percent(advice.refused.half_width, 1)}, 95% interval",
        ),
        Fact(
            "Peak demand",
            f"{count(demand.mean)} ± {count(demand.half_width)}",
            f"the account has {quota.now:,}",
        ),
        Fact(
            "Quota to ask for",
            f"{max(quota.ask, quota.now):,}",
            "" if quota.ask > quota.now else "what there is suffices",
        ),
        Fact(
            f"Bill for {time_text(run.scenario.duration_us)}",
            money(run.charges(free_tier=False).total),
            "; ".join(
                [
                    *(["before the free tier"] if run.scenario.free_tier else []),
                    *([] if advice.plan is None else [f"{money(advice.plan.outcome.usd)} with the plan"]),
                ]
            ),
        ),
    )


def _in_percent(table: pd.DataFrame, columns: list[str], *, signed: bool = False) -> pd.DataFrame:
    return table.assign(
        **{column: [percent(share, signed=signed) for share in table[column]] for column in columns}
    )
