"""A study of commitments as a terminal shows it: 80 columns."""

from __future__ import annotations

from fractions import Fraction

from lambdasim.study.commitment.tables import CommitmentOption, CommitmentTables
from lambdasim.wording import count, listed, money, percent, wrapped


def commitment_text(study: CommitmentTables) -> str:
    """Show each plan's best commitment, and the recommended one where traffic differs."""
    span = f"{count(study.hours, 'hour')} of usage" + (
        f", {study.futures} equally likely runs" if study.futures > 1 else ""
    )
    parts = [
        *([wrapped(doubt(study)), ""] if study.unlike else []),
        f"{span}: {money(study.on_demand_usd)} on demand, "
        f"{money(study.coverable_usd)} of it under a Compute Savings Plan",
        "",
        f"{'plan':25}{'off':>7}{'commit/hour':>13}{'bill':>13}{'saving':>11}{'unused':>11}",
        *(_row(option) for option in study.options),
        "",
        advice(study),
    ]
    if study.best.usd_per_hour:
        parts += [
            "",
            f"{'usage':>7}{'on demand':>15}{'committed':>15}{'best/hour':>14}{'regret':>13}",
            *(
                f"{float(case.multiple):>6.3g}x{money(case.on_demand_usd):>15}"
                f"{money(case.committed_usd):>15}{per_hour(case.best_usd_per_hour):>14}"
                f"{money(case.regret_usd):>13}"
                for case in study.cases
            ),
        ]
    return "\n".join([*parts, "", *(wrapped(f"note: {note}") for note in study.notes)])


def doubt(study: CommitmentTables) -> str:
    """Say why these hours are no sample of the years for which a commitment is paid; empty where they may be."""
    if not study.unlike:
        return ""
    return (
        f"WARNING: a commitment is paid in every hour of its years, and these {study.hours:,} hours are no sample of "
        f"them: {listed(study.unlike, 3, ' and ')}. Simulate a whole month before you buy."
    )


def per_hour(usd: Fraction) -> str:
    """Write a commitment in the digits in which it is sold."""
    return f"${float(usd):,.5f}" if usd else "none"


def _row(option: CommitmentOption) -> str:
    plan = option.plan
    years = f"{plan.years} year{'s' if plan.years > 1 else ''}"
    return (
        f"{years + ', ' + plan.payment.value.replace('_', ' '):25}{percent(float(option.discount)):>7}"
        f"{per_hour(option.usd_per_hour):>13}{money(option.total_usd):>13}"
        f"{money(option.saving_usd):>11}{money(option.unused_usd):>11}"
    )


def advice(study: CommitmentTables) -> str:
    """Say which commitment to buy, and what it saves."""
    best = study.best
    if not best.usd_per_hour:
        return "No commitment pays: usage is too small or too uneven for the discount."
    share = float(best.saving_usd / study.on_demand_usd) if study.on_demand_usd else 0.0
    text = (
        f"Commit {per_hour(best.usd_per_hour)} an hour, {best.plan.years} year"
        f"{'s' if best.plan.years > 1 else ''}, {best.plan.payment.value.replace('_', ' ')}: saves "
        f"{money(best.saving_usd)} ({share:.1%}) in {count(study.hours, 'hour')}, "
        f"{money(best.upfront_usd)} up front."
    )
    if study.futures > 1:
        low, high = min(best.regrets_usd), max(best.regrets_usd)
        text += f" Against the best commitment of each run it costs {money(low)} to {money(high)} more."
    return wrapped(text)
