"""What each hour of a month costs, and what the month's bill has come to by its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from numbers import Integral
from typing import TYPE_CHECKING

from lambdasim.billing.charges import MS_PER_S
from lambdasim.billing.distribution import needed
from lambdasim.billing.exact import product, quotient, total
from lambdasim.billing.tiers import cut_into_bands
from lambdasim.catalog import BillingRules, PriceSheet
from lambdasim.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class HourlyCosts:
    """Cost of the hours of one month, requests and duration on demand.

    Attributes
    ----------
    list_usd : tuple of Decimal, of length n_hours
        Each hour at list price: first tier, no free tier [USD per hour].
    cumulative_usd : tuple of Decimal, of length n_hours
        Exact bill of the month's usage up to the end of each hour, tiers (and free tier, where asked for) applied
        [USD]. The last is the month's bill.
    """

    list_usd: tuple[Decimal, ...]
    cumulative_usd: tuple[Decimal, ...]

    def frame(self) -> pd.DataFrame:
        """Return one row for each hour, in floating point for plots.

        Returns
        -------
        DataFrame
            ``hour`` from 0, ``list_usd`` and ``cumulative_usd``.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "hour": range(len(self.list_usd)),
                "list_usd": [float(usd) for usd in self.list_usd],
                "cumulative_usd": [float(usd) for usd in self.cumulative_usd],
            }
        )


def hourly_costs(
    requests: Iterable[int],
    mb_ms: Iterable[int],
    *,
    architecture: str,
    sheet: PriceSheet,
    rules: BillingRules,
    free_tier: bool = False,
) -> HourlyCosts:
    """Price the hours of one month of one region and architecture.

    Parameters
    ----------
    requests : iterable of int, of length n_hours
        Started attempts on demand [requests per hour].
    mb_ms : iterable of int, of length n_hours
        Billed milliseconds times memory, summed over functions [MB·ms per hour].
    architecture : str
    sheet : PriceSheet
    rules : BillingRules
    free_tier : bool
        Whether the cumulative cost has the whole free tier of the account, used up by the first hours.

    Returns
    -------
    HourlyCosts

    Raises
    ------
    InputError
        When the lengths differ or a number is not whole and from 0.
    CatalogError
        When a needed rate is unknown.

    Notes
    -----
    ``cumulative_usd`` prices the sum up to each hour, so that a tier's bound inside an hour is met exactly, and its
    last value is that of ``price`` for the same usage.

    Examples
    --------
    >>> from datetime import date
    >>> from lambdasim.catalog import billing_rules, price_sheet
    >>> costs = hourly_costs([1_000_000, 0], [1_024_000 * 60_000, 0], architecture="x86_64",
    ...                      sheet=price_sheet("us-east-1"), rules=billing_rules(date(2026, 11, 1)))
    >>> [f"{usd:.6f}" for usd in (*costs.list_usd, *costs.cumulative_usd)]
    ['1.200002', '0.000000', '1.200002', '1.200002']
    """
    request_counts, duration_counts = _whole(requests, "requests"), _whole(mb_ms, "mb_ms")
    if len(request_counts) != len(duration_counts):
        raise InputError.single(
            "hourly usage",
            "mb_ms",
            f"must be as long as requests, {len(request_counts)}, got {len(duration_counts)}",
        )
    rates = sheet.rates(architecture)
    request_usd = needed(rates.request, sheet, "request")
    first_usd = needed(rates.tiers[0].rate, sheet, "duration")
    scale = MS_PER_S * rules.mb_per_gb
    bounds = [None if tier.up_to_gb_s is None else tier.up_to_gb_s * scale for tier in rates.tiers]
    free_requests, free_mb_ms = (rules.free_requests, rules.free_gb_s * scale) if free_tier else (0, 0)

    def at_list(count: int, duration: int) -> Decimal:
        return total((product(Decimal(count), request_usd), product(quotient(duration, scale), first_usd)))

    def up_to(count: int, duration: int) -> Decimal:
        bands = cut_into_bands(max(duration - free_mb_ms, 0), bounds)
        paid = (
            product(quotient(part, scale), needed(tier.rate, sheet, "duration"))
            for part, tier in zip(bands, rates.tiers, strict=True)
            if part
        )
        return total((product(Decimal(max(count - free_requests, 0)), request_usd), *paid))

    return HourlyCosts(
        list_usd=tuple(map(at_list, request_counts, duration_counts)),
        cumulative_usd=tuple(map(up_to, accumulate(request_counts), accumulate(duration_counts))),
    )


def _whole(values: Iterable[object], name: str) -> list[int]:
    """Return numbers as Python's own, which do not overflow."""
    found = []
    for hour, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
            raise InputError.single(
                "hourly usage", f"{name}[{hour}]", f"must be a whole number from 0, got {value!r:.40}"
            )
        found.append(int(value))
    return found
