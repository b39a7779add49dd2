"""From what a scenario says of a queue or a stream to what engines run: lanes, pollers, whole numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from lambdasim.catalog import limit, timing
from lambdasim.catalog.prices.meters import meter
from lambdasim.draws.keys import Quantity
from lambdasim.draws.laws import Constant, DrawLaw, Resample, compile_law, mixture
from lambdasim.engine.contract import UNLIMITED, Invoker, RetryPolicy
from lambdasim.engine.lanes import Backoff, PollerLaw, SourcePlan, Visibility
from lambdasim.specs.function import FunctionSpec
from lambdasim.specs.sources.batches import BatchSpec
from lambdasim.specs.sources.queue import PollersSpec, ProvisionedPollersSpec, QueueSpec, Ramp
from lambdasim.specs.sources.stream import KafkaPollersSpec, StreamSpec
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


def source_plan(function: FunctionSpec, duration_us: int) -> SourcePlan | None:
    """Make the plan of a function's queue or stream.

    Parameters
    ----------
    function : FunctionSpec
    duration_us : int
        The scenario's length [µs].

    Returns
    -------
    SourcePlan or None
        None where clients or Lambda's own queue invoke the function.
    """
    trigger = function.trigger
    if trigger.queue is not None:
        return _queue(trigger.queue, function.timeout_us, duration_us)
    return None if trigger.stream is None else _stream(trigger.stream, trigger.type, duration_us)


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
        Quantity.LANE: _lane_law(*_shards(spec), spec.skew),
    }


def _shards(spec: BatchSpec) -> tuple[int, int]:
    """Give how many shards or message groups there are, and lanes of each."""
    if isinstance(spec, StreamSpec):
        return spec.shards, spec.parallelization_factor
    assert isinstance(spec, QueueSpec)  # noqa: S101 - there are no others
    return spec.message_groups or 1, 1


def _lane_law(shards: int, lanes_of_shard: int, skew: float) -> DrawLaw:
    """Make the law of an item's lane: the k-th shard has a weight of k^-skew, spread evenly over its lanes."""
    lanes = shards * lanes_of_shard
    if lanes == 1:
        return Constant(0)
    if not skew:
        return Resample(np.arange(lanes))
    weights = [float(1 + lane // lanes_of_shard) ** -skew for lane in range(lanes)]
    return mixture(weights, [Constant(lane) for lane in range(lanes)])


def _queue(queue: QueueSpec, timeout_us: int, duration_us: int) -> SourcePlan:
    most = queue.maximum_concurrency or queue.pollers.most
    provisioned = queue.provisioned_pollers
    pollers = _pollers(queue.pollers, most) if provisioned is None else _provisioned(provisioned)
    return SourcePlan(
        lanes=queue.message_groups or 1,
        ordered=queue.is_fifo,
        batch=queue.batch_size,
        window_us=queue.batch_window_us,
        pollers=replace(pollers, until_us=duration_us),
        returns=Visibility(
            visibility_us=queue.effective_visibility_us(timeout_us),
            most_receives=queue.max_receives or UNLIMITED,
            retention_us=queue.retention_us,
        ),
        partial=queue.names_failures,
        swallows=queue.swallows_failures,
        reports=queue.reports_failures,
        batch_kb=limit("batch_payload_max_kb").value,
        call_kb=meter("sqs_fifo" if queue.is_fifo else "sqs_standard").chunk_kb,
    )


def _pollers(pollers: PollersSpec, most: int) -> PollerLaw:
    first, idle = min(pollers.first, most), min(pollers.idle, most)
    growth = pollers.growth_per_minute
    if pollers.ramp is Ramp.LINEAR and growth:
        return PollerLaw(first, 1, max(US_PER_MINUTE // growth, 1), most, idle)
    return PollerLaw(first, growth, US_PER_MINUTE, most if growth else first, idle)


def _provisioned(pollers: ProvisionedPollersSpec) -> PollerLaw:
    """Make the law of provisioned pollers: all of them poll, whether messages wait or not."""
    each = limit("sqs_poller_batches").value
    return PollerLaw(
        first=each * pollers.minimum,
        growth=limit("sqs_poller_growth_per_minute").value,
        interval_us=US_PER_MINUTE,
        most=each * pollers.maximum,
        idle=pollers.minimum,
        per_unit=each,
        calls_per_s=limit("sqs_poller_calls_per_s").value,
        kb_per_s=limit("sqs_poller_kb_per_s").value,
    )


def _consumers(stream: StreamSpec, look_us: int) -> PollerLaw:
    """Make the law of what reads a topic: from one consumer to one for each partition."""
    if stream.provisioned_pollers is not None:
        return _provisioned_consumers(stream, stream.provisioned_pollers, look_us)
    first = stream.consumers or 1
    growth = stream.lanes if stream.consumer_growth is None else stream.consumer_growth
    return PollerLaw(first, growth, US_PER_MINUTE, stream.lanes if growth else first, look_us=look_us)


def _provisioned_consumers(stream: StreamSpec, pollers: KafkaPollersSpec, look_us: int) -> PollerLaw:
    """Make the law of a topic's provisioned pollers: each holds some partitions' batches; several are one paid unit."""
    each, per_unit = limit("kafka_poller_batches").value, limit("kafka_unit_pollers").value
    first = min(each * pollers.minimum, stream.lanes)
    return PollerLaw(
        first=first,
        growth=stream.lanes,
        interval_us=US_PER_MINUTE,
        most=max(min(each * pollers.maximum, stream.lanes), first),
        look_us=look_us,
        per_unit=each * per_unit,
        least_units=-(-pollers.minimum // per_unit),
        per_poller=each,
        kb_per_s=limit("kafka_poller_kb_per_s").value,
    )


def _stream(stream: StreamSpec, kind: TriggerType, duration_us: int) -> SourcePlan:
    if stream.poll_interval_us is not None:
        look_us = stream.poll_interval_us
    elif stream.enhanced_fan_out:
        look_us = 0
    else:
        look_us = timing(_LOOKS[kind]).us if kind in _LOOKS else 0
    evenly = PollerLaw(stream.lanes, 0, US_PER_MINUTE, stream.lanes, look_us=look_us)
    pollers = _consumers(stream, look_us) if kind is TriggerType.KAFKA else evenly
    return SourcePlan(
        lanes=stream.lanes,
        ordered=True,
        batch=stream.batch_size,
        window_us=stream.batch_window_us,
        pollers=replace(pollers, until_us=duration_us),
        returns=Backoff(
            first_us=stream.retry_first_us,
            most_us=max(stream.retry_first_us, stream.retry_most_us),
            most_retries=UNLIMITED if stream.max_retries is None else stream.max_retries,
            most_age_us=stream.most_age_us,
            bisect=stream.bisect,
        ),
        partial=stream.names_failures,
        swallows=stream.swallows_failures,
        reports=stream.reports_failures,
        batch_kb=limit("batch_payload_max_kb").value,
        lanes_of_shard=stream.parallelization_factor,
    )
