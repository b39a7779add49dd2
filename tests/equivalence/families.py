"""Families of generated scenarios, and the engines that must agree on each.

Everything is a small multiple of one unit of time, so that arrivals, completions, expiries, retries and changes of
provisioned concurrency fall on the same microsecond all the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from callings import CallFamily, own_retries, rules, with_calls
from hypothesis import strategies as st
from numpy.typing import NDArray
from sources import a_queue, a_stream, toy

from lambdasim.draws.keys import Quantity
from lambdasim.draws.laws import Constant, DrawLaw, Indexed, Resample, exponential, lognormal, mixture
from lambdasim.engine.contract import (
    NEVER,
    UNLIMITED,
    AfterFailure,
    ArrivalChunk,
    CallKind,
    CallMoment,
    ClientPace,
    Engine,
    FunctionPlan,
    Invoker,
    Plan,
    ProvisionedChange,
    RetryPolicy,
    RetryQuota,
    ReuseOrder,
    Throttle,
)
from lambdasim.engine.draws import FunctionDraws
from lambdasim.engine.kernel.engine import run_kernel
from lambdasim.engine.lanes import SourcePlan
from lambdasim.engine.merge import merge_arrivals
from lambdasim.engine.reference.engine import run_reference
from lambdasim.models.cpu_chain import CpuLaw, CpuStyle, HandlerQuota
from lambdasim.models.cpu_quota import FirstCheck
from lambdasim.models.cpu_scaling import FIXED_POINT_BITS
from lambdasim.models.cpu_start import StartLaw, start_law

ENGINES: dict[str, Engine] = {"reference": run_reference, "kernel": run_kernel}
NO_RATE = 1 << 40


Ints = st.SearchStrategy[int]


@st.composite
def laws(draw: st.DrawFn, highest: int, unit: int) -> DrawLaw:
    """Draw a law whose values are mostly small multiples of the unit."""
    few = st.lists(st.integers(0, highest), min_size=1, max_size=4)
    kind = draw(st.sampled_from(["constant", "resample", "resample", "mixture", "nested", "table"]))
    if kind == "constant":
        return Constant(draw(st.integers(0, highest)) * unit)
    if kind == "table":
        return exponential(float(max(draw(st.integers(0, highest)), 0.1) * unit))
    first = Resample(np.sort(np.array(draw(few))) * unit)
    if kind == "resample":
        return first
    second = Resample(np.sort(np.array(draw(few))) * unit)
    if kind == "nested":
        second = mixture([1, 2], [second, exponential(float(unit))])
    return mixture([draw(st.integers(1, 3)), 0, 1, 1], [first, Constant(0), second, Constant(highest * unit)])


def times(highest: int) -> Callable[[int], Ints]:
    """Make a strategy of small multiples of a unit."""
    return lambda unit: st.integers(0, highest).map(lambda n: n * unit)


def some(highest: int) -> Callable[[int], Ints]:
    """Make a strategy of small multiples of a unit, at least one."""
    return lambda unit: st.integers(1, highest).map(lambda n: n * unit)


def always(value: Any) -> Callable[[int], st.SearchStrategy[Any]]:
    return lambda _unit: st.just(value)


def among(*values: Any) -> Callable[[int], st.SearchStrategy[Any]]:
    return lambda _unit: st.sampled_from(values)


def law(highest: int) -> Callable[[int], st.SearchStrategy[DrawLaw]]:
    return lambda unit: laws(highest, unit)


def some_units(*numbers: int) -> Callable[[int], st.SearchStrategy[int]]:
    return lambda unit: st.sampled_from([number * unit for number in numbers])


def no_law(_unit: int) -> st.SearchStrategy[DrawLaw]:
    return st.just(Constant(0))


def given_numbers(unit: int) -> st.SearchStrategy[DrawLaw]:
    """Make numbers for more invocations than any family has."""
    return st.lists(st.integers(0, 4), min_size=60, max_size=60).map(lambda n: Indexed(np.array(n) * unit))


SPEEDS = (
    lognormal(13.8, 0.2),
    Resample(np.array([1 << 19, 1 << FIXED_POINT_BITS, 3 << 19])),
    Constant(3 << 18),
)


def quotas(_unit: int) -> st.SearchStrategy[HandlerQuota | None]:
    """Make quotas of several memory sizes, above one vCPU too, with starts on the ticks among others."""
    return st.builds(
        HandlerQuota.of,
        st.builds(
            CpuStyle, st.just(CpuLaw.QUOTA), st.sampled_from(FirstCheck), st.sampled_from([0, 0, 1, 4])
        ),
        st.sampled_from([128, 300, 512, 1024, 1415, 1600, 1768, 1769, 3008]),
        starts=st.sampled_from([start_law(), start_law(), StartLaw(0, 0, 0, 0.4, 0.2)]),
        memory_per_vcpu_mb=st.sampled_from([None, 1900, 128, 10_240]),
    )


def sizes(_unit: int) -> st.SearchStrategy[DrawLaw]:
    return laws(2, 100)


def no_retries(_unit: int) -> st.SearchStrategy[RetryPolicy]:
    return st.just(RetryPolicy(Invoker.CLIENT))


def client_retries(unit: int) -> st.SearchStrategy[RetryPolicy]:
    return st.builds(
        RetryPolicy,
        invoker=st.just(Invoker.CLIENT),
        client_timeout_us=st.sampled_from([0, unit, 3 * unit, NEVER]),
        repeats_timeouts=st.booleans(),
        timeout_backoff_us=times(2)(unit),
        throttle_retries=st.integers(0, 4),
        throttle_backoff_us=times(2)(unit),
        throttle_backoff_cap_us=st.sampled_from([0, unit, 3 * unit, 5 << 33]),
        jittered=st.booleans(),
    )


@st.composite
def clients(draw: st.DrawFn, unit: int, always: bool = False) -> RetryPolicy:
    """Draw clients that repeat what they choose to, with or without a quota that is soon used up."""
    costs = st.integers(0, 3)
    quota = st.builds(
        RetryQuota, processes=st.integers(1, 3), tokens=st.integers(0, 6), throttle_cost=costs, timeout_cost=costs,
        failure_cost=costs,
    )  # fmt: skip
    return replace(
        draw(client_retries(unit)),
        repeats_failures=draw(st.booleans()),
        repeats_throttles=draw(st.sampled_from([True, True, False])),
        quota=draw(quota if always else st.one_of(st.none(), quota, quota)),
    )


def adaptive_clients(unit: int) -> st.SearchStrategy[RetryPolicy]:
    """Make processes that slow their own calls down when they are throttled."""
    quota = st.builds(
        RetryQuota, processes=st.integers(1, 3), tokens=st.integers(0, 500), throttle_cost=st.integers(0, 5),
        timeout_cost=st.integers(0, 5), failure_cost=st.integers(0, 5), pace=st.just(ClientPace.ADAPTIVE),
    )  # fmt: skip
    return st.builds(
        lambda policy, failures, quota: replace(policy, repeats_failures=failures, quota=quota),
        client_retries(unit), st.booleans(), quota,
    )  # fmt: skip


def poor_clients(unit: int) -> st.SearchStrategy[RetryPolicy]:
    """Make one process that can pay for few repeats, whose tries fall on the moments at which others are answered."""
    return st.builds(
        RetryPolicy,
        invoker=st.just(Invoker.CLIENT),
        repeats_failures=st.booleans(),
        timeout_backoff_us=st.just(unit),
        throttle_retries=st.just(4),
        throttle_backoff_us=st.just(unit),
        throttle_backoff_cap_us=st.just(unit),
        quota=st.builds(
            RetryQuota, processes=st.just(1), tokens=st.integers(2, 5), throttle_cost=st.integers(2, 3),
            timeout_cost=st.just(1), failure_cost=st.integers(1, 2),
        ),
    )  # fmt: skip


def gates(unit: int) -> st.SearchStrategy[Throttle | None]:
    """Draw a token bucket of a gateway."""
    some_gate = st.builds(
        Throttle, burst=st.integers(1, 3), interval_ns=st.integers(1, 4).map(lambda n: n * unit * 1000)
    )
    return st.one_of(st.none(), some_gate, some_gate)


def any_retries(unit: int) -> st.SearchStrategy[RetryPolicy]:
    return st.one_of(client_retries(unit), clients(unit), own_retries(unit))


@st.composite
def schedules(draw: st.DrawFn, unit: int) -> tuple[ProvisionedChange, ...]:
    """Draw provisioned concurrency that comes and goes, several changes at one instant included."""
    moments = sorted(draw(st.lists(st.integers(0, 12), max_size=5)))
    sizes = [(draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in moments]
    return tuple(
        ProvisionedChange(moment * unit, claimed + ready, ready)
        for moment, (claimed, ready) in zip(moments, sizes, strict=True)
    )


@dataclass(frozen=True)
class Family:
    """What varies in a family; each field but the first two makes a strategy from the unit of time."""

    engines: tuple[str, ...] = ("reference", "kernel")
    functions: tuple[int, int] = (1, 1)
    shared: bool = False
    arrivals: tuple[int, int] = (0, 40)
    latest: int = 15
    concurrency: Callable[[int], st.SearchStrategy[int]] = field(default=among(0, 1, 2, 3, 100))
    requests_per_concurrency: Callable[[int], st.SearchStrategy[int]] = field(default=always(NO_RATE))
    reuse: Callable[[int], st.SearchStrategy[ReuseOrder]] = field(
        default=always(ReuseOrder.MOST_RECENTLY_USED)
    )
    after_failure: Callable[[int], st.SearchStrategy[AfterFailure]] = field(
        default=always(AfterFailure.INIT_INSIDE)
    )
    unit: st.SearchStrategy[int] = field(default=st.sampled_from([1, 1_000, 250_000]))
    timeout: Callable[[int], st.SearchStrategy[int]] = field(default=always(NEVER))
    init_cap: Callable[[int], st.SearchStrategy[int]] = field(default=always(NEVER))
    reserved: Callable[[int], st.SearchStrategy[int | None]] = field(default=always(None))
    provisioned: Callable[[int], st.SearchStrategy[tuple[ProvisionedChange, ...]]] = field(default=always(()))
    lifetime: Callable[[int], st.SearchStrategy[int]] = field(default=always(NEVER))
    scaling_burst: Callable[[int], st.SearchStrategy[int]] = field(default=always(NO_RATE))
    scaling_interval: Callable[[int], st.SearchStrategy[int]] = field(default=always(10_000_000))
    retry: Callable[[int], st.SearchStrategy[RetryPolicy]] = field(default=no_retries)
    cpu_factor: Callable[[int], st.SearchStrategy[float]] = field(default=among(1.0, 0.5, 1.37))
    quota: Callable[[int], st.SearchStrategy[HandlerQuota | None]] = field(default=always(None))
    errors: Callable[[int], st.SearchStrategy[float]] = field(default=always(0.0))
    crashes: Callable[[int], st.SearchStrategy[float]] = field(default=always(0.0))
    handler: Callable[[int], st.SearchStrategy[DrawLaw]] = field(default=law(4))
    io: Callable[[int], st.SearchStrategy[DrawLaw]] = field(default=law(1))
    init: Callable[[int], st.SearchStrategy[DrawLaw]] = field(default=law(2))
    first_run: Callable[[int], st.SearchStrategy[DrawLaw]] = field(default=no_law)
    placement: Callable[[int], st.SearchStrategy[DrawLaw]] = field(default=no_law)
    keep_alive: Callable[[int], st.SearchStrategy[DrawLaw]] = field(default=law(6))
    memory: Callable[[int], st.SearchStrategy[DrawLaw]] = field(default=no_law)
    payload: Callable[[int], st.SearchStrategy[DrawLaw]] = field(default=no_law)
    response: Callable[[int], st.SearchStrategy[DrawLaw]] = field(default=no_law)
    hangs: Callable[[int], st.SearchStrategy[float]] = field(default=always(0.0))
    post_response: Callable[[int], st.SearchStrategy[DrawLaw]] = field(default=no_law)
    speed: Callable[[int], st.SearchStrategy[DrawLaw]] = field(
        default=always(Constant(1 << FIXED_POINT_BITS))
    )
    throttle: Callable[[int], st.SearchStrategy[Throttle | None]] = field(default=always(None))
    gateway: Callable[[int], st.SearchStrategy[Throttle | None]] = field(default=always(None))
    behind_gateway: Callable[[int], st.SearchStrategy[bool]] = field(default=always(False))
    source: Callable[[int], st.SearchStrategy[SourcePlan | None]] = field(default=always(None))
    poison: Callable[[int], st.SearchStrategy[float]] = field(default=always(0.0))
    filtered: Callable[[int], st.SearchStrategy[float]] = field(default=always(0.0))
    overhead: Callable[[int], st.SearchStrategy[DrawLaw]] = field(default=no_law)
    calls: CallFamily | None = None


EVERYTHING = Family(
    functions=(1, 4),
    requests_per_concurrency=among(1, 10, NO_RATE),
    reuse=among(*ReuseOrder),
    after_failure=among(*AfterFailure),
    unit=st.sampled_from([1, 1_000, 100_000, 250_000, 1_000_000]),
    timeout=among(2, 3_000, 1_500_000, NEVER),
    init_cap=among(1, 2_000, 500_000, NEVER),
    reserved=among(None, None, 0, 1, 2),
    provisioned=schedules,
    lifetime=lambda unit: st.one_of(times(10)(unit), st.just(NEVER)),
    scaling_burst=among(1, 2, 3, NO_RATE),
    scaling_interval=lambda unit: st.integers(1, 10).map(lambda n: n * unit),
    retry=any_retries,
    quota=lambda unit: st.one_of(st.none(), quotas(unit)),
    errors=among(0.0, 0.0, 0.3),
    crashes=among(0.0, 0.0, 0.3),
    first_run=law(1),
    placement=law(1),
    memory=lambda _unit: laws(2, 100),
    payload=lambda _unit: laws(2, 100),
    response=lambda _unit: laws(2, 100),
    hangs=among(0.0, 0.0, 0.3),
    post_response=law(1),
    speed=among(Constant(1 << FIXED_POINT_BITS), Constant(1 << FIXED_POINT_BITS), *SPEEDS),
    throttle=lambda unit: st.one_of(st.none(), st.none(), gates(unit)),
    gateway=gates,
    behind_gateway=among(False, False, True),
)

FAMILIES: dict[str, Family] = {
    "warm pool": Family(concurrency=among(100)),
    "mostly alike": Family(
        functions=(1, 2), concurrency=among(2, 3, 4, 100), arrivals=(30, 60), latest=20, handler=law(3), io=no_law,
        init=law(1), keep_alive=law(60), errors=among(0.0, 0.0, 0.2),
    ),
    "mostly alike at limits": Family(
        functions=(1, 2), concurrency=among(2, 3, 6), arrivals=(30, 60), latest=20, handler=law(3), io=no_law,
        init=law(1), keep_alive=law(60), reserved=among(None, 1, 2), requests_per_concurrency=among(1, 2, 10),
        provisioned=schedules, lifetime=some_units(4, 12), timeout=some_units(2, 20), crashes=among(0.0, 0.2),
        retry=any_retries,
    ),
    "bursts with ties": Family(latest=3, arrivals=(10, 60)),
    "zero capacity": Family(concurrency=among(0), functions=(1, 3), retry=any_retries),
    "empty traffic": Family(arrivals=(0, 0), functions=(1, 3), provisioned=schedules),
    "several in one pool": Family(functions=(2, 5), concurrency=among(1, 2, 3, 4), retry=any_retries),
    "reserved": Family(
        functions=(1, 3),
        reserved=among(None, 0, 1, 2),
        concurrency=among(2, 4, 6),
        requests_per_concurrency=among(1, 10),
    ),
    "request rate": Family(
        functions=(1, 2),
        requests_per_concurrency=among(0, 1, 2, 3),
        unit=st.sampled_from([1, 100_000, 333_333, 1_000_000]),
        retry=any_retries,
    ),
    "provisioned": Family(functions=(1, 3), provisioned=schedules, reserved=among(None, None, 3)),
    "provisioned at its rate": Family(
        provisioned=schedules, requests_per_concurrency=among(1, 2), handler=law(1), arrivals=(10, 60),
        unit=st.sampled_from([100_000, 250_000, 1_000_000]), retry=own_retries,
    ),
    "asynchronous retries": Family(
        functions=(1, 3), retry=own_retries, errors=among(0.3, 0.7, 1.0), crashes=among(0.0, 0.3)
    ),
    "overload": Family(concurrency=among(1, 2), functions=(1, 3), retry=own_retries, arrivals=(20, 60)),
    "client retries": Family(concurrency=among(0, 1, 2), functions=(1, 2), retry=client_retries),
    "gateway cuts": Family(retry=client_retries, errors=among(0.0, 0.3)),
    "gateways' throttles": Family(
        functions=(1, 3), throttle=gates, gateway=gates, behind_gateway=among(True, True, False), retry=any_retries,
        concurrency=among(1, 100), arrivals=(10, 60), handler=law(1),
    ),
    "clients with quotas": Family(
        functions=(1, 2), retry=clients, errors=among(0.0, 0.4), concurrency=among(1, 1, 2, 3), arrivals=(10, 60),
        post_response=law(1),
    ),
    "a client that can pay for few repeats": Family(
        retry=poor_clients, errors=among(0.0, 0.3), concurrency=among(1, 2), arrivals=(20, 60), latest=20,
        handler=lambda unit: st.just(Constant(unit)), io=no_law, init=no_law, cpu_factor=always(1.0),
    ),
    "clients that slow themselves down": Family(
        functions=(1, 2), retry=adaptive_clients, errors=among(0.0, 0.3), concurrency=among(0, 1, 2, 3),
        arrivals=(20, 60), latest=30, unit=st.sampled_from([50_000, 250_000, 1_000_000]), post_response=law(1),
        scaling_burst=among(1, NO_RATE),
    ),
    "clients with quotas behind gateways": Family(
        functions=(2, 3), retry=clients, errors=among(0.3, 0.8), throttle=gates, gateway=gates,
        behind_gateway=always(True), arrivals=(20, 60), latest=6, timeout=some(6),
    ),
    "timeouts": Family(
        timeout=times(3), retry=any_retries, first_run=law(1), placement=law(1)
    ),
    "out of memory": Family(memory=lambda _unit: laws(2, 100), retry=own_retries),
    "crashes": Family(errors=among(0.0, 0.2), crashes=among(0.3, 0.8), reuse=among(*ReuseOrder)),
    "INIT above its cap": Family(
        init=law(6), init_cap=times(3), timeout=times(8)
    ),
    "scaling rate": Family(
        functions=(1, 2),
        scaling_burst=among(1, 2, 3),
        scaling_interval=lambda unit: st.integers(1, 7).map(lambda n: n * unit),
        retry=any_retries,
    ),
    "expiry at an arrival": Family(
        handler=lambda unit: st.builds(Constant, times(2)(unit)),
        init=no_law,
        keep_alive=lambda unit: st.builds(Constant, times(2)(unit)),
        cpu_factor=always(1.0),
        reuse=among(*ReuseOrder),
    ),
    "least recently used": Family(reuse=always(ReuseOrder.LEAST_RECENTLY_USED), functions=(1, 2)),
    "environment life": Family(lifetime=times(8), reuse=among(*ReuseOrder)),
    "environments that grow old while warm": Family(
        lifetime=times(8), keep_alive=lambda unit: st.just(Constant(60 * unit)), arrivals=(10, 40),
        reuse=among(*ReuseOrder),
    ),
    "zero-duration work": Family(
        handler=no_law, io=no_law, init=no_law, latest=4, functions=(1, 3), concurrency=among(1, 2), retry=any_retries
    ),
    "scheduler's quota": Family(
        quota=quotas, unit=st.sampled_from([1, 1_000, 4_000, 7_300]), handler=law(9),
        arrivals=(10, 40), timeout=among(20_000, 37_000, NEVER, NEVER), retry=own_retries, errors=among(0.0, 0.4),
    ),
    "scheduler's quota, several functions": Family(
        functions=(2, 4), quota=quotas, unit=st.sampled_from([4_000, 20_000]), handler=law(20), io=law(20),
        retry=any_retries, concurrency=among(1, 2, 100), first_run=law(2), crashes=among(0.0, 0.3),
    ),
    "payload": Family(
        payload=lambda _unit: laws(2, 100), response=lambda _unit: laws(2, 100), retry=any_retries,
        concurrency=among(1, 2),
    ),
    "numbers given for each invocation": Family(
        handler=given_numbers, io=given_numbers, init=given_numbers, retry=any_retries, errors=among(0.0, 0.3)
    ),
    "work after the answer": Family(
        arrivals=(10, 40), post_response=lambda unit: st.one_of(laws(3, unit), st.just(Constant(2 * unit))),
        timeout=some(6), retry=any_retries, errors=among(0.0, 0.3), crashes=among(0.0, 0.3),
    ),
    "environments of unlike speed": Family(
        speed=among(*SPEEDS), retry=any_retries, errors=among(0.0, 0.3), crashes=among(0.0, 0.3), handler=law(9),
        quota=lambda unit: st.one_of(st.none(), quotas(unit)), provisioned=schedules,
    ),
    "reset environments": Family(
        arrivals=(10, 40), crashes=among(0.0, 0.3), hangs=among(0.3, 0.7), errors=among(0.0, 0.2), init=law(4),
        first_run=law(2), timeout=some(9), provisioned=schedules, reuse=among(*ReuseOrder),
        lifetime=among(NEVER, 3_000, 2_000_000),
        retry=any_retries,
    ),
    "environments after failures": Family(
        arrivals=(10, 40), crashes=among(0.0, 0.3), hangs=among(0.3, 0.7), init=law(4), timeout=some(9),
        after_failure=among(AfterFailure.KEPT, AfterFailure.REPLACED), provisioned=schedules, reuse=among(*ReuseOrder),
        functions=(1, 2), retry=any_retries,
    ),
    "newest created first": Family(
        reuse=always(ReuseOrder.NEWEST_CREATED), functions=(1, 2), arrivals=(10, 60), crashes=among(0.0, 0.3)
    ),
    "everything": EVERYTHING,
}  # fmt: skip
# Families of functions behind queues and streams.
WAYS_IN: dict[str, Family] = {
    "toy source": Family(source=toy, concurrency=among(0, 1, 100)),
    "standard queue": Family(
        source=a_queue(), concurrency=among(1, 2, 100), errors=among(0.0, 0.5), arrivals=(5, 40)
    ),
    "standard queues of several functions": Family(
        functions=(2, 3), source=lambda unit: st.one_of(st.none(), a_queue(longest_window=3)(unit)),
        concurrency=among(1, 2, 4), retry=any_retries, errors=among(0.0, 0.3), latest=8,
    ),
    "queue with a window": Family(
        payload=sizes,
        source=a_queue(longest_window=8, batches=(3, 25, 25)), errors=among(0.0, 0.5), latest=8, arrivals=(20, 60)
    ),
    "queue with every answer": Family(
        payload=sizes,
        source=a_queue(answers=True, batches=(2, 3, 10)), errors=among(0.2, 0.6), crashes=among(0.0, 0.2),
        hangs=among(0.0, 0.3), timeout=some(40), poison=among(0.0, 0.4), filtered=among(0.0, 0.4), overhead=law(2),
        latest=8, memory=lambda _unit: laws(2, 100), arrivals=(10, 40),
    ),
    "queue that finds no room": Family(
        source=a_queue(batches=(1, 2)), concurrency=among(0, 1, 2), reserved=among(None, 0, 1, 2), latest=8,
        arrivals=(10, 60), scaling_burst=among(1, 2, NO_RATE), scaling_interval=some(7),
    ),
    "queue with provisioned pollers": Family(
        source=a_queue(paced=True, longest_window=8), payload=sizes, errors=among(0.0, 0.5),
        unit=st.just(250_000), filtered=among(0.0, 0.4), arrivals=(5, 40),
    ),
    "queue on environments of unlike speed": Family(
        source=a_queue(), speed=among(*SPEEDS), errors=among(0.0, 0.3), crashes=among(0.0, 0.3), handler=law(9),
        quota=lambda unit: st.one_of(st.none(), quotas(unit)), provisioned=schedules, post_response=law(2),
        arrivals=(5, 40),
    ),
    "message groups": Family(
        source=a_queue(groups=5), errors=among(0.0, 0.5), arrivals=(10, 40), concurrency=among(1, 2, 100),
        filtered=among(0.0, 0.3),
    ),
    "message groups with every answer": Family(
        payload=sizes,
        source=a_queue(groups=3, answers=True, batches=(2, 3, 10)), errors=among(0.2, 0.6), poison=among(0.0, 0.4),
        crashes=among(0.0, 0.0, 0.1), timeout=some(40), hangs=among(0.0, 0.0, 0.1), arrivals=(10, 40), latest=8,
    ),
    "message groups that outlive their visibility": Family(
        source=a_queue(groups=2, batches=(1, 2), slow=True), handler=law(9), arrivals=(10, 40), latest=8,
        errors=among(0.0, 0.3),
    ),
    "stream": Family(
        payload=sizes, source=a_stream(), errors=among(0.0, 0.4), arrivals=(10, 60), poison=among(0.0, 0.2),
        filtered=among(0.0, 0.4),
    ),
    "stream with every fault": Family(
        payload=sizes,
        source=a_stream(), errors=among(0.2, 0.6), crashes=among(0.0, 0.3), hangs=among(0.0, 0.3), timeout=some(40),
        overhead=law(2), arrivals=(10, 60), latest=8, speed=among(*SPEEDS), memory=lambda _unit: laws(2, 100),
    ),
    "stream with poison": Family(
        source=a_stream(patient=True, most_lanes=2), errors=among(0.2, 0.5), poison=among(0.0, 0.3), latest=4,
        arrivals=(20, 60), handler=law(1), concurrency=among(2, 100),
    ),
    "stream that finds no room": Family(
        functions=(1, 2), source=a_stream(), overhead=law(2), concurrency=among(0, 1, 1, 2), arrivals=(20, 60),
        reserved=among(None, None, None, 1), scaling_burst=among(1, 2, NO_RATE), scaling_interval=some(7),
    ),
    "stream that waits for room until records are too old": Family(
        functions=(3, 3), source=lambda unit: st.one_of(st.none(), a_stream(hasty=True, most_lanes=2)(unit)),
        concurrency=among(1), arrivals=(10, 40), latest=20, overhead=law(3), handler=law(2), retry=no_retries,
    ),
    "clients with quotas beside a source": Family(
        functions=(3, 4), retry=lambda unit: clients(unit, always=True), errors=among(0.3, 0.6), arrivals=(20, 60),
        latest=10, concurrency=among(2, 3, 100), handler=law(2), overhead=law(1), timeout=some(20),
        source=lambda unit: st.one_of(st.none(), a_queue(answers=True)(unit), a_queue(slow=True)(unit), a_stream()(unit)),
    ),
    "stream with few pollers": Family(
        payload=sizes, source=a_stream(shared=True, most_lanes=6), errors=among(0.0, 0.4), arrivals=(20, 60),
        filtered=among(0.0, 0.5), concurrency=among(1, 2, 100),
    ),
    "everything with queues and streams": replace(
        EVERYTHING,
        source=lambda unit: st.one_of(
            st.none(), a_queue(answers=True, longest_window=3)(unit), a_queue(groups=3, answers=True)(unit),
            a_queue(paced=True)(unit), a_stream()(unit), a_stream(shared=True)(unit),
        ),
        timeout=among(2, 3_000, 1_500_000), poison=among(0.0, 0.2), filtered=among(0.0, 0.3), overhead=law(1),
        unit=st.sampled_from([100_000, 250_000]),
    ),
}  # fmt: skip


CALLING: dict[str, Family] = {
    "calls that wait": Family(functions=(2, 4), calls=CallFamily(kinds=(CallKind.WAITING,))),
    "calls that nobody waits for": Family(
        functions=(2, 4), calls=CallFamily(kinds=(CallKind.EVENT, CallKind.TRIGGER)), errors=among(0.0, 0.4),
        retry=own_retries,
    ),
    "calls that find no room": Family(
        functions=(2, 4), calls=CallFamily(), concurrency=among(0, 1, 2, 3), reserved=among(None, None, 0, 1),
        errors=among(0.0, 0.3),
    ),
    "callers that time out": Family(
        functions=(2, 4), calls=CallFamily(kinds=(CallKind.WAITING, CallKind.WAITING, CallKind.EVENT)), timeout=some(6),
        concurrency=among(1, 2, 100), handler=law(3), init=law(2), placement=law(1), post_response=law(2),
        retry=any_retries,
    ),
    "calls in loops": Family(
        functions=(1, 3), calls=CallFamily(loops=True), timeout=some(20), retry=any_retries, arrivals=(1, 8),
        concurrency=among(1, 3, 100),
    ),
    "loops that detection follows in part": Family(
        functions=(1, 2), calls=CallFamily(kinds=(CallKind.EVENT, CallKind.TRIGGER), loops=True, deep=True), latest=3,
        arrivals=(2, 6), handler=law(1), io=no_law, init=no_law, retry=own_retries, concurrency=among(3, 100),
    ),
    "destinations": Family(
        functions=(2, 4), calls=CallFamily(kinds=(CallKind.EVENT, CallKind.TRIGGER), moments=tuple(CallMoment)),
        retry=own_retries, errors=among(0.3, 0.7), concurrency=among(1, 2, 100),
    ),
    "calls of provisioned functions": Family(
        functions=(2, 4), calls=CallFamily(), provisioned=schedules, reserved=among(None, None, 3),
        concurrency=among(2, 4, 100), timeout=some(9), requests_per_concurrency=among(1, 10, NO_RATE),
    ),
    "callers that time out as provisioned concurrency changes": Family(
        functions=(2, 3), calls=CallFamily(kinds=(CallKind.WAITING,)), provisioned=schedules, timeout=some(4),
        concurrency=among(100), arrivals=(20, 40), latest=10, unit=st.just(1_000), handler=law(3), io=no_law, init=no_law,
        cpu_factor=always(1.0),
    ),
    "calls by clients with quotas": Family(
        functions=(2, 3), calls=CallFamily(), retry=clients, errors=among(0.0, 0.4), concurrency=among(1, 2, 3),
        post_response=law(2), timeout=some(9),
    ),
    "everything with calls": replace(
        EVERYTHING, functions=(1, 4), calls=CallFamily(loops=True, moments=tuple(CallMoment)), arrivals=(0, 15),
        timeout=among(2, 3_000, 1_500_000),
    ),
}  # fmt: skip


# Functions that call functions beside queues and streams: batches call, and what is called may be an item.
_SOME_SOURCE = lambda unit: st.one_of(st.none(), a_queue()(unit), a_queue(slow=True)(unit), a_stream()(unit))  # noqa: E731
BESIDE: dict[str, Family] = {
    "calls that put messages into queues": Family(
        functions=(2, 4), source=lambda unit: st.one_of(st.none(), a_queue(answers=True)(unit)),
        calls=CallFamily(kinds=(CallKind.EVENT, CallKind.TRIGGER)), errors=among(0.0, 0.4), retry=own_retries,
        poison=among(0.0, 0.3), filtered=among(0.0, 0.3), payload=sizes, arrivals=(2, 20),
    ),
    "batches that wait for calls": Family(
        functions=(2, 4), source=lambda unit: st.one_of(st.none(), a_queue(longest_window=2)(unit), a_stream()(unit)),
        calls=CallFamily(kinds=(CallKind.WAITING, CallKind.WAITING, CallKind.EVENT)), errors=among(0.0, 0.4),
        timeout=some(20), concurrency=among(1, 2, 3, 100), arrivals=(5, 20), post_response=law(1), handler=law(2),
    ),
    "batches that wait for calls longer than their messages are invisible": Family(
        functions=(2, 3), source=lambda unit: st.one_of(st.none(), a_queue(slow=True, batches=(1, 2))(unit)),
        calls=CallFamily(kinds=(CallKind.WAITING, CallKind.EVENT)), errors=among(0.0, 0.3), timeout=some(30),
        concurrency=among(1, 2, 3, 100), reserved=among(None, None, 1), arrivals=(5, 20), latest=8, handler=law(4),
    ),
    "dead letters and given-up batches that somebody reads": Family(
        functions=(2, 4), source=_SOME_SOURCE,
        calls=CallFamily(kinds=(CallKind.EVENT, CallKind.TRIGGER), moments=tuple(CallMoment)), errors=among(0.3, 0.8),
        poison=among(0.0, 0.4), retry=own_retries, concurrency=among(1, 2, 100), arrivals=(5, 20),
    ),
    "records that grow too old while they wait for room, which somebody reads": Family(
        functions=(2, 3), source=lambda unit: st.one_of(st.none(), a_stream(hasty=True, most_lanes=2)(unit)),
        calls=CallFamily(kinds=(CallKind.EVENT, CallKind.TRIGGER), moments=(CallMoment.RUN, CallMoment.FAILED)),
        errors=among(0.0, 0.4), concurrency=among(1), arrivals=(10, 30), latest=12, overhead=law(3), retry=own_retries,
    ),
    "message groups that call and are called": Family(
        functions=(2, 3), source=lambda unit: st.one_of(st.none(), a_queue(groups=3, answers=True)(unit)),
        calls=CallFamily(), errors=among(0.0, 0.5), timeout=some(20), arrivals=(5, 20), concurrency=among(1, 2, 100),
    ),
    "loops through queues and streams": Family(
        functions=(1, 3), source=_SOME_SOURCE, calls=CallFamily(loops=True), timeout=some(20), retry=any_retries,
        arrivals=(1, 8), concurrency=among(1, 3, 100), errors=among(0.0, 0.2),
    ),
    "deep loops through queues": Family(
        functions=(1, 2), source=lambda unit: st.one_of(st.none(), a_queue(batches=(1, 2, 3))(unit)),
        calls=CallFamily(kinds=(CallKind.EVENT, CallKind.TRIGGER), loops=True, deep=True), latest=3, arrivals=(2, 5),
        handler=law(1), io=no_law, init=no_law, retry=own_retries, concurrency=among(3, 100),
    ),
    "calls by clients that slow themselves down, beside a queue": Family(
        functions=(2, 3), calls=CallFamily(), retry=adaptive_clients, concurrency=among(1, 2, 3), timeout=some(9),
        source=lambda unit: st.one_of(st.none(), a_queue()(unit)), errors=among(0.0, 0.3), arrivals=(5, 30), latest=20,
        unit=st.sampled_from([50_000, 250_000]),
    ),
    "everything with calls beside queues and streams": replace(
        WAYS_IN["everything with queues and streams"],
        calls=CallFamily(loops=True, moments=tuple(CallMoment)), arrivals=(0, 15),
    ),
}  # fmt: skip
CALLING |= BESIDE

FAMILIES |= WAYS_IN | CALLING
SHARED = {
    "several in one pool": {"functions": (2, 4)},
    "reserved": {"functions": (2, 4)},
    "provisioned": {"functions": (2, 4)},
    "environments that grow old while warm": {"functions": (2, 3)},
    "environments of unlike speed": {"functions": (2, 3)},
    "reset environments": {"functions": (2, 3)},
    "everything": {"functions": (2, 4)},
    "everything with queues and streams": {"functions": (2, 4)},
    "everything with calls": {"functions": (2, 4)},
    "everything with calls beside queues and streams": {"functions": (2, 4)},
}
FAMILIES |= {
    f"{name}, several ways into one function": replace(FAMILIES[name], shared=True, **changes)  # type: ignore[arg-type]
    for name, changes in SHARED.items()
}


@st.composite
def plans(draw: st.DrawFn, family: Family) -> Plan:
    """Draw a plan of a family."""
    unit = draw(family.unit)
    functions = tuple(
        _function(draw, family, unit, rank) for rank in range(draw(st.integers(*family.functions)))
    )
    if family.shared:
        functions = tuple(_shared(draw, function, functions[0]) for function in functions)
    if family.calls is not None:
        functions = with_calls(draw, family.calls, functions, unit)
    few, many = family.arrivals
    moments = st.lists(st.integers(0, family.latest), min_size=few, max_size=many)
    times_us = [np.sort(np.array(draw(moments), dtype=np.int64)) * unit for _ in functions]
    cut = draw(st.sampled_from([1, 3, 1000]))
    return Plan(
        functions=functions,
        arrivals=Traffic(times_us, cut),
        concurrency=draw(family.concurrency(unit)),
        requests_per_concurrency=draw(family.requests_per_concurrency(unit)),
        reuse=draw(family.reuse(unit)),
        after_failure=draw(family.after_failure(unit)),
        gateway=draw(family.gateway(unit)),
        calls=draw(rules(family.calls, unit)) if family.calls is not None else None,
    )


def _shared(draw: st.DrawFn, function: FunctionPlan, owner: FunctionPlan) -> FunctionPlan:
    """Make most functions another way into the first."""
    if function is owner or draw(st.integers(0, 3)) == 0:
        return function
    return replace(function, shares=owner.name, reserved=None, provisioned=())


@dataclass(frozen=True, eq=False)
class Traffic:
    """Arrivals that come in pieces of a given length, empty ones among them."""

    times_us: list[NDArray[np.int64]]
    cut: int

    def __call__(self) -> Iterator[ArrivalChunk]:
        def pieces(times_us: NDArray[np.int64]) -> Callable[[], Iterator[NDArray[np.int64]]]:
            return lambda: (times_us[first : first + self.cut] for first in range(0, len(times_us), self.cut))

        yield from merge_arrivals([pieces(times_us) for times_us in self.times_us])
        nothing = np.zeros(0, dtype=np.int64)
        yield ArrivalChunk(nothing, nothing, nothing)


def _function(draw: st.DrawFn, family: Family, unit: int, rank: int) -> FunctionPlan:
    quota = draw(family.quota(unit))
    source = draw(family.source(unit))
    seed = draw(st.integers(0, 3))
    laws = _laws(draw, family, unit) | (quota.starts.laws(quota.rules) if quota else {})
    if source is not None:
        laws |= {
            Quantity.LANE: lanes_of(draw(st.integers(1, source.lanes))),
            Quantity.BATCH_OVERHEAD: draw(family.overhead(unit)),
        }
    draws = FunctionDraws(
        seed=seed,
        owner=f"f{rank}",
        laws=laws,
        cpu_factor=draw(family.cpu_factor(unit)),
        error_probability=draw(family.errors(unit)),
        crash_probability=draw(family.crashes(unit)),
        memory_mb=128,
        payload_limit_kb=128,
        response_limit_kb=128,
        quota=quota,
        out_of_memory_probability=(hangs := draw(family.hangs(unit))) / 2,
        timeout_probability=hangs / 2,
        poison_probability=draw(family.poison(unit)) if source else 0.0,
        filtered_probability=draw(family.filtered(unit)) if source else 0.0,
    )
    return FunctionPlan(
        name=f"f{rank}",
        timeout_us=draw(family.timeout(unit)),
        init_cap_us=draw(family.init_cap(unit)),
        reserved=draw(family.reserved(unit)),
        provisioned=draw(family.provisioned(unit)),
        max_lifetime_us=draw(family.lifetime(unit)),
        scaling_burst=draw(family.scaling_burst(unit)),
        scaling_interval_us=draw(family.scaling_interval(unit)),
        retry=draw(family.retry(unit) if source is None else pollers_retries(unit)),
        draws=draws,
        source=source,
        throttle=draw(family.throttle(unit)) if source is None else None,
        behind_gateway=draw(family.behind_gateway(unit)) if source is None else False,
    )


def lanes_of(lanes: int) -> DrawLaw:
    """Spread items evenly over the first lanes."""
    return Constant(0) if lanes == 1 else Resample(np.arange(lanes))


def pollers_retries(unit: int) -> st.SearchStrategy[RetryPolicy]:
    return st.builds(
        lambda first, more: RetryPolicy(
            Invoker.SOURCE,
            throttle_retries=UNLIMITED,
            throttle_backoff_us=first * unit,
            throttle_backoff_cap_us=(first + more) * unit,
        ),
        st.integers(1, 2),
        st.sampled_from([0, 1, 20]),
    )


def _laws(draw: st.DrawFn, family: Family, unit: int) -> dict[Quantity, DrawLaw]:
    strategies: Mapping[Quantity, Callable[[int], st.SearchStrategy[DrawLaw]]] = {
        Quantity.CPU_TIME: family.handler,
        Quantity.IO_TIME: family.io,
        Quantity.INIT: family.init,
        Quantity.FIRST_RUN: family.first_run,
        Quantity.PLACEMENT: family.placement,
        Quantity.KEEP_ALIVE: family.keep_alive,
        Quantity.MEMORY: family.memory,
        Quantity.REQUEST_PAYLOAD: family.payload,
        Quantity.RESPONSE_PAYLOAD: family.response,
        Quantity.POST_RESPONSE: family.post_response,
        Quantity.ENVIRONMENT_SPEED: family.speed,
    }
    return {stream: draw(strategy(unit)) for stream, strategy in strategies.items()}
