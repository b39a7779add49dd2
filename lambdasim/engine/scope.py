"""What the compiled engine runs: whatever a plan may say beyond it is left to the reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any, Final

from lambdasim.draws.keys import Quantity
from lambdasim.draws.laws import Constant
from lambdasim.engine.contract import (
    CallPlan,
    CallRules,
    FunctionPlan,
    Plan,
    ProvisionedChange,
    RetryPolicy,
    RetryQuota,
)
from lambdasim.engine.draws import FunctionDraws
from lambdasim.engine.lanes import Backoff, PollerLaw, SourcePlan, Visibility

# Fields that the compiled engine follows. A new field of a plan is followed by the reference alone until it stands here.
_FIELDS: Final[dict[type, str]] = {
    Plan: "functions arrivals concurrency requests_per_concurrency reuse requests_per_environment after_failure gateway "
    "calls",
    FunctionPlan: "name timeout_us init_cap_us reserved provisioned max_lifetime_us scaling_burst scaling_interval_us "
    "retry draws source calls stops_loops throttle behind_gateway shares managed",
    RetryPolicy: "invoker client_timeout_us repeats_timeouts timeout_backoff_us throttle_retries throttle_backoff_us "
    "throttle_backoff_cap_us jittered error_delays_us max_event_age_us repeats_failures repeats_throttles quota",
    RetryQuota: "processes tokens throttle_cost timeout_cost failure_cost pace",
    CallPlan: "number key callee kind moment probability count at_once fails_run delay_us retry draws is_traced "
    "is_endless",
    CallRules: "ends_us most_passes most_called",
    ProvisionedChange: "time_us claimed ready",
    FunctionDraws: "seed owner laws cpu_factor error_probability crash_probability memory_mb payload_limit_kb "
    "response_limit_kb quota out_of_memory_probability timeout_probability poison_probability "
    "filtered_probability",
    SourcePlan: "lanes ordered batch window_us pollers returns partial swallows reports batch_kb call_kb lanes_of_shard",
    PollerLaw: "first growth interval_us most idle look_us per_unit calls_per_s kb_per_s least_units per_poller until_us",
    Visibility: "visibility_us most_receives retention_us",
    Backoff: "first_us most_us most_retries most_age_us bisect",
}
_IN_WORDS: Final = {"source": "queues and streams"}  # where a field's name says too little
MOST_CALLS: Final = 4_096
"""Calls of one run, of all its batch's items together, that the compiled engine makes room for."""
_QUANTITIES: Final = frozenset(
    {
        Quantity.CPU_TIME, Quantity.IO_TIME, Quantity.INIT, Quantity.FIRST_RUN, Quantity.PLACEMENT,
        Quantity.KEEP_ALIVE, Quantity.FAILURE, Quantity.MEMORY, Quantity.REQUEST_PAYLOAD, Quantity.RESPONSE_PAYLOAD,
        Quantity.CLIENT_BACKOFF, Quantity.CPU_START_TICK, Quantity.CPU_START_DELAY, Quantity.CPU_START_CHARGE,
        Quantity.POST_RESPONSE, Quantity.ENVIRONMENT_SPEED, Quantity.BATCH_OVERHEAD, Quantity.LANE, Quantity.POISON,
        Quantity.FILTERED,
    }
)  # fmt: skip


def beyond_the_kernel(plan: Plan) -> tuple[str, ...]:
    """Name what a plan asks for that the compiled engine does not run.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    tuple of str
        Such as ``f: queues and streams``; empty where the compiled engine gives the reference's records.

    Notes
    -----
    A field counts when it has another value than its default, or has no default.
    """
    found = list(_unknown(plan))
    if plan.calls is not None:
        found += _of_calls(plan)
    for function in plan.functions:
        found += (f"{function.name}: {name}" for name in _of_function(function))
    return tuple(found)


def _of_calls(plan: Plan) -> Iterator[str]:
    yield from _unknown(plan.calls)
    for function in plan.functions:
        if function.most_calls > MOST_CALLS:
            yield f"{function.name}: more than {MOST_CALLS:,} calls in one run"
        parts = [part for call in function.calls for part in (call, call.retry, call.draws)]
        yield from dict.fromkeys(f"{function.name}: {name}" for part in parts for name in _unknown(part))
        if any(call.retry.quota is not None for call in function.calls):
            yield f"{function.name}: calls with a quota"


def _of_function(function: FunctionPlan) -> Iterator[str]:
    parts: list[Any] = [function, function.retry, function.draws, *function.provisioned]
    if function.retry.quota is not None:
        parts.append(function.retry.quota)
    if function.source is not None:
        parts += [function.source, function.source.pollers, function.source.returns]
    seen = dict.fromkeys(name for part in parts for name in _unknown(part))
    yield from (_IN_WORDS.get(name, name) for name in seen)
    if function.source is None and function.draws.poison_probability:
        yield "poison_probability without a queue or stream"
    for quantity, law in function.draws.laws.items():
        if quantity not in _QUANTITIES and law != Constant(0):
            yield quantity.name.lower()


def _unknown(part: Any) -> Iterator[str]:
    """Give the fields of a plan's part that say something which the compiled engine does not follow."""
    known = _FIELDS.get(type(part), "").split()
    if not known:
        yield type(part).__name__
        return
    for entry in fields(part):
        value = getattr(part, entry.name)
        default = entry.default_factory() if entry.default_factory is not MISSING else entry.default
        if entry.name not in known and (default is MISSING or value != default):
            yield entry.name
