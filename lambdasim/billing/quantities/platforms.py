"""Prices quantities of another platform by themselves: no scenario, no run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from lambdasim.billing.exact import plain, product, quotient, total
from lambdasim.billing.platforms.charges import (
    BYTES_PER_GB,
    MB_MS_PER_GB_S,
    MILLI_MS,
    MS_PER_HOUR,
    PlatformCharge,
    PlatformUsage,
    egress_usd,
    platform_charges,
)
from lambdasim.billing.quantities.aws import amount_of
from lambdasim.billing.quantities.listed import listed_charges
from lambdasim.catalog import Knowledge
from lambdasim.catalog.prices.listed import listed_platforms
from lambdasim.catalog.prices.neighbours import neighbour_price
from lambdasim.catalog.prices.platform_kinds import Measure, Platform
from lambdasim.catalog.prices.platforms import counterpart, platform_book
from lambdasim.catalog.prices.servers import Server, ec2_instances, managed_terms
from lambdasim.errors import CatalogError, InputError
from lambdasim.specs.faults import not_among
from lambdasim.views import Result
from lambdasim.wording import money, wrapped

if TYPE_CHECKING:
    import pandas as pd

_COUNTED: Final[dict[Measure, tuple[str, int]]] = {
    Measure.VCPU_S: ("milli_vcpu_ms", MILLI_MS),
    Measure.GIB_S: ("mb_ms", MB_MS_PER_GB_S),
    Measure.GB_S: ("mb_ms", MB_MS_PER_GB_S),
    Measure.GB_HOURS: ("mb_ms", MB_MS_PER_GB_S * 3600),
    Measure.CPU_HOURS: ("cpu_ms", MS_PER_HOUR),
    Measure.REQUESTS: ("requests", 1),
    Measure.CPU_MS: ("cpu_ms", 1),
    Measure.CLUSTER_HOURS: ("hours", 1),
}
EGRESS: Final = "egress_gb"
OFF: Final = "off_percent"
GOOGLE: Final = "google"
"""The vendor whose committed use discount can be given."""
SERVERS: Final = ("fargate", "ec2", "managed_instances")
_FARGATE: Final = {"vcpu_hours": "fargate_vcpu", "gb_hours": "fargate_gb", "disk_gb_hours": "fargate_disk_gb"}


@dataclass(frozen=True, repr=False)
class PlatformBill(Result):
    """What a platform asks for some quantities of a month.

    Attributes
    ----------
    platform, region : str
        The region is that of AWS for whose counterpart prices are.
    charges : tuple of PlatformCharge
    """

    platform: str
    region: str
    charges: tuple[PlatformCharge, ...]

    @property
    def total(self) -> Decimal:
        """Exact sum [USD]."""
        return total(one.amount for one in self.charges)

    def frame(self) -> pd.DataFrame:
        """Return one row for each line; columns are the fields of ``PlatformCharge``."""
        import pandas as pd

        return pd.DataFrame(self.charges, columns=list(PlatformCharge._fields))

    def text(self) -> str:
        """Write the lines and their sum, in 80 columns."""
        lines = [repr(self)]
        for one in self.charges:
            per = "" if one.per == 1 else f" per {one.per:,}"
            free = f", {plain(one.free)} free" if one.free else ""
            credit = f", {money(one.credit)} taken off" if one.credit else ""
            lines.append(
                wrapped(
                    f"{one.measure}: {plain(one.quantity)}{free} at {plain(one.rate)}{per} = "
                    f"{money(one.amount)}{credit} ({one.known}; {one.source}{'; ' if one.note else ''}{one.note})",
                    "  ",
                    "    ",
                )
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Say how much."""
        return f"{self.platform}, {self.region}: {money(self.total)}"


