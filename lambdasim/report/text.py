"""Answers about prices as a terminal shows them: 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdasim.wording import clipped, money, percent, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambdasim.finance import CostShare, PriceRefresh


def costs_text(shares: Iterable[CostShare], currency: str = "USD") -> str:
    """Write who causes a bill, the largest first.

    Parameters
    ----------
    shares : iterable of CostShare
    currency : str

    Returns
    -------
    str
        A line for each share.
    """
    return "\n".join(
        f"{clipped(one.name, 52):52} {money(one.amount, currency):>16} {percent(float(one.share), 1):>7}"
        for one in shares
    )


def refreshed_prices_text(refreshed: PriceRefresh) -> str:
    """Write which rates a Price List file changes.

    Parameters
    ----------
    refreshed : PriceRefresh

    Returns
    -------
    str
    """
    table = refreshed.frame()
    columns = ["region", "architecture", "rate", "before", "after"]
    changes = "no rate changes" if table.empty else table[columns].to_string(index=False)
    return "\n".join([changes, *map(wrapped, (f"note: {note}" for note in refreshed.notes))])
