"""A bill in another currency, by a rate that the user gives; no rate is ever fetched or guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

from lambdasim.billing.bill import Bill
from lambdasim.billing.exact import plain, product
from lambdasim.billing.lines import LineItem
from lambdasim.errors import InputError

_CODE: Final = re.compile(r"[A-Z]{3}")
_MOST_DIGITS: Final = 20


@dataclass(frozen=True)
class ExchangeRate:
    """What a dollar is worth in another currency on a day.

    Attributes
    ----------
    currency : str
        ISO 4217 code, such as ``EUR``.
    per_usd : Decimal
        [units of the currency per USD].
    on : date
        Day of the rate.
    source : str
        Where the rate is from; may be empty.
    """

    currency: str
    per_usd: Decimal
    on: date
    source: str = ""

    def __post_init__(self) -> None:
        """Check every value.

        Raises
        ------
        InputError
            Naming the field, the value and what is allowed.
        """
        if not isinstance(self.currency, str) or not _CODE.fullmatch(self.currency):
            raise self._fault("currency", "an ISO 4217 code such as EUR", self.currency)
        rate = self.per_usd
        is_rate = isinstance(rate, Decimal) and rate.is_finite() and rate > 0
        if not is_rate or len(rate.as_tuple().digits) > _MOST_DIGITS or abs(rate.adjusted()) > _MOST_DIGITS:
            raise self._fault("per_usd", f"a Decimal above 0 with at most {_MOST_DIGITS} digits", rate)
        if self.currency == "USD" and rate != 1:
            raise self._fault("per_usd", "1 for USD", rate)
        if not isinstance(self.on, date) or isinstance(self.on, datetime):
            raise self._fault("on", "a datetime.date", self.on)

    @staticmethod
    def _fault(field: str, allowed: str, value: object) -> InputError:
        return InputError.single("exchange rate", field, f"must be {allowed}, got {repr(value)[:40]}")

    def __str__(self) -> str:
        """Say the rate with its day."""
        known = f", {self.source}" if self.source else ""
        return f"1 USD = {plain(self.per_usd)} {self.currency} on {self.on.isoformat()}{known}"


def converted(bill: Bill, rate: ExchangeRate) -> Bill:
    """Convert a bill of USD.

    Parameters
    ----------
    bill : Bill
        In USD.
    rate : ExchangeRate

    Returns
    -------
    Bill
        Every rate and amount times the exchange rate, exactly; a note says which.

    Raises
    ------
    InputError
        When the bill is not in USD.

    Examples
    --------
    >>> from lambdasim.billing import Usage, price
    >>> row = Usage("2026-11", "us-east-1", "app", "x86_64", 128, 512, "zip", "python3.13", requests=3_000_000)
    >>> converted(price([row]), ExchangeRate("EUR", Decimal("0.92"), date(2026, 11, 30)))
    Bill(0.37 EUR, 2 lines, 2026-11)
    """
    if bill.currency != "USD":
        raise InputError.single("exchange rate", "bill", f"must be in USD, is in {bill.currency[:3]}")
    lines = {id(item): _line(item, rate.per_usd) for item in bill.items}
    return Bill(
        items=tuple(lines.values()),
        allocations=tuple(
            replace(part, amount=part.amount * Fraction(rate.per_usd)) for part in bill.allocations
        ),
        notes=(*bill.notes, f"converted: {rate}"),
        currency=rate.currency,
        pools=tuple(
            replace(
                pool,
                free_line=None if pool.free_line is None else lines[id(pool.free_line)],
                lines=tuple(lines[id(line)] for line in pool.lines),
            )
            for pool in bill.pools
        ),
    )


def _line(item: LineItem, per_usd: Decimal) -> LineItem:
    return replace(
        item,
        rate=product(item.rate, per_usd),
        amount=product(item.amount, per_usd),
        list_rate=product(item.list_rate, per_usd),
    )
