"""What can be changed about a function's queue or stream so that messages wait less: one setting at a time."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any, NamedTuple

from lambdasim.catalog import limit
from lambdasim.engine.contract import Limit, Outcome
from lambdasim.results.run import RunResult
from lambdasim.specs.base import revised
from lambdasim.specs.function import FunctionSpec
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.specs.sources.queue import QueueSpec
from lambdasim.specs.sources.stream import StreamSpec
from lambdasim.specs.trigger import TriggerType
from lambdasim.units import US_PER_S, format_duration

_ADVISED_VISIBILITY = 6
_SOME_TRIES = 5


class Lever(NamedTuple):
    """One change of one function.

    Attributes
    ----------
    function : str
    setting : str
        Key of the scenario file.
    words : str
        What is set, as a person would say it.
    changes : dict
        New values by attribute: of the queue or stream, or of the function where ``of_function``.
    of_function : bool
    """

    function: str
    setting: str
    words: str
    changes: dict[str, Any]
    of_function: bool = False

    def applied(self, scenario: ScenarioSpec) -> ScenarioSpec:
        """Return the scenario with the change.

        Raises
        ------
        ScenarioError
            When the changed function is not allowed.
        """
        functions = tuple(
            self._changed(spec) if spec.name == self.function else spec for spec in scenario.functions
        )
        return revised(scenario, {"functions": functions})

    def _changed(self, spec: FunctionSpec) -> FunctionSpec:
        if self.of_function:
            return revised(spec, self.changes)
        trigger = spec.trigger
        if trigger.queue is not None:
            source: dict[str, Any] = {"queue": revised(trigger.queue, self.changes)}
        else:
            assert trigger.stream is not None  # noqa: S101 - only sources have levers of their own
            source = {"stream": revised(trigger.stream, self.changes)}
        return revised(spec, {"trigger": revised(trigger, source)})


def levers(run: RunResult, function: str) -> Iterator[Lever]:
    """Give the changes that are worth simulating for a function that misses a target.

    Parameters
    ----------
    run : RunResult
        Of the scenario as it is.
    function : str

    Yields
    ------
    Lever
    """
    spec = run.scenario.function(function)
    yield from _of_concurrency(run, spec)
    trigger = spec.trigger
    if trigger.queue is not None:
        yield from _of_queue(run, spec, trigger.queue)
    elif trigger.stream is not None:
        yield from _of_stream(run, spec, trigger.stream)


def _of_concurrency(run: RunResult, spec: FunctionSpec) -> Iterator[Lever]:
    """Reserve more where the function is refused, and keep others' pollers from filling the pool that it shares."""
    totals = run.aggregate.function(spec.name)
    refused_here, refused_in_pool = (
        int(totals.limits[kind]) for kind in (Limit.RESERVED_CONCURRENCY, Limit.ACCOUNT_CONCURRENCY)
    )
    if not refused_here and not refused_in_pool:
        return
    account, minimum = run.scenario.account.concurrency, limit("unreserved_concurrency_min").value
    others = sum(one.reserved_concurrency or 0 for one in run.scenario.functions if one.name != spec.name)
    room = account - others - minimum
    now = spec.reserved_concurrency
    peak = max(totals.concurrency.peak, 1)
    for wanted in sorted({2 * peak, 4 * peak, 10 * peak}):
        count = min(wanted, room)
        if count > max(now or 0, 0):
            yield Lever(
                spec.name, "reserved_concurrency", f"reserved_concurrency of {count:,}",
                {"reserved_concurrency": count}, of_function=True,
            )  # fmt: skip
    for other in run.scenario.functions if refused_in_pool else ():
        queue = other.trigger.queue
        if other.name == spec.name or queue is None or queue.provisioned_pollers is not None:
            continue
        busy = run.aggregate.function(other.name).concurrency.peak
        most = max(min(busy, account) // 2, limit("sqs_maximum_concurrency_min").value)
        yield _maximum_concurrency(other, most)


def _maximum_concurrency(spec: FunctionSpec, most: int) -> Lever:
    low, high = limit("sqs_maximum_concurrency_min").value, limit("sqs_maximum_concurrency_max").value
    most = min(max(most, low), high)
    return Lever(
        spec.name, "maximum_concurrency", f"maximum_concurrency of {most:,} for {spec.name}",
        {"maximum_concurrency": most},
    )  # fmt: skip


def _of_queue(run: RunResult, spec: FunctionSpec, queue: QueueSpec) -> Iterator[Lever]:
    totals = run.aggregate.function(spec.name)
    peak, refused = totals.concurrency.peak, int(totals.outcomes[Outcome.THROTTLED])
    if refused and queue.provisioned_pollers is None:
        room = spec.reserved_concurrency if spec.reserved_concurrency is not None else peak
        yield _maximum_concurrency(spec, room)
    if queue.maximum_concurrency is not None and peak >= queue.maximum_concurrency:
        for times in (2, 5):
            most = min(queue.maximum_concurrency * times, limit("sqs_maximum_concurrency_max").value)
            if most > queue.maximum_concurrency:
                yield _maximum_concurrency(spec, most)
    advised_us = _ADVISED_VISIBILITY * spec.timeout_us + queue.batch_window_us
    for visibility_us in sorted({spec.timeout_us, advised_us}):
        if (
            visibility_us != queue.visibility_timeout_us
            and totals.items is not None
            and totals.items.repeated
        ):
            whole_us = -(-visibility_us // US_PER_S) * US_PER_S
            yield Lever(
                spec.name, "visibility_timeout", f"visibility_timeout of {format_duration(whole_us)}",
                {"visibility_timeout_us": whole_us},
            )  # fmt: skip
    if not refused and queue.maximum_concurrency is None and not queue.is_fifo:
        yield from _pollers(spec, queue, peak)
    yield from _batches(spec, queue, limit("sqs_batch_without_window_max").value)
    failing = totals.items is not None and totals.items.repeated > 0
    if failing and queue.batch_size > 1 and not queue.partial_failures:
        yield Lever(spec.name, "partial_failures", "partial_failures: true", {"partial_failures": True})
    if failing and queue.max_receives is None:
        yield Lever(
            spec.name, "max_receives", f"max_receives of {_SOME_TRIES} and a dead-letter queue",
            {"max_receives": _SOME_TRIES},
        )  # fmt: skip


def _pollers(spec: FunctionSpec, queue: QueueSpec, peak: int) -> Iterator[Lever]:
    """Keep pollers, enough for what ran at most at once and for more."""
    each, low = limit("sqs_poller_batches").value, limit("sqs_poller_minimum_low").value
    high = limit("sqs_poller_minimum_high").value
    now = queue.provisioned_pollers.minimum if queue.provisioned_pollers is not None else 0
    for times in (1, 4, 16):
        units = min(max(ceil(times * peak / each), low), high)
        if units > now:
            most = max(units, limit("sqs_poller_maximum_default").value)
            yield Lever(
                spec.name, "provisioned_pollers", f"provisioned_pollers with a minimum of {units:,}",
                {"provisioned_pollers": {"minimum": units, "maximum": most}},
            )  # fmt: skip


def _batches(spec: FunctionSpec, source: QueueSpec | StreamSpec, most: int) -> Iterator[Lever]:
    """Take more at once, as far as the timeout surely has room for the work."""
    if source.batch_size < most:
        yield Lever(spec.name, "batch_size", f"batch_size of {most:,}", {"batch_size": most})


def _of_stream(run: RunResult, spec: FunctionSpec, stream: StreamSpec) -> Iterator[Lever]:
    totals = run.aggregate.function(spec.name)
    is_kafka = spec.trigger.type is TriggerType.KAFKA
    most = limit("stream_parallelization_max").value
    for factor in (2, 5, most):
        if not is_kafka and stream.parallelization_factor < factor and not stream.tumbling_window_us:
            yield Lever(
                spec.name, "parallelization_factor", f"parallelization_factor of {factor}",
                {"parallelization_factor": factor},
            )  # fmt: skip
    for times in (2, 4):
        shards = min(stream.shards * times, 10_000)
        name = "partitions" if is_kafka else "shards"
        changes: dict[str, Any] = {"shards": shards}
        if is_kafka and stream.consumers is not None:
            changes["consumers"] = min(stream.consumers * times, shards)
        yield Lever(spec.name, "shards", f"{shards:,} {name}", changes)
    if is_kafka and stream.provisioned_pollers is None:
        each = limit("kafka_poller_batches").value
        units = -(-stream.shards // each)
        yield Lever(
            spec.name, "provisioned_pollers", f"provisioned_pollers with a minimum of {units:,}",
            {"provisioned_pollers": {"minimum": units}, "consumers": None, "consumer_growth": None},
        )  # fmt: skip
    if stream.batch_size < 10 * limit("stream_batch_default").value:
        batch = min(10 * stream.batch_size, limit("stream_batch_max").value)
        yield Lever(spec.name, "batch_size", f"batch_size of {batch:,}", {"batch_size": batch})
    if totals.items is not None and totals.items.repeated:
        tries = {"max_retries": 2, "bisect": True}
        yield Lever(spec.name, "bisect", "bisect: true with max_retries of 2", tries)
        if not stream.partial_failures:
            named = {"partial_failures": True, "max_retries": 2}
            yield Lever(spec.name, "partial_failures", "partial_failures: true with max_retries of 2", named)
