"""Bills of other platforms: vendors' printed examples to the cent, and every free part at its bound."""

from decimal import Decimal
from fractions import Fraction

import pytest

from lambdasim.billing.platforms.charges import (
    BYTES_PER_GB,
    MB_MS_PER_GB_S,
    PlatformUsage,
    egress_usd,
    managed_instances_usd,
    platform_charges,
    sum_of,
)
from lambdasim.catalog.prices.platform_kinds import Measure
from lambdasim.catalog.prices.platforms import platform_book
from lambdasim.errors import CatalogError, InputError

MILLION = 1_000_000


def total(platform: str, usage: PlatformUsage, *, free: bool = True, region: str = "us-east-1") -> Decimal:
    return sum_of(platform_charges(platform, usage, free=free, region=region))


def test_googles_small_request_example() -> None:
    """10M x 200 ms, .167 vCPU, 256 MiB, one at a time: prints 7.25, and 12.47 without the grant for compute."""
    usage = PlatformUsage(10 * MILLION, 10 * MILLION * 200 * 167, 10 * MILLION * 200 * 256)
    assert total("cloud_run", usage) == Decimal("7.246")
    lines = platform_charges("cloud_run", usage)
    assert sum_of(lines) + sum(line.credit for line in lines) == Decimal("12.466")


def test_googles_job_at_list_price() -> None:
    """730 x 60 s of 1 vCPU and 512 MiB: free within the grant; the list price is .8322."""
    usage = PlatformUsage(0, 730 * 60_000 * 1000, 730 * 60_000 * 512)
    assert total("cloud_run_instances", usage) == 0
    assert total("cloud_run_instances", usage, free=False) == Decimal("0.8322")


def test_microsofts_gb_seconds() -> None:
    """1,110,000,000 MB-ms print 1,083.98 GB-s; half a GB for 3 s is 1.5."""
    line = platform_charges("azure_consumption", PlatformUsage(mb_ms=1_110_000_000))[0]
    assert line.quantity == Decimal("1083.984375")
    assert platform_charges("azure_flex", PlatformUsage(mb_ms=512 * 3000))[0].quantity == Decimal("1.5")


@pytest.mark.parametrize(("requests", "cpu_ms", "printed"), [(15 * MILLION, 7, "8"), (720, 180_000, "6.992")])
def test_cloudflares_examples(requests: int, cpu_ms: int, printed: str) -> None:
    """15M requests of 7 ms print 8.00, 720 of three minutes 6.99; what is included belongs to the plan."""
    usage = PlatformUsage(requests=requests, cpu_ms=requests * cpu_ms)
    assert total("workers", usage) == total("workers", usage, free=False) == Decimal(printed)


def test_awss_example_of_managed_instances() -> None:
    """100M requests, 2,000 h of m7g.xlarge at .1632, a plan of 72 %: the page prints 160.36 with EC2 rounded."""
    found = managed_instances_usd(100 * MILLION, Decimal("0.1632"), Decimal(2000), Decimal("0.72"))
    assert found == Decimal("160.352")


COUNTED = {
    Measure.VCPU_S: ("milli_vcpu_ms", MILLION),
    Measure.GIB_S: ("mb_ms", MB_MS_PER_GB_S),
    Measure.GB_S: ("mb_ms", MB_MS_PER_GB_S),
    Measure.REQUESTS: ("requests", 1),
    Measure.CPU_MS: ("cpu_ms", 1),
}
METERS = [
    (platform.key, measure, region)
    for platform in platform_book().platforms.values()
    for measure in platform.meters
    if measure in COUNTED
    for region in ("us-east-1", "eu-central-1")
]


@pytest.mark.parametrize(("platform", "measure", "region"), METERS)
def test_every_free_part_ends_where_it_ends(platform: str, measure: Measure, region: str) -> None:
    """One counted unit below and at the end of what is free cost nothing, one above costs one; money by money."""
    meter = platform_book().platforms[platform].meters[measure]
    counter, scale = COUNTED[measure]

    def amount(count: int, *, free: bool = True) -> Fraction:
        usage = PlatformUsage(**{counter: count})
        lines = platform_charges(platform, usage, region=region, free=free)
        return Fraction(sum_of(lines, measure))

    unit = amount(scale * meter.per * 3, free=False) / (scale * meter.per * 3) if not meter.included else None
    tier = min(
        1 if region == "eu-central-1" and platform.startswith("cloud_run") else 0, len(meter.tiers) - 1
    )
    one = Fraction(meter.tiers[tier]) / (meter.per * scale)
    assert unit in (None, one)
    bound = Fraction(meter.free) * meter.per * scale
    if meter.free_as_money:
        bound = bound * Fraction(meter.tiers[0]) / Fraction(meter.tiers[tier])
    last = int(bound)
    assert amount(last - 1) == amount(last) == 0
    assert amount(last + 1) == (last + 1 - bound) * one


def test_a_grant_of_money_is_worth_the_first_tiers_price_in_dear_regions() -> None:
    """Cloud Run's grants are 5.22 in all everywhere."""
    usage = PlatformUsage(0, 10**13, 10**13)
    for platform in ("cloud_run", "cloud_run_instances"):
        for region in ("us-east-1", "eu-central-1"):
            saved = total(platform, usage, free=False, region=region) - total(platform, usage, region=region)
            assert saved == Decimal("5.22")
    assert total("cloud_run", usage, free=False, region="eu-central-1") == Decimal("1.4") * total(
        "cloud_run", usage, free=False
    )


def test_a_price_that_is_disputed_is_shown_as_assumed() -> None:
    lines = {
        line.measure: line
        for line in platform_charges("cloud_run_instances", PlatformUsage(), region="sa-east-1")
    }
    assert {line.known for line in lines.values()} == {"assumed"}
    assert "others say 0.0000252" in lines["compute_vcpu_s"].note
    home = platform_charges("cloud_run_instances", PlatformUsage())
    assert {(line.known, line.note) for line in home} == {("vendor_page", "")}
    (first, *_) = platform_charges("azure_flex", PlatformUsage(), region="eu-west-1")
    assert first.known == "assumed"
    assert "derived" in first.note


@pytest.mark.parametrize("vendor", ["google", "azure", "cloudflare"])
def test_egress_is_cut_at_its_bounds(vendor: str) -> None:
    prices = platform_book().egress[vendor]
    assert egress_usd(prices, int(prices.free_gb * BYTES_PER_GB)) == 0
    below, first = Decimal(0), prices.tiers[0][1]
    for (bound, usd), (_, after) in zip(prices.tiers, prices.tiers[1:], strict=False):
        assert bound is not None
        size = int((bound + prices.free_gb) * BYTES_PER_GB)
        whole = egress_usd(prices, size)
        assert whole > below
        assert egress_usd(prices, size + BYTES_PER_GB) - whole == after
        assert whole - egress_usd(prices, size - BYTES_PER_GB) == usd
        below = whole
    assert egress_usd(prices, BYTES_PER_GB, free=False) == first


def test_usage_adds_up_scales_and_refuses_what_is_no_count() -> None:
    one = PlatformUsage(1, 2, 3, 4, 730)
    assert one.plus(one) == PlatformUsage(2, 4, 6, 8, 730)
    assert one.times(Fraction(5, 2)) == PlatformUsage(2, 5, 8, 10, 730)
    for bad in (-1, 1.5, True):
        with pytest.raises(InputError, match="requests: must be a whole number"):
            PlatformUsage(requests=bad)  # type: ignore[arg-type]
    with pytest.raises(CatalogError, match="did you mean 'cloud_run'"):
        platform_charges("cloud_runs", one)
