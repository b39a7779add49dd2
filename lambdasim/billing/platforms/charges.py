"""What other platforms charge for whole-number usage: a line for each meter, with what is free taken off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from decimal import Context, Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from lambdasim.billing.exact import plain, product, quotient, total
from lambdasim.billing.tiers import cut_into_bands
from lambdasim.catalog import Knowledge
from lambdasim.catalog.prices.platform_kinds import Egress, Measure, PlatformMeter
from lambdasim.catalog.prices.platforms import counterpart, platform_of
from lambdasim.errors import InputError

MB_MS_PER_GB_S: Final = 1_024_000
MILLI_MS: Final = 1_000_000
MS_PER_HOUR: Final = 3_600_000
_S_PER_HOUR: Final = 3600
BYTES_PER_GB: Final = 1 << 30


@dataclass(frozen=True)
class PlatformUsage:
    """What a platform has counted in a month, in whole numbers.

    Attributes
    ----------
    requests : int
    milli_vcpu_ms : int
        Billed time of instances, already rounded up busy time by busy time or run by run, times thousandths of a vCPU.
    mb_ms : int
        The same times memory [MB ms].
    cpu_ms : int
        CPU time of all requests [ms].
    hours : int
        Of the month, for what is held all the time [h].
    """

    requests: int = 0
    milli_vcpu_ms: int = 0
    mb_ms: int = 0
    cpu_ms: int = 0
    hours: int = 0

    def __post_init__(self) -> None:
        """Check every count.

        Raises
        ------
        InputError
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise InputError.single(
                    "platform usage", field.name, f"must be a whole number from 0, got {value!r:.40}"
                )

    def plus(self, other: PlatformUsage) -> PlatformUsage:
        """Add the usage of another function; hours that are held are held together.

        Parameters
        ----------
        other : PlatformUsage

        Returns
        -------
        PlatformUsage
        """
        sums = {field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(self)}
        return PlatformUsage(**(sums | {"hours": max(self.hours, other.hours)}))

    def times(self, factor: Fraction) -> PlatformUsage:
        """Return the usage of so many times the time, in whole numbers; hours stay.

        Parameters
        ----------
        factor : Fraction

        Returns
        -------
        PlatformUsage
        """
        names = ("requests", "milli_vcpu_ms", "mb_ms", "cpu_ms")
        return replace(self, **{name: round(getattr(self, name) * factor) for name in names})


class PlatformCharge(NamedTuple):
    """A line of a platform's bill.

    Attributes
    ----------
    measure : str
    quantity : Decimal
        In the meter's unit: vCPU seconds, GiB seconds, GB seconds, requests, CPU milliseconds, months, hours.
    free : Decimal
        Of it without charge; 0 where what is free is taken off as money.
    rate : Decimal
        [USD per ``per`` units].
    per : int
    credit : Decimal
        Taken off as money [USD].
    amount : Decimal
        [USD].
    known, source, note : str
    """

    measure: str
    quantity: Decimal
    free: Decimal
    rate: Decimal
    per: int
    credit: Decimal
    amount: Decimal
    known: str
    source: str
    note: str


def platform_charges(
    platform: str,
    usage: PlatformUsage,
    *,
    region: str = "us-east-1",
    free: bool = True,
    off_percent: Decimal = Decimal(0),
) -> tuple[PlatformCharge, ...]:
    """Price a month's usage of another platform.

    Parameters
    ----------
    platform : str
        Key in the catalog: ``cloud_run``, ``cloud_run_instances``, ``azure_flex``, ``azure_consumption``, ``workers``,
        ``knative`` (its cluster alone).
    usage : PlatformUsage
    region : str
        AWS region; the vendor's counterpart decides on the tier of prices.
    free : bool
        Whether the account has its free grants left. What belongs to a paid plan is free in any case.
    off_percent : Decimal
        What a commitment of the payer's takes off every price [%]; free grants stay worth their list price.

    Returns
    -------
    tuple of PlatformCharge
        Exact; nothing is rounded.

    Raises
    ------
    CatalogError
        When there is no such platform.

    Notes
    -----
    Cloud Run's grants for CPU and memory are taken off as money at the price of the first tier of regions (Cloud Run
    pricing page); all others as units.

    Examples
    --------
    >>> lines = platform_charges("workers", PlatformUsage(requests=15_000_000, cpu_ms=105_000_000))
    >>> float(sum(line.amount for line in lines))
    8.0
    """
    one, place = platform_of(platform), counterpart(platform_of(platform).vendor, region)
    charges = (_charge(meter, usage, place.tier, free, place.derived) for meter in one.meters.values())
    return tuple(_discounted(charge, off_percent) for charge in charges) if off_percent else tuple(charges)


