"""A study of commitments as a terminal shows it: 80 columns."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from lambdasim.study.commitment.tables import CommitmentOption, CommitmentTables
from lambdasim.wording import count, listed, money, percent, wrapped

_PLANS: Final = ("plan", "off", "commit/hour", "bill", "saving", "unused")
_USAGE: Final = ("usage", "on demand", "committed", "best/hour", "regret")
CASES: Final = "if usage differs, of what a plan covers alone"


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
        *_aligned(_PLANS, [_row(option) for option in study.options]),
        "",
        advice(study),
    ]
    if study.best.usd_per_hour:
        parts += [
            "",
            wrapped(f"{CASES} ({money(study.coverable_usd)} of {money(study.on_demand_usd)} on demand)"),
            *_aligned(
                _USAGE,
                [
                    (
                        f"{float(case.multiple):.3g}x",
                        money(case.on_demand_usd),
                        money(case.committed_usd),
                        per_hour(case.best_usd_per_hour),
                        money(case.regret_usd),
                    )
                    for case in study.cases
                ],
            ),
        ]
    return "\n".join([*parts, "", *(wrapped(f"note: {note}") for note in study.notes)])


def doubt(study: CommitmentTables) -> str:
    """Say why these hours are no sample of the years for which a commitment is paid; empty where they may be."""
    if not study.unlike:
        return ""
    return (
        f"WARNING: a commitment is paid in every hour of its years, and {_these(study.hours)} no sample of "
        f"them: {listed(study.unlike, 3, ' and ')}. Simulate a whole month before you buy."
    )


def per_hour(usd: Fraction) -> str:
    """Write a commitment in the digits in which it is sold."""
    return f"${float(usd):,.5f}" if usd else "none"


def _these(hours: int) -> str:
    return "this hour is" if hours == 1 else f"these {hours:,} hours are"


def _row(option: CommitmentOption) -> tuple[str, ...]:
    plan = option.plan
    years = f"{plan.years} year{'s' if plan.years > 1 else ''}"
    return (
        f"{years}, {plan.payment.value.replace('_', ' ')}",
        percent(float(option.discount)),
        per_hour(option.usd_per_hour),
        money(option.total_usd),
        money(option.saving_usd),
        money(option.unused_usd),
    )


def _aligned(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """Lay out columns, the first to the left, at least two spaces apart however wide an amount is."""
    table = [heads, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    ]


def advice(study: CommitmentTables) -> str:
    """Say which commitment to buy, and what it saves."""
    best = study.best
    if not best.usd_per_hour:
        return "No commitment pays: usage is too small or too uneven for the discount."
    share = float(best.saving_usd / study.on_demand_usd) if study.on_demand_usd else 0.0
    text = (
        f"Commit {per_hour(best.usd_per_hour)} an hour, {best.plan.years} year"
        f"{'s' if best.plan.years > 1 else ''}, {best.plan.payment.value.replace('_', ' ')}: saves "
        f"{money(best.saving_usd)} ({share:.1%} of the whole bill) in {count(study.hours, 'hour')}, "
        f"{money(best.upfront_usd)} up front."
    )
    if study.futures > 1:
        low, high = min(best.regrets_usd), max(best.regrets_usd)
        text += f" Against the best commitment of each run it costs {money(low)} to {money(high)} more."
    return wrapped(text)
