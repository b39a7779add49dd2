"""What one invocation costs: exact distributions from histograms of billed milliseconds.

Rates are marginal: first tier, no free tier. Cost rises with the billed duration, so every quantile of the cost is the
cost of that quantile of the duration, exact without sampling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from operator import mul
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.billing.charges import MS_PER_S
from lambdasim.billing.exact import per_million, product, quotient, total
from lambdasim.billing.rules import ephemeral_billed_mb
from lambdasim.catalog import BillingRules, PriceSheet, Rate
from lambdasim.catalog.usage_types import ChargeKind
from lambdasim.errors import CatalogError, InputError

if TYPE_CHECKING:
    import pandas as pd

INT64_MAX: Final = (1 << 63) - 1


@dataclass(frozen=True, eq=False)
class InvocationCosts:
    """Exact distribution of the cost of a function's invocations.

    Attributes
    ----------
    billed_ms : ndarray of int64, shape (n_values,)
        Billed durations that occurred, rising [ms].
    counts : ndarray of int64, shape (n_values,)
        How many invocations had each, above 0.
    request_usd : Decimal
        [USD per invocation].
    usd_per_ms : Decimal
        Duration and /tmp [USD per billed ms].
    """

    billed_ms: NDArray[np.int64]
    counts: NDArray[np.int64]
    request_usd: Decimal
    usd_per_ms: Decimal

    @property
    def n(self) -> int:
        """Number of invocations."""
        return int(self.counts.sum())

    def cost(self, billed_ms: int) -> Decimal:
        """Return the exact cost of an invocation of a billed duration [USD].

        Parameters
        ----------
        billed_ms : int
            Billed duration [ms].

        Returns
        -------
        Decimal
            Request fee included [USD].
        """
        return total((self.request_usd, product(Decimal(billed_ms), self.usd_per_ms)))

    def quantile(self, q: float) -> Decimal:
        """Return the smallest cost that at least a share ``q`` of the invocations does not exceed [USD].

        Parameters
        ----------
        q : float
            Above 0, at most 1.

        Returns
        -------
        Decimal
            [USD].

        Raises
        ------
        ValueError
            When ``q`` lies outside, or there is no invocation.
        """
        rank = _rank(q, self.n)
        return self.cost(int(self.billed_ms[np.searchsorted(np.cumsum(self.counts), rank)]))

    def mean(self) -> Fraction:
        """Return the exact mean cost [USD per invocation].

        Raises
        ------
        ValueError
            When there is no invocation.
        """
        if self.n == 0:
            raise ValueError("there is no invocation")
        return Fraction(self.request_usd) + Fraction(self.usd_per_ms) * self._total_ms() / self.n

    def per_million(self) -> Fraction:
        """Return the exact cost of a million such invocations [USD]."""
        return per_million(self.mean() * self.n, self.n)

    def share_of_slowest(self, share: float) -> Fraction:
        """Return the part of the duration charge that the slowest invocations cause.

        Parameters
        ----------
        share : float
            Part of the invocations, above 0, at most 1; rounded up to whole invocations.

        Returns
        -------
        Fraction
            0 to 1; 0 where nothing was billed.

        Raises
        ------
        ValueError
            When ``share`` lies outside, or there is no invocation.

        Examples
        --------
        >>> import numpy as np
        >>> costs = InvocationCosts(np.array([10, 100]), np.array([90, 10]), Decimal(0), Decimal(1))
        >>> costs.share_of_slowest(0.05), costs.share_of_slowest(0.2)
        (Fraction(5, 19), Fraction(11, 19))
        """
        rank = _rank(share, self.n)
        slow_first = self.counts[::-1]
        taken = np.diff(np.minimum(np.cumsum(slow_first), rank), prepend=0)
        slowest_ms = int((taken * self.billed_ms[::-1]).sum())
        return Fraction(slowest_ms, self._total_ms()) if self._total_ms() else Fraction(0)

    def frame(self) -> pd.DataFrame:
        """Return the distribution as a table, one row for each billed duration, in floating point for plots.

        Returns
        -------
        DataFrame
            ``billed_ms``; ``count``; ``cost_usd`` of one invocation; ``invocations_share`` and ``duration_share``: parts
            of all invocations and of the duration charge up to this row.
        """
        import pandas as pd

        spent_ms = self.billed_ms * self.counts
        return pd.DataFrame(
            {
                "billed_ms": self.billed_ms,
                "count": self.counts,
                "cost_usd": float(self.request_usd) + self.billed_ms * float(self.usd_per_ms),
                "invocations_share": np.cumsum(self.counts) / max(self.n, 1),
                "duration_share": np.cumsum(spent_ms) / max(self._total_ms(), 1),
            }
        )

    def _total_ms(self) -> int:
        """Sum of billed durations [ms]."""
        return int((self.billed_ms * self.counts).sum())


def invocation_costs(
    billed_ms: NDArray[np.int64],
    counts: NDArray[np.int64],
    *,
    memory_mb: int,
    ephemeral_mb: int,
    architecture: str,
    sheet: PriceSheet,
    rules: BillingRules,
) -> InvocationCosts:
    """Make the distribution of the cost of on-demand invocations.

    Parameters
    ----------
    billed_ms : ndarray of int64, shape (n_values,)
        Billed durations, in any order, possibly repeated [ms].
    counts : ndarray of int64, shape (n_values,)
        Invocations of each.
    memory_mb, ephemeral_mb : int
        [MB].
    architecture : str
    sheet : PriceSheet
    rules : BillingRules

    Returns
    -------
    InvocationCosts

    Raises
    ------
    InputError
        When the arrays differ in length or hold a negative number, or their total does not fit 64 bits.
    CatalogError
        When a needed rate is unknown.
    """
    if billed_ms.shape != counts.shape or billed_ms.ndim != 1:
        raise InputError.single("histogram", "counts", f"must have the shape of billed_ms {billed_ms.shape}")
    if (billed_ms < 0).any() or (counts < 0).any():
        raise InputError.single("histogram", "", "billed_ms and counts must not be negative")
    if sum(map(mul, billed_ms.tolist(), counts.tolist())) > INT64_MAX or sum(counts.tolist()) > INT64_MAX:
        raise InputError.single("histogram", "", f"billed_ms times counts must sum to {INT64_MAX} at most")
    values, place = np.unique(billed_ms[counts > 0], return_inverse=True)
    summed = np.zeros(len(values), dtype=np.int64)
    np.add.at(summed, place, counts[counts > 0])

    rates = sheet.rates(architecture)
    above_mb = ephemeral_billed_mb(ephemeral_mb, rules)
    wanted = {ChargeKind.REQUEST: rates.request, ChargeKind.DURATION: rates.tiers[0].rate}
    if above_mb:
        wanted[ChargeKind.EPHEMERAL] = rates.ephemeral
    usd = all_needed({f"{architecture}.{kind.value}": rate for kind, rate in wanted.items()}, sheet)
    request, *per_gb_s = usd.values()
    scale = MS_PER_S * rules.mb_per_gb
    sizes = (memory_mb, above_mb)[: len(per_gb_s)]
    return InvocationCosts(
        billed_ms=values.astype(np.int64),
        counts=summed,
        request_usd=request,
        usd_per_ms=total(
            product(quotient(size, scale), one) for size, one in zip(sizes, per_gb_s, strict=True)
        ),
    )


def pooled_frame(parts: Sequence[InvocationCosts]) -> pd.DataFrame:
    """Return the distribution over several functions together.

    Parameters
    ----------
    parts : sequence of InvocationCosts

    Returns
    -------
    DataFrame
        ``cost_usd`` rising, ``count``, ``invocations_share`` and ``cost_share``: parts of all invocations and of their
        cost, request fee included, up to this row.
    """
    import pandas as pd

    cost_usd = np.concatenate([np.zeros(0), *(part.frame()["cost_usd"].to_numpy() for part in parts)])
    counts = np.concatenate([np.zeros(0, dtype=np.int64), *(part.counts for part in parts)])
    order = np.argsort(cost_usd, kind="stable")
    cost_usd, counts = cost_usd[order], counts[order]
    spent = np.cumsum(cost_usd * counts)
    return pd.DataFrame(
        {
            "cost_usd": cost_usd,
            "count": counts,
            "invocations_share": np.cumsum(counts) / max(int(counts.sum()), 1),
            "cost_share": spent / spent[-1] if len(spent) and spent[-1] > 0 else np.zeros(len(spent)),
        }
    )


def _rank(share: float, n: int) -> int:
    """Return how many of ``n`` a share is, rounded up, with the share as it is printed."""
    if n == 0:
        raise ValueError("there is no invocation")
    if not 0 < share <= 1:
        raise ValueError(f"a share must be above 0 and at most 1, got {share}")
    exact = Fraction(str(share)) * n
    return -(-exact.numerator // exact.denominator)


def needed(rate: Rate, sheet: PriceSheet, name: str) -> Decimal:
    """Return one rate [USD per unit]; see ``all_needed``."""
    return all_needed({name: rate}, sheet)[name]


def all_needed(rates: Mapping[str, Rate], sheet: PriceSheet) -> dict[str, Decimal]:
    """Return rates by name [USD per unit].

    Raises
    ------
    CatalogError
        When some are unknown, naming them all.
    """
    missing = ", ".join(name for name, rate in rates.items() if rate.usd is None)
    if missing:
        where = f"price sheet of {sheet.region}, {sheet.as_of.isoformat()}"
        raise CatalogError.single(where, missing, "unknown, and the cost needs them")
    return {name: rate.usd for name, rate in rates.items() if rate.usd is not None}
