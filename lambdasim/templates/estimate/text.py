"""An estimate on one screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lambdasim.templates.estimate.estimate import Estimate, Range
from lambdasim.wording import clipped, count, money, number, percent, wrapped

_MOST_FUNCTIONS: Final = 6
_MOST_ASSUMED: Final = 8
_WIDE: Final = 1.1
_MANY: Final = 100


def estimate_text(found: Estimate) -> str:
    """Say what a month costs, why the range is as wide as it is, which limit comes first, and what was assumed.

    Parameters
    ----------
    found : Estimate
    """
    head, *said = map(wrapped, sentences(found))
    lines = [head, "", f"{'a month':22}{'P10':>14}{'P50':>14}{'P90':>14}"]
    lines += [
        f"{name:22}" + "".join(f"{write(value):>14}" for value in (one.p10, one.p50, one.p90))
        for name, one, write in figures(found)
    ]
    if len(found.functions) > 1:
        lines += ["", *_functions(found)]
    return "\n".join([*lines, "", *said, *_assumed(found)])


def sentences(found: Estimate) -> tuple[str, ...]:
    """Say what was estimated, what makes the range, which limit comes first, and from how much."""
    head = f"{clipped(found.origin, 50)}: {count(found.requests, 'request')} a month in {found.region}"
    return (head, *_causes(found), *_limits(found), _simulated(found))


def figures(found: Estimate) -> list[tuple[str, Range, Callable[[float], str]]]:
    """Name each figure of the month, and how it is written."""
    rows: list[tuple[str, Range, Callable[[float], str]]] = [
        ("bill", found.usd, money), ("  without free tier", found.usd_list, money),
        ("GB-seconds", found.gb_seconds, rough), ("cold starts", found.cold_share, percent),
        ("peak concurrency", found.peak_concurrency, rough),
    ]  # fmt: skip
    if found.lost_share.p90 > 0:
        rows.append(("events that fail", found.lost_share, percent))
    if len(found.functions) == 1:
        one = found.functions[0]
        rows += [("mean duration, ms", one.duration_ms, rough), ("p95 latency, ms", one.p95_ms, rough)]
    return rows


def rough(value: float) -> str:
    """Write a number in about two digits below 100."""
    return count(value) if value >= _MANY else number(float(f"{value:.2g}"))


def _functions(found: Estimate) -> list[str]:
    lines = [f"{'function':28}{'requests':>13}{'list price':>12}{'P90':>10}{'cold':>8}{'p95 ms':>9}"]
    for one in found.functions[:_MOST_FUNCTIONS]:
        middle, high = money(one.usd_list.p50), money(one.usd_list.p90)
        lines.append(
            f"{clipped(one.name, 27):28}{count(one.requests):>13}{middle:>12}{high:>10}"
            f"{percent(one.cold_share.p50, 1):>8}{count(one.p95_ms.p50):>9}"
        )
    rest = found.functions[_MOST_FUNCTIONS:]
    if rest:
        lines.append(f"and {len(rest):,} more, together {money(sum(one.usd_list.p50 for one in rest))}")
    return lines


def _simulated(found: Estimate) -> str:
    events, cases = count(float(f"{found.simulated:.2g}")), count(found.cases)
    return f"from {events} events in {cases} simulations: rare cold starts are known roughly"


def _causes(found: Estimate) -> list[str]:
    shown = [f"{name} {percent(share, 0)}" for name, share in found.causes if share >= 0.05]
    if found.usd_list.p90 <= found.usd_list.p10 * _WIDE:
        return []
    return [f"the range comes from: {', '.join(shown)}"] if shown else []


def _limits(found: Estimate) -> list[str]:
    lines = []
    peak = found.peak_concurrency.p90
    if peak > 0:
        room = found.concurrency / peak
        told = (
            f"{number(float(f'{room:.2g}'))} times this traffic fits"
            if room >= 1
            else "it must be raised, or requests are throttled"
        )
        limit = f"account concurrency {count(found.concurrency)}, peak {rough(peak)} at P90: {told}"
        lines.append(f"first limit: {limit}")
    slow = [one for one in found.functions if one.timeout_share.p90 > 0.001]
    if slow:
        worst = max(slow, key=lambda one: one.timeout_share.p90)
        named = "" if len(found.functions) == 1 else f" of {clipped(worst.name, 30)}"
        usual, often = percent(worst.timeout_share.p50, 1), percent(worst.timeout_share.p90, 1)
        lines.append(f"timeouts{named}: {usual} of runs, {often} at P90")
    return lines


def _assumed(found: Estimate) -> list[str]:
    lines = ["assumed:"] if found.assumed else []
    lines += [wrapped(one, "  - ", "    ") for one in found.assumed[:_MOST_ASSUMED]]
    more = len(found.assumed) - _MOST_ASSUMED
    return [*lines, f"  and {more:,} more"] if more > 0 else lines
