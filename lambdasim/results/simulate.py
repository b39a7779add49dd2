"""Run a scenario, or plain arrays, and give the result."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import TypeAdapter, ValidationError

from lambdasim.draws.keys import Stream
from lambdasim.draws.laws import DrawLaw, compile_law
from lambdasim.engine.contract import NEVER, ArrivalChunk, Plan, RecordChunk, RunDraws
from lambdasim.engine.plan import FunctionDraws, plan_scenario
from lambdasim.engine.run import EngineName, run_plan
from lambdasim.errors import InputError
from lambdasim.results.run import RunResult
from lambdasim.specs.laws import Law
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.units import US_PER_MS, US_PER_S, format_duration

_CHUNK: Final = 1 << 16
_NO_LIMIT: Final = 1 << 40
RecordSink = Callable[[RecordChunk], None]


def simulate(
    scenario: ScenarioSpec | None = None,
    *,
    arrivals_s: ArrayLike | None = None,
    durations_ms: ArrayLike | Mapping[str, Any] | None = None,
    init_ms: ArrayLike | Mapping[str, Any] = 0.0,
    keep_alive_s: float = 600.0,
    concurrency: int = 1000,
    reuse: str = "most_recently_used",
    memory_mb: int = 1769,
    seed: int = 0,
    start: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    engine: str = "auto",
    keep_records: bool = True,
    sink: RecordSink | None = None,
    progress: Callable[[int], None] | None = None,
) -> RunResult:
    """Simulate a scenario, or one function given as plain arrays.

    Parameters
    ----------
    scenario : ScenarioSpec, optional
        See ``load_scenario``. Either this or ``arrivals_s`` and ``durations_ms``.
    arrivals_s : array of float, shape (n,), optional
        Arrival times after ``start`` [s], in any order; invocations are numbered by time.
    durations_ms : float, array of shape (n,), or law, optional
        Handler durations [ms]: one for all, one for each arrival, or a law as a scenario writes it, such as
        ``{"exponential": {"mean": 100}}``.
    init_ms : float, array of shape (n,), or law
        INIT durations [ms], used where the arrival starts cold.
    keep_alive_s : float
        How long an idle environment stays warm [s].
    concurrency : int
        The account's limit on concurrent executions; with arrays the only limit: no request or scaling rate, no
        timeout and no cap on INIT apply.
    reuse : {"most_recently_used", "least_recently_used"}
        Which idle environment serves next.
    memory_mb : int
        Configured memory [MB], for the bill; durations are taken as they are.
    seed : int
        For laws.
    start : datetime
        Moment of arrival time 0; decides the month of the bill.
    engine : {"auto", "kernel", "reference"}
        The compiled engine, or the one in SimPy that is written to be read; both give equal records. The run's
        provenance says which it was.
    keep_records : bool
        Whether ``run.records`` holds every attempt. Without, memory stays bounded whatever the traffic.
    sink : callable, optional
        Is given every chunk of records as it leaves the engine.
    progress : callable, optional
        Is told the simulated time reached [µs since the start].

    Returns
    -------
    RunResult

    Raises
    ------
    InputError
        When an argument cannot be accepted.

    Examples
    --------
    >>> import lambdasim as ls
    >>> run = ls.simulate(arrivals_s=[0, 1, 2], durations_ms=100, init_ms=250)
    >>> run.records[["start_type", "duration_ms", "init_ms"]].values.tolist()
    [['cold', 100.0, 250.0], ['warm', 100.0, 0.0], ['warm', 100.0, 0.0]]
    """
    if scenario is not None:
        plan = plan_scenario(scenario)
        checksum = ""
    else:
        if arrivals_s is None or durations_ms is None:
            raise InputError.single("simulate", "", "needs a scenario, or arrivals_s and durations_ms")
        settings = (keep_alive_s, concurrency, reuse, memory_mb, seed, start)
        scenario, plan, checksum = _from_arrays(arrivals_s, durations_ms, init_ms, *settings)
    if engine not in set(EngineName):
        allowed = ", ".join(EngineName)
        raise InputError.single("simulate", "engine", f"must be one of {allowed}, got {engine!r:.40}")
    chosen = EngineName(engine).chosen()
    chunks = _told(run_plan(plan, chosen.engine), sink, progress)
    named = f"{chosen.engine} ({chosen.why})"
    return RunResult.of_records(scenario, plan, chunks, checksum, engine=named, keep_records=keep_records)


def _told(
    chunks: Iterator[RecordChunk], sink: RecordSink | None, progress: Callable[[int], None] | None
) -> Iterator[RecordChunk]:
    """Hand chunks on, and tell of them."""
    for chunk in chunks:
        yield chunk
        if sink is not None:
            sink(chunk)
        if progress is not None:
            progress(int(chunk["start_us"][-1]))


@dataclass(frozen=True, eq=False)
class ArrayDraws:
    """Durations and INIT given for each invocation, or drawn from a law."""

    base: FunctionDraws
    handler_us: NDArray[np.int64] | None
    init_us: NDArray[np.int64] | None

    def draw(self, invocation: NDArray[np.int64], run: int) -> RunDraws:
        """Draw for the given invocations; what is given stays the same in every run."""
        drawn = self.base.draw(invocation, run)
        return replace(
            drawn,
            handler_us=drawn.handler_us if self.handler_us is None else self.handler_us[invocation],
            init_us=drawn.init_us if self.init_us is None else self.init_us[invocation],
        )

    def backoff_us(self, invocation: int, retry: int, ceiling_us: int) -> int:
        """Draw a client's waiting time [µs]."""
        return self.base.backoff_us(invocation, retry, ceiling_us)