def price_platform(
    platform: str,
    quantities: Mapping[str, Decimal | int | str],
    *,
    region: str = "us-east-1",
    architecture: str = "x86_64",
    free_tier: bool = True,
) -> PlatformBill:
    """Price quantities of a month on another platform.

    Parameters
    ----------
    platform : str
        Of the catalog, ``fargate``, ``ec2`` or ``managed_instances``; or one that is priced by quantity alone:
        ``google_functions``, ``cloud_run_worker_pools``, ``azure_premium``, ``cloudflare_containers``, ``alibaba_fc``.
    quantities : mapping of str to Decimal, int or str
        By name, from 0; text may end in k, M or G. The meters of the platform (``requests``, ``vcpu_s``, ``gib_s``,
        ``gb_s``, ``cpu_ms``, ``cpu_hours``, ``gb_hours``, ``cluster_hours``, and ``months`` of its plan: 1, or 0 where
        the plan's price is only assumed), ``egress_gb``, and of Google ``off_percent``, what a committed use discount of
        yours takes off all but egress; of Fargate ``vcpu_hours``, ``gb_hours`` and
        ``disk_gb_hours``; of EC2 hours by instance type; of managed instances those, ``requests`` and ``plan_percent``,
        what a Savings Plan takes off the instances.
    region : str
        AWS region, or the one whose counterpart is meant.
    architecture : str
        Of Fargate.
    free_tier : bool
        Whether free grants are left.

    Returns
    -------
    PlatformBill

    Raises
    ------
    InputError, CatalogError
        When a name is not known, or a quantity is no number from 0.

    Examples
    --------
    >>> price_platform("cloud_run", {"requests": "10M", "vcpu_s": 334_000, "gib_s": 500_000})
    cloud_run, us-east-1 (us-east4): $7.25
    """
    alone = _alone(platform, quantities, region, architecture, free_tier=free_tier)
    if alone is not None:
        return PlatformBill(platform, region, tuple(alone))
    one = _run_on(platform)
    names = {measure.value.removeprefix("compute_"): measure for measure in one.meters if measure in _COUNTED}
    egress = platform_book().egress.get(one.vendor) if one.vendor != "eks" else None
    egress = None if egress is None else egress.of(region)
    listed = listed_platforms().get(platform)
    beside = {} if listed is None else listed.quantities()
    known = [*names, *([EGRESS] if egress is not None else []), *beside]
    further: dict[str, Decimal] = {}
    counts: dict[str, int] = {}
    out, plan = 0, one.meters.get(Measure.MONTHS)
    if plan is not None:
        known.append(Measure.MONTHS.value)
    months = Decimal(plan is not None and plan.knowledge is not Knowledge.ASSUMED)
    off = Decimal(0)
    if one.vendor == GOOGLE:
        known.append(OFF)
    for name, given in quantities.items():
        if name not in known:
            raise InputError.single("quantities", name[:60], not_among(name, known))
        amount = amount_of(name, given)
        if name == EGRESS:
            out = round(product(amount, Decimal(BYTES_PER_GB)))
        elif name == Measure.MONTHS:
            months = amount
        elif name == OFF:
            off = amount
        elif name in beside:
            further[name] = amount
        else:
            counter, scale = _COUNTED[names[name]]
            counts[counter] = round(product(amount, Decimal(scale)))
    if off > 100:
        raise InputError.single("quantities", OFF, f"must be from 0 to 100, got {off}")
    charges = tuple(
        line._replace(quantity=months, amount=product(months, line.rate))
        if line.measure == Measure.MONTHS
        else line
        for line in platform_charges(
            platform, PlatformUsage(**counts), region=region, free=free_tier, off_percent=off
        )
    )
    if out and egress is not None:
        usd = egress_usd(egress, out, free=free_tier)
        quantity = quotient(out, BYTES_PER_GB)
        free = min(egress.free_gb, quantity) if free_tier or egress.included else Decimal(0)
        line = PlatformCharge(
            EGRESS,
            quantity,
            free,
            egress.tiers[0][1],
            1,
            Decimal(0),
            usd,
            "vendor_page",
            f"{egress.source}, seen {egress.as_of.isoformat()}",
            egress.note,
        )
        charges = (*charges, line)
    more = [] if listed is None else listed_charges(listed, further, region, free_tier=free_tier)
    derived = counterpart(one.vendor, region).region
    place = region if derived == region else f"{region} ({derived})"
    return PlatformBill(platform, place, (*charges, *more))


