"""What leaving would save, and for how long it would have to, to pay for the move."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from math import inf, nan
from typing import Final, NamedTuple

from lambdasim.study.platforms.tables import Range
from lambdasim.wording import count, listed, money

AFFORDABLE_MONTHS: Final = 24
"""Months within which a move is to pay for itself, where no price of a move is given."""
_LONGEST: Final = 120


class Payback(NamedTuple):
    """What moving to a platform saves.

    Attributes
    ----------
    platform : str
    low_saving_usd, high_saving_usd : float
        A month, over both ends of the ranges; below 0 where the platform asks more.
    affordable_usd : float
        Most that a move may cost to be paid for within 24 months, by the lower saving; 0 where there is none.
    low_months, high_months : float
        Until the move is paid for; NaN where its price was not given, infinite where it never is.
    """

    platform: str
    low_saving_usd: float
    high_saving_usd: float
    affordable_usd: float
    low_months: float
    high_months: float


def paybacks(ranges: Iterable[Range], leaving_usd: Decimal | None) -> Iterator[Payback]:
    """Give what moving to each platform saves; the first range is Lambda's.

    Parameters
    ----------
    ranges : iterable of Range
    leaving_usd : Decimal or None
        What the move costs once, people's time included [USD].

    Yields
    ------
    Payback
        None of a platform of which a price is not known.
    """
    ours, *others = ranges
    for one in (one for one in others if one.complete):
        low, high = ours.low_usd - one.high_usd, ours.high_usd - one.low_usd
        fast, slow = (
            (nan, nan) if leaving_usd is None else (_months(leaving_usd, high), _months(leaving_usd, low))
        )
        yield Payback(one.platform, low, high, max(low, 0.0) * AFFORDABLE_MONTHS, fast, slow)


def _months(price: Decimal, saving: float) -> float:
    return float(price) / saving if saving > 0 else inf


def paid_back(found: Iterable[Payback], leaving_usd: Decimal | None, *, all_known: bool = True) -> str:
    """Say in a sentence what leaving saves and when that pays.

    Parameters
    ----------
    found : iterable of Payback
    leaving_usd : Decimal or None
    all_known : bool
        Whether every platform that was looked at is among those found; else some price is not known.

    Returns
    -------
    str
    """
    saving = [one for one in found if one.high_saving_usd > 0]
    if not saving:
        if not all_known:
            return "No platform whose prices are all known is cheaper; whether a move to another pays is not known."
        return "No platform is cheaper, so no move pays for itself."
    if leaving_usd is None:
        sure = [one for one in saving if one.low_saving_usd > 0]
        if not sure:
            return (
                "Whether a move saves anything depends on the handler and on what is assumed; give --leaving-usd, what "
                "it would cost, to see the months."
            )
        said = listed(
            f"{money(one.affordable_usd)} for {one.platform} (saves {money(one.low_saving_usd)} a month at least)"
            for one in sure
        )
        return (
            f"To pay for itself within {AFFORDABLE_MONTHS} months a move may cost at most {said}. Give --leaving-usd, "
            "what it would cost, to see the months."
        )
    said = "; ".join(f"{one.platform}, {_span(one)}" for one in saving)
    return f"When a move that costs {money(leaving_usd)} has paid for itself: {said}."


def _span(one: Payback) -> str:
    if one.low_months > _LONGEST:
        return f"not within {_LONGEST // 12} years"
    best = f"after {count(one.low_months, 'month')}"
    if one.high_months > _LONGEST:
        return f"{best} at best, not within {_LONGEST // 12} years at worst"
    if one.high_months - one.low_months < 0.05 * one.low_months:
        return f"after {count(one.high_months, 'month')}"
    return f"{best} to {count(one.high_months)}"
