"""What usage of functions counts on the meters of the services beside Lambda, in whole numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Final, NamedTuple

from lambdasim.billing.accounts import account_of
from lambdasim.billing.usage import Usage
from lambdasim.catalog import timing
from lambdasim.catalog.prices.managed import instance_type
from lambdasim.catalog.prices.meters import Driver, Meter, meter, meter_defaults, meters
from lambdasim.specs.sources.stream import Capacity
from lambdasim.specs.trigger import TriggerType
from lambdasim.specs.work.neighbours import NeighbourLines
from lambdasim.units import US_PER_S

if TYPE_CHECKING:
    from lambdasim.specs.function import FunctionSpec
    from lambdasim.specs.scenario import ScenarioSpec

MICRO: Final = 1_000_000
BYTES_PER_KB: Final = 1024
BYTES_PER_GB: Final = 1 << 30
SHARED: Final = "(shared)"
"""Name under which a bill shows what no one function uses: gateways held, alarms, keys."""
_S_PER_HOUR: Final = 3600
_MB_PER_GB: Final = 1024
_MS_PER_S: Final = 1000
ARM64: Final = "arm64"
_BYTES: Final = (Driver.KB, Driver.LOG)
_CALLED_ONLY: Final = TriggerType.ASYNC.value
"""Trigger of a function that is handed events which are on the bill elsewhere."""
_POLLERS: Final = {TriggerType.KAFKA.value: "kafka_poller_hours"}


class MeterKey(NamedTuple):
    """What counts are added up by.

    Attributes
    ----------
    month, region, meter, function : str
    """

    month: str
    region: str
    meter: str
    function: str


@dataclass(frozen=True)
class FunctionTerms:
    """What one function uses.

    Attributes
    ----------
    trigger : str
        Its type; ``sqs_fifo`` for a FIFO queue.
    log_bytes : int or None
        Of a run, beside Lambda's own lines; None where nothing was said.
    per_run : mapping of str to int
        By meter, in millionths of a unit.
    bytes_per_run : mapping of str to int
        By meter of data.
    shards : int
        Of a Kinesis stream that invokes it.
    on_demand, fan_out, long_kept : bool
        Whether that stream is paid for by its data, is read by a consumer of its own, and keeps records beyond a day.
    operations, written_bytes, retention_s : int
        Of a durable execution: operations in millionths, what it writes, and how long that is kept after its end [s].
    instance_type : str
        Of managed instances; empty on demand.
    """

    trigger: str
    log_bytes: int | None = None
    per_run: Mapping[str, int] = field(default_factory=dict)
    bytes_per_run: Mapping[str, int] = field(default_factory=dict)
    shards: int = 0
    on_demand: bool = False
    fan_out: bool = False
    long_kept: bool = False
    operations: int = 0
    written_bytes: int = 0
    retention_s: int = 0
    instance_type: str = ""

    @classmethod
    def of(cls, spec: FunctionSpec) -> FunctionTerms:
        """Take the terms of a spec."""
        uses, trigger = spec.uses, spec.trigger
        is_fifo = trigger.queue is not None and trigger.queue.message_groups is not None
        stream = trigger.stream if trigger.type is TriggerType.KINESIS else None
        return cls(
            "sqs_fifo" if is_fifo else _CALLED_ONLY if trigger.events_of else trigger.type.value,
            uses.log_bytes,
            {name: _micro(amount) for name, amount in uses.per_run.items()},
            {name: round(Decimal(str(kb)) * BYTES_PER_KB) for name, kb in uses.per_run_kb.items()},
            0 if stream is None else stream.shards,
            stream is not None and stream.capacity is Capacity.ON_DEMAND,
            stream is not None and stream.enhanced_fan_out,
            stream is not None and stream.retention_us > timing("stream_retention_s").us,
            instance_type="" if spec.managed_instances is None else spec.managed_instances.instance_type,
            **_durable(spec),
        )


@dataclass(frozen=True)
class NeighbourTerms:
    """Which lines of the services beside Lambda a bill has.

    Attributes
    ----------
    include : frozenset of NeighbourLines
        Lines that traffic drives by itself.
    held : mapping of str to int
        What is held all the time, by meter, in millionths.
    functions : mapping of str to FunctionTerms
    own_usd : mapping of str to Decimal
        Prices that the scenario gives, by meter [USD per ``Meter.per`` units].
    on_servers : bool
        Whether servers stand behind load balancers in place of functions.
    """

    include: frozenset[NeighbourLines]
    held: Mapping[str, int]
    functions: Mapping[str, FunctionTerms]
    own_usd: Mapping[str, Decimal] = field(default_factory=dict)
    on_servers: bool = False

    @classmethod
    def of_scenario(
        cls, scenario: ScenarioSpec, include: Iterable[NeighbourLines] = ()
    ) -> NeighbourTerms | None:
        """Take the terms of a scenario; None where it asks for no line and keeps no pollers.

        Parameters
        ----------
        scenario : ScenarioSpec
        include : iterable of NeighbourLines
            Further lines.
        """
        found = cls(
            frozenset((*scenario.neighbours.include, *include)),
            {name: _micro(amount) for name, amount in scenario.neighbours.held.items()},
            {spec.name: FunctionTerms.of(spec) for spec in scenario.functions},
            own_prices(scenario),
        )
        uses = any(
            one.per_run or one.bytes_per_run or one.log_bytes is not None for one in found.functions.values()
        ) or any(spec.trigger.keeps_pollers for spec in scenario.functions)
        uses = uses or any(
            spec.durable or spec.tenant_isolation or spec.managed_instances for spec in scenario.functions
        )
        uses = uses or bool(scenario.state_machines)
        return found if found.include or found.held or uses else None


def own_prices(scenario: ScenarioSpec) -> dict[str, Decimal]:
    """Return the prices that a scenario gives, by meter [USD per ``Meter.per`` units]."""
    return {name: Decimal(str(usd)) for name, usd in scenario.neighbours.own_usd.items()}


def scale_of(one: Meter) -> int:
    """Give how many counted units of a meter have its price: bytes of a GB, millionths of anything else."""
    return one.per * (one.kb_per_gb * BYTES_PER_KB if one.driver in _BYTES else MICRO)


def meter_counts(usages: Iterable[Usage], terms: Mapping[str, NeighbourTerms]) -> dict[MeterKey, int]:
    """Count usage on meters.

    Parameters
    ----------
    usages : iterable of Usage
        Functions with accounts or without, see ``in_account``.
    terms : mapping of str to NeighbourTerms
        By account; the empty name is for usage without one.

    Returns
    -------
    dict of MeterKey to int
        Counted units, see ``scale_of``; above 0.

    Notes
    -----
    A trigger counts calls: every attempt of a synchronous caller, refused ones too, and every asynchronous event once, in
    the chunks in which its meter counts sizes; every send, receive and delete call of a queue, empty receives too; every
    record of a stream, and its shards while the scenario lasts. An on-demand stream counts its hours and its data, in and
    out; a consumer of its own (enhanced fan-out) its shards' hours and data. Lambda reads DynamoDB's streams and shared
    shards for nothing. Provisioned pollers are Lambda's own, and count whatever is included.

    Hours are whole started hours of the scenario's time in a month; what is
    paid by the month counts for the hours' part of it. A load balancer's capacity units come from the mean of calls and
    bytes over that time, whichever needs more. Where ``held`` does not say how many load balancers there are, each
    function behind one has its own; those that are said to be one are shared.
    """
    counts: Counter[MeterKey] = Counter()
    elapsed: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    balanced: defaultdict[tuple[str, str, str], list[Usage]] = defaultdict(list)
    for usage in usages:
        account, name = account_of(usage.function)
        if account not in terms:
            continue
        place = (account, usage.region, usage.month)
        elapsed[place] = max(elapsed[place], usage.elapsed_s)
        shared = f"{account}/{SHARED}" if account else SHARED
        for meter_name, count in _of_machines(usage).items():
            counts[MeterKey(usage.month, usage.region, meter_name, shared)] += count
        found = terms[account].functions.get(name)
        if found is None:
            continue
        for meter_name, count in _of_function(usage, found, terms[account].include).items():
            counts[MeterKey(usage.month, usage.region, meter_name, usage.function)] += count
        if (
            NeighbourLines.TRIGGER in terms[account].include
            and found.trigger in meter("alb_lcu_hours").triggers
        ):
            balanced[place].append(usage)
    for (account, region, month), seconds in elapsed.items():
        owner = f"{account}/{SHARED}" if account else SHARED
        for meter_name, held in terms[account].held.items():
            count = held * _time(meter(meter_name), seconds, month) // MICRO
            counts[MeterKey(month, region, meter_name, owner)] += count
    for place, rows in balanced.items():
        counts.update(_of_balancers(rows, terms[place[0]], elapsed[place]))
    return {key: count for key, count in sorted(counts.items()) if count > 0}


def sampled_traces(runs: int, seconds: int) -> int:
    """Count the traces of X-Ray's default rule: the first run of each second, and a part of the others.

    Parameters
    ----------
    runs : int
    seconds : int
        In which any of them started [s].

    Returns
    -------
    int
        In millionths.

    References
    ----------
    AWS X-Ray Developer Guide, Configure sampling rules: the reservoir of the default rule is one request a second, its
    rate 5 % of any further ones.
    """
    defaults = meter_defaults()
    first = min(runs, seconds * defaults.trace_first_per_s)
    return first * MICRO + (runs - first) * MICRO * defaults.trace_percent // 100


def busy_seconds(usage: Usage) -> int:
    """Give the seconds in which a function's runs started; where that is not known, as if they came evenly [s].

    Parameters
    ----------
    usage : Usage
        A function's row.

    Returns
    -------
    int
    """
    return min(usage.busy_s, usage.elapsed_s or usage.busy_s) or min(usage.requests, usage.elapsed_s)


def assumed_balancers(usages: Iterable[Usage], terms: Mapping[str, NeighbourTerms]) -> list[str]:
    """Name the functions for each of which a load balancer is counted that no scenario speaks of.

    Parameters
    ----------
    usages, terms
        As for ``meter_counts``.

    Returns
    -------
    list of str
        In order.
    """
    found = set()
    for usage in usages:
        account, name = account_of(usage.function)
        asked = terms.get(account)
        if asked is None or name not in asked.functions or "alb_hours" in asked.held:
            continue
        balanced = asked.functions[name].trigger in meter("alb_lcu_hours").triggers
        if NeighbourLines.TRIGGER in asked.include and balanced:
            found.add(usage.function)
    return sorted(found)


def shared_traces(usages: Iterable[Usage], terms: Mapping[str, NeighbourTerms]) -> dict[MeterKey, int]:
    """Count traces as if all functions of an account and region shared the one trace a second of the default rule.

    Parameters
    ----------
    usages, terms
        As for ``meter_counts``.

    Returns
    -------
    dict of MeterKey to int
        In millionths, those that share under the account's shared name; empty where no account has two that do.
    """
    rows: defaultdict[tuple[str, str, str], list[Usage]] = defaultdict(list)
    seconds: Counter[tuple[str, str, str]] = Counter()
    counts: Counter[MeterKey] = Counter()
    for usage in usages:
        account, name = account_of(usage.function)
        place = (account, usage.region, usage.month)
        seconds[place] += usage.busy_any_s
        found = terms[account].functions.get(name) if account in terms else None
        if found is None or not usage.requests:
            continue
        if _is_sampled(found, terms[account].include):
            rows[place].append(usage)
        else:
            key = MeterKey(usage.month, usage.region, "xray_traces", usage.function)
            counts[key] += usage.requests * found.per_run.get("xray_traces", 0)
    for place, together in rows.items():
        account, region, month = place
        each = [busy_seconds(usage) for usage in together]
        lasted = max(usage.elapsed_s for usage in together)
        one = min(seconds[place] or max(each), sum(each), lasted or sum(each))
        owner = f"{account}/{SHARED}" if account else SHARED
        counts[MeterKey(month, region, "xray_traces", owner)] += sampled_traces(
            sum(usage.requests for usage in together), one
        )
    return +counts if any(len(together) > 1 for together in rows.values()) else {}


def _is_sampled(terms: FunctionTerms, include: frozenset[NeighbourLines]) -> bool:
    """Return whether X-Ray's default rule chooses a function's traces."""
    return NeighbourLines.TRACES in include and "xray_traces" not in terms.per_run


def _of_balancers(rows: list[Usage], terms: NeighbourTerms, seconds: int) -> Counter[MeterKey]:
    """Count capacity units of load balancers, and the hours of those that nobody speaks of."""
    found: Counter[MeterKey] = Counter()
    month, region, held = rows[0].month, rows[0].region, terms.held.get("alb_hours")
    defaults = meter_defaults()
    gb = defaults.lcu_server_gb if terms.on_servers else defaults.lcu_gb
    if held is None:
        hours = _time(meter("alb_hours"), seconds, month)
        found.update({MeterKey(month, region, "alb_hours", row.function): hours for row in rows})
    shared = held is not None and held <= MICRO
    for together in [rows] if shared else [[row] for row in rows]:
        for row, count in zip(together, _lcu_hours(together, gb), strict=True):
            found[MeterKey(month, region, "alb_lcu_hours", row.function)] += count
    return found


def meter_units_of_runs(one: Meter, usages: Iterable[Usage], spec: FunctionSpec) -> int:
    """Give what a function's own runs count on a meter, beside calls at its trigger.

    Parameters
    ----------
    one : Meter
    usages : iterable of Usage
        Of the function.
    spec : FunctionSpec

    Returns
    -------
    int
        In counted units, see ``scale_of``.
    """
    terms = FunctionTerms.of(spec)
    a_run = terms.per_run.get(one.name, 0) + terms.bytes_per_run.get(one.name, 0)
    return sum(usage.requests for usage in usages) * a_run


def _of_machines(usage: Usage) -> dict[str, int]:
    """Count what state machines used, which is no function's."""
    return {
        "step_functions_transitions": usage.transitions * MICRO,
        "step_functions_express_requests": usage.express_requests * MICRO,
        "step_functions_express_gb_s": usage.express_mb_ms * MICRO // (_MB_PER_GB * _MS_PER_S),
    }