def _from_arrays(
    arrivals_s: ArrayLike,
    durations_ms: ArrayLike | Mapping[str, Any],
    init_ms: ArrayLike | Mapping[str, Any],
    keep_alive_s: float,
    concurrency: int,
    reuse: str,
    memory_mb: int,
    seed: int,
    start: datetime,
) -> tuple[ScenarioSpec, Plan, str]:
    given_s = _numbers("arrivals_s", arrivals_s)
    order = np.argsort(given_s, kind="stable")
    time_us = np.rint(given_s[order] * US_PER_S).astype(np.int64)
    last_us = int(time_us[-1]) if len(time_us) else 0
    handler, handler_law = _array_or_law("durations_ms", durations_ms, order)
    init, init_draws = _array_or_law("init_ms", init_ms, order)
    try:
        scenario = ScenarioSpec.model_validate(
            {
                "name": "arrays",
                "start": start,
                "duration": f"{last_us + 1}us",
                "seed": seed,
                "account": {"concurrency": concurrency},
                "platform": {
                    "keep_alive": format_duration(round(keep_alive_s * US_PER_S)),
                    "max_lifetime": None,
                    "reuse": reuse,
                },
                "functions": [
                    {
                        "name": "function",
                        "memory_mb": memory_mb,
                        "init_ms": 0,
                        "trigger": {"type": "function_url"},
                        "traffic": {"constant": {"rate_per_s": 0}},
                    }
                ],
            }
        )
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        raise InputError.single("simulate", ".".join(map(str, found["loc"])), found["msg"]) from None
    plan = plan_scenario(scenario)
    base = plan.functions[0].draws
    assert isinstance(base, FunctionDraws)  # noqa: S101 - plan_scenario makes no other
    laws = dict(base.laws)
    if handler_law is not None:
        laws[Stream.IO_TIME] = handler_law
    if init_draws is not None:
        laws[Stream.INIT] = init_draws
    draws = ArrayDraws(replace(base, laws=laws), handler, init)
    function = replace(
        plan.functions[0], draws=draws, timeout_us=NEVER, init_cap_us=NEVER, scaling_burst=_NO_LIMIT
    )
    plan = replace(
        plan, functions=(function,), requests_per_concurrency=_NO_LIMIT, arrivals=lambda: _chunks(time_us)
    )
    digest = hashlib.sha256()
    for array in (time_us, handler, init):
        digest.update(b"" if array is None else array.tobytes())
    return scenario, plan, digest.hexdigest()


def _chunks(time_us: NDArray[np.int64]) -> Iterator[ArrivalChunk]:
    for first in range(0, len(time_us), _CHUNK):
        part = time_us[first : first + _CHUNK]
        yield ArrivalChunk(part, np.zeros(len(part), dtype=np.int64), np.arange(first, first + len(part)))


def _array_or_law(
    name: str, given: ArrayLike | Mapping[str, Any], order: NDArray[np.int64]
) -> tuple[NDArray[np.int64] | None, DrawLaw | None]:
    """Read durations [ms] as one number for each invocation [µs], or as a law."""
    if isinstance(given, Mapping):
        try:
            law: Law = TypeAdapter(Law).validate_python(given)
        except ValidationError as error:
            raise InputError.single("simulate", name, error.errors(include_url=False)[0]["msg"]) from None
        return None, compile_law(law, US_PER_MS)
    numbers = np.rint(_numbers(name, given) * US_PER_MS).astype(np.int64)
    if numbers.size == 1:
        return np.full(len(order), int(numbers.ravel()[0]), dtype=np.int64), None
    if numbers.shape != order.shape:
        raise InputError.single(
            "simulate",
            name,
            f"must have one value, or {len(order)}, one for each arrival, got {numbers.size}",
        )
    return numbers[order], None


def _numbers(name: str, given: ArrayLike | Iterable[float]) -> NDArray[np.float64]:
    try:
        numbers = np.atleast_1d(np.asarray(given, dtype=np.float64))
    except (TypeError, ValueError):
        raise InputError.single("simulate", name, "must be numbers") from None
    if numbers.ndim != 1 or not np.all(np.isfinite(numbers)) or np.any(numbers < 0):
        raise InputError.single("simulate", name, "must be a row of finite numbers of at least 0")
    return numbers
