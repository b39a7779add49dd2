"""What a meter is: unit, tiers, free part, prices by region, and what counts on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from lambdasim.catalog.facts import Knowledge
from lambdasim.errors import CatalogError

HOME: Final = "us-east-1"
KB_PER_GB: Final = 1 << 20
OWN_PRICE: Final = "your own price, neighbours.own_usd"


class Driver(StrEnum):
    """What counts on a meter.

    ``call``: events, or calls with every attempt of a synchronous caller, at a trigger. ``run``: each started run.
    ``kb``, ``log``: bytes of each run. ``trace``: sampled runs. ``start``: new environments of
    functions with tenant isolation. ``lcu``: capacity of a load balancer. ``hour``: whole
    hours for which so many are held. ``month``: parts of a month for which so many are held.
    """

    CALL = "call"
    RUN = "run"
    KB = "kb"
    LOG = "log"
    TRACE = "trace"
    START = "start"
    LCU = "lcu"
    HOUR = "hour"
    MONTH = "month"


@dataclass(frozen=True)
class Service:
    """A service beside Lambda, as bills and FOCUS name it.

    Attributes
    ----------
    name, code : str
    category, subcategory : str
        Of FOCUS.
    """

    name: str
    code: str
    category: str
    subcategory: str


@dataclass(frozen=True)
class MeterPrice:
    """A meter's price in a region.

    Attributes
    ----------
    tiers : tuple of (Decimal or None, Decimal)
        Upper bound [``per`` units a month], None for the last, and price [USD per ``per`` units].
    source : str
    as_of : date
    knowledge : Knowledge
    derived_from : str
        Region whose price stands in; empty where the region's own is known.
    """

    tiers: tuple[tuple[Decimal | None, Decimal], ...]
    source: str
    as_of: date
    knowledge: Knowledge
    derived_from: str = ""

    @property
    def is_own(self) -> bool:
        """Say whether a scenario gives it."""
        return self.knowledge is Knowledge.GIVEN

    @property
    def note(self) -> str:
        """How the price is known; empty where it was read from AWS."""
        if self.is_own:
            return self.source
        if self.derived_from:
            return f"derived: {self.derived_from}'s, none of the region is known"
        return "" if self.knowledge is Knowledge.AWS_PAGE else f"{self.knowledge.value}: {self.source}"


@dataclass(frozen=True)
class Meter:
    """Something that a service charges for.

    Attributes
    ----------
    name : str
    service : Service
    description, unit : str
    per : int
        Units that have the price.
    driver : Driver
    free : Decimal
        Free part [``per`` units a month, of the payer's account over all regions].
    pool : str
        Meters of one pool share the free part.
    triggers : tuple of str
        Types of triggers whose calls count on it.
    chunk_kb : int
        A call counts once for each started chunk of so much; 0 for any size.
    note : str
    prices : mapping of str to MeterPrice
        By region.
    kb_per_gb : int
        KB of 1,024 bytes in what the meter calls a GB.
    asked : str
        Why there are no prices, so that a scenario must give its own; empty where there are.
    """

    name: str
    service: Service
    description: str
    unit: str
    per: int
    driver: Driver
    free: Decimal
    pool: str
    triggers: tuple[str, ...]
    chunk_kb: int
    note: str
    prices: Mapping[str, MeterPrice]
    kb_per_gb: int = KB_PER_GB
    asked: str = ""

    def own_price(self, usd: Decimal, day: date) -> MeterPrice:
        """Make a price that a scenario gives of it.

        Parameters
        ----------
        usd : Decimal
            [USD per ``per`` units].
        day : date
            That it is taken to be of.
        """
        return MeterPrice(((None, usd),), OWN_PRICE, day, Knowledge.GIVEN)

    def price(self, region: str) -> MeterPrice:
        """Return the price in a region; us-east-1's, marked, where none of the region is known.

        Parameters
        ----------
        region : str

        Raises
        ------
        CatalogError
            When it has none, see ``asked``.

        Examples
        --------
        >>> from lambdasim.catalog.prices.meters import meter
        >>> meter("api_gateway_rest").price("eu-central-1").tiers[0]
        (Decimal('333'), Decimal('3.70'))
        >>> meter("api_gateway_rest").price("sa-east-1").note
        "derived: us-east-1's, none of the region is known"
        """
        if self.asked:
            raise CatalogError.single("meters", self.name, self.wanted)
        if region in self.prices:
            return self.prices[region]
        home = self.prices[HOME]
        return MeterPrice(home.tiers, home.source, home.as_of, home.knowledge, HOME)

    @property
    def wanted(self) -> str:
        """Say that a price is to be given, for messages."""
        return f"has no price here, since {self.asked}: give yours, neighbours.own_usd: {{{self.name}: USD}}"
