"""What to set: the account's quota and reserved concurrency, and when provisioned concurrency pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lambdasim.catalog import limit
from lambdasim.results.intervals import Interval, t_interval
from lambdasim.results.run import RunResult
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.limits.meter import LimitMeter
from lambdasim.study.limits.outcome import LimitOutcome
from lambdasim.study.limits.runs import with_buffer

if TYPE_CHECKING:
    import pandas as pd

_QUOTA_STEP: Final = 10


@dataclass(frozen=True)
class QuotaAdvice:
    """The account's concurrency to ask AWS for.

    Attributes
    ----------
    now, ask : int
        The limit as it is, and what to ask for [executions].
    demand : Interval
        Most executions at once without limits, over replications.
    rate_per_s : Interval
        Most synchronous attempts a second without limits.
    by_rate : bool
        Whether the request rate asks for more than the executions do.
    reserved : dict of str to int
        What functions that have reserved concurrency need of it, where that is more than they have; a part of ``ask``.
    """

    now: int
    ask: int
    demand: Interval
    rate_per_s: Interval
    by_rate: bool
    reserved: dict[str, int]


def in_quota_steps(executions: int) -> int:
    """Round up to what one would ask for [executions].

    Examples
    --------
    >>> in_quota_steps(1741)
    1750
    """
    return -(-executions // _QUOTA_STEP) * _QUOTA_STEP


def quota_advice(scenario: ScenarioSpec, unlimited: Sequence[LimitOutcome]) -> QuotaAdvice:
    """Size the account's concurrency.

    Notes
    -----
    What functions with reserved concurrency have, or need if that is more; for the others together the greatest demand in
    any replication; each with the advised buffer, and at least the unreserved minimum left. Or a tenth of the greatest
    request rate, which is what the request-rate limit allows per unit of concurrency.
    """
    buffer, minimum = limit("provisioned_buffer_percent").value, limit("unreserved_concurrency_min").value
    kept = {
        spec.name: spec.reserved_concurrency
        for spec in scenario.functions
        if spec.reserved_concurrency is not None
    }
    need = {name: with_buffer(max(run.function_peaks[name] for run in unlimited), buffer) for name in kept}
    pooled = max(
        min(sum(peak for name, peak in run.function_peaks.items() if name not in kept), run.peak)
        for run in unlimited
    )
    reserved = sum(max(kept[name], need[name]) for name in kept)
    by_executions = reserved + max(with_buffer(pooled, buffer), minimum if reserved else 0)
    rate = max(run.rate_per_s for run in unlimited)
    by_rate = with_buffer(rate / scenario.account.request_rate_factor, buffer)
    return QuotaAdvice(
        now=scenario.account.concurrency,
        ask=in_quota_steps(max(by_executions, by_rate)),
        demand=t_interval([run.peak for run in unlimited]),
        rate_per_s=t_interval([run.rate_per_s for run in unlimited]),
        by_rate=by_rate > by_executions,
        reserved={name: need[name] for name in kept if need[name] > kept[name]},
    )


def reserved_advice(run: RunResult, meter: LimitMeter, unlimited: Sequence[LimitOutcome]) -> pd.DataFrame:
    """Work out what reserved concurrency would protect each function, and what it would take from the others.

    Returns
    -------
    DataFrame
        One row for each function: ``demand``, ``half_width``: most executions at once without limits, and its interval
        over replications; ``reserved`` now, -1 for none; ``reserve``, the greatest demand with the advised buffer;
        ``possible``, whether the account has room for that beside what others have reserved and the unreserved minimum;
        ``left_for_others``, what the pool would have; ``others_demand``; ``pool_share``, part of the executions in
        progress while the account's pool refused: the neighbour that took it has the greatest.
    """
    import pandas as pd

    buffer, minimum = limit("provisioned_buffer_percent").value, limit("unreserved_concurrency_min").value
    specs = {spec.name: spec for spec in run.scenario.functions}
    holders = dict(zip(run.aggregate.names, meter.holders().tolist(), strict=True))
    reserved = {name: spec.reserved_concurrency or 0 for name, spec in specs.items()}
    rows = []
    for name in unlimited[0].function_peaks:
        demand = t_interval([outcome.function_peaks[name] for outcome in unlimited])
        reserve = with_buffer(max(outcome.function_peaks[name] for outcome in unlimited), buffer)
        left = run.plan.concurrency - sum(reserved.values()) + reserved[name] - reserve
        others = max(outcome.peak - outcome.function_peaks[name] for outcome in unlimited)
        rows.append(
            {
                "function": name,
                "demand": demand.mean,
                "half_width": demand.half_width,
                "reserved": -1 if specs[name].reserved_concurrency is None else reserved[name],
                "reserve": reserve,
                "possible": left >= minimum,
                "left_for_others": left,
                "others_demand": max(others, 0.0),
                "pool_share": holders[name],
            }
        )
    return pd.DataFrame(rows)