def _discounted(charge: PlatformCharge, off_percent: Decimal) -> PlatformCharge:
    """Take a share off a line's price, before what is free as money."""
    left = product(100 - off_percent, Decimal("0.01"))
    gross = product(charge.amount + charge.credit, left)
    credit = min(charge.credit, gross)
    said = f"{plain(off_percent)}% off, as given"
    return charge._replace(
        rate=product(charge.rate, left),
        credit=credit,
        amount=gross - credit,
        note="; ".join(filter(None, (charge.note, said))),
    )


def _charge(
    meter: PlatformMeter, usage: PlatformUsage, tier: int, free: bool, derived: bool
) -> PlatformCharge:
    tier = min(tier, len(meter.tiers) - 1)
    rate, quantity = meter.tiers[tier], _quantity(meter.measure, usage)
    is_free = meter.included or free
    units = Decimal(0)
    if is_free and not meter.free_as_money:
        units = min(product(meter.free, Decimal(meter.per)), quantity)
    gross = product(product(quantity - units, rate), quotient(1, meter.per))
    credit = Decimal(0)
    if is_free and meter.free_as_money:
        credit = min(product(meter.free, meter.tiers[0]), gross)
    notes = [meter.note] if meter.note and meter.shaky_tier in (-1, tier) else []
    notes += ["derived: us-east-1's, none of the region is known"] if derived else []
    return PlatformCharge(
        measure=meter.measure.value,
        quantity=quantity,
        free=units,
        rate=rate,
        per=meter.per,
        credit=credit,
        amount=gross - credit,
        known=(Knowledge.ASSUMED if derived else meter.known(tier)).value,
        source=f"{meter.source}, seen {meter.as_of.isoformat()}",
        note="; ".join(notes),
    )


def _quantity(measure: Measure, usage: PlatformUsage) -> Decimal:
    match measure:
        case Measure.VCPU_S:
            return quotient(usage.milli_vcpu_ms, MILLI_MS)
        case Measure.GIB_S | Measure.GB_S:
            return quotient(usage.mb_ms, MB_MS_PER_GB_S)
        case Measure.GB_HOURS:
            return _parts(usage.mb_ms, MB_MS_PER_GB_S * _S_PER_HOUR)
        case Measure.CPU_HOURS:
            return _parts(usage.cpu_ms, MS_PER_HOUR)
        case Measure.REQUESTS:
            return Decimal(usage.requests)
        case Measure.CPU_MS:
            return Decimal(usage.cpu_ms)
        case Measure.CLUSTER_HOURS:
            return Decimal(usage.hours)
        case Measure.MONTHS:
            return Decimal(1)


def _parts(count: int, divisor: int) -> Decimal:
    """Divide to forty digits, as hours have no exact decimals."""
    return Context(prec=40).divide(Decimal(count), Decimal(divisor))


def egress_usd(prices: Egress, size: int, *, free: bool = True) -> Decimal:
    """Price traffic to the internet in a month.

    Parameters
    ----------
    prices : Egress
    size : int
        [bytes].
    free : bool
        Whether the free part is left; what belongs to a paid plan is in any case.

    Returns
    -------
    Decimal
        [USD].
    """
    paid = max(size - int(prices.free_gb * BYTES_PER_GB), 0) if free or prices.included else size
    bounds = [None if bound is None else int(bound * BYTES_PER_GB) for bound, _ in prices.tiers]
    bands = cut_into_bands(paid, bounds)
    return total(
        product(quotient(part, BYTES_PER_GB), usd) for part, (_, usd) in zip(bands, prices.tiers, strict=True)
    )


def managed_instances_usd(
    requests: int, instance_usd_per_hour: Decimal, hours: Decimal, plan_share: Decimal = Decimal(0)
) -> Decimal:
    """Price Lambda Managed Instances.

    Parameters
    ----------
    requests : int
    instance_usd_per_hour : Decimal
        Of one instance on demand [USD].
    hours : Decimal
        Instances times hours [h].
    plan_share : Decimal
        Part that a Savings Plan takes off the instance's price; the fee follows the price on demand.

    Returns
    -------
    Decimal
        [USD].

    Examples
    --------
    >>> managed_instances_usd(100_000_000, Decimal("0.1632"), Decimal(2000), Decimal("0.72")).normalize()
    Decimal('160.352')
    """
    from lambdasim.catalog.prices.servers import managed_terms

    terms, rent = managed_terms(), product(instance_usd_per_hour, hours)
    discounted = product(rent, Decimal(1) - plan_share)
    return total(
        [discounted, product(rent, terms.fee_share), product(Decimal(requests), terms.usd_per_request)]
    )


def sum_of(charges: Iterable[PlatformCharge], *measures: Measure) -> Decimal:
    """Add the amounts of some meters; of all without any [USD]."""
    return total(one.amount for one in charges if not measures or one.measure in measures)
