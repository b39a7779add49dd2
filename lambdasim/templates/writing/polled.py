"""A queue or a stream found in a file, as a scenario's trigger has it."""

from __future__ import annotations

from typing import Any, Final

from lambdasim.catalog import limit, timing
from lambdasim.templates.found import FoundFunction, FoundQueue, FoundSource
from lambdasim.templates.writing.commented_yaml import Noted

STREAMS: Final = ("kinesis", "dynamodb", "kafka")
_GUESSED_GROUPS: Final = 100


def polled_trigger(function: FoundFunction, source: FoundSource, remarks: list[str]) -> dict[str, Any]:
    """Make the keys of a trigger that say how a queue or a stream is polled.

    Parameters
    ----------
    function : FoundFunction
    source : FoundSource
        Of a queue, stream or topic; of others nothing comes.
    remarks : list of str
        Gets what is left out or assumed.

    Returns
    -------
    dict
        ``queue`` or ``stream``, with what differs from the defaults; empty where nothing does.
    """
    if source.type == "sqs":
        said = _queue(function, source, source.queue or FoundQueue(), remarks)
    elif source.type in STREAMS:
        said = _stream(source, remarks)
    else:
        return {}
    if source.filtered:
        remarks.append(f"{source.label}: its filter is not modelled; give the traffic that passes it")
    return {"queue" if source.type == "sqs" else "stream": said} if said else {}


def _batches(source: FoundSource, default: int, most: int) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if source.batch_size is not None and source.batch_size != default and 1 <= source.batch_size <= most:
        said["batch_size"] = source.batch_size
    window_s = int(source.window_s or 0)
    if 0 < window_s <= limit("batch_window_max_s").value:
        said["batch_window"] = f"{window_s}s"
    if source.partial_failures:
        said["partial_failures"] = True
    return said


def _queue(
    function: FoundFunction, source: FoundSource, queue: FoundQueue, remarks: list[str]
) -> dict[str, Any]:
    fifo = limit("sqs_fifo_batch_max").value
    said = _batches(
        source, limit("sqs_batch_default").value, fifo if queue.fifo else limit("sqs_batch_max").value
    )
    if queue.fifo:
        said.pop("batch_window", None)
        said["message_groups"] = Noted(_GUESSED_GROUPS, "assumed; how many message groups are in use?")
    elif (
        "batch_window" not in said and said.get("batch_size", 0) > limit("sqs_batch_without_window_max").value
    ):
        del said["batch_size"]
    low, high = limit("sqs_maximum_concurrency_min").value, limit("sqs_maximum_concurrency_max").value
    if source.maximum_concurrency is not None and low <= source.maximum_concurrency <= high:
        said["maximum_concurrency"] = source.maximum_concurrency
    said |= _times(function, source, queue, remarks)
    if queue.max_receives is not None and 1 <= queue.max_receives <= limit("sqs_receives_max").value:
        said["max_receives"] = queue.max_receives
    pollers = _pollers(source, "sqs_poller_minimum_low", "sqs_poller_minimum_high", "sqs_poller_maximum_high")
    if pollers is not None:
        said.pop("maximum_concurrency", None)
        said["provisioned_pollers"] = pollers
    if queue.delay_s:
        remarks.append(f"{source.label}: the delay of {queue.delay_s} s before delivery is not modelled")
    return said


def _pollers(source: FoundSource, low: str, least_high: str, most_high: str) -> dict[str, int] | None:
    """Say how many pollers are kept, within the platform's limits; None where none are provisioned."""
    if source.minimum_pollers is None and source.maximum_pollers is None:
        return None
    said = {}
    least = limit(low).value
    if source.minimum_pollers is not None:
        said["minimum"] = min(max(source.minimum_pollers, least), limit(least_high).value)
    if source.maximum_pollers is not None:
        said["maximum"] = min(max(source.maximum_pollers, said.get("minimum", least)), limit(most_high).value)
    return said


def _times(
    function: FoundFunction, source: FoundSource, queue: FoundQueue, remarks: list[str]
) -> dict[str, Any]:
    said: dict[str, Any] = {}
    default_s = timing("sqs_visibility_s").value
    visible_s = default_s if queue.visibility_s is None else queue.visibility_s
    if visible_s < function.timeout_s:
        said_s = (
            f"its visibility timeout of {visible_s} s"
            if queue.visibility_s is not None
            else f"no file says its visibility timeout, and SQS's default of {visible_s} s"
        )
        remarks.append(
            f"{source.label}: {said_s} is below the function's timeout of {function.timeout_s} s, which AWS refuses; "
            "the function's is taken"
        )
        visible_s = function.timeout_s
    if visible_s != default_s and visible_s <= limit("sqs_visibility_max_s").value:
        said["visibility_timeout"] = f"{visible_s}s"
    low, high = limit("sqs_retention_min_s").value, limit("sqs_retention_max_s").value
    if queue.retention_s is not None and low <= queue.retention_s <= high:
        said["retention"] = f"{queue.retention_s}s"
    return said


def _stream(source: FoundSource, remarks: list[str]) -> dict[str, Any]:
    said = _batches(source, limit("stream_batch_default").value, limit("stream_batch_max").value)
    if source.shards is not None and source.shards > 0:
        said["shards"] = source.shards
    elif not source.stands_for:
        parts = "partitions" if source.type == "kafka" else "shards"
        remarks.append(f"{source.label}: the file does not say how many {parts} there are; one is assumed")
    if source.type == "kinesis" and source.on_demand:
        said["capacity"] = "on_demand"
    if source.type == "kinesis" and source.fan_out:
        said["enhanced_fan_out"] = True
    if source.type == "kafka":
        pollers = _pollers(source, "batch_min", "kafka_poller_minimum_high", "kafka_poller_maximum_high")
        if pollers is not None:
            said["provisioned_pollers"] = pollers
    elif (
        source.tumbling_s
        and not source.stands_for
        and source.tumbling_s <= limit("tumbling_window_max_s").value
    ):
        said["tumbling_window"] = f"{source.tumbling_s}s"
    most = limit("stream_parallelization_max").value
    if source.type != "kafka" and source.parallelization is not None and 1 < source.parallelization <= most:
        said["parallelization_factor"] = source.parallelization
    if source.retry_attempts is not None and 0 <= source.retry_attempts <= limit("stream_retries_max").value:
        said["max_retries"] = source.retry_attempts
    low, high = limit("stream_age_min_s").value, limit("stream_age_max_s").value
    if source.record_age_s is not None and low <= source.record_age_s <= high:
        said["max_record_age"] = f"{source.record_age_s}s"
    if source.bisect:
        said["bisect"] = True
    return said
