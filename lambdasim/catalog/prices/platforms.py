"""Other platforms that could run what Lambda runs: what they bill, how they round, how long they keep instances."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from lambdasim.catalog.entries import Entry
from lambdasim.catalog.facts import Head, Knowledge, pick
from lambdasim.catalog.files import toml_of
from lambdasim.catalog.prices.platform_kinds import (
    AlwaysReady,
    Billed,
    Counterpart,
    Egress,
    Front,
    InstanceSize,
    Kubelet,
    ManagedSizing,
    Measure,
    Platform,
    PlatformBook,
    PlatformMeter,
    StartUp,
)

HOME: Final = "us-east-1"
EVERYWHERE: Final = "everywhere"
_FILE: Final = "platforms.toml"


def platform_of(key: str) -> Platform:
    """Look up a platform.

    Parameters
    ----------
    key : str

    Raises
    ------
    CatalogError
        When there is none of the name.

    Examples
    --------
    >>> str(platform_of("cloud_run").meters[Measure.REQUESTS].tiers[0])
    '0.40'
    """
    return pick(platform_book().platforms, key, "platform")


def counterpart(vendor: str, region: str) -> Counterpart:
    """Return the region of a vendor that is held against one of AWS; us-east-1's, marked, where none is known.

    Parameters
    ----------
    vendor, region : str

    Examples
    --------
    >>> counterpart("google", "eu-central-1")
    Counterpart(region='europe-west3', tier=1, derived=False)
    """
    known = platform_book().regions[vendor]
    found = known.get(region)
    home = known[HOME]
    return found if found is not None else home._replace(derived=home.region != EVERYWHERE)


def start_up(platform: str, runtime: str) -> StartUp | None:
    """Say how long a platform takes to start a program in the language of a runtime; None where it starts none.

    Parameters
    ----------
    platform : str
        Key.
    runtime : str
        Lambda's identifier, such as ``python3.13``.
    """
    book = platform_book()
    known = book.starts.get(platform)
    if known is None:
        return None
    language = next((name for prefix, name in book.languages.items() if runtime.startswith(prefix)), "other")
    return known.get(language, known["other"])


@cache
def platform_book() -> PlatformBook:
    """Return all platforms."""
    return platform_book_of(toml_of(_FILE))


def platform_book_of(content: Mapping[str, Any], file: str = _FILE) -> PlatformBook:
    """Make platforms of the content of a file.

    Parameters
    ----------
    content : mapping
        As ``platforms.toml`` has it.
    file : str
        Name of the file, for messages.

    Raises
    ------
    CatalogError
        With file and field, at the first thing that is missing, unknown, or of the wrong kind.
    """
    whole = Entry(content, file)
    head = Head.of(whole)
    languages = whole.entry("languages")
    book = PlatformBook(
        MappingProxyType(
            {key: _platform(key, entry, head) for key, entry in whole.named("platforms").items()}
        ),
        {vendor: _regions(entry) for vendor, entry in whole.named("regions").items()},
        {key: _starts(entry, head) for key, entry in whole.named("starts").items()},
        {prefix: languages.text(prefix) for prefix in languages.names()},
        {vendor: _egress(entry, head) for vendor, entry in whole.named("egress").items()},
        {
            vendor: {name: _front(entry.entry(name), head) for name in entry.names()}
            for vendor, entry in whole.named("fronts").items()
        },
        _kubelet(whole.entry("kubelet"), head),
        _managed(whole.entry("managed"), head),
        whole.whole("least_cpu_percent"),
    )
    whole.close()
    return book


def _platform(key: str, entry: Entry, head: Head) -> Platform:
    sizes = []
    for number, size in enumerate(entry.items("sizes")):
        if not isinstance(size, list) or len(size) != 3 or not all(isinstance(mb, int) for mb in size[1:]):
            raise entry.fault(f"sizes[{number}]", f"must be vCPUs and two sizes in MB, got {repr(size)[:40]}")
        sizes.append(InstanceSize(entry.as_amount(size[0], f"sizes[{number}]"), size[1], size[2]))
    by_size = entry.items("slots_by_size", default=())
    if by_size and len(by_size) != len(sizes):
        raise entry.fault("slots_by_size", f"must have one number for each of {len(sizes)} sizes")
    found = Platform(
        key=key,
        name=entry.text("name"),
        vendor=entry.text("vendor"),
        billed=entry.choice("billed", Billed),
        tick_ms=entry.whole("tick_ms", least=1),
        least_ms=entry.whole("least_ms"),
        life_least_ms=entry.whole("life_least_ms"),
        start_billed=entry.flag("start_billed"),
        slots=entry.whole("slots", least=1),
        slots_by_size=tuple(by_size),
        target_percent=entry.whole("target_percent", least=1),
        idle_s=entry.whole("idle_s"),
        grow_ms=entry.whole("grow_ms"),
        instances_most=entry.whole("instances_most"),
        timeout_most_s=entry.whole("timeout_most_s"),
        cpu_most_s=entry.whole("cpu_most_s") if entry.has("cpu_most_s") else 0,
        memory_step_mb=entry.whole("memory_step_mb"),
        step_vcpus=entry.amount("step_vcpus", default="0"),
        sizes=tuple(sizes),
        runtimes=entry.texts("runtimes") if entry.has("runtimes") else (),
        meters={
            _measure(entry, name): _meter(name, one, head) for name, one in entry.named("meters").items()
        },
        always_ready=_always_ready(entry.entry("always_ready"), head) if entry.has("always_ready") else None,
        source=entry.source("source", head.sources),
        as_of=entry.day("as_of", default=head.as_of),
        note=entry.text("note", default=""),
    )
    entry.close()
    return found


def _always_ready(entry: Entry, head: Head) -> AlwaysReady:
    found = AlwaysReady(
        entry.amount("executing_usd"),
        entry.amount("baseline_usd"),
        entry.source("source", head.sources),
        entry.day("as_of", default=head.as_of),
    )
    entry.close()
    return found


def _measure(entry: Entry, name: str) -> Measure:
    if name not in list(Measure):
        raise entry.fault(f"meters.{name}"[:60], f"must be one of {', '.join(Measure)}")
    return Measure(name)


def _meter(name: str, entry: Entry, head: Head) -> PlatformMeter:
    found = PlatformMeter(
        measure=Measure(name),
        per=entry.whole("per", least=1),
        tiers=tuple(
            entry.as_amount(usd, f"tiers[{number}]") for number, usd in enumerate(entry.items("tiers"))
        ),
        free=entry.amount("free"),
        free_as_money=entry.flag("free_as_money") if entry.has("free_as_money") else False,
        included=entry.flag("included") if entry.has("included") else False,
        source=entry.source("source", head.sources),
        as_of=entry.day("as_of", default=head.as_of),
        knowledge=entry.choice("knowledge", Knowledge, default=head.knowledge),
        note=entry.text("note", default=""),
        shaky_tier=entry.whole("shaky_tier") if entry.has("shaky_tier") else -1,
    )
    if not found.tiers:
        raise entry.fault("tiers", "must have a price for each tier of regions")
    entry.close()
    return found


def _regions(entry: Entry) -> dict[str, Counterpart]:
    found = {}
    for name in entry.names():
        one = entry.entry(name)
        found[name] = Counterpart(one.text("region"), one.whole("tier"), derived=False)
        one.close()
    if HOME not in found:
        raise entry.fault(HOME, "is missing; it stands in for regions without a counterpart")
    return found


def _starts(entry: Entry, head: Head) -> dict[str, StartUp]:
    found = {}
    for name in entry.names():
        one = entry.entry(name)
        ms = one.items("ms")
        if len(ms) != 3 or not all(isinstance(part, int) for part in ms) or sorted(ms) != list(ms):
            raise one.fault("ms", f"must be three rising whole numbers, got {repr(ms)[:40]}")
        found[name] = StartUp(
            (ms[0], ms[1], ms[2]),
            one.source("source", head.sources),
            one.choice("knowledge", Knowledge, default=head.knowledge),
            one.text("note", default=""),
        )
        one.close()
    if "other" not in found:
        raise entry.fault("other", "is missing; it stands in for other languages")
    return found


def _egress(entry: Entry, head: Head) -> Egress:
    places = entry.entry("places") if entry.has("places") else None
    found = Egress(
        entry.amount("free"),
        entry.bands("tiers"),
        entry.source("source", head.sources),
        entry.day("as_of", default=head.as_of),
        entry.text("note", default=""),
        {} if places is None else {name: places.bands(name) for name in places.names()},
        entry.flag("included") if entry.has("included") else False,
    )
    entry.close()
    return found


def _front(entry: Entry, head: Head) -> Front:
    found = Front(
        entry.amount("usd_per_million", default="0"),
        entry.amount("free_million", default="0"),
        entry.amount("usd_per_hour", default="0"),
        entry.amount("usd_per_gb", default="0"),
        entry.source("source", head.sources),
        entry.day("as_of", default=head.as_of),
        entry.choice("knowledge", Knowledge, default=head.knowledge),
        entry.flag("included") if entry.has("included") else False,
    )
    entry.close()
    return found


def _kubelet(entry: Entry, head: Head) -> Kubelet:
    found = Kubelet(
        entry.whole("base_mb"),
        entry.whole("mb_per_pod"),
        entry.whole("pods", least=1),
        entry.whole("eviction_mb"),
        entry.whole("cpu_millis_first"),
        entry.whole("cpu_millis_second"),
        entry.whole("nodes_least", least=1),
        entry.source("source", head.sources),
    )
    entry.close()
    return found


def _managed(entry: Entry, head: Head) -> ManagedSizing:
    steps = entry.items("requests_per_vcpu")
    for number, step in enumerate(steps):
        if not isinstance(step, list) or len(step) != 2 or not all(isinstance(part, int) for part in step):
            raise entry.fault(
                f"requests_per_vcpu[{number}]", f"must be two whole numbers, got {repr(step)[:40]}"
            )
    found = ManagedSizing(
        entry.whole("kept_vcpus"),
        entry.whole("kept_gb"),
        entry.whole("least_environment_mb", least=1),
        entry.whole("buffer_percent", least=100),
        tuple((step[0], step[1]) for step in steps),
        entry.source("source", head.sources),
    )
    entry.close()
    return found