def _alone(
    platform: str,
    quantities: Mapping[str, Decimal | int | str],
    region: str,
    architecture: str,
    *,
    free_tier: bool,
) -> list[PlatformCharge] | None:
    """Price what no comparison of platforms has as one: servers, and platforms that are priced by quantity alone."""
    if platform in SERVERS:
        return _servers(platform, quantities, region, architecture)
    listed = listed_platforms().get(platform)
    if listed is None or platform in platform_book().platforms:
        return None
    amounts = _amounts(quantities, tuple(listed.quantities()))
    return listed_charges(listed, amounts, region, free_tier=free_tier)


def _run_on(platform: str) -> Platform:
    book = platform_book().platforms
    if platform in book:
        return book[platform]
    names = (*book, *listed_platforms(), *SERVERS)
    raise CatalogError.single("platform", platform[:40], not_among(platform, dict.fromkeys(names)))


def _servers(
    platform: str, quantities: Mapping[str, Decimal | int | str], region: str, architecture: str
) -> list[PlatformCharge]:
    if platform == "fargate":
        return _of_fargate(quantities, region, architecture)
    known = {server.name: server for kind in ("x86_64", "arm64") for server in ec2_instances(kind, region)}
    beside = ("requests", "plan_percent") if platform == "managed_instances" else ()
    amounts = _amounts(quantities, (*known, *beside))
    terms, plan = managed_terms(), amounts.get("plan_percent", Decimal(0))
    if plan > 100:
        raise InputError.single("quantities", "plan_percent", f"must be from 0 to 100, got {plan}")
    found = []
    for name, server in known.items():
        if hours := amounts.get(name, Decimal(0)):
            rent = product(hours, server.usd_per_hour)
            credit = product(rent, product(plan, Decimal("0.01")))
            found.append(_rented(f"{name} hours", hours, server, credit, rent - credit))
            if platform == "managed_instances":
                fee = product(server.usd_per_hour, terms.fee_share)
                line = _rented(f"{name} fee", hours, server, Decimal(0), product(hours, fee))
                found.append(line._replace(rate=fee, source=terms.source, known=terms.knowledge.value))
    if requests := amounts.get("requests", Decimal(0)):
        usd = terms.usd_per_request
        found.append(
            PlatformCharge(
                "requests", requests, Decimal(0), usd, 1, Decimal(0), product(requests, usd),
                terms.knowledge.value, terms.source, "no free requests",
            )
        )  # fmt: skip
    return found


def _rented(measure: str, hours: Decimal, server: Server, credit: Decimal, amount: Decimal) -> PlatformCharge:
    source = f"{server.source}, seen {server.as_of.isoformat()}"
    known = server.knowledge.value
    return PlatformCharge(
        measure, hours, Decimal(0), server.usd_per_hour, 1, credit, amount, known, source,
        "credit is the Savings Plan's" if credit else "",
    )  # fmt: skip


def _of_fargate(
    quantities: Mapping[str, Decimal | int | str], region: str, architecture: str
) -> list[PlatformCharge]:
    amounts, found = _amounts(quantities, tuple(_FARGATE)), []
    for name, key in _FARGATE.items():
        if amount := amounts.get(name):
            price = neighbour_price(key if name == "disk_gb_hours" else f"{key}_{architecture}", region)
            rate = price.tiers[0][1]
            found.append(
                PlatformCharge(
                    name, amount, Decimal(0), rate, 1, Decimal(0), product(amount, rate), price.knowledge.value,
                    f"{price.source}, seen {price.as_of.isoformat()}", price.note,
                )
            )  # fmt: skip
    return found


def _amounts(quantities: Mapping[str, Decimal | int | str], known: tuple[str, ...]) -> dict[str, Decimal]:
    for name in quantities:
        if name not in known:
            raise InputError.single("quantities", name[:60], not_among(name, known))
    return {name: amount_of(name, given) for name, given in quantities.items()}
