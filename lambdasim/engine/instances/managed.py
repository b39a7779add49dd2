"""Runs functions on Lambda Managed Instances and puts their records among those of the other functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.contract import ArrivalChunk, Outcome, Plan
from lambdasim.engine.instances import managed_state as here
from lambdasim.engine.instances import state as base
from lambdasim.engine.instances.managed_state import first_state, with_room
from lambdasim.engine.records import RECORD_COLUMNS, RecordChunk
from lambdasim.models.cpu_scaling import scale_cpu_time
from lambdasim.models.managed_instances import ManagedFleet
from lambdasim.models.polling import backoff_us
from lambdasim.units import US_PER_MINUTE

TICK_US: Final = US_PER_MINUTE
_NEVER_US: Final = (1 << 62) - 1
_HANGS_US: Final = 1 << 50
_AT_ONCE: Final = 1 << 15
_ENVIRONMENTS: Final = 1 << 40
_OWN: Final = {
    "invocation": here.R_INVOCATION,
    "attempt": here.R_ATTEMPT,
    "arrival_us": here.R_ARRIVAL,
    "start_us": here.R_START,
    "duration_us": here.R_DURATION,
    "start_type": here.R_START_TYPE,
    "outcome": here.R_OUTCOME,
    "limit": here.R_LIMIT,
    "exec_env": here.R_ENV,
    "event_outcome": here.R_EVENT_OUTCOME,
    "concurrency": here.R_CONCURRENCY,
}


def run_with_managed(
    plan: Plan, run_others: Callable[[Plan], Iterator[RecordChunk]]
) -> Iterator[RecordChunk]:
    """Run a plan, functions on managed instances here and all others as they are given.

    Parameters
    ----------
    plan : Plan
    run_others : callable
        Runs a plan whose functions on managed instances have no arrivals.

    Yields
    ------
    RecordChunk
        In order of start; of one instant the other functions' first. The last has what the functions on managed instances
        held.

    Notes
    -----
    Functions on managed instances have limits of their own, and neither call nor are called, so what they do does not
    depend on the others.
    """
    managed = [rank for rank, function in enumerate(plan.functions) if function.managed is not None]
    if not managed:
        yield from run_others(plan)
        return
    runs = [
        _ManagedRun(plan, rank, place * _ENVIRONMENTS if len(plan.functions) > 1 else 0)
        for place, rank in enumerate(managed, start=1)
    ]
    apart = [_Waiting(run.chunks()) for run in runs]
    others = (
        run_others(replace(plan, arrivals=_Others(plan, frozenset(managed))))
        if len(managed) < len(plan.functions)
        else iter(())
    )
    for chunk in others:
        if not len(chunk):
            yield chunk
            continue
        until_us = int(chunk["start_us"][-1])
        yield _merged(chunk, [rows for one in apart for rows in one.before(until_us)])
    while any(one.more() for one in apart):
        until_us = min(one.last_us() for one in apart if one.more())
        yield _merged(None, [rows for one in apart for rows in one.before(until_us + 1)])
    fleets = {run.rank: run.fleet() for run in runs}
    yield RecordChunk({name: np.zeros(0, dtype=np.int64) for name in RECORD_COLUMNS}, fleets=fleets)


@dataclass(frozen=True)
class _Others:
    """Arrivals of all functions that are not on managed instances."""

    plan: Plan
    without: frozenset[int]

    def __call__(self) -> Iterator[ArrivalChunk]:
        """Iterate over the chunks."""
        for chunk in self.plan.arrivals():
            kept = ~np.isin(chunk.function, list(self.without))
            yield ArrivalChunk(chunk.time_us[kept], chunk.function[kept], chunk.invocation[kept])


class _Waiting:
    """Records of one function that have not been given out."""

    def __init__(self, chunks: Iterator[RecordChunk]) -> None:
        self._chunks = chunks
        self._first: RecordChunk | None = None

    def more(self) -> bool:
        """Return whether there are further records."""
        while self._first is None or not len(self._first):
            self._first = next(self._chunks, None)
            if self._first is None:
                return False
        return True

    def last_us(self) -> int:
        """Return the last start that is known; ask ``more`` before [µs]."""
        assert self._first is not None  # noqa: S101 - more said so
        return int(self._first["start_us"][-1])

    def before(self, until_us: int) -> Iterator[RecordChunk]:
        """Give out what starts before an instant."""
        while self.more():
            assert self._first is not None  # noqa: S101 - more said so
            stop = int(np.searchsorted(self._first["start_us"], until_us, side="left"))
            if stop:
                yield RecordChunk({name: self._first[name][:stop] for name in RECORD_COLUMNS})
            whole = stop == len(self._first)
            self._first = RecordChunk({name: self._first[name][stop:] for name in RECORD_COLUMNS})
            if not whole:
                return


def _merged(chunk: RecordChunk | None, others: list[RecordChunk]) -> RecordChunk:
    """Put records among others, in order of start."""
    parts = [*([] if chunk is None else [chunk]), *others]
    together = {name: np.concatenate([part[name] for part in parts]) for name in RECORD_COLUMNS}
    order = np.argsort(together["start_us"], kind="stable")
    columns = {name: column[order] for name, column in together.items()}
    return RecordChunk(columns) if chunk is None else replace(chunk, columns=columns)


class _ManagedRun:
    """One function's run."""

    def __init__(self, plan: Plan, rank: int, first_environment: int) -> None:
        function = plan.functions[rank]
        managed = function.managed
        assert managed is not None  # noqa: S101 - chosen by it
        self.rank, self._plan, self._function = rank, plan, function
        self._first_environment, self._managed = first_environment, managed
        settings = np.zeros(here.SETTINGS, dtype=np.int64)
        settings[here.SLOTS], settings[here.LEAST], settings[here.MOST] = (
            managed.slots,
            managed.least,
            managed.most,
        )
        settings[here.HEADROOM_PERCENT], settings[here.TICK_US] = managed.headroom_percent, TICK_US
        settings[here.LAG_US], settings[here.ENDS_US] = managed.lag_us, managed.ends_us
        settings[here.TIMEOUT_US] = min(function.timeout_us, _HANGS_US - 1)
        settings[here.CLIENT_TIMEOUT_US] = function.retry.client_timeout_us
        self._retries = function.retry.throttle_retries if function.retry.repeats_throttles else 0
        settings[here.RETRIES] = self._retries
        settings[here.PER_INSTANCE], settings[here.LEAST_INSTANCES] = (
            managed.per_instance,
            managed.least_instances,
        )
        keeps = max(managed.keep_us // TICK_US, 1)
        speed = np.array([managed.vcpus, _speed_alone(managed.vcpus, managed.parallel_fraction)])
        self._state = first_state(settings, speed, keeps, -(-managed.ends_us // US_PER_MINUTE))

    def fleet(self) -> ManagedFleet:
        """Return what was held."""
        instance_us, environment_us = self._state.held_us
        return ManagedFleet(instance_us, environment_us, int(self._state.counters[base.PEAK]))

    def chunks(self) -> Iterator[RecordChunk]:
        """Run all requests, and give records in order of start."""
        advance, finish = compiled_managed_steps()
        arrivals = self._arrivals()
        first = next(arrivals, np.zeros(0, dtype=np.int64))
        environments, number = self._first_environments(first), 0
        for arrived_us in _with_first(first, arrivals):
            for begin in range(0, max(len(arrived_us), 1), _AT_ONCE):
                part = np.ascontiguousarray(arrived_us[begin : begin + _AT_ONCE])
                invocation = np.arange(number, number + len(part), dtype=np.int64)
                work, waits_us = self._work(invocation), self._waits_us(invocation)
                self._state = with_room(self._state, max(len(part), environments))
                advance(self._state, part, number, work, waits_us, environments)
                number += len(part)
                yield self._written()
        self._state = with_room(self._state, 0)
        finish(self._state, _NEVER_US)
        yield self._written()

    def _arrivals(self) -> Iterator[NDArray[np.int64]]:
        for chunk in self._plan.arrivals():
            own = chunk.function == self.rank
            if own.any():
                yield chunk.time_us[own]

    def _work(self, invocation: NDArray[np.int64]) -> NDArray[np.int64]:
        """Draw what requests need, shape (n, 4); see ``managed_steps.advance``."""
        draws = self._function.draws
        cpu_us, io_us = draws.work_us(invocation)
        drawn = draws.draw(invocation, 0)
        io_us = np.where(drawn.fault == Outcome.TIMEOUT, _HANGS_US, io_us)
        fault = np.where(drawn.fault == Outcome.TIMEOUT, Outcome.COMPLETED, drawn.fault)
        return np.column_stack((scale_cpu_time(cpu_us, draws.cpu_factor), io_us, fault, drawn.too_large))

    def _waits_us(self, invocation: NDArray[np.int64]) -> NDArray[np.int64]:
        """Draw what clients wait before each further attempt, shape (n, retries) [µs]."""
        policy, draws = self._function.retry, self._function.draws
        found = np.zeros((len(invocation), self._retries), dtype=np.int64)
        for retry in range(self._retries):
            most_us = backoff_us(policy.throttle_backoff_us, policy.throttle_backoff_cap_us, retry)
            found[:, retry] = draws.backoffs_us(invocation, retry, most_us) if policy.jittered else most_us
        return found

    def _first_environments(self, arrived_us: NDArray[np.int64]) -> int:
        """Say how many environments the first minute needs on average, with the scaler's headroom."""
        managed = self._managed
        span_us = min(TICK_US, managed.ends_us)
        early = arrived_us[arrived_us < span_us][:_AT_ONCE]
        reached_us = span_us if len(early) < _AT_ONCE else max(int(early[-1]), 1)
        work = self._work(np.arange(len(early), dtype=np.int64))
        cpu_us = float(work[:, 0].sum())
        io_us = float(np.minimum(work[:, 1], self._function.timeout_us).sum())
        headroom = managed.headroom_percent / 100
        by_cpu = headroom * cpu_us / reached_us / managed.vcpus
        by_requests = headroom * (cpu_us + io_us) / reached_us / managed.slots
        return int(min(max(np.ceil(by_cpu), np.ceil(by_requests), managed.least), managed.most))

    def _written(self) -> RecordChunk:
        """Take out the records before which all have ended."""
        counters, records = self._state.counters, self._state.records
        many = int(counters[here.WRITTEN] - counters[here.PUT_AWAY])
        done = records[:many, here.R_DONE]
        stop = many if done.all() else int(done.argmin())
        rows = records[:stop].copy()
        records[: many - stop] = records[stop:many].copy()
        counters[here.PUT_AWAY] += stop
        columns = {name: np.zeros(stop, dtype=np.int64) for name in RECORD_COLUMNS}
        columns |= {name: np.ascontiguousarray(rows[:, place]) for name, place in _OWN.items()}
        columns["function"] += self.rank
        columns["exec_env"] += np.where(columns["exec_env"] >= 0, self._first_environment, 0)
        return RecordChunk(columns)


def _speed_alone(vcpus: float, parallel_fraction: float) -> float:
    """Give the CPU time that a request which is alone in its environment gets in a unit of time."""
    return 1 / ((1 - parallel_fraction) + parallel_fraction / vcpus)


def _with_first(first: NDArray[np.int64], others: Iterator[NDArray[np.int64]]) -> Iterator[NDArray[np.int64]]:
    yield first
    yield from others


@cache
def compiled_managed_steps() -> tuple[Any, Any]:
    """Return the steps, compiled and kept on disk.

    Returns
    -------
    tuple of callable
        For a chunk of arrivals, and for the end.
    """
    from lambdasim.compiling import compiled_and_kept
    from lambdasim.engine.instances import managed_steps

    return compiled_and_kept(managed_steps.advance), compiled_and_kept(managed_steps.finish)
