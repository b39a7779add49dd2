"""One function given as plain arrays, made ready for an engine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import TypeAdapter, ValidationError

from lambdasim.catalog import limit
from lambdasim.draws.keys import Quantity
from lambdasim.draws.laws import Constant, DrawLaw, Indexed, compile_law, farthest
from lambdasim.draws.table import LARGEST_VALUE
from lambdasim.engine.contract import NEVER, ArrivalChunk, Plan
from lambdasim.engine.plan import plan_scenario
from lambdasim.errors import InputError
from lambdasim.specs.base import Spec
from lambdasim.specs.fields import LONGEST_SCENARIO_US, LONGEST_US
from lambdasim.specs.laws import Law
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.units import US_PER_DAY, US_PER_MS, US_PER_S, format_duration

_CHUNK: Final = 1 << 16
_NO_LIMIT: Final = 1 << 40
_LONGEST_RUN_US: Final = 366 * US_PER_DAY


def plan_arrays(
    arrivals_s: ArrayLike,
    durations_ms: ArrayLike | Mapping[str, Any],
    init_ms: ArrayLike | Mapping[str, Any] = 0.0,
    keep_alive_s: float = 600.0,
    concurrency: int = limit("account_concurrency_default").value,
    reuse: str = "most_recently_used",
    memory_mb: int = limit("memory_per_vcpu_mb").value,
    seed: int = 0,
    start: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    end_s: float | None = None,
    timeout_s: float | None = None,
    reserved_concurrency: int | None = None,
    provisioned_concurrency: int | Iterable[Mapping[str, Any]] = 0,
) -> tuple[ScenarioSpec, Plan, str]:
    """Make scenario, plan and checksum of one function given as arrays; see ``simulate`` for the arguments.

    Raises
    ------
    InputError
        When an argument cannot be accepted.
    """
    given_s = _numbers("arrivals_s", arrivals_s, LONGEST_US / US_PER_S)
    kept_s = _number("keep_alive_s", keep_alive_s, LONGEST_US / US_PER_S)
    order = np.argsort(given_s, kind="stable")
    time_us = np.rint(given_s[order] * US_PER_S).astype(np.int64)
    last_us = int(time_us[-1]) if len(time_us) else 0
    if last_us >= LONGEST_SCENARIO_US:
        raise InputError.single("simulate", "arrivals_s", _too_long(time_us, start))
    length_us = last_us + 1 if end_s is None else _length_us(end_s, given_s, time_us)
    timeout_us = NEVER if timeout_s is None else _timeout_us(timeout_s)
    handler, handler_law = _array_or_law("durations_ms", durations_ms, order)
    init, init_law = _array_or_law("init_ms", init_ms, order)
    try:
        scenario = ScenarioSpec.model_validate(
            {
                "name": "arrays",
                "start": start,
                "duration_us": length_us,
                "seed": _plain(seed),
                "account": {"concurrency": _plain(concurrency)},
                "platform": {
                    "keep_alive": format_duration(round(kept_s * US_PER_S)),
                    "max_lifetime": None,
                    "reuse": reuse,
                },
                "functions": [
                    {
                        "name": "function",
                        "memory_mb": _plain(memory_mb),
                        "init_ms": 0,
                        "reserved_concurrency": _plain(reserved_concurrency),
                        "provisioned_concurrency": _provisioned(provisioned_concurrency),
                        "trigger": {"type": "function_url"},
                        "traffic": {"constant": {"rate_per_s": 0}},
                        **_written_timeout(timeout_us),
                    }
                ],
            }
        )
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        raise InputError.single("simulate", _argument(found["loc"]), found["msg"]) from None
    plan = plan_scenario(scenario)
    base = plan.functions[0].draws
    laws = dict(base.laws)
    laws |= {Quantity.IO_TIME: handler_law, Quantity.INIT: init_law}
    draws = replace(base, laws=laws)
    function = replace(
        plan.functions[0], draws=draws, timeout_us=timeout_us, init_cap_us=NEVER, scaling_burst=_NO_LIMIT
    )
    plan = replace(
        plan, functions=(function,), requests_per_concurrency=_NO_LIMIT, arrivals=partial(_chunks, time_us)
    )
    digest = hashlib.sha256(b"" if timeout_s is None else str(timeout_us).encode())
    for array in (time_us, handler, init):
        digest.update(b"" if array is None else array.tobytes())
    return scenario, plan, digest.hexdigest()


def _argument(place: tuple[str | int, ...]) -> str:
    """Name the argument that a place of the scenario belongs to."""
    steps = [str(step) for step in place if step not in ("functions", "account", "platform")]
    return ".".join(steps[1:] if place[:1] == ("functions",) else steps)


def _length_us(end_s: float, arrivals_s: NDArray[np.float64], time_us: NDArray[np.int64]) -> int:
    """Give the length of a run that ends at a moment after all arrivals [µs]."""
    asked_s = _number("end_s", end_s, LONGEST_SCENARIO_US / US_PER_S)
    length_us = round(asked_s * US_PER_S)
    if not length_us:
        raise InputError.single("simulate", "end_s", f"must be above 0, got {asked_s:g}")
    late = np.flatnonzero(np.rint(arrivals_s * US_PER_S) >= length_us)
    if len(late):
        first = arrivals_s[late[0]]
        raise InputError.single(
            "simulate",
            "end_s",
            f"must be after every arrival, got {asked_s:.10g}; arrivals_s[{late[0]}] is {first:.10g}"
            + (f", and {len(late) - 1:,} more lie at or after the end" if len(late) > 1 else ""),
        )
    return length_us


def _timeout_us(timeout_s: float) -> int:
    asked_s = _number("timeout_s", timeout_s, _LONGEST_RUN_US / US_PER_S)
    timeout_us = round(asked_s * US_PER_S)
    if not timeout_us:
        raise InputError.single("simulate", "timeout_s", f"must be above 0, got {asked_s:g}")
    return timeout_us


def _written_timeout(timeout_us: int) -> dict[str, str]:
    """Give the timeout as a function's key, where AWS takes it."""
    taken = limit("timeout_min_s").us <= timeout_us <= limit("timeout_max_s").us
    return {"timeout": format_duration(timeout_us)} if taken else {}


