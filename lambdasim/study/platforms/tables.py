"""What a comparison of platforms found, as numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from lambdasim.engine.totals.histogram import Histogram, together
from lambdasim.results.usage.as_month import Period, period_of
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.platforms.settings import PlatformTerms
from lambdasim.study.server_costs import Option

if TYPE_CHECKING:
    import pandas as pd

_QUANTILES = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
_PARTS = ("compute", "requests", "front", "egress", "fixed")


LAMBDA: Final = "lambda"
SERVERS: Final = {"fargate": Option.FARGATE, "ec2": Option.EC2, "managed_instances": Option.MANAGED}
NAMES: Final = {
    LAMBDA: "AWS Lambda",
    "fargate": "Fargate",
    "ec2": "EC2",
    "managed_instances": "Lambda Managed Instances",
}


class Offer(NamedTuple):
    """What a platform asks for a month like the run, or for the run, in one replication.

    Attributes
    ----------
    key, platform : str
    at_once : int
        Requests that an instance serves at once; 0 where the platform does not say.
    size : str
        Of an instance, or which servers.
    compute, requests, front, egress, fixed : Decimal
        USD in the period; front is None where its price is not known.
    without_grants : Decimal
        The whole without free grants [USD in the period].
    latency_ms : Histogram
        From the function's invocation to its end; of clients that wait, from their call to the answer.
    cold_share : float
        Of requests that wait for an environment or instance to start.
    peak : int
        Most instances at once; 0 where there are none.
    """

    key: str
    platform: str
    at_once: int
    size: str
    compute: Decimal
    requests: Decimal
    front: Decimal | None
    egress: Decimal
    fixed: Decimal
    without_grants: Decimal
    latency_ms: Histogram
    cold_share: float
    peak: int

    @property
    def usd(self) -> Decimal:
        """The whole, with free grants where the scenario has its free tier [USD in the period]."""
        return self.compute + self.requests + (self.front or Decimal(0)) + self.egress + self.fixed


class Replication(NamedTuple):
    """All offers of one replication.

    Attributes
    ----------
    offers : tuple of Offer
    refused : mapping of str to str
        Why a platform cannot run the scenario, by its key.
    requests : int
        Of the period, on Lambda.
    not_run_share : float
        Of events that clients or other services sent to Lambda: those that no run ever began for, since a gateway
        throttled them for instance. Queues and streams are left out.
    repeated_share : float
        Of runs on Lambda: those that repeat what failed there before, which the other platforms run once.
    handed_on_ms : Histogram
        From being sent to being done on Lambda, of messages, records and asynchronous events; empty where there are none.
    starts_at_peak : tuple of str
        Functions whose fullest moment is one of environments that start, see ``server_demand.FunctionEvidence``.
    """

    offers: tuple[Offer, ...]
    refused: Mapping[str, str]
    requests: int
    not_run_share: float
    repeated_share: float
    handed_on_ms: Histogram
    starts_at_peak: tuple[str, ...] = ()


class Range(NamedTuple):
    """What a platform asks, over everything that the scenario does not decide.

    Attributes
    ----------
    key, platform : str
    low_usd, high_usd : float
        In the period: over the ways to set it up, and the replications.
    low_without_usd, high_without_usd : float
        The same without free grants.
    p50_ms, p99_ms : (float, float)
        Lowest and highest over the ways to set it up [ms].
    cold_share : (float, float)
    complete : bool
        Whether every price is known; else the money leaves something out.
    """

    key: str
    platform: str
    low_usd: float
    high_usd: float
    low_without_usd: float
    high_without_usd: float
    p50_ms: tuple[float, float]
    p99_ms: tuple[float, float]
    cold_share: tuple[float, float]
    complete: bool = True


@dataclass(frozen=True, eq=False, repr=False)
class PlatformTables:
    """What a comparison of platforms found, as numbers.

    Attributes
    ----------
    scenario : ScenarioSpec
    terms : PlatformTerms
    replications : tuple of Replication
    no_servers : str
        Why there are no servers; empty where there are.
    period : {"month", "run"}
        What money and requests are of.
    """

    scenario: ScenarioSpec
    terms: PlatformTerms
    replications: tuple[Replication, ...]
    no_servers: str
    period: str = "month"

    @property
    def per(self) -> Period:
        """The period of money and requests."""
        return period_of(self.scenario, self.period)

    @property
    def requests(self) -> float:
        """Requests of the period on Lambda, mean over replications."""
        return float(np.mean([one.requests for one in self.replications]))

    @property
    def handed_on_ms(self) -> Histogram:
        """What messages, records and asynchronous events take on Lambda from being sent on; empty without any."""
        return together(*(one.handed_on_ms for one in self.replications))

    def together(self) -> Iterator[tuple[Offer, ...]]:
        """Give the offers of one way to set a platform up, one of each replication.

        Yields
        ------
        tuple of Offer
        """
        yield from zip(*(one.offers for one in self.replications), strict=True)

    @cached_property
    def table(self) -> pd.DataFrame:
        """Every way to set a platform up.

        Returns
        -------
        DataFrame
            ``key``, ``platform``, ``at_once`` (0 where the platform does not say), ``size``; ``usd`` in the period, its
            ``low_usd`` and ``high_usd`` of the replications, ``without_grants_usd``; the parts ``compute_usd``,
            ``requests_usd``, ``front_usd`` (NaN where the price is not known), ``egress_usd``, ``fixed_usd``; ``p50_ms``,
            ``p95_ms``, ``p99_ms`` of latency over all replications; ``cold_share``; ``peak`` instances.
        """
        import pandas as pd

        return pd.DataFrame([_row(offers) for offers in self.together()])

    @cached_property
    def ranges(self) -> tuple[Range, ...]:
        """One range for each platform, Lambda first, then by the lower end."""
        found = []
        for key, rows in self.table.groupby("key", sort=False):
            without = [
                float(offer.without_grants)
                for offers in self.together()
                for offer in offers
                if offer.key == key
            ]
            found.append(
                Range(
                    str(key),
                    str(rows["platform"].iloc[0]),
                    float(rows["low_usd"].min()),
                    float(rows["high_usd"].max()),
                    min(without),
                    max(without),
                    _ends(rows["p50_ms"]),
                    _ends(rows["p99_ms"]),
                    _ends(rows["cold_share"]),
                    not rows["front_usd"].isna().any(),
                )
            )
        return tuple(sorted(found, key=lambda one: (one.key != LAMBDA, one.low_usd, one.key)))

    @property
    def lambda_range(self) -> Range:
        """Lambda's own range."""
        return self.ranges[0]


def _row(offers: Sequence[Offer]) -> dict[str, object]:
    first, usd = offers[0], [float(offer.usd) for offer in offers]
    latency = together(*(offer.latency_ms for offer in offers))
    parts = {
        f"{name}_usd": float(
            np.mean(
                [float("nan") if getattr(one, name) is None else float(getattr(one, name)) for one in offers]
            )
        )
        for name in _PARTS
    }
    return {
        "key": first.key,
        "platform": first.platform,
        "at_once": first.at_once,
        "size": first.size,
        "usd": float(np.mean(usd)),
        "low_usd": min(usd),
        "high_usd": max(usd),
        "without_grants_usd": float(np.mean([float(one.without_grants) for one in offers])),
        **parts,
        **{name: latency.quantile(q) for name, q in _QUANTILES.items()},
        "cold_share": float(np.mean([one.cold_share for one in offers])),
        "peak": max(one.peak for one in offers),
    }


def _ends(values: pd.Series[float]) -> tuple[float, float]:
    return float(values.min()), float(values.max())
