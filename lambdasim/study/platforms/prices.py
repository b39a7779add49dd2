"""What a comparison of platforms rests on: every price with its source and date, rules and start-ups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lambdasim.billing.neighbours.counts import own_prices
from lambdasim.catalog import Knowledge, price_sheet
from lambdasim.catalog.prices.meters import meter, meters
from lambdasim.catalog.prices.platform_kinds import Billed, Egress, Front, Measure, Platform
from lambdasim.catalog.prices.platforms import counterpart, platform_book, start_up
from lambdasim.errors import CatalogError
from lambdasim.results.parameters import Parameter
from lambdasim.study.platforms.fronts import DOORS, Door, doors_of
from lambdasim.study.platforms.tables import SERVERS, PlatformTables
from lambdasim.study.server_costs import Option, fleets_of
from lambdasim.study.server_prices import server_rows
from lambdasim.units import format_duration
from lambdasim.wording import clipped, count, number

_MILLION: Final = 1_000_000
_WORDS: Final = {
    Measure.VCPU_S: "vCPU-s",
    Measure.GIB_S: "GiB-s",
    Measure.GB_S: "GB-s",
    Measure.GB_HOURS: "GB-hours",
    Measure.CPU_HOURS: "CPU-hours",
    Measure.CPU_MS: "CPU-ms",
    Measure.MONTHS: "month of the plan",
    Measure.CLUSTER_HOURS: "cluster-hours",
}


def parameters(found: PlatformTables) -> Iterator[Parameter]:
    """List prices, rules and start-ups of the platforms shown, and how each is known."""
    shown, region = {one.key for one in found.ranges}, found.scenario.region
    yield from _aws(found, shown)
    for key, platform in platform_book().platforms.items():
        if key not in shown:
            continue
        place = counterpart(platform.vendor, region)
        for measure, one in platform.meters.items():
            rate = one.tiers[min(place.tier, len(one.tiers) - 1)]
            per, many = ("", "") if one.per == 1 else (f" a {_units(one.per)}", f" {_units(one.per)}")
            known = (
                Knowledge.ASSUMED
                if place.derived and platform.vendor != "cloudflare"
                else one.known(place.tier)
            )
            yield Parameter(
                f"{platform.name}: {_words(measure)}",
                f"{rate:f} USD{per}" + (f"; free {one.free:,f}{many}" if one.free else ""),
                known.value,
                f"{one.source}, seen {one.as_of.isoformat()}",
            )
        if platform.always_ready is not None and found.terms.always_ready:
            ready = platform.always_ready
            yield Parameter(
                f"{platform.name}: always ready",
                f"{count(found.terms.always_ready, 'instance')} of each function, as given; {ready.baseline_usd:f} USD "
                f"a GB-s all the time, {ready.executing_usd:f} more while they serve",
                Knowledge.VENDOR_PAGE.value,
                f"{ready.source}, seen {ready.as_of.isoformat()}",
            )
        yield Parameter(
            f"{platform.name}: rules",
            _rules(platform),
            Knowledge.VENDOR_PAGE.value,
            f"{platform.source}, seen {platform.as_of.isoformat()}",
        )
        for spec in found.scenario.functions[:8]:
            known_start = start_up(key if key in platform_book().starts else "cloud_run", spec.runtime)
            if known_start is not None and platform.billed is not Billed.CPU:
                low, middle, high = known_start.ms
                yield Parameter(
                    f"{platform.name}: start of {clipped(spec.name, 40)}",
                    f"{low:,} to {high:,} ms, median {middle:,} ms",
                    known_start.knowledge.value,
                    known_start.source,
                )
    off = found.terms.google_off_percent
    if off:
        yield Parameter(
            "Cloud Run: committed use discount", f"{off:f}% off", Knowledge.GIVEN.value, "your contract"
        )
    yield from _around(found, shown)


def _rules(platform: Platform) -> str:
    parts = [f"billed by {platform.billed.value}", f"steps of {number(platform.tick_ms)} ms"]
    if platform.least_ms:
        parts.append(f"at least {number(platform.least_ms)} ms")
    if platform.billed not in (Billed.CPU,):
        parts.append(f"idle instances kept {format_duration(platform.idle_s * 1_000_000)}")
        parts.append(f"{platform.slots} at once by default, another at {platform.target_percent}%")
    return ", ".join(parts)


def _units(per: int) -> str:
    return "million" if per == _MILLION else count(per)


def _words(measure: Measure) -> str:
    return _WORDS.get(measure, measure.value)


def _aws(found: PlatformTables, shown: set[str]) -> Iterator[Parameter]:
    """List AWS's own prices: Lambda's, its fronts', its egress, and those of the servers shown."""
    scenario = found.scenario
    sheet = price_sheet(scenario.region, scenario.price_date)
    free = "with" if scenario.free_tier else "without"
    yield Parameter(
        "AWS Lambda: rates",
        f"{scenario.region}, {free} free tier; see `lambdasim prices show`",
        Knowledge.AWS_PAGE.value,
        f"as of {sheet.as_of}",
    )
    doors = doors_of(scenario)
    triggers = {spec.trigger.type for spec in scenario.functions if spec.trigger.type in DOORS}
    names = [one.name for one in meters().values() if triggers & set(one.triggers)]
    names += ["alb_hours"] if Door.BALANCER in doors.values() or shown & {"fargate", "ec2", "knative"} else []
    for name in (*names, "transfer_out_gb") if doors else ():
        one = meter(name)
        own = own_prices(scenario).get(name)
        price = one.price(scenario.region) if own is None else one.own_price(own, scenario.billing_day)
        rate = price.tiers[0][1]
        per = f" a {_units(one.per)}" if one.per > 1 else f" a {one.unit.removesuffix('s').replace('H', 'h')}"
        more = ", less in later tiers" if len(price.tiers) > 1 else ""
        yield Parameter(
            f"AWS: {one.description}",
            f"{rate:f} USD{per}{more}",
            Knowledge.ASSUMED.value if price.derived_from else price.knowledge.value,
            price.source if price.is_own else f"{price.source}, seen {price.as_of.isoformat()}",
        )
    if shown & (set(SERVERS) | {"knative"}):
        try:
            fleets = fleets_of(scenario, found.terms.servers)
        except CatalogError:
            return
        options = {SERVERS[key] for key in shown & set(SERVERS)} | (
            {Option.EC2} if "knative" in shown else set()
        )
        options |= {Option.EC2} if Option.MANAGED in options else set()
        yield from server_rows({option: fleet for option, fleet in fleets.items() if option in options})


