"""What a real bill has of other services: summed by month and service, and held against our lines of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache
from typing import Final, NamedTuple

from lambdasim.billing import LineItem
from lambdasim.billing.exact import total
from lambdasim.catalog import ChargeKind
from lambdasim.catalog.prices.meters import meters
from lambdasim.errors import InputError
from lambdasim.finance.actual.tables import ForeignCost
from lambdasim.wording import clipped, money

_MOST_SERVICES: Final = 10_000
UNNAMED: Final = "(not named)"
_OF_VPC: Final = ("NatGateway", "VpcEndpoint", "PublicIPv4", "DataTransfer")
"""In usage types that AWS bills under EC2 or a service of their own, and we under the VPC."""
_VPC: Final = "vpc"
_OWN: Final = "AWS Lambda: pollers, durable executions, tenants"


class ServiceLine(NamedTuple):
    """A service beside Lambda on a real bill and on ours.

    Attributes
    ----------
    month, service : str
    rows : int
        Of the real bill.
    actual_cost, our_cost, difference : Decimal
        [USD].
    note : str
    """

    month: str
    service: str
    rows: int
    actual_cost: Decimal
    our_cost: Decimal
    difference: Decimal
    note: str


class ForeignCosts:
    """Adds up rows of other services."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._sums: defaultdict[tuple[str, str], list[Decimal]] = defaultdict(
            lambda: [Decimal(0), Decimal(0)]
        )

    def add(self, period: str, service: str, usage: str, cost: Decimal) -> None:
        """Add a row.

        Parameters
        ----------
        period : str
            Month or day.
        service : str
            As the export names it; empty where it does not, and the usage type stands for it.
        usage : str
            Usage type; empty where there is none.
        cost : Decimal
            [USD].

        Raises
        ------
        InputError
            When there are more services than there can be.
        """
        known = _names()
        name = known.get(service, service or (f"usage type {usage}" if usage else UNNAMED))
        if any(part in usage for part in _OF_VPC):
            name = known[_VPC]
        found = self._sums[period[:7], name]
        found[0], found[1] = total((found[0], cost)), found[1] + 1
        if len(self._sums) > _MOST_SERVICES:
            raise InputError.single(self._where, "service", f"must be at most {_MOST_SERVICES:,} services")

    def lines(self) -> tuple[ForeignCost, ...]:
        """Return the sums, by month, the most expensive service first."""
        ordered = sorted(self._sums.items(), key=lambda one: (one[0][0], -one[1][0], one[0][1]))
        return tuple(ForeignCost(month, name, int(rows), cost) for (month, name), (cost, rows) in ordered)


def services_beside(foreign: Iterable[ForeignCost], items: Iterable[LineItem]) -> Iterator[ServiceLine]:
    """Hold the services of a real bill against ours.

    Parameters
    ----------
    foreign : iterable of ForeignCost
    items : iterable of LineItem
        Of our bill.

    Yields
    ------
    ServiceLine
        By month: services that both have, then ours alone, then what is foreign to the scenario; by cost.
    """
    ours: defaultdict[tuple[str, str], list[Decimal]] = defaultdict(list)
    for item in items:
        if item.kind is ChargeKind.NEIGHBOUR:
            ours[item.month, item.service if item.is_beside_lambda else _OWN].append(item.amount)
    theirs = {(one.month, one.service): one for one in foreign}
    found = []
    for month, service in ours.keys() | theirs.keys():
        real, mine = theirs.get((month, service)), ours.get((month, service))
        cost, own = (real.cost if real else Decimal(0)), total(mine or ())
        if real and mine:
            note = "both; the real bill has all of the account's use of it"
        else:
            note = "not on the real bill" if mine else "foreign: the scenario has no line of it"
        rank = 0 if real and mine else 1 if mine else 2
        line = ServiceLine(month, service, real.rows if real else 0, cost, own, total((cost, -own)), note)
        found.append(((month, rank, -max(cost, own), service), line))
    yield from (line for _, line in sorted(found, key=lambda one: one[0]))


def own_names(items: Iterable[LineItem]) -> Iterator[str]:
    """Say that AWS has names of its own for Lambda's lines that are compared as a service.

    Parameters
    ----------
    items : iterable of LineItem
        Of our bill.

    Yields
    ------
    str
    """
    own = total(
        item.amount for item in items if item.kind is ChargeKind.NEIGHBOUR and not item.is_beside_lambda
    )
    if own:
        yield (
            f"{money(own)} of ours is for pollers, durable executions, tenants or managed instances, and stands among "
            "the services: AWS's names of these lines of Lambda are not known, so what the real bill has alone may be "
            "theirs"
        )


def told(service: str) -> str:
    """Write a service's name, which comes from a file."""
    return clipped(service, 44)


@cache
def _names() -> dict[str, str]:
    """Return our names of services, by AWS's codes and names."""
    found: dict[str, str] = {}
    for one in meters().values():
        found |= {one.service.code: one.service.name, one.service.name: one.service.name}
    vpc = meters()["nat_hours"].service
    return found | {_VPC: vpc.name}
