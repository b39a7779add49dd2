"""Exact arithmetic of money: decimals that never round, and their one rounding for print."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Clamped, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, Rounded
from fractions import Fraction
from typing import Final

_DIGITS: Final = 400
_EXACT: Final = Context(
    prec=_DIGITS, traps=[Inexact, Rounded, Overflow, InvalidOperation, DivisionByZero, Clamped]
)
_DIVIDING: Final = Context(prec=_DIGITS, traps=[Inexact, Overflow, InvalidOperation, DivisionByZero])


def quotient(count: int, divisor: int) -> Decimal:
    """Divide whole numbers to an exact decimal.

    Raises
    ------
    decimal.Inexact
        When the quotient has no finite number of digits.

    Examples
    --------
    >>> quotient(1, 1_024_000)
    Decimal('9.765625E-7')
    """
    return _DIVIDING.divide(Decimal(count), Decimal(divisor))


def product(quantity: Decimal, rate: Decimal) -> Decimal:
    """Multiply without rounding."""
    return _EXACT.multiply(quantity, rate)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Add without rounding."""
    result = Decimal(0)
    for amount in amounts:
        result = _EXACT.add(result, amount)
    return result


def per_million(amount: Decimal | Fraction | int, invocations: int) -> Fraction:
    """Give the exact cost of a million invocations.

    Parameters
    ----------
    amount : Decimal or Fraction or int
        Cost of all of them, such as a bill's total [USD].
    invocations : int
        How many there were.

    Returns
    -------
    Fraction
        [USD per million invocations].

    Raises
    ------
    ValueError
        When there is no invocation.

    Examples
    --------
    >>> per_million(Decimal("2.73"), 3_000_000)
    Fraction(91, 100)
    """
    if invocations < 1:
        raise ValueError(f"invocations must be 1 or more, got {invocations}")
    return Fraction(amount) * 1_000_000 / invocations


def plain(amount: Decimal) -> str:
    """Write a decimal without exponent and without zeros at the end.

    Examples
    --------
    >>> plain(Decimal("1.50E-7")), plain(Decimal("400000"))
    ('0.00000015', '400000')
    """
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
