"""Rules for what a function spends on the services beside it, where less would do.

Each prices its own lines without free parts, for the period that money is quoted for. What a scenario does not say (bytes
of log, units that a run uses, what is held) is not guessed: the rule is silent then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from math import ceil
from typing import Final

from lambdasim.billing import NeighbourTerms
from lambdasim.billing.exact import plain
from lambdasim.billing.neighbours.counts import (
    BYTES_PER_GB,
    MICRO,
    SHARED,
    MeterKey,
    busy_seconds,
    meter_counts,
    own_prices,
    sampled_traces,
)
from lambdasim.billing.neighbours.pricing import price_meters
from lambdasim.catalog import ChargeKind
from lambdasim.catalog.prices.meters import meter_defaults
from lambdasim.results.run import RunResult
from lambdasim.results.sources import empty_receives
from lambdasim.results.usage.as_month import Period
from lambdasim.specs.trigger import TriggerType
from lambdasim.study.limits.findings.case import Case, Finding
from lambdasim.units import US_PER_HOUR
from lambdasim.wording import money, number, percent

_MOSTLY: Final = 0.5
_CACHED: Final = {
    "secret_calls": "Secrets Manager",
    "parameter_calls": "SSM",
    "kms_calls": "KMS",
}


def meter_usd(
    meter_name: str, count: int, region: str, month: str, own_usd: Mapping[str, Decimal] | None = None
) -> Decimal:
    """Price so many counted units of a meter by themselves, without its free part.

    Parameters
    ----------
    meter_name : str
    count : int
        See ``billing.neighbours.counts.scale_of``.
    region, month : str
    own_usd : mapping of str to Decimal, optional
        See ``price_meters``.

    Returns
    -------
    Decimal
        [USD].
    """
    priced = price_meters(
        {MeterKey(month, region, meter_name, "all"): count}, free_tier=False, own_usd=own_usd
    )
    return sum((item.amount for item in priced.items), Decimal(0))


def _usd(case: Case, meter_name: str, count: int) -> float:
    if count <= 0 or not case.usage:
        return 0.0
    scenario = case.run.scenario
    return float(meter_usd(meter_name, count, scenario.region, case.usage[0].month, own_prices(scenario)))


def _counted(case: Case) -> Mapping[str, int]:
    """Count the function's own lines beside Lambda that the scenario asks for, in the period, by meter."""
    terms = NeighbourTerms.of_scenario(case.run.scenario)
    if terms is None:
        return {}
    found: Counter[str] = Counter()
    for key, count in meter_counts(case.usage, {"": terms}).items():
        if key.function == case.spec.name:
            found[key.meter] += count
    return found


def _period_runs(case: Case) -> int:
    return sum(row.requests for row in case.usage)


def _logs(case: Case) -> Iterator[Finding]:
    size = _counted(case).get("logs_lambda_gb", 0)
    logs = _usd(case, "logs_lambda_gb", size)
    compute = float(
        sum(item.amount for item in case.bill(case.usage).items if item.kind is not ChargeKind.REQUEST)
    )
    if logs <= compute or not logs:
        return
    rare = _usd(case, "logs_lambda_ia_gb", size)
    each = size / max(_period_runs(case), 1)
    less = "log less (log level, sampling, no request bodies)"
    if each <= meter_defaults().log_platform_bytes:
        less = "these are Lambda's own lines: in the JSON format the system log level WARN leaves them out"
    yield case.finding(
        "logs-above-compute",
        f"its logs cost {money(logs)} {case.per}, its runs {money(compute)}: {number(each)} bytes a run",
        logs,
        f"{less}; in the Infrequent Access class they cost {money(rare)}",
    )


def _rest(case: Case) -> Iterator[Finding]:
    if case.spec.trigger.type is not TriggerType.API_GATEWAY_REST:
        return
    if any(name.startswith("rest_cache") for name in case.run.scenario.neighbours.held):
        return
    calls = sum(row.calls for row in case.usage)
    rest, http = (_usd(case, name, calls * MICRO) for name in ("api_gateway_rest", "api_gateway_http"))
    if rest > http:
        yield case.finding(
            "rest-where-http-would-do",
            f"its calls cost {money(rest)} {case.per} through a REST API, {money(http)} through an HTTP API",
            rest - http,
            "use an HTTP API unless you need keys, usage plans, request validation, WAF or private endpoints",
        )


def _receives(case: Case) -> Iterator[Finding]:
    queue, items = case.spec.trigger.queue, case.totals.items
    if queue is None or items is None:
        return
    empty = empty_receives(items)
    calls = sum(row.calls for row in case.used)
    if not calls or empty < _MOSTLY * calls:
        return
    name = "sqs_fifo" if queue.message_groups is not None else "sqs_standard"
    paid = _usd(case, name, round(empty * case.period.factor) * MICRO)
    yield case.finding(
        "empty-receives",
        f"{percent(min(empty / calls, 1.0), 0)} of the calls to its queue are receives that find nothing: "
        f"{money(paid)} {case.per}",
        paid,
        "pollers ask whether messages come or not: let quiet queues share one, or run on a schedule",
    )


