"""Quotas of Step Functions that are reported and not simulated: how many starts of executions would be refused."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from lambdasim.catalog import limit
from lambdasim.engine.rates import RateLimit, allows, spend
from lambdasim.wording import count

if TYPE_CHECKING:
    from lambdasim.engine.contract import Plan
    from lambdasim.engine.machines import MachinePlan

_MOST_STARTS: Final = 100_000
_LARGE: Final = ("us-east-1", "us-west-2", "eu-west-1")
_NS_PER_S: Final = 1_000_000_000


def refused_starts(plan: Plan, region: str) -> Iterator[str]:
    """Say how many executions the quotas of starts would refuse, standard and express ones apart.

    Parameters
    ----------
    plan : Plan
    region : str

    Yields
    ------
    str
        A sentence where any of the first 100,000 starts would be refused.

    References
    ----------
    AWS Step Functions Developer Guide, quotas: StartExecution is a token bucket of the account in a region.
    """
    elsewhere = "" if region in _LARGE else "_elsewhere"
    burst, rate = (limit(f"step_functions_starts_{name}{elsewhere}").value for name in ("burst", "per_s"))
    express = limit("step_functions_express_starts_per_s").value
    started = [machine for machine in plan.machines if not machine.is_child and machine.durable < 0]
    for kind, most, per_s, machines in (
        ("standard", burst, rate, [machine for machine in started if not machine.memory_mb]),
        ("express", express, express, [machine for machine in started if machine.memory_mb]),
    ):
        starts, refused = _refused(machines, most, per_s)
        if refused:
            yield (
                f"StartExecution of {kind} state machines lets {most:,} at once and {per_s:,} a second in {region}: "
                f"{refused:,} of the first {count(starts, 'start')} would be refused with a 429, which is not simulated"
            )


def _refused(machines: list[MachinePlan], burst: int, per_s: int) -> tuple[int, int]:
    """Count starts, and those that a token bucket refuses."""
    bucket: Any = RateLimit(burst, _NS_PER_S // per_s)
    starts = refused = 0
    times = merge(*(_times(machine) for machine in machines))
    for time_us in islice(times, _MOST_STARTS):
        starts += 1
        if allows(bucket, time_us):
            spend(bucket, time_us)
        else:
            refused += 1
    return starts, refused


def _times(machine: MachinePlan) -> Iterator[int]:
    for chunk in machine.arrivals():
        yield from chunk.tolist()