def _provisioned(asked: Any) -> Any:
    """Give provisioned concurrency as a scenario's steps: one number holds from the start."""
    asked = _plain(asked)
    if isinstance(asked, int) and not isinstance(asked, bool):
        return [{"at": "0s", "count": asked}] if asked else []
    if isinstance(asked, Mapping):
        asked = [asked]
    if isinstance(asked, str | float | bool) or not isinstance(asked, Iterable):
        raise InputError.single(
            "simulate",
            "provisioned_concurrency",
            f"must be a whole number, or steps as a scenario has them, such as {{'at': '10m', 'count': 5}}, "
            f"got {asked!r:.40}",
        )
    return [
        {key: _plain(value) for key, value in step.items()} if isinstance(step, Mapping) else step
        for step in asked
    ]


def _too_long(time_us: NDArray[np.int64], start: datetime) -> str:
    """Say how long a run may be, and between which moments nothing arrives for longest."""
    times_us = np.concatenate([[0], time_us])
    place = int(np.argmax(np.diff(times_us)))
    before, after = (start + timedelta(microseconds=int(at_us)) for at_us in times_us[place : place + 2])
    return (
        f"must lie within {format_duration(LONGEST_SCENARIO_US)}, got {time_us[-1] / US_PER_S:g} s; "
        f"the longest gap is from {before:%Y-%m-%d %H:%M:%S} to {after:%Y-%m-%d %H:%M:%S}"
    )


def _chunks(time_us: NDArray[np.int64]) -> Iterator[ArrivalChunk]:
    for first in range(0, len(time_us), _CHUNK):
        part = time_us[first : first + _CHUNK]
        yield ArrivalChunk(part, np.zeros(len(part), dtype=np.int64), np.arange(first, first + len(part)))


def _array_or_law(
    name: str, given: ArrayLike | Mapping[str, Any], order: NDArray[np.int64]
) -> tuple[NDArray[np.int64] | None, DrawLaw]:
    """Read durations [ms] as a law [µs], with the numbers that it was given by, if it was."""
    if isinstance(given, Mapping | Spec):
        if isinstance(given, Mapping):
            given = {key: _plain(value) for key, value in given.items()}
        try:
            law: Law = TypeAdapter(Law).validate_python(given)
        except ValidationError as error:
            raise InputError.single("simulate", name, error.errors(include_url=False)[0]["msg"]) from None
        if not farthest(law) < LARGEST_VALUE / US_PER_MS:
            wide = f"of a law must stay below {LARGEST_VALUE // US_PER_MS:,} ms; give longer ones as numbers"
            raise InputError.single("simulate", name, wide)
        return None, compile_law(law, US_PER_MS)
    numbers = np.rint(_numbers(name, given, _LONGEST_RUN_US / US_PER_MS) * US_PER_MS).astype(np.int64)
    if numbers.size == 1:
        return numbers, Constant(int(numbers[0]))
    if numbers.shape != order.shape:
        raise InputError.single(
            "simulate",
            name,
            f"must have one value, or {len(order)}, one for each arrival, got {numbers.size}",
        )
    return numbers[order], Indexed(numbers[order])


def _number(name: str, given: Any, most: float) -> float:
    numbers = _numbers(name, given, most)
    if numbers.size != 1:
        raise InputError.single("simulate", name, f"must be one number, got {numbers.size}")
    return float(numbers[0])


def _plain(value: Any) -> Any:
    """Take numbers of NumPy and rows of numbers as Python has them."""
    return value.tolist() if isinstance(value, np.generic) or hasattr(value, "__array__") else value


def _numbers(name: str, given: ArrayLike | Iterable[float], most: float) -> NDArray[np.float64]:
    try:
        plain = np.atleast_1d(
            given.filled(np.nan) if isinstance(given, np.ma.MaskedArray) else np.asarray(given)
        )
        if plain.dtype.kind in "mM":
            unit = name.rpartition("_")[2]
            raise InputError.single(
                "simulate",
                name,
                f"must be numbers of {unit}, got moments or spans of time; such as (times - times[0]) / "
                f"numpy.timedelta64(1, '{unit}')",
            )
        if plain.dtype.kind not in "iufbO" or any(isinstance(value, str) for value in plain.flat[:1]):
            raise TypeError
        numbers = np.asarray(plain, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError.single("simulate", name, f"must be numbers, got {given!r:.40}") from None
    if numbers.ndim != 1:
        raise InputError.single("simulate", name, f"must be a row of numbers, got {numbers.ndim} dimensions")
    bad = np.flatnonzero(~((numbers >= 0) & (numbers <= most)))
    if len(bad):
        where = f"{name}[{bad[0]}]" if len(numbers) > 1 else name
        raise InputError.single("simulate", where, f"must be from 0 to {most:g}, got {numbers[bad[0]]:g}")
    return numbers