def _nat(case: Case) -> Iterator[Finding]:
    held = case.run.scenario.neighbours.held
    size = _counted(case).get("nat_gb", 0)
    if not size or not held.get("endpoint_hours"):
        return
    paid, by_endpoint = _usd(case, "nat_gb", size), _usd(case, "endpoint_gb", size)
    if paid > by_endpoint:
        yield case.finding(
            "nat-beside-endpoint",
            f"{number(size / BYTES_PER_GB)} GB go through the NAT gateway {case.per} for {money(paid)}, and there are "
            f"endpoints, where they would cost {money(by_endpoint)}",
            paid - by_endpoint,
            "route what goes to AWS services through the endpoints; those of S3 and DynamoDB cost nothing",
        )


def _zones(case: Case) -> Iterator[Finding]:
    size = _counted(case).get("transfer_zone_gb", 0)
    if paid := _usd(case, "transfer_zone_gb", size):
        yield case.finding(
            "transfer-between-zones",
            f"{number(size / BYTES_PER_GB)} GB are charged for crossing zones {case.per}: {money(paid)}",
            paid,
            "reach the service in the function's own zone, or send less; S3, SQS, SNS, Kinesis and DynamoDB are free",
        )


def _regions(case: Case) -> Iterator[Finding]:
    name = "transfer_region_gb"
    size = _counted(case).get(name, 0)
    if paid := _usd(case, name, size):
        each = own_prices(case.run.scenario)[name]
        yield case.finding(
            "transfer-between-regions",
            f"{number(size / BYTES_PER_GB)} GB go to another region {case.per} for {money(paid)}, at your own price of "
            f"{plain(each)} USD a GB",
            paid,
            "keep what it calls in the function's own region (a replica or a copy of the data), or send less: compress, "
            "send changes alone",
        )


def _secrets(case: Case) -> Iterator[Finding]:
    """Hold calls that each run makes against one for each environment."""
    runs, cold = case.totals.runs, case.totals.cold
    if not runs:
        return
    for name, service in _CACHED.items():
        each = case.spec.uses.per_run.get(name, 0.0)
        count = _counted(case).get(name, 0)
        if each < 1 or not count:
            continue
        once = ceil(Decimal(count) * cold / runs)
        paid, left = _usd(case, name, count), _usd(case, name, once)
        if paid > left:
            yield case.finding(
                "secrets-not-cached",
                f"each run calls {service} {_times(each)}: {money(paid)} {case.per}; once for each environment "
                f"would be {money(left)}",
                paid - left,
                "keep the value in the environment for a while, by the AWS Parameters and Secrets extension for instance",
            )


def _times(each: float) -> str:
    return "once" if each == 1 else f"{number(each)} times"


def _traces(case: Case) -> Iterator[Finding]:
    each = case.spec.uses.per_run.get("xray_traces", 0.0)
    if each < 1:
        return
    runs, defaults = _period_runs(case), meter_defaults()
    sampled = sum(sampled_traces(row.requests, busy_seconds(row)) for row in case.usage)
    paid, usual = (_usd(case, "xray_traces", count) for count in (round(runs * each * MICRO), sampled))
    if paid > usual:
        yield case.finding(
            "traces-at-full-sampling",
            f"every run is traced: {money(paid)} {case.per}; X-Ray's default rule would cost {money(usual)}",
            paid - usual,
            f"sample: {defaults.trace_first_per_s} a second and {defaults.trace_percent}% of the rest is the default",
        )


MONEY_CHECKS: Final[tuple[Callable[[Case], Iterator[Finding]], ...]] = (
    _logs,
    _rest,
    _receives,
    _nat,
    _zones,
    _regions,
    _secrets,
    _traces,
)


def shared_findings(run: RunResult, period: Period) -> Iterator[Finding]:
    """Look at what no one function uses: gateways that are held although nothing is said to go through them.

    Parameters
    ----------
    run : RunResult
    period : Period
        What money is of.

    Yields
    ------
    Finding
        Of the function ``(shared)``.
    """
    scenario = run.scenario
    held = scenario.neighbours.held
    gateways = held.get("nat_hours", 0.0)
    used = any("nat_gb" in spec.uses.per_run_kb for spec in scenario.functions)
    if not gateways or not held.get("endpoint_hours") or used:
        return
    hours = float(period.factor) * scenario.duration_us / US_PER_HOUR
    paid = float(
        meter_usd(
            "nat_hours",
            round(gateways * hours * MICRO),
            scenario.region,
            f"{scenario.start:%Y-%m}",
            own_prices(scenario),
        )
    )
    yield Finding(
        "nat-beside-endpoint",
        SHARED,
        f"{number(gateways)} NAT gateways are held beside endpoints for {money(paid)} {period.words}, and no function is "
        "said to send anything through them (uses.per_run_kb: nat_gb)",
        paid,
        period.name,
        "give the gateways up if nothing calls the internet",
    )
