"""Plans of one function behind a queue or a stream, for timelines worked by hand: seconds in, seconds out.

Both engines run each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lambdasim.draws.keys import Quantity
from lambdasim.draws.laws import Constant, DrawLaw, Indexed
from lambdasim.engine.contract import (
    NEVER,
    UNLIMITED,
    ArrivalChunk,
    FunctionPlan,
    Invoker,
    Plan,
    RecordChunk,
    RetryPolicy,
)
from lambdasim.engine.draws import FunctionDraws
from lambdasim.engine.items import ITEM_COLUMNS, ItemOutcome
from lambdasim.engine.kernel.engine import run_kernel
from lambdasim.engine.lanes import Backoff, PollerLaw, SourcePlan, Visibility
from lambdasim.engine.reference.engine import run_reference
from lambdasim.models.cpu_scaling import FIXED_POINT_BITS

S = 1_000_000
TOO_LARGE = 1_000  # an answer above the limit: an error at every try
CRASHES = 1_000  # more memory than there is: fails at every try, without an answer


def us(seconds: float) -> int:
    return round(seconds * S)


def queue(**changes: Any) -> SourcePlan:
    given: dict[str, Any] = {
        "lanes": 1, "batch": 1, "window": 0, "first": 5, "growth": 300, "interval": 60, "most": 1250, "idle": 0,
        "visibility": 30, "most_receives": UNLIMITED, "retention": 345_600, "partial": False, "ordered": False,
    }  # fmt: skip
    given |= changes
    assert len(given) == 13
    return SourcePlan(
        lanes=given["lanes"],
        ordered=given["ordered"],
        batch=given["batch"],
        window_us=us(given["window"]),
        pollers=PollerLaw(
            given["first"], given["growth"], us(given["interval"]), given["most"], given["idle"]
        ),
        returns=Visibility(us(given["visibility"]), given["most_receives"], us(given["retention"])),
        partial=given["partial"],
        reports=given["partial"],
    )


def stream(**changes: Any) -> SourcePlan:
    given: dict[str, Any] = {
        "lanes": 1, "batch": 100, "window": 0, "look": 1, "first": 1, "most": 60, "retries": UNLIMITED, "age": 86_400,
        "bisect": False, "partial": False,
    }  # fmt: skip
    given |= changes
    assert len(given) == 10
    return SourcePlan(
        lanes=given["lanes"],
        ordered=True,
        batch=given["batch"],
        window_us=us(given["window"]),
        pollers=PollerLaw(given["lanes"], 0, S, given["lanes"], look_us=us(given["look"])),
        returns=Backoff(
            us(given["first"]), us(given["most"]), given["retries"], us(given["age"]), given["bisect"]
        ),
        partial=given["partial"],
        reports=given["partial"],
    )


@dataclass(frozen=True)
class Ran:
    """What came out: attempts and items as tuples, in order, times in seconds."""

    attempts: list[tuple[Any, ...]]
    items: list[dict[str, Any]]
    counters: dict[str, int]

    def started(self) -> list[float]:
        """When runs began."""
        return [start for start, limit, _, _ in self.attempts if not limit]

    def refused(self) -> list[float]:
        return [start for start, limit, _, _ in self.attempts if limit]

    def ended(self) -> list[tuple[int, str, float]]:
        """Which item ended how, and when."""
        return [(item["item"], item["outcome"].name, item["done"]) for item in self.items]


def one_function(
    source: SourcePlan,
    arrivals: Sequence[float],
    handler: float | Sequence[float] = 1.0,
    *,
    reserved: int | None = None,
    concurrency: int = 1000,
    timeout: float = 900.0,
    failing: Sequence[int] = (),
    crashing: Sequence[int] = (),
    lanes: Sequence[int] = (),
    backoff: tuple[float, float] = (1.0, 300.0),
    overhead: float = 0.0,
    seed: int = 0,
    errors: float = 0.0,
    sizes_kb: Sequence[int] = (),
) -> Plan:
    n = len(arrivals)

    def each(chosen: Sequence[int], size: int) -> DrawLaw:
        return Indexed(np.array([size if item in chosen else 0 for item in range(n)]))

    work: DrawLaw = (
        Constant(us(handler))
        if isinstance(handler, float | int)
        else Indexed(np.array([us(one) for one in handler]))
    )
    nothing = dict.fromkeys(
        (
            Quantity.CPU_TIME, Quantity.INIT, Quantity.FIRST_RUN, Quantity.PLACEMENT, Quantity.POST_RESPONSE,
        ),
        Constant(0),
    )  # fmt: skip
    laws: dict[Quantity, DrawLaw] = {
        **nothing,
        Quantity.IO_TIME: work,
        Quantity.REQUEST_PAYLOAD: Indexed(np.resize(sizes_kb, 1 << 10)) if len(sizes_kb) else Constant(0),
        Quantity.KEEP_ALIVE: Constant(us(600)),
        Quantity.MEMORY: each(crashing, CRASHES),
        Quantity.RESPONSE_PAYLOAD: each(failing, TOO_LARGE),
        Quantity.ENVIRONMENT_SPEED: Constant(1 << FIXED_POINT_BITS),
        Quantity.BATCH_OVERHEAD: Constant(us(overhead)),
        Quantity.LANE: Indexed(np.resize(lanes, 1 << 10)) if len(lanes) else Constant(0),
    }
    function = FunctionPlan(
        name="f",
        timeout_us=us(timeout),
        init_cap_us=NEVER,
        reserved=reserved,
        provisioned=(),
        max_lifetime_us=NEVER,
        scaling_burst=1 << 40,
        scaling_interval_us=10 * S,
        retry=RetryPolicy(
            Invoker.SOURCE,
            throttle_retries=UNLIMITED,
            throttle_backoff_us=us(backoff[0]),
            throttle_backoff_cap_us=us(backoff[1]),
        ),
        draws=FunctionDraws(seed, "f", laws, 1.0, errors, 0.0, 128, 6144, 128),
        source=source,
    )
    times = np.array([us(time) for time in arrivals], dtype=np.int64)
    chunk = ArrivalChunk(times, np.zeros(n, dtype=np.int64), np.arange(n))
    return Plan((function,), lambda: iter([chunk]), concurrency, 10)


def ran(plan: Plan) -> Ran:
    """Run a plan on both engines, which must agree."""
    found, compiled = (_came_out(list(engine(plan))) for engine in (run_reference, run_kernel))
    assert found == compiled
    return found


def _came_out(chunks: Sequence[RecordChunk]) -> Ran:
    return Ran(
        attempts=[row for chunk in chunks for row in _attempts(chunk)],
        items=[row for chunk in chunks for row in _items(chunk)],
        counters={name: int(counts[0]) for name, counts in chunks[-1].items.counters.items()},  # type: ignore[union-attr]
    )


def run(source: SourcePlan, arrivals: Sequence[float], handler: Any = 1.0, **settings: Any) -> Ran:
    return ran(one_function(source, arrivals, handler, **settings))


def _attempts(chunk: RecordChunk) -> list[tuple[Any, ...]]:
    return [
        (start / S, limit, duration / S, outcome)
        for start, limit, duration, outcome in zip(
            *(chunk[name].tolist() for name in ("start_us", "limit", "duration_us", "outcome")), strict=True
        )
    ]


def _items(chunk: RecordChunk) -> list[dict[str, Any]]:
    assert chunk.items is not None
    rows = zip(*(chunk.items[name].tolist() for name in ITEM_COLUMNS), strict=True)
    found = [dict(zip(ITEM_COLUMNS, row, strict=True)) for row in rows]
    return [
        row
        | {"outcome": ItemOutcome(row["outcome"]), "done": row["done_us"] / S, "first": row["first_us"] / S}
        for row in found
    ]
