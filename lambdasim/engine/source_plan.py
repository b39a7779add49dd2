"""From what a scenario says of a queue or a stream to what engines run: lanes, pollers, whole numbers."""

from __future__ import annotations

from typing import Final

import numpy as np

from lambdasim.catalog import timing
from lambdasim.draws.keys import Quantity
from lambdasim.draws.laws import Constant, DrawLaw, Resample, compile_law, mixture
from lambdasim.engine.contract import UNLIMITED, Invoker, RetryPolicy
from lambdasim.engine.lanes import Backoff, PollerLaw, SourcePlan, Visibility
from lambdasim.specs.function import FunctionSpec
from lambdasim.specs.sources.batches import BatchSpec
from lambdasim.specs.sources.queue import PollersSpec, QueueSpec, Ramp
from lambdasim.specs.sources.stream import StreamSpec
from lambdasim.specs.trigger import TriggerSpec, TriggerType
from lambdasim.units import US_PER_MINUTE, US_PER_MS

_LOOKS: Final = {
    TriggerType.KINESIS: "stream_poll_kinesis_ms",
    TriggerType.DYNAMODB: "stream_poll_dynamodb_ms",
}


def batches_of(trigger: TriggerSpec) -> BatchSpec | None:
    """Return a trigger's queue or stream, None where it has neither.

    Parameters
    ----------
    trigger : TriggerSpec

    Returns
    -------
    BatchSpec or None
    """
    return trigger.queue or trigger.stream


def source_plan(function: FunctionSpec) -> SourcePlan | None:
    """Make the plan of a function's queue or stream.

    Parameters
    ----------
    function : FunctionSpec

    Returns
    -------
    SourcePlan or None
        None where clients or Lambda's own queue invoke the function.
    """
    trigger = function.trigger
    if trigger.queue is not None:
        return _queue(trigger.queue, function.timeout_us)
    return None if trigger.stream is None else _stream(trigger.stream, trigger.type)


def source_retries(trigger: TriggerSpec) -> RetryPolicy:
    """Say how a throttled batch is tried again.

    Parameters
    ----------
    trigger : TriggerSpec
        With a queue or a stream.

    Returns
    -------
    RetryPolicy
    """
    if trigger.queue is not None:
        pollers = trigger.queue.pollers
        first_us, most_us = pollers.throttle_retry_first_us, pollers.throttle_retry_most_us
    else:
        assert trigger.stream is not None  # noqa: S101 - it has one of the two
        first_us, most_us = trigger.stream.retry_first_us, trigger.stream.retry_most_us
    return RetryPolicy(
        Invoker.SOURCE,
        throttle_retries=UNLIMITED,
        throttle_backoff_us=first_us,
        throttle_backoff_cap_us=max(first_us, most_us),
    )


def source_laws(trigger: TriggerSpec) -> dict[Quantity, DrawLaw]:
    """Make the laws of what is drawn for items and batches beside the work.

    Parameters
    ----------
    trigger : TriggerSpec

    Returns
    -------
    dict of Quantity to DrawLaw
        Empty where there is no queue or stream.
    """
    spec = batches_of(trigger)
    if spec is None:
        return {}
    return {
        Quantity.BATCH_OVERHEAD: compile_law(spec.batch_overhead_ms, US_PER_MS),
        Quantity.LANE: _lane_law(_lanes(spec), spec.skew),
    }


def _lanes(spec: BatchSpec) -> int:
    if isinstance(spec, StreamSpec):
        return spec.lanes
    assert isinstance(spec, QueueSpec)  # noqa: S101 - there are no others
    return spec.message_groups or 1


def _lane_law(lanes: int, skew: float) -> DrawLaw:
    """Make the law of an item's lane: the k-th with a weight of k^-skew."""
    if lanes == 1:
        return Constant(0)
    if not skew:
        return Resample(np.arange(lanes))
    return mixture(
        [float(lane) ** -skew for lane in range(1, lanes + 1)], [Constant(n) for n in range(lanes)]
    )


def _queue(queue: QueueSpec, timeout_us: int) -> SourcePlan:
    pollers = queue.pollers
    most = queue.maximum_concurrency or pollers.most
    return SourcePlan(
        lanes=queue.message_groups or 1,
        ordered=queue.is_fifo,
        batch=queue.batch_size,
        window_us=queue.batch_window_us,
        pollers=_pollers(pollers, most),
        returns=Visibility(
            visibility_us=queue.effective_visibility_us(timeout_us),
            most_receives=queue.max_receives or UNLIMITED,
            retention_us=queue.retention_us,
        ),
        partial=queue.partial_failures,
    )


def _pollers(pollers: PollersSpec, most: int) -> PollerLaw:
    first, idle = min(pollers.first, most), min(pollers.idle, most)
    growth = pollers.growth_per_minute
    if pollers.ramp is Ramp.LINEAR and growth:
        return PollerLaw(first, 1, max(US_PER_MINUTE // growth, 1), most, idle)
    return PollerLaw(first, growth, US_PER_MINUTE, most if growth else first, idle)


def _stream(stream: StreamSpec, kind: TriggerType) -> SourcePlan:
    look_us = timing(_LOOKS[kind]).us if stream.poll_interval_us is None else stream.poll_interval_us
    return SourcePlan(
        lanes=stream.lanes,
        ordered=True,
        batch=stream.batch_size,
        window_us=stream.batch_window_us,
        pollers=PollerLaw(stream.lanes, 0, US_PER_MINUTE, stream.lanes, look_us=look_us),
        returns=Backoff(
            first_us=stream.retry_first_us,
            most_us=max(stream.retry_first_us, stream.retry_most_us),
            most_retries=UNLIMITED if stream.max_retries is None else stream.max_retries,
            most_age_us=stream.most_age_us,
            bisect=stream.bisect,
        ),
        partial=stream.partial_failures,
    )
