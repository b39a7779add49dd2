"""Who causes the bill: exact costs by function, tag or account, the largest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from lambdasim.billing import Bill, account_of
from lambdasim.billing.exact import total
from lambdasim.errors import InputError
from lambdasim.wording import count

UNTAGGED: Final = "(untagged)"
UNNAMED: Final = "(one account)"


@dataclass(frozen=True)
class CostShare:
    """What one function, or all functions with one value of a tag or of one account, cost.

    Attributes
    ----------
    name : str
        Function or value of the tag; ``(untagged)``, and ``(7 others)`` for what is not among the largest.
    amount : Decimal
        Exact, in the bill's currency.
    share : Fraction
        Part of the bill; 0 where the bill is 0.
    functions : int
        How many functions are in it.
    """

    name: str
    amount: Decimal
    share: Fraction
    functions: int


def allocated_costs(
    bill: Bill,
    *,
    tag: str | None = None,
    tags: Mapping[str, Mapping[str, str]] | None = None,
    by_account: bool = False,
    top: int | None = None,
) -> tuple[CostShare, ...]:
    """Allocate a bill to functions, to the values of a tag, or to accounts.

    Parameters
    ----------
    bill : Bill
    tag : str, optional
        Key of the tag; without one, by function.
    tags : mapping, optional
        Tags by function, as ``Origin.tags`` has them.
    by_account : bool
        By account instead, see ``billing.in_account``.
    top : int, optional
        How many of the largest to tell apart, 1 or more; the rest becomes one row.

    Returns
    -------
    tuple of CostShare
        Largest first; the amounts sum to the bill, exactly.

    Raises
    ------
    InputError
        When ``top`` is below 1.

    Notes
    -----
    Tiers and the free tier are pooled over the payer's functions, as AWS does. What a pool costs is shared in proportion
    to usage, so that nobody's cost depends on who came first, see ``Bill.shares``.

    Examples
    --------
    >>> from lambdasim.billing import Usage, price
    >>> rows = [Usage("2026-11", "us-east-1", name, "arm64", 128, 512, "zip", "python3.13", requests=n)
    ...         for name, n in (("a", 9_000_000), ("b", 2_000_000), ("c", 1_000_000))]
    >>> [(one.name, str(one.amount)) for one in allocated_costs(price(rows, free_tier=False), top=1)]
    [('a', '1.8000000'), ('(2 others)', '0.6000000')]
    """
    if top is not None and top < 1:
        raise InputError.single("allocation", "top", f"must be 1 or more, got {top}")
    amounts: defaultdict[str, list[Decimal]] = defaultdict(list)
    members: defaultdict[str, set[str]] = defaultdict(set)
    known = tags or {}
    for share in bill.shares():
        if by_account:
            name = account_of(share.function)[0] or UNNAMED
        else:
            name = share.function if tag is None else known.get(share.function, {}).get(tag, UNTAGGED)
        amounts[name].append(share.amount)
        members[name].add(share.function)
    sums = {name: total(found) for name, found in amounts.items()}
    ordered = sorted(sums, key=lambda name: (-sums[name], name))
    largest, rest = (ordered, []) if top is None else (ordered[:top], ordered[top:])
    rows = [(name, sums[name], len(members[name])) for name in largest]
    if rest:
        many = sum(len(members[name]) for name in rest)
        rows.append((f"({count(len(rest), 'other')})", total(sums[name] for name in rest), many))
    whole = Fraction(bill.total)
    return tuple(
        CostShare(name, amount, Fraction(amount) / whole if whole else Fraction(0), count)
        for name, amount, count in rows
    )