def _of_function(usage: Usage, terms: FunctionTerms, include: frozenset[NeighbourLines]) -> Counter[str]:
    """Count a function's row."""
    found: Counter[str] = Counter()
    calls, defaults = usage.calls, meter_defaults()
    if NeighbourLines.TRIGGER in include:
        for one in meters().values():
            if one.driver is Driver.CALL and terms.trigger in one.triggers and not terms.on_demand:
                found[one.name] += calls * MICRO
        found += _of_stream(usage, terms, calls)
    if usage.poller_s:
        name = _POLLERS.get(terms.trigger, "sqs_poller_hours")
        found[name] += round(Fraction(usage.poller_s * MICRO, _S_PER_HOUR))
    if usage.tenant_mb:
        name = "tenant_isolation_arm_gb" if usage.architecture == ARM64 else "tenant_isolation_x86_gb"
        found[name] += round(Fraction(usage.tenant_mb * MICRO, _MB_PER_GB))
    if usage.managed_s:
        for name in instance_type(terms.instance_type).meter_names():
            found[name] += round(Fraction(usage.managed_s * MICRO, _S_PER_HOUR))
    found += _of_durable(usage, terms)
    if NeighbourLines.LOGS in include or terms.log_bytes is not None:
        found["logs_lambda_gb"] += usage.requests * (defaults.log_platform_bytes + (terms.log_bytes or 0))
    if _is_sampled(terms, include):
        found["xray_traces"] += sampled_traces(usage.requests, busy_seconds(usage))
    for name, micro in terms.per_run.items():
        found[name] += usage.requests * micro
    for name, size in terms.bytes_per_run.items():
        found[name] += usage.requests * size
    return found


