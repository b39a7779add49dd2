"""One function's requests on a platform: fed chunk by chunk, then what was billed and how long clients waited."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.billing.platforms.charges import PlatformUsage
from lambdasim.catalog.prices.platform_kinds import Billed, Platform
from lambdasim.draws.keys import Quantity
from lambdasim.engine.contract import CallKind, FunctionPlan, Plan, StartType, calls_of_plan
from lambdasim.engine.draws import FunctionDraws
from lambdasim.engine.instances.run import Answers, InstanceRun, Requests
from lambdasim.engine.totals.histogram import Histogram
from lambdasim.results.run import RunResult
from lambdasim.specs.function import FunctionSpec
from lambdasim.study.platforms.settings import Setting, start_ups_us
from lambdasim.traffic.arrivals import FunctionArrivals
from lambdasim.units import US_PER_MS

_AT_ONCE: Final = 1 << 16
LOOKED_AT: Final = 1 << 16
"""Runs whose memory is looked at, to say how much a function needs."""


class Arriving(NamedTuple):
    """A chunk of requests, and which invocations they are.

    Attributes
    ----------
    requests : Requests
    invocation : ndarray of int64, shape (n,)
    """

    requests: Requests
    invocation: NDArray[np.int64]


def arriving(plan: FunctionPlan, arrivals: FunctionArrivals) -> Iterator[Arriving]:
    """Give a function's requests with their work, chunk by chunk; items that fit no filter are left out.

    Parameters
    ----------
    plan : FunctionPlan
    arrivals : FunctionArrivals

    Yields
    ------
    Arriving
        A run that hangs waits until the function's timeout.
    """
    first = 0
    for arrived_us in arrivals():
        numbers = np.arange(first, first + len(arrived_us), dtype=np.int64)
        first += len(arrived_us)
        kept = ~plan.draws.filtered(numbers)
        time_us, invocation = arrived_us[kept], numbers[kept]
        cpu_us, io_us = plan.draws.work_us(invocation)
        hangs = plan.draws.hangs(invocation)
        io_us = np.where(hangs, np.maximum(plan.timeout_us - cpu_us, 0), io_us)
        yield Arriving(Requests(np.ascontiguousarray(time_us), cpu_us, io_us), invocation)


def in_chains(plan: Plan) -> frozenset[str]:
    """Name the functions whose requests are known from a run alone: those that call others, and those that are called.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    frozenset of str
    """
    calls = calls_of_plan(plan)
    names = {plan.functions[call.callee].name for _, call in calls}
    return frozenset(names | {function.name for function in plan.functions if function.calls})


def arriving_in_run(run: RunResult, place: int, function: FunctionPlan) -> Iterator[Arriving]:
    """Give a function's runs of Lambda as requests, in order of their starts.

    Parameters
    ----------
    run : RunResult
        With its records.
    place : int
        Of the function in the plan.
    function : FunctionPlan

    Yields
    ------
    Arriving
        Its own CPU time and waiting, and of a caller, or of runs that may hang, besides what they took on Lambda beyond
        those: it waits for the functions that it calls as long as it did there.
    """
    parts = []
    for chunk in run.chunks or ():
        own = (chunk["function"] == place) & (chunk["start_type"] != StartType.NONE)
        took_us = chunk["duration_us"] - chunk["init_again_us"]
        parts.append(np.stack([chunk["start_us"][own], chunk["invocation"][own], took_us[own]]))
    if not parts:
        return
    start_us, invocation, took_us = np.concatenate(parts, axis=1)
    order = np.argsort(start_us, kind="stable")
    waits = any(call.kind is CallKind.WAITING for call in function.calls)
    waits = waits or function.draws.timeout_probability > 0
    for first in range(0, len(order), _AT_ONCE):
        now = order[first : first + _AT_ONCE]
        numbers = np.ascontiguousarray(invocation[now])
        cpu_us, io_us = function.draws.work_us(numbers)
        if waits:
            computed_us = np.rint(cpu_us * function.draws.cpu_factor).astype(np.int64)
            io_us = np.maximum(took_us[now] - computed_us, io_us)
        yield Arriving(Requests(np.ascontiguousarray(start_us[now]), cpu_us, io_us), numbers)


def merged(ways: Sequence[Iterator[Arriving]]) -> Iterator[Arriving]:
    """Merge the requests of several ways into a function, in order of time.

    Parameters
    ----------
    ways : sequence of iterator of Arriving
        Each in order of time.

    Yields
    ------
    Arriving
        Those of one instant in the order of the ways; numbers of invocations are each way's own.
    """
    heads = [next(way, None) for way in ways]
    while any(head is not None for head in heads):
        for place, way in enumerate(ways):
            while (head := heads[place]) is not None and not len(head.invocation):
                heads[place] = next(way, None)
        known = [head for head in heads if head is not None]
        if not known:
            return
        until_us = min(int(head.requests.time_us[-1]) for head in known)
        parts = []
        for place, head in enumerate(heads):
            if head is not None:
                stop = int(np.searchsorted(head.requests.time_us, until_us, side="right"))
                parts.append(_rows(head, slice(0, stop)))
                heads[place] = _rows(head, slice(stop, None))
        joined = Arriving(
            Requests(
                *(np.concatenate(columns) for columns in zip(*(part.requests for part in parts), strict=True))
            ),
            np.concatenate([part.invocation for part in parts]),
        )
        yield _rows(joined, np.argsort(joined.requests.time_us, kind="stable"))


def _rows(chunk: Arriving, rows: slice | NDArray[np.int64]) -> Arriving:
    return Arriving(
        Requests(*(np.ascontiguousarray(column[rows]) for column in chunk.requests)), chunk.invocation[rows]
    )


def used_mb(draws: FunctionDraws) -> int | None:
    """Say how much memory a function's runs use at most, among its first; None where nothing is known [MB]."""
    if draws.used_mb(np.zeros(1, dtype=np.int64))[0] == 0:
        return None
    found = draws.used_mb(np.arange(LOOKED_AT, dtype=np.int64))
    return int(min(found.max(), draws.memory_mb))


