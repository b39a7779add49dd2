"""Each line of a bill shared out to functions in whole counted units, so that every part is an exact decimal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from lambdasim.billing.charges import PoolKey
from lambdasim.billing.exact import product, quotient
from lambdasim.billing.lines import LineItem
from lambdasim.billing.tiers import FreeSharing, share_free


@dataclass(frozen=True)
class PricedPool:
    """Usage that was priced together, and the lines that came of it.

    Attributes
    ----------
    key : PoolKey
    usage_type : str
        As AWS writes it, region prefix included.
    scale : int
        Counted units in one billed unit.
    counts : tuple of (str, int)
        Count of each function, in order of name.
    free_line : LineItem or None
        The free tier's line that took a part of the pool. It may have taken from other pools too.
    free_count : int
        That part.
    lines : tuple of LineItem
        Paid lines, by tier.
    """

    key: PoolKey
    usage_type: str
    scale: int
    counts: tuple[tuple[str, int], ...]
    free_line: LineItem | None
    free_count: int
    lines: tuple[LineItem, ...]


@dataclass(frozen=True)
class Share:
    """A function's part of one line.

    Attributes
    ----------
    line : LineItem
    region, architecture : str
        Of the usage, on a line of the free tier as well.
    function : str
    metered_as : str
        Usage type under which the usage would be paid for: on the line itself, but for the free tier's.
    quantity : Decimal
        Exact, in the line's unit.
    amount : Decimal
        Quantity times the line's rate, exact.
    """

    line: LineItem
    region: str
    architecture: str
    function: str
    metered_as: str
    quantity: Decimal
    amount: Decimal


def shares_of(pool: PricedPool) -> Iterator[Share]:
    """Share a pool's lines, the free one first, between its functions.

    Yields
    ------
    Share
        With a quantity above 0. Over functions they sum to each line, over lines to each function's usage.

    Notes
    -----
    Every function has the same part of each line, by usage, to a whole counted unit (a request, an MB-ms, a byte): each
    line in turn is shared in proportion to what of the functions' usage is left, and largest remainders get the last
    units. So the parts differ from ``Bill.by_function`` by less than the price of a few units.

    Examples
    --------
    >>> from lambdasim.billing import Usage, price
    >>> rows = [Usage("2026-11", "us-east-1", name, "arm64", 128, 512, "zip", "python3.13", requests=n)
    ...         for name, n in (("a", 1_000_000), ("b", 500_001))]
    >>> [f"{part.function} {part.quantity} {part.line.usage_type}" for part in price(rows).shares()]
    ['a 666666 Global-Request', 'b 333334 Global-Request', 'a 333334 Request-ARM', 'b 166667 Request-ARM']
    """
    lines: Sequence[LineItem] = pool.lines
    counts = [int(Fraction(line.quantity) * pool.scale) for line in lines]
    if pool.free_line is not None and pool.free_count:
        lines, counts = (pool.free_line, *lines), [pool.free_count, *counts]
    left = dict(pool.counts)
    for line, count in zip(lines, counts, strict=True):
        given = share_free(count, left, {}, FreeSharing.PROPORTIONAL)
        for function, part in given.items():
            left[function] -= part
            if part:
                quantity = quotient(part, pool.scale)
                yield Share(
                    line=line,
                    region=pool.key.region,
                    architecture=pool.key.architecture,
                    function=function,
                    metered_as=pool.usage_type,
                    quantity=quantity,
                    amount=product(quantity, line.rate),
                )
