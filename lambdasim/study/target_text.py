"""Targets and what keeps them, in words of 80 columns."""

from __future__ import annotations

from typing import Final

from lambdasim.results.run import RunResult
from lambdasim.study.target_plan import TargetPlan, Tried
from lambdasim.study.targets import targets_text
from lambdasim.units import format_duration
from lambdasim.wording import clipped, count, money, percent

_MOST_SHOWN: Final = 12
_WORDS: Final = {"age": "message age", "drain": "time to drain", "lost": "lost events"}


def plan_text(run: RunResult, plan: TargetPlan) -> str:
    """Say whether targets are kept, and what was simulated to keep them; see ``plan_sentences`` for what to set.

    Parameters
    ----------
    run : RunResult
        The scenario as it is.
    plan : TargetPlan

    Returns
    -------
    str
    """
    lines = targets_text(run, plan.targets).split("\n")
    if plan.tried:
        lines += ["", f"{'simulated':<52} {'worst':>9} {'USD':>10}  kept"]
        shown = sorted(plan.tried, key=lambda one: (not one.meets, one.excess, one.usd))
        for one in shown[:_MOST_SHOWN]:
            lines.append(_row(one))
        more = len(shown) - _MOST_SHOWN
        lines += [f"and {more} more that come less near"] if more > 0 else []
        lines.append("worst: the worst measure over its target")
    return "\n".join(lines)


def _row(one: Tried) -> str:
    worst = f"{one.excess:,.2f}x" if one.excess < 10_000 else "> 10,000x"
    return f"{clipped(one.words(), 52):<52} {worst:>9} {one.usd:>10,.4f}  {'yes' if one.meets else 'no'}"


def plan_sentences(run: RunResult, plan: TargetPlan) -> list[str]:
    """Say what to change so that the targets are kept, a thought in each sentence.

    Parameters
    ----------
    run : RunResult
        The scenario as it is.
    plan : TargetPlan

    Returns
    -------
    list of str
    """
    if plan.now.meets:
        return ["Every target is kept as it is."]
    missed = [one for one in plan.now.kept if not one.is_met]
    told = [f"{one.function} misses {one.target}: it reaches {one.written}." for one in missed[:3]]
    if plan.best is None:
        return [*told, f"None of {count(len(plan.tried), 'simulated change')} comes nearer."]
    best = plan.best
    was = {(one.function, one.target.measure): one for one in plan.now.kept}
    moves = [
        f"{_WORDS.get(one.target.measure, one.target.measure)} of {one.function} goes from "
        f"{one.target.written(was[one.function, one.target.measure].value)} to {one.target.written(one.value)}"
        for one in best.kept
        if not was[one.function, one.target.measure].is_met
    ]
    length = format_duration(run.scenario.duration_us)
    cost = f"the bill of {length} goes from {money(plan.now.usd)} to {money(best.usd)}"
    tier = " before the free tier" if run.scenario.free_tier else ""
    refused = ""
    if plan.now.refused_share or best.refused_share:
        refused = (
            f", refused attempts from {percent(plan.now.refused_share)} to {percent(best.refused_share)}"
        )
    seeds = f" It keeps all targets with {plan.seeds_met} of {count(plan.seeds, 'seed')}."
    start = "Set" if best.meets else "Nothing that was simulated keeps all targets; nearest comes"
    return [*told, f"{start} {best.words()}: {', '.join(moves)}; {cost}{tier}{refused}.{seeds}"]