class Served(NamedTuple):
    """What serving a function came to; usage is of the whole run.

    Attributes
    ----------
    usage : PlatformUsage
    latency_ms : Histogram
        From arrival to answer, whole milliseconds rounded up.
    waited, starts, peak : int
        Requests that waited for an instance; instances started; most at once.
    """

    usage: PlatformUsage
    latency_ms: Histogram
    waited: int
    starts: int
    peak: int


class Serving:
    """A function on a platform while its requests come.

    Parameters
    ----------
    platform : Platform
    setting : Setting
    spec : FunctionSpec
    draws : FunctionDraws
        For the memory that each run uses.
    seed : int
    horizon_us : int
        The scenario's length [µs].
    memory_mb : int or None
        Memory of each run where each is billed by what it uses; None to draw it.
    """

    def __init__(
        self,
        platform: Platform,
        setting: Setting,
        spec: FunctionSpec,
        draws: FunctionDraws,
        seed: int,
        horizon_us: int,
        memory_mb: int | None = None,
    ) -> None:
        self._platform, self._setting, self._draws = platform, setting, draws
        self._memory_mb = memory_mb
        self._run = InstanceRun(setting.plan, start_ups_us(platform, spec, seed), horizon_us)
        self._latency = Histogram()
        self._requests = self._cpu_ms = self._milli_vcpu_ms = self._mb_ms = 0

    def take(self, chunk: Arriving) -> None:
        """Take the next requests in."""
        self._requests += len(chunk.invocation)
        self._cpu_ms += int((-(-chunk.requests.cpu_us // US_PER_MS)).sum())
        if self._platform.billed is Billed.CPU:
            self._latency.add(-(-(chunk.requests.cpu_us + chunk.requests.io_us) // US_PER_MS))
            return
        self._count(self._run.take(chunk.requests))

    def _count(self, answers: Answers) -> None:
        self._latency.add(-(-answers.latency_us // US_PER_MS))
        if self._platform.billed is Billed.RUNS:
            run_ms = np.maximum(-(-answers.duration_us // US_PER_MS), self._platform.least_ms)
            step = self._platform.memory_step_mb
            used = (
                self._draws.used_mb(answers.request)
                if self._memory_mb is None
                else np.full(len(run_ms), self._memory_mb, dtype=np.int64)
            )
            stepped = np.minimum(-(-used // step) * step, self._platform.sizes[-1].most_mb)
            self._mb_ms += int((run_ms * stepped).sum())

    def finish(self) -> Served:
        """Let all requests end."""
        if self._platform.billed is not Billed.CPU:
            self._count(self._run.finish())
        totals, tick_ms = self._run.totals(), self._platform.tick_ms
        ticks = {Billed.BUSY: totals.ticks, Billed.LIFE: totals.life_ticks}.get(self._platform.billed, 0)
        usage = PlatformUsage(
            requests=self._requests,
            milli_vcpu_ms=ticks * tick_ms * self._setting.milli_vcpus,
            mb_ms=self._mb_ms + ticks * tick_ms * self._setting.memory_mb,
            cpu_ms=self._cpu_ms,
        )
        return Served(usage, self._latency, totals.waited, totals.starts, totals.peak)


def response_kb(plan: FunctionPlan, chunk: Arriving) -> int:
    """Add up what goes back to clients who wait for an answer [KB]."""
    if not plan.retry.synchronous:
        return 0
    return int(plan.draws.payload_kb(Quantity.RESPONSE_PAYLOAD, chunk.invocation).sum())
