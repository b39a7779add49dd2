"""The lines of a bill, and each function's part of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from lambdasim.catalog import ChargeKind

LAMBDA: Final = "AWS Lambda"


@dataclass(frozen=True)
class LineItem:
    """One line of a bill.

    Attributes
    ----------
    month : str
        ``YYYY-MM`` in UTC.
    region : str
        Empty on a line of the free tier, which holds for all regions.
    architecture : str
        Empty on a line of the free tier.
    function : str
        Empty: lines are pooled over functions, as AWS prices them; see ``Bill.by_function``.
    kind : ChargeKind
    usage_type : str
        As AWS writes it, region prefix included.
    description : str
    quantity : Decimal
        Exact, in ``unit``.
    unit : str
    rate : Decimal
        [USD per unit], or in the bill's currency where it was converted.
    tier : int
        Price band from 1; 0 for the free tier.
    amount : Decimal
        Exact [USD, or the bill's currency].
    price_as_of : date
        Date of the price's source.
    is_derived : bool
        Whether the rate is not confirmed by AWS's own list.
    note : str
        How the rate is known, where it is derived or of a price book.
    list_rate : Decimal
        Without price book [as ``rate``].
    service : str
        As AWS names it.
    """

    month: str
    region: str
    architecture: str
    function: str
    kind: ChargeKind
    usage_type: str
    description: str
    quantity: Decimal
    unit: str
    rate: Decimal
    tier: int
    amount: Decimal
    price_as_of: date
    is_derived: bool
    note: str
    list_rate: Decimal
    service: str = LAMBDA

    @property
    def is_beside_lambda(self) -> bool:
        """Whether another service charges for it; provisioned pollers are Lambda's own, though a meter counts them."""
        return self.kind is ChargeKind.NEIGHBOUR and self.service != LAMBDA


@dataclass(frozen=True)
class Allocation:
    """A function's exact part of the lines of one kind.

    Attributes
    ----------
    month, region, architecture, function : str
    kind : ChargeKind
    usage_type, unit : str
    quantity : Decimal
        Its usage, free part included.
    amount : Fraction
        [USD].
    """

    month: str
    region: str
    architecture: str
    function: str
    kind: ChargeKind
    usage_type: str
    unit: str
    quantity: Decimal
    amount: Fraction