def _durable(spec: FunctionSpec) -> dict[str, int]:
    """Take the terms of a durable function."""
    if spec.durable is None:
        return {}
    return {
        "operations": _micro(spec.durable.operations),
        "written_bytes": round(Decimal(str(spec.durable.written_kb)) * BYTES_PER_KB),
        "retention_s": spec.durable.retention_us // US_PER_S,
    }


def _of_durable(usage: Usage, terms: FunctionTerms) -> Counter[str]:
    """Count operations and data of durable executions; what is kept counts in the month in which it starts."""
    kept = meter("durable_kept_gb")
    bytes_of_gb = kept.kb_per_gb * BYTES_PER_KB
    kept_s = usage.durable_s + usage.durable_executions * terms.retention_s
    found: Counter[str] = Counter()
    found["durable_operations"] = usage.durable_executions * terms.operations
    found["durable_written_gb"] = usage.durable_executions * terms.written_bytes
    found[kept.name] = round(
        Fraction(terms.written_bytes * kept_s * MICRO, bytes_of_gb * _hours_of(usage.month) * _S_PER_HOUR)
    )
    return +found


def _of_stream(usage: Usage, terms: FunctionTerms, records: int) -> Counter[str]:
    """Count what a Kinesis stream is paid for beside put units: shards or data, and a consumer of its own."""
    found: Counter[str] = Counter()
    if not terms.shards:
        return found
    # Without sizes, a record is taken to weigh the least that is billed.
    size = max(usage.payload_kb, records) * BYTES_PER_KB
    if terms.on_demand:
        stream_hours = meter("kinesis_stream_hours")
        found[stream_hours.name] += _time(stream_hours, usage.elapsed_s, usage.month)
        found["kinesis_gb_in"] += size
        found["kinesis_on_demand_fan_out_gb" if terms.fan_out else "kinesis_gb_out"] += size
        return found
    names = ["kinesis_shard_hours"]
    names += ["kinesis_fan_out_hours"] if terms.fan_out else []
    names += ["kinesis_retention_hours"] if terms.long_kept else []
    for name in names:
        found[name] += terms.shards * _time(meter(name), usage.elapsed_s, usage.month)
    if terms.fan_out:
        found["kinesis_fan_out_gb"] += size
    return found


