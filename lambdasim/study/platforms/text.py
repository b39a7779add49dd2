"""A comparison of platforms in words: who asks what, how long clients wait, and what cannot be compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from lambdasim.catalog.equivalents import Effort
from lambdasim.catalog.prices.platform_kinds import Platform
from lambdasim.catalog.prices.platforms import counterpart, platform_book
from lambdasim.specs.function import Architecture, FunctionSpec
from lambdasim.study.platforms.fronts import doors_of
from lambdasim.study.platforms.lock_in import Tie, lock_in, tied
from lambdasim.study.platforms.payback import paid_back, paybacks
from lambdasim.study.platforms.prices import parameters
from lambdasim.study.platforms.tables import SERVERS, PlatformTables, Range
from lambdasim.units import format_duration
from lambdasim.wording import clipped, count, listed, money, number, percent, wrapped

_NAME: Final = 30
_MONEY: Final = 12
_MS: Final = 18
_MILLION: Final = 1e6
_ALIKE: Final = 0.005
_MANY: Final = 0.05
"""Share of repeated runs from which a comparison says first that it is of unlike work."""


def text(found: PlatformTables) -> str:
    """Write a comparison in at most 80 columns."""
    lines = [wrapped(headline(found)), ""]
    is_free = found.scenario.free_tier
    over = ("with free grants" if is_free else "", "without free grants")
    lines.append(f"{'':<{_NAME}}" + "".join(f"{words:>{2 * _MONEY}}" for words in over if words))
    lines.append(
        f"{f'USD {found.per.words}':<{_NAME}}" + f"{'low':>{_MONEY}}{'high':>{_MONEY}}" * (1 + is_free)
    )
    for one in found.ranges:
        usd = (one.low_usd, one.high_usd, one.low_without_usd, one.high_without_usd)[0 if is_free else 2 :]
        lines.append(_named(one) + "".join(f"{money(value):>{_MONEY}}" for value in usd))
    lines += ["", wrapped(timed(found)), f"{'latency':<{_NAME}}{'p50 ms':>{_MS}}{'p99 ms':>{_MS}}{'cold':>8}"]
    lines += [
        _named(one) + f"{_ms(one.p50_ms):>{_MS}}{_ms(one.p99_ms):>{_MS}}{_cold(one):>8}"
        for one in found.ranges
    ]
    lines += ["", wrapped(ends(found))]
    refused = list(cannot(found))
    if refused:
        lines += ["", "cannot run this scenario", *(wrapped(f"- {one}") for one in refused)]
    ties = lock_in(found.scenario)
    lines += ["", "what ties it to AWS, and what stands for it elsewhere"]
    lines += [wrapped(tied(ties)), *(wrapped(f"- {line}") for line in _elsewhere(ties))]
    lines += ["", "does leaving pay", wrapped(leaving(found))]
    lines += ["", "what cannot be compared, or is assumed"]
    lines += [wrapped(f"- {one}") for one in caveats(found)]
    lines += ["", "prices and rules, and how each is known"]
    lines += [
        wrapped(f"- {one.parameter}: {one.value} [{one.known.replace('_', ' ')}: {one.source}]")
        for one in parameters(found)
    ]
    return "\n".join(lines)


def headline(found: PlatformTables) -> str:
    """Say what Lambda asks, and who asks less."""
    ours = found.lambda_range
    said = f"{found.per.said} " if found.per.said else ""
    said += f"{found.scenario.name}: on Lambda this traffic costs {money(ours.low_usd)}"
    if ours.high_usd > ours.low_usd * (1 + _ALIKE):
        said += f" to {money(ours.high_usd)}"
    said += f" {found.per.words}, front and egress included, for {_millions(found.requests)} requests."
    known = [one for one in found.ranges[1:] if one.complete]
    below = [one for one in known if one.high_usd < ours.low_usd]
    between = [one for one in known if one not in below and one.low_usd < ours.high_usd]
    if below:
        said += f" Cheaper in every case: {listed(_asks(one) for one in below)}."
    if between:
        may = listed(_asks(one) for one in between)
        said += f" Depending on the handler and on assumptions, these may be cheaper: {may}."
    if not below and not between:
        all_known = len(known) == len(found.ranges) - 1
        said += f" No other platform {'is' if all_known else 'whose prices are all known is'} cheaper."
    if found.period == "run" and {one.key for one in below + between} & {*SERVERS, "knative"}:
        said += (
            f" Servers and nodes are counted for these {format_duration(found.scenario.duration_us)} alone, as many as "
            "the run needs, there when it begins and gone when it ends: whoever keeps them longer pays for longer."
        )
    again = _repeated(found)
    if again >= _MANY:
        said += (
            f" That is not for the same work: {percent(again, 0)} of Lambda's runs repeat what failed, and the other "
            "platforms run everything once here."
        )
    unknown = [one.platform for one in found.ranges if not one.complete]
    if unknown:
        said += (
            f" Left out of this comparison, because the price of their front is unknown: {listed(unknown)}."
        )
    return said


def timed(found: PlatformTables) -> str:
    """Say from when to when latency is."""
    if not len(found.handed_on_ms):
        return "Latency is from a client's call to the answer."
    return "Latency is from the function's invocation to its end; of clients that wait, from their call to the answer."


def _repeated(found: PlatformTables) -> float:
    return max(one.repeated_share for one in found.replications)


def leaving(found: PlatformTables) -> str:
    """Say what leaving saves and when that pays."""
    terms = found.terms
    if found.period == "run":
        return "What a move saves in a month cannot be seen from a run that is shown for itself."
    return paid_back(
        paybacks(found.ranges, terms.leaving_usd),
        terms.leaving_usd,
        all_known=all(one.complete for one in found.ranges),
    )


def _elsewhere(ties: Sequence[Tie]) -> Iterator[str]:
    """Say what stands for the pieces that are hard to move; name the others."""
    for tie in ties:
        if tie.effort in (Effort.NONE, Effort.REBUILD):
            places = {"Google": tie.google, "Azure": tie.azure, "self-run": tie.self_run}
            near = "; ".join(f"{place}: {what}" for place, what in places.items() if what)
            yield f"{tie.piece} ({tie.effort}): {tie.breaks}. {near or 'Nothing near'}."
    for effort in (Effort.ADAPT, Effort.DROP_IN):
        names = [tie.piece for tie in ties if tie.effort == effort]
        if names:
            yield f"{effort}: {'; '.join(names)}"


def _asks(one: Range) -> str:
    return f"{one.platform} ({_span(one.low_usd, one.high_usd)})"


def ends(found: PlatformTables) -> str:
    """Say what the ranges span."""
    asked = found.terms.requests_at_once
    if asked is not None:
        return f"An instance serves {count(asked, 'request')} at once, as you said. Ranges span the replications."
    return (
        "Ranges span one request at a time for each instance, and as many at once as the platform does by default: only "
        "you know whether the handler may. Give --at-once to settle it."
    )


def cannot(found: PlatformTables) -> Iterator[str]:
    """Say which platforms cannot run the scenario, and why."""
    shown = {one.key for one in found.ranges}
    book = platform_book().platforms
    refused: dict[str, str] = {}
    for one in found.replications:
        refused |= one.refused
    for key, why in refused.items():
        if key not in shown:
            yield f"{book[key].name}: {why}"
    if found.no_servers:
        yield f"Fargate, EC2, managed instances, Knative: the catalog {found.no_servers}"


def caveats(found: PlatformTables) -> Iterator[str]:
    """Say what cannot be compared, and what is assumed, of this scenario."""
    scenario, shown = found.scenario, {one.key for one in found.ranges}
    period = found.per
    yield period.basis.text(per_month=period.name == "month").rstrip(".")
    if period.name == "run":
        yield "paid by the month: a plan's fee and free grants are those of a whole month"
    if period.factor > 1:
        yield (
            f"the beginning: every platform starts this run without instances, and a month counts that "
            f"{count(float(period.factor))} times; a longer run weighs it less"
            + (
                "; where it is the fullest moment, Knative has nodes for it all the time"
                if "knative" in shown
                else ""
            )
        )
    share = max(one.not_run_share for one in found.replications)
    if share:
        yield (
            f"refused on Lambda: {percent(share)} of the requests never ran there, behind a gateway's throttle for "
            "instance; its bill and latency are those of the others, while the other platforms serve all"
        )
    again = _repeated(found)
    if again:
        yield (
            f"failures: {percent(again)} of Lambda's runs repeat what failed before; the other platforms run everything "
            "once"
        )
    if scenario.callers:
        yield (
            f"calls of {listed(scenario.callers, most=3)}: every platform gets the runs that Lambda made, as they began "
            "there, and callers wait for answers as long as on Lambda; a state machine's or a durable function's own "
            "price is left out on every side"
        )
    if len(found.handed_on_ms):
        took = (count(found.handed_on_ms.quantile(q)) for q in (0.5, 0.99))
        yield (
            "latency of what no client waits for: from the function's invocation on every platform; on Lambda such an "
            "event is done {} ms after it was sent at the median and {} ms at p99, with pollers, batches and retries; "
            "what other platforms' queues add is not modelled".format(*took)
        )
    yield from _of_functions(scenario.functions, shown)
    yield (
        "speed of one vCPU: Lambda's at 1,769 MB, any other vendor's and a shared isolate's are assumed equal; "
        "measure yours"
    )
    yield "starts: measured in 2021 or 2024, on programs without code of their own; today's may differ"
    if shown & set(SERVERS):
        yield (
            f"servers: as many as the break-even has, {percent(found.terms.servers.utilization, 0)} full at the "
            f"{found.period}'s fullest moment; always warm; latency without the wait for a shared CPU"
        )
    starting = sorted({name for one in found.replications for name in one.starts_at_peak})
    if starting and shown & set(SERVERS):
        yield (
            f"INIT at the fullest moment of {listed(starting, most=3)}: that moment is one of environments that start, "
            "whose INIT counts as if servers, managed instances too, had it: they need fewer"
        )
    doors = doors_of(scenario)
    if doors:
        yield (
            "fronts: a function's own address is compared with the platform's, a gateway with its gateway, a load "
            "balancer with its load balancer; servers and Knative always have a load balancer"
        )
    names = [one.platform for one in found.ranges if not one.complete]
    if names:
        yield f"* front: its price is unknown and left out for {listed(names)}"
    for key, platform in platform_book().platforms.items():
        if key in shown:
            yield from _of_platform(platform, scenario.region)
    yield (
        "left out on every side: queues and other services behind the function, logs, retries and order of events, "
        "support fees, service levels, discounts and commitments, people's time"
    )


def _of_functions(functions: tuple[FunctionSpec, ...], shown: set[str]) -> Iterator[str]:
    if any(spec.architecture is Architecture.ARM64 for spec in functions):
        yield "arm64: the other clouds run x86_64 here, with the CPU time that the scenario has for x86_64"
    unknown = [spec.name for spec in functions if spec.work.max_memory_mb is None]
    if unknown:
        said = f"memory used by {listed(unknown, most=3)}: not in the scenario (work.max_memory_mb)"
        said += ", so others get what is configured"
        said += ", Azure's Consumption plan from 128 MB to that" if "azure_consumption" in shown else ""
        yield said + (", and Workers are assumed to have enough" if "workers" in shown else "")
    shared = list(dict.fromkeys(spec.shares for spec in functions if spec.shares is not None))
    if shared:
        yield (
            f"several ways into {listed(shared, most=3)}: on other clouds one service answers all of them, with the "
            "function's settings"
        )
    if any(spec.trigger.queue is not None or spec.trigger.stream is not None for spec in functions):
        yield (
            "queues and streams: on other platforms each message or record is a request of its own; on Lambda a batch is "
            "one run, whose time is that of each of its messages"
        )
    if "workers" in shown:
        yield "Workers: a run's timers, memory and libraries are not those of Node.js"


def _of_platform(platform: Platform, region: str) -> Iterator[str]:
    place = counterpart(platform.vendor, region)
    if platform.vendor == "google":
        tier = f"{place.region}, price tier {place.tier + 1}"
        yield f"{platform.name}: {tier}{'; no counterpart of ' + region + ' is known' if place.derived else ''}"
    elif platform.vendor == "azure" and place.derived:
        yield f"{platform.name}: prices of {place.region}; those near {region} were not collected"
    if platform.note:
        yield f"{platform.name}: {platform.note}"
    for meter in platform.meters.values():
        if meter.note and meter.shaky_tier in (-1, place.tier):
            yield f"{platform.name}, {meter.measure.value.replace('_', ' ')}: {meter.note}"


def _named(one: Range) -> str:
    name = clipped(one.platform, _NAME - 2) + ("" if one.complete else "*")
    return f"{name:<{_NAME}}"


def _cold(one: Range) -> str:
    low, high = one.cold_share
    return percent(high, 1) if high else percent(low, 0)


def _ms(ends_ms: tuple[float, float]) -> str:
    low, high = (count(value) for value in ends_ms)
    return low if low == high else f"{low}-{high}"


def _span(low: float, high: float) -> str:
    shown = [money(usd) for usd in (low, high)]
    return shown[0] if high <= low * (1 + _ALIKE) else f"{shown[0]} to {shown[1]}"


def _millions(requests: float) -> str:
    return f"{number(requests / _MILLION)} million" if requests >= _MILLION else count(requests)
