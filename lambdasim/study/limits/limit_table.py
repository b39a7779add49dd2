"""How near a run came to each limit of the model, when it first met it, and who was hit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lambdasim.catalog import limit
from lambdasim.draws.keys import DrawKey, Quantity
from lambdasim.draws.laws import Constant
from lambdasim.engine.contract import NEVER, EventOutcome, FunctionPlan, Limit, Outcome
from lambdasim.engine.draws import FunctionDraws
from lambdasim.engine.lanes import Visibility
from lambdasim.engine.totals.function_totals import FunctionTotals
from lambdasim.engine.totals.levels import claimed_at
from lambdasim.results.run import RunResult
from lambdasim.specs.trigger import TriggerType
from lambdasim.study.limits.meter import LimitMeter
from lambdasim.units import US_PER_MINUTE, US_PER_MS, US_PER_S

if TYPE_CHECKING:
    import pandas as pd

ACCOUNT: Final = "account"
GATEWAY: Final = "gateway rate"
"""API Gateway's own throttle: counted beside the run, which lets all requests pass."""
_GATEWAYS: Final = (TriggerType.API_GATEWAY_REST, TriggerType.API_GATEWAY_HTTP)
_SAMPLED: Final = 100_000
COLUMNS: Final = (
    "limit", "scope", "unit", "allowed", "used_p50", "used_p99", "used_peak", "headroom", "first_breach_s", "hit_share",
    "lost_share", "hit", "lost",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Scope:
    """Events of a scope, and what a limit did to them."""

    events: int
    first_s: float
    hit: int
    lost: int


def limit_table(run: RunResult, meter: LimitMeter) -> pd.DataFrame:
    """Measure every limit's use.

    Parameters
    ----------
    run : RunResult
    meter : LimitMeter
        That has seen the run's records.

    Returns
    -------
    DataFrame
        One row for each limit and scope (the account, or a function): ``allowed`` and what was used of it, over time or
        over events, in ``unit``; ``headroom``, 1 less peak over allowed, below 0 where demand was higher;
        ``first_breach_s`` since the start [s], NaN for never; ``hit_share`` of the scope's events met the limit at
        their first attempt, or had a run that it cut; ``lost_share`` ended by it; ``hit`` and ``lost`` are those events,
        counted. Rows are ordered by first breach, then by headroom, the tightest
        first.

    Notes
    -----
    The gateway's throttle is not simulated: its row counts the requests that a token bucket of its rate and burst would
    refuse, while the run lets them pass.
    """
    import pandas as pd

    rows = [*_account_rows(run, meter)]
    for place, plan in enumerate(run.plan.functions):
        rows += _concurrency_rows(run, meter, place, plan)
        rows += _time_rows(run, meter, place, plan)
        rows += _size_rows(run, meter, place, plan)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    order = ["first_breach_s", "headroom", "limit", "scope"]
    return table.sort_values(order, na_position="last").reset_index(drop=True)


def headroom_series(run: RunResult) -> pd.DataFrame:
    """Return how much of the account's concurrency was left, minute by minute.

    Returns
    -------
    DataFrame
        ``minute``; ``used``, the most claimed at once; ``allowed``; ``headroom``, the share that was left.
    """
    import pandas as pd

    account = run.account_metrics()
    used = account["ClaimedAccountConcurrency"].to_numpy()
    allowed = run.plan.concurrency
    return pd.DataFrame(
        {
            "minute": np.arange(len(used)),
            "used": used,
            "allowed": allowed,
            "headroom": 1 - used / allowed if allowed else np.zeros(len(used)),
        }
    )


def _account_rows(run: RunResult, meter: LimitMeter) -> Iterator[tuple[Any, ...]]:
    pooled = [place for place, plan in enumerate(run.plan.functions) if plan.reserved is None]
    used = run.account_metrics()["ClaimedAccountConcurrency"].to_numpy()
    scope = _scope(run, meter, pooled, Limit.ACCOUNT_CONCURRENCY)
    yield _row("account concurrency", ACCOUNT, "executions", run.plan.concurrency, used, scope)
    synchronous = [place for place in pooled if run.plan.functions[place].retry.synchronous]
    if synchronous:
        rate = meter.per_second("attempts")[synchronous].sum(axis=0)
        allowed = run.plan.concurrency * run.plan.requests_per_concurrency
        scope = _scope(run, meter, synchronous, Limit.REQUEST_RATE)
        yield _row("request rate", ACCOUNT, "requests/s", allowed, rate, scope)
    yield from _gateway_row(run, meter)


def _gateway_row(run: RunResult, meter: LimitMeter) -> Iterator[tuple[Any, ...]]:
    """Hold requests behind API Gateway against its account's rate."""
    kinds = {spec.name: spec.trigger.type for spec in run.scenario.functions}
    behind = [place for place, name in enumerate(run.aggregate.names) if kinds[name] in _GATEWAYS]
    if not behind:
        return
    per_s, burst = limit("gateway_rate_per_s").value, limit("gateway_burst").value
    refused = above_rate(
        meter.cells("attempts")[behind].sum(axis=0), per_s * meter.width_us / US_PER_S, burst
    )
    met = np.flatnonzero(refused)
    count = round(float(refused.sum()))
    events = sum(run.aggregate.functions[place].events for place in behind)
    first_s = float(met[0] * meter.width_us / US_PER_S) if len(met) else float("nan")
    rate = meter.per_second("attempts")[behind].sum(axis=0)
    yield _row(GATEWAY, ACCOUNT, "requests/s", per_s, rate, _Scope(events, first_s, count, count))


def above_rate(attempts: NDArray[np.float64], refill: float, burst: float) -> NDArray[np.float64]:
    """Count what a token bucket would refuse, bin by bin.

    Parameters
    ----------
    attempts : ndarray, shape (n_bins,)
    refill : float
        Tokens that come in each bin, before its attempts.
    burst : float
        Most tokens that are kept from bin to bin.

    Returns
    -------
    ndarray, shape (n_bins,)

    Examples
    --------
    >>> above_rate(np.array([0.0, 18, 12, 10]), refill=10, burst=5).tolist()
    [0.0, 3.0, 2.0, 0.0]
    """
    refused = np.zeros(len(attempts))
    if attempts.max(initial=0) <= refill:
        return refused
    kept = burst
    for place, wanted in enumerate(attempts.tolist()):
        there = kept + refill
        refused[place] = max(wanted - there, 0.0)
        kept = min(max(there - wanted, 0.0), burst)
    return refused


def _concurrency_rows(
    run: RunResult, meter: LimitMeter, place: int, plan: FunctionPlan
) -> Iterator[tuple[Any, ...]]:
    totals = run.aggregate.functions[place]
    if plan.reserved is not None:
        used = totals.concurrency.per_minute(totals.concurrency.minutes)
        scope = _scope(run, meter, [place], Limit.RESERVED_CONCURRENCY)
        yield _row("reserved concurrency", plan.name, "executions", plan.reserved, used, scope)
        if plan.retry.synchronous:
            allowed = plan.reserved * run.plan.requests_per_concurrency
            scope = _scope(run, meter, [place], Limit.REQUEST_RATE)
            rate = meter.per_second("attempts")[place]
            yield _row("request rate", plan.name, "requests/s", allowed, rate, scope)
    if plan.provisioned:
        minutes = totals.provisioned.minutes
        busy = totals.provisioned.per_minute(minutes)
        ready = claimed_at(plan, np.arange(minutes) * US_PER_MINUTE)
        scope = _Scope(totals.events, float("nan"), 0, 0)
        yield _row("provisioned concurrency", plan.name, "executions", int(ready.max(initial=0)), busy, scope)
    interval = max(round(plan.scaling_interval_us / meter.width_us), 1)
    cold = _sliding(meter.cells("cold")[place], interval)
    scope = _scope(run, meter, [place], Limit.SCALING_RATE)
    unit = f"new in {plan.scaling_interval_us / US_PER_S:g} s"
    yield _row("scaling rate", plan.name, unit, plan.scaling_burst, cold, scope)


def _time_rows(
    run: RunResult, meter: LimitMeter, place: int, plan: FunctionPlan
) -> Iterator[tuple[Any, ...]]:
    totals = run.aggregate.functions[place]
    duration = totals.duration_ms
    values = (duration.quantile(0.5), duration.quantile(0.99), duration.quantile(1.0))
    scope = _failed(run, meter, place, Outcome.TIMEOUT)
    yield _named_row("timeout", plan.name, "ms", plan.timeout_us / US_PER_MS, values, scope)
    yield from _init_row(totals, plan)
    allowed_us = _oldest_us(plan)
    if not plan.retry.synchronous and allowed_us != NEVER:
        expired = int(totals.event_outcomes[EventOutcome.EXPIRED])
        age_ms = totals.all_latency_ms()
        values = (age_ms.quantile(0.5), age_ms.quantile(0.99), age_ms.quantile(1.0))
        scope = _Scope(totals.events, float("nan"), expired, expired)
        yield _named_row("event age", plan.name, "ms", allowed_us / US_PER_MS, values, scope)
    gives_up_us = plan.retry.client_timeout_us
    if gives_up_us < (plan.timeout_us if plan.retry.repeats_timeouts else NEVER):
        gone = int(totals.event_outcomes[EventOutcome.CLIENT_TIMEOUT])
        latency = totals.all_latency_ms()
        values = (latency.quantile(0.5), latency.quantile(0.99), latency.quantile(1.0))
        scope = _Scope(totals.events, float("nan"), gone, gone)
        yield _named_row(
            "read timeout" if plan.retry.repeats_timeouts else "gateway cut",
            plan.name,
            "ms",
            gives_up_us / US_PER_MS,
            values,
            scope,
        )


def _oldest_us(plan: FunctionPlan) -> int:
    """Give the age at which an event is lost: a queue's retention, a stream's oldest record, or the event's own [µs]."""
    if plan.source is None:
        return plan.retry.max_event_age_us
    returns = plan.source.returns
    return returns.retention_us if isinstance(returns, Visibility) else returns.most_age_us


def _init_row(totals: FunctionTotals, plan: FunctionPlan) -> Iterator[tuple[Any, ...]]:
    """Hold INIT against its cap; where it is longer it runs again inside the invocation, so no event ends by it."""
    init, cap_ms = totals.init_ms, plan.init_cap_us / US_PER_MS
    if not init.counts.sum() or plan.init_cap_us == NEVER:
        return
    cut = int(init.counts[init.values >= cap_ms].sum())
    values = (init.quantile(0.5), init.quantile(0.99), init.quantile(1.0))
    yield _named_row("INIT", plan.name, "ms", cap_ms, values, _Scope(totals.events, float("nan"), cut, 0))


def _size_rows(
    run: RunResult, meter: LimitMeter, place: int, plan: FunctionPlan
) -> Iterator[tuple[Any, ...]]:
    totals = run.aggregate.functions[place]
    draws = plan.draws
    number = np.arange(min(totals.events, _SAMPLED))
    if draws.laws[Quantity.MEMORY] != Constant(0):
        used = memory_need_mb(draws, number)
        scope = _failed(run, meter, place, Outcome.OUT_OF_MEMORY)
        yield _row("memory", plan.name, "MB", draws.memory_mb, used, scope)
    for what, stream, allowed in (
        ("request payload", Quantity.REQUEST_PAYLOAD, draws.payload_limit_kb),
        ("response payload", Quantity.RESPONSE_PAYLOAD, draws.response_limit_kb),
    ):
        if draws.laws[stream] != Constant(0):
            size_kb = draws.payload_kb(stream, number)
            above = round(float((size_kb > allowed).mean()) * totals.events) if len(number) else 0
            yield _row(
                what, plan.name, "KB", allowed, size_kb, _Scope(totals.events, float("nan"), above, above)
            )


def memory_need_mb(draws: FunctionDraws, invocation: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what first runs of invocations need at their peak, shape (n,) [MB]."""
    law = draws.laws[Quantity.MEMORY]
    if isinstance(law, Constant):
        return np.full(len(invocation), law.value, dtype=np.int64)
    return law.values(DrawKey.of(draws.seed, draws.owner, Quantity.MEMORY).bits(invocation))


def _scope(run: RunResult, meter: LimitMeter, places: list[int], kind: Limit) -> _Scope:
    first_us = [us for us in meter.first_us[places, kind].tolist() if us >= 0]
    return _Scope(
        sum(run.aggregate.functions[place].events for place in places),
        min(first_us) / US_PER_S if first_us else float("nan"),
        int(meter.hit[places, kind].sum()),
        int(meter.lost[places, kind].sum()),
    )


def _failed(run: RunResult, meter: LimitMeter, place: int, kind: Outcome) -> _Scope:
    """Give what a limit that cuts runs did to a function's events."""
    totals, first_us = run.aggregate.functions[place], int(meter.failed_first_us[place, kind])
    first_s = first_us / US_PER_S if first_us >= 0 else float("nan")
    return _Scope(totals.events, first_s, int(totals.outcomes[kind]), int(meter.failed_lost[place, kind]))


def _row(
    name: str, scope_name: str, unit: str, allowed: float, used: ArrayLike, scope: _Scope
) -> tuple[Any, ...]:
    numbers = np.asarray(used, dtype=float)
    if not len(numbers):
        numbers = np.zeros(1)
    p50, p99 = np.quantile(numbers, [0.5, 0.99], method="inverted_cdf").tolist()
    return _named_row(name, scope_name, unit, allowed, (p50, p99, float(numbers.max())), scope)


def _named_row(
    name: str, scope_name: str, unit: str, allowed: float, used: tuple[float, float, float], scope: _Scope
) -> tuple[Any, ...]:
    events = max(scope.events, 1)
    headroom = 1 - used[2] / allowed if allowed else float("-inf" if used[2] else "nan")
    return (
        name, scope_name, unit, allowed, *used, headroom, scope.first_s, min(scope.hit / events, 1.0),
        min(scope.lost / events, 1.0), min(scope.hit, scope.events), scope.lost,
    )  # fmt: skip


def _sliding(counts: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Sum over windows of so many bins, shape (n_bins,)."""
    sums = np.cumsum(np.pad(counts, (bins, 0)))
    windows: NDArray[np.float64] = sums[bins:] - sums[:-bins]
    return windows