def _around(found: PlatformTables, shown: set[str]) -> Iterator[Parameter]:
    """List what other vendors ask for fronts and for traffic to the internet."""
    book, doors = platform_book(), set(doors_of(found.scenario).values())
    vendors = dict.fromkeys(one.vendor for key, one in book.platforms.items() if key in shown)
    for vendor in vendors:
        for name, door in (("gateway", Door.GATEWAY), ("balancer", Door.BALANCER)):
            front = book.fronts.get(vendor, {}).get(name)
            if door in doors and front is not None:
                yield _front(vendor, name, front)
        egress = book.egress.get(vendor)
        if doors and egress is not None:
            yield _egress(vendor, egress.of(found.scenario.region))


def _front(vendor: str, name: str, front: Front) -> Parameter:
    if name == "gateway":
        value = f"{front.usd_per_million:f} USD a million calls; free {front.free_million:f} million"
    else:
        value = f"{front.usd_per_hour:f} USD an hour, {front.usd_per_gb:f} USD a GB"
    source = f"{front.source}, seen {front.as_of.isoformat()}"
    return Parameter(f"{vendor.capitalize()}: {name}", value, front.knowledge.value, source)


def _egress(vendor: str, egress: Egress) -> Parameter:
    more = ", less in later tiers" if len(egress.tiers) > 1 else ""
    value = f"{egress.tiers[0][1]:f} USD a GB{more}; free {egress.free_gb:,f} GB"
    source = f"{egress.source}, seen {egress.as_of.isoformat()}"
    return Parameter(
        f"{vendor.capitalize()}: traffic to the internet", value, Knowledge.VENDOR_PAGE.value, source
    )
