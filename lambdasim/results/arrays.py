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
) -> tuple[ScenarioSpec, Plan, str]:
    """Make scenario, plan and checksum of one function given as arrays; see ``simulate`` for the arguments.

    Raises
    ------
    InputError
        When an argument cannot be accepted.
    """
    given_s = _numbers("arrivals_s", arrivals_s, LONGEST_US / US_PER_S)
    kept = _numbers("keep_alive_s", keep_alive_s, LONGEST_US / US_PER_S)
    if kept.size != 1:
        raise InputError.single("simulate", "keep_alive_s", f"must be one number, got {kept.size}")
    kept_s = float(kept[0])
    order = np.argsort(given_s, kind="stable")
    time_us = np.rint(given_s[order] * US_PER_S).astype(np.int64)
    last_us = int(time_us[-1]) if len(time_us) else 0
    if last_us >= LONGEST_SCENARIO_US:
        raise InputError.single("simulate", "arrivals_s", _too_long(time_us, start))
    handler, handler_law = _array_or_law("durations_ms", durations_ms, order)
    init, init_law = _array_or_law("init_ms", init_ms, order)
    try:
        scenario = ScenarioSpec.model_validate(
            {
                "name": "arrays",
                "start": start,
                "duration_us": last_us + 1,
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
    laws = dict(base.laws)
    laws |= {Quantity.IO_TIME: handler_law, Quantity.INIT: init_law}
    draws = replace(base, laws=laws)
    function = replace(
        plan.functions[0], draws=draws, timeout_us=NEVER, init_cap_us=NEVER, scaling_burst=_NO_LIMIT
    )
    plan = replace(
        plan, functions=(function,), requests_per_concurrency=_NO_LIMIT, arrivals=partial(_chunks, time_us)
    )
    digest = hashlib.sha256()
    for array in (time_us, handler, init):
        digest.update(b"" if array is None else array.tobytes())
    return scenario, plan, digest.hexdigest()


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
