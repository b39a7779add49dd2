"""What functions use of the services beside Lambda, and which of their lines a bill has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from lambdasim.catalog.prices.meters import Driver, priced_meters
from lambdasim.specs.base import CrossFault, Spec
from lambdasim.specs.faults import not_among
from lambdasim.specs.fields import NotNegative, Text, Whole

PER_RUN: Final = (Driver.RUN, Driver.CALL, Driver.TRACE)
PER_RUN_KB: Final = (Driver.KB, Driver.LOG)
HELD: Final = (Driver.HOUR, Driver.MONTH)


class NeighbourLines(StrEnum):
    """Lines that the simulated traffic drives by itself."""

    TRIGGER = "trigger"
    LOGS = "logs"
    TRACES = "traces"


class UsesSpec(Spec):
    """What a run of a function uses of the services beside Lambda."""

    log_bytes: Annotated[Whole, Field(ge=0, le=1 << 40)] | None = None
    """Bytes that a run writes to its log, beside Lambda's own lines; given, the bill has a line for logs."""
    per_run: dict[Text, NotNegative] = Field(default_factory=dict)
    """Units that a run uses, by meter: {dynamodb_writes: 2}."""
    per_run_kb: dict[Text, NotNegative] = Field(default_factory=dict)
    """KB that a run sends through a meter of data: {nat_gb: 12}."""

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want meters that count units, or bytes."""
        yield from _faults("per_run", self.per_run, PER_RUN)
        yield from _faults("per_run_kb", self.per_run_kb, PER_RUN_KB)


class NeighboursSpec(Spec):
    """Lines of the services beside Lambda; off unless asked for here, or by what a function uses."""

    include: tuple[NeighbourLines, ...] = ()
    """Lines that traffic drives by itself: trigger (the calls or events of each trigger), logs, traces."""
    held: dict[Text, NotNegative] = Field(default_factory=dict)
    """How many of each are held all the time, by meter: {nat_hours: 2, alarms: 12, secrets: 3}."""
    own_usd: dict[Text, NotNegative] = Field(default_factory=dict)
    """Prices of your own, by meter, in place of the catalog's, all its tiers: {transfer_region_gb: 0.02}. In USD for as
    many units as `lambdasim prices meters` shows. Transfer between regions has no price without one."""

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want meters of what is held, and of what is priced."""
        yield from _faults("held", self.held, HELD)
        yield from _faults("own_usd", self.own_usd, tuple(Driver))
        yield from unpriced("held", self.held, self)


def unpriced(key: str, amounts: Mapping[str, float], neighbours: NeighboursSpec) -> Iterator[CrossFault]:
    """Find meters that are used, have no price in the catalog, and none of the scenario's.

    Parameters
    ----------
    key : str
        Where they are used.
    amounts : mapping of str to float
        By meter.
    neighbours : NeighboursSpec

    Yields
    ------
    CrossFault
    """
    known = priced_meters()
    for name in amounts:
        if name in known and known[name].asked and name not in neighbours.own_usd:
            yield CrossFault((key, name), known[name].wanted)


def _faults(key: str, amounts: Mapping[str, float], drivers: tuple[Driver, ...]) -> Iterator[CrossFault]:
    known = [name for name, one in priced_meters().items() if one.driver in drivers]
    for name in amounts:
        if name not in known:
            yield CrossFault((key, name), not_among(name, known))