def _lcu_hours(rows: list[Usage], gb: Decimal) -> list[int]:
    """Give capacity units of one load balancer for each function's calls, in millionths of LCU-hours, rounded up."""
    defaults = meter_defaults()
    a_call = Fraction(MICRO, defaults.lcu_connections_per_s * _S_PER_HOUR)
    a_kb = MICRO / (Fraction(gb) * BYTES_PER_KB * BYTES_PER_KB)
    by_calls = [row.calls * a_call for row in rows]
    by_bytes = [row.payload_kb * a_kb for row in rows]
    return [ceil(count) for count in max(by_calls, by_bytes, key=sum)]


def _time(one: Meter, seconds: int, month: str) -> int:
    """Give the time of a meter in millionths: whole started hours, or their part of the month."""
    hours = -(-seconds // _S_PER_HOUR)
    if one.driver is Driver.HOUR:
        return hours * MICRO
    return min(round(Decimal(hours * MICRO) / _hours_of(month)), MICRO)


def _hours_of(month: str) -> int:
    """Give the length of a month [h]."""
    begin = date.fromisoformat(f"{month}-01")
    end = date(begin.year + begin.month // 12, begin.month % 12 + 1, 1)
    return (end - begin).days * 24


def _micro(amount: float) -> int:
    return round(Decimal(str(amount)) * MICRO)
