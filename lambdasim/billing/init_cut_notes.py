"""What a bill says of INIT that was cut off at its cap, which it does not charge."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final

from lambdasim.billing.charges import counted_per_billed_unit
from lambdasim.billing.exact import product, quotient
from lambdasim.billing.usage import Usage
from lambdasim.catalog import BillingRules, CountedIn, timing
from lambdasim.units import US_PER_MS
from lambdasim.wording import count, listed, money, number

_MOST_NAMES: Final = 3


def init_cut_notes(
    usages: Iterable[Usage], rules: BillingRules, rate: Callable[[Usage], Decimal], currency: str
) -> list[str]:
    """Say how many cold starts had INIT cut off, and what the bill would be if AWS charged for it.

    Parameters
    ----------
    usages : iterable of Usage
        Of a month to which the rules apply.
    rules : BillingRules
    rate : callable
        Gives the rate of a GB-s of a row's first tier.
    currency : str

    Returns
    -------
    list of str
        Empty where no INIT was cut off, or INIT is not billed.

    Notes
    -----
    AWS's pages say that INIT has at most 10 s on demand and is tried again inside the invocation, and that INIT is
    billed; of the part that was cut off they say nothing. REPORT lines of such starts have it in no Billed Duration.
    """
    cut = [
        row
        for row in usages
        if row.init_cut_ms
        and not row.snap_start
        and rules.init_is_billed(row.package_type, row.runtime, row.snap_start)
    ]
    if not cut:
        return []
    cap = timing("init_cap_on_demand_s")
    starts = round(sum(row.init_cut_ms for row in cut) / (cap.us // US_PER_MS))
    scale = counted_per_billed_unit(CountedIn.MB_MS, rules)
    used = [quotient(row.init_cut_ms * row.memory_mb, scale) for row in cut]
    paid = sum((product(gb_s, rate(row)) for gb_s, row in zip(used, cut, strict=True)), Decimal(0))
    names = listed(sorted({row.function for row in cut}), _MOST_NAMES, " and ")
    return [
        f"{names}, {cut[0].month}: {count(starts, 'cold start')} had INIT cut off at its cap of {cap.value} s and run "
        "again inside the run; the part that was cut off is not charged here. AWS does not say whether it is; if so, "
        f"the bill is up to {number(float(sum(used)))} GB-s, {money(paid, currency)}, too low"
    ]
