"""A queue or a stream found in a file, as a scenario's trigger has it."""

from __future__ import annotations

from typing import Any, Final

from lambdasim.catalog import limit, timing
from lambdasim.templates.found import FoundFunction, FoundQueue, FoundSource
from lambdasim.templates.writing.commented_yaml import Noted

STREAMS: Final = ("kinesis", "dynamodb", "kafka")
_GUESSED_GROUPS: Final = 100
_MOST_SHARDS: Final = 10_000
"""As many as a scenario takes."""
_ENDLESS: Final = -1
"""How AWS writes retries and ages without end."""


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


def _kept(
    value: int | None, low: int, high: int, what: str, source: FoundSource, remarks: list[str]
) -> int | None:
    """Return a setting that the platform takes; None, with a remark, where it would refuse it."""
    if value is None or low <= value <= high:
        return value
    remarks.append(f"{source.label}: {what} {value} lies outside {low:,} to {high:,}; AWS's default is taken")
    return None


def _batches(source: FoundSource, default: int, most: int, remarks: list[str]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    size = _kept(source.batch_size, 1, most, "batch size", source, remarks)
    if size is not None and size != default:
        said["batch_size"] = size
    window_s = _kept(
        int(source.window_s or 0), 0, limit("batch_window_max_s").value, "batching window", source, remarks
    )
    if window_s:
        said["batch_window"] = f"{window_s}s"
    if source.partial_failures:
        said["partial_failures"] = True
    return said


def _queue(
    function: FoundFunction, source: FoundSource, queue: FoundQueue, remarks: list[str]
) -> dict[str, Any]:
    fifo = limit("sqs_fifo_batch_max").value
    said = _batches(
        source,
        limit("sqs_batch_default").value,
        fifo if queue.fifo else limit("sqs_batch_max").value,
        remarks,
    )
    if queue.fifo:
        if said.pop("batch_window", None) is not None:
            remarks.append(f"{source.label}: a FIFO queue has no batching window; none is taken")
        said["message_groups"] = Noted(_GUESSED_GROUPS, "assumed; how many message groups are in use?")
    elif (
        "batch_window" not in said and said.get("batch_size", 0) > limit("sqs_batch_without_window_max").value
    ):
        size = said.pop("batch_size")
        default = limit("sqs_batch_default").value
        remarks.append(
            f"{source.label}: AWS refuses a batch size of {size} without a batching window; {default} is taken"
        )
    low, high = limit("sqs_maximum_concurrency_min").value, limit("sqs_maximum_concurrency_max").value
    most = _kept(source.maximum_concurrency, low, high, "maximum concurrency", source, remarks)
    if most is not None:
        said["maximum_concurrency"] = most
    said |= _times(function, source, queue, remarks)
    receives = _kept(
        queue.max_receives, 1, limit("sqs_receives_max").value, "maxReceiveCount", source, remarks
    )
    if receives is not None:
        said["max_receives"] = receives
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
    longest = limit("sqs_visibility_max_s").value
    if _kept(visible_s, 0, longest, "visibility timeout", source, remarks) not in (None, default_s):
        said["visibility_timeout"] = f"{visible_s}s"
    low, high = limit("sqs_retention_min_s").value, limit("sqs_retention_max_s").value
    if _kept(queue.retention_s, low, high, "message retention", source, remarks) is not None:
        said["retention"] = f"{queue.retention_s}s"
    return said


def _stream(source: FoundSource, remarks: list[str]) -> dict[str, Any]:
    said = _batches(source, limit("stream_batch_default").value, limit("stream_batch_max").value, remarks)
    said |= _shards(source, remarks)
    if source.type == "kinesis" and source.on_demand:
        said["capacity"] = "on_demand"
    if source.type == "kinesis" and source.fan_out:
        said["enhanced_fan_out"] = True
    if source.type == "kafka":
        pollers = _pollers(source, "batch_min", "kafka_poller_minimum_high", "kafka_poller_maximum_high")
        if pollers is not None:
            said["provisioned_pollers"] = pollers
    elif not source.stands_for:
        tumbling_s = limit("tumbling_window_max_s").value
        if _kept(source.tumbling_s, 0, tumbling_s, "tumbling window", source, remarks):
            said["tumbling_window"] = f"{source.tumbling_s}s"
    if source.type != "kafka":
        said |= _parallel(source, "tumbling_window" in said, remarks)
    most = limit("stream_retries_max").value
    retries = None if source.retry_attempts == _ENDLESS else source.retry_attempts
    if _kept(retries, 0, most, "retries", source, remarks) is not None:
        said["max_retries"] = retries
    low, high = limit("stream_age_min_s").value, limit("stream_age_max_s").value
    age_s = None if source.record_age_s == _ENDLESS else source.record_age_s
    if _kept(age_s, low, high, "record age", source, remarks) is not None:
        said["max_record_age"] = f"{age_s}s"
    if source.bisect:
        said["bisect"] = True
    return said


def _shards(source: FoundSource, remarks: list[str]) -> dict[str, int]:
    parts = "partitions" if source.type == "kafka" else "shards"
    if source.shards is None or source.shards <= 0:
        if not source.stands_for:
            remarks.append(
                f"{source.label}: the file does not say how many {parts} there are; one is assumed"
            )
        return {}
    if source.shards > _MOST_SHARDS:
        remarks.append(f"{source.label}: {source.shards:,} {parts} are taken as {_MOST_SHARDS:,}")
    return {"shards": min(source.shards, _MOST_SHARDS)}


def _parallel(source: FoundSource, tumbles: bool, remarks: list[str]) -> dict[str, int]:
    """Say how many batches of a shard run at once: one where a tumbling window has its state."""
    most = limit("stream_parallelization_max").value
    batches = _kept(source.parallelization, 1, most, "parallelization factor", source, remarks)
    if batches is None or batches == 1:
        return {}
    if tumbles:
        remarks.append(
            f"{source.label}: a tumbling window has one state for each shard, so its parallelization factor of "
            f"{batches} is taken as 1"
        )
        return {}
    return {"parallelization_factor": batches}
