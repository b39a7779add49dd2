"""What stands before functions, and what leaves for the internet, by platform: like is held against like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from enum import StrEnum
from typing import Final

from lambdasim.billing import NeighbourTerms, Usage
from lambdasim.billing.exact import total
from lambdasim.billing.neighbours.counts import MICRO, MeterKey, meter_counts, own_prices
from lambdasim.billing.neighbours.pricing import price_meters
from lambdasim.billing.platforms.charges import BYTES_PER_GB, egress_usd
from lambdasim.catalog.prices.platforms import platform_book
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.specs.trigger import TriggerType
from lambdasim.specs.work.neighbours import NeighbourLines

AWS: Final = "aws"
_BYTES_PER_KB: Final = 1024


class Door(StrEnum):
    """How clients reach a function."""

    ADDRESS = "its own address"
    GATEWAY = "a gateway"
    BALANCER = "a load balancer"
    SOCKETS = "a WebSocket gateway"


DOORS: Final = {
    TriggerType.FUNCTION_URL: Door.ADDRESS,
    TriggerType.API_GATEWAY_HTTP: Door.GATEWAY,
    TriggerType.API_GATEWAY_REST: Door.GATEWAY,
    TriggerType.ALB: Door.BALANCER,
    TriggerType.API_GATEWAY_WEBSOCKET: Door.SOCKETS,
}
"""Triggers through which the internet reaches a function; all others are alike on every platform."""


def doors_of(scenario: ScenarioSpec) -> dict[str, Door]:
    """Return how clients reach each function that the internet reaches."""
    return {spec.name: DOORS[spec.trigger.type] for spec in scenario.functions if spec.trigger.type in DOORS}


def balancers_of(scenario: ScenarioSpec) -> float:
    """Give how many load balancers there are: as held in the scenario, else one for each function behind one.

    Parameters
    ----------
    scenario : ScenarioSpec
    """
    behind = sum(door is Door.BALANCER for door in doors_of(scenario).values())
    return scenario.neighbours.held.get("alb_hours", float(behind)) if behind else 0.0


def aws_front_usd(
    scenario: ScenarioSpec, usage: Iterable[Usage], *, free: bool, servers: bool = False
) -> Decimal:
    """Price what stands before functions on AWS in a month.

    Parameters
    ----------
    scenario : ScenarioSpec
    usage : iterable of Usage
        Of a month.
    free : bool
    servers : bool
        Whether functions run on servers, which need a load balancer before them whatever stands there on Lambda.

    Returns
    -------
    Decimal
        [USD].
    """
    doors = doors_of(scenario)
    if not doors:
        return Decimal(0)
    terms = NeighbourTerms.of_scenario(scenario, (NeighbourLines.TRIGGER,))
    assert terms is not None  # noqa: S101 - a line was asked for
    held: Mapping[str, int] = {}
    functions = {
        name: replace(
            one, log_bytes=None, per_run={}, bytes_per_run={}, trigger="alb" if servers else one.trigger
        )
        for name, one in terms.functions.items()
        if name in doors
    }
    number = balancers_of(scenario)
    if servers or Door.BALANCER in doors.values():
        held = {"alb_hours": round((max(number, 1) if servers else number) * MICRO)}
    only = NeighbourTerms(frozenset({NeighbourLines.TRIGGER}), held, functions, on_servers=servers)
    found = price_meters(meter_counts(usage, {"": only}), free_tier=free, own_usd=terms.own_usd)
    return total(item.amount for item in found.items)


def aws_egress_usd(scenario: ScenarioSpec, month: str, size: int, *, free: bool) -> Decimal:
    """Price what leaves AWS for the internet in a month, of so many bytes [USD]."""
    if not size:
        return Decimal(0)
    counts = {MeterKey(month, scenario.region, "transfer_out_gb", ""): size}
    found = price_meters(counts, free_tier=free, own_usd=own_prices(scenario))
    return total(item.amount for item in found.items)


def vendor_front_usd(
    vendor: str,
    doors: Mapping[str, Door],
    calls: Mapping[str, int],
    size: int,
    hours: int,
    *,
    free: bool,
    balancers: float = 1.0,
) -> Decimal | None:
    """Price what stands before functions at another vendor in a month.

    Parameters
    ----------
    vendor : str
    doors : mapping of str to Door
        By function.
    calls : mapping of str to int
        By function.
    size : int
        Requests and responses together [bytes].
    hours : int
        Of the month.
    free : bool
    balancers : float
        How many there are where functions are behind them.

    Returns
    -------
    Decimal or None
        [USD]; None where a price is not known.
    """
    known = platform_book().fronts.get(vendor, {})
    usd = Decimal(0)
    if Door.SOCKETS in doors.values():
        return None
    if Door.GATEWAY in doors.values():
        gateway = known.get("gateway")
        if gateway is None:
            return None
        count = sum(calls.get(name, 0) for name, door in doors.items() if door is Door.GATEWAY)
        given = int(gateway.free_million * MICRO) if free or gateway.included else 0
        usd += Decimal(max(count - given, 0)) * gateway.usd_per_million / MICRO
    if Door.BALANCER in doors.values():
        balancer = known.get("balancer")
        if balancer is None:
            return None
        usd += (
            balancer.usd_per_hour * hours * Decimal(str(balancers))
            + balancer.usd_per_gb * Decimal(size) / BYTES_PER_GB
        )
    return usd


def vendor_egress_usd(vendor: str, region: str, size: int, *, free: bool) -> Decimal:
    """Price what leaves another vendor for the internet in a month, of so many bytes [USD]."""
    prices = platform_book().egress.get(vendor)
    return Decimal(0) if prices is None else egress_usd(prices.of(region), size, free=free)


def in_bytes(kb: int) -> int:
    """Turn KB into bytes."""
    return kb * _BYTES_PER_KB
