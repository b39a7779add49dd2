"""Queues and streams of a file, as triggers that load."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lambdasim.specs.trigger import TriggerSpec
from lambdasim.templates.found import FoundFunction, FoundQueue, FoundSource
from lambdasim.templates.writing.commented_yaml import plain
from lambdasim.templates.writing.sources import invoked_by


def trigger_of(source: FoundSource, timeout_s: int = 15) -> tuple[dict[str, Any], TriggerSpec, list[str]]:
    invoked = invoked_by(FoundFunction(resource="F", name="f", timeout_s=timeout_s, sources=(source,)))
    trigger = plain(invoked.trigger)
    spec = TriggerSpec.model_validate(trigger)
    assert not list(spec.timeout_faults(timeout_s * 1_000_000))
    return trigger, spec, invoked.remarks


def test_a_queue_keeps_what_the_file_says() -> None:
    queue = FoundQueue("Orders", visibility_s=90, max_receives=3, retention_s=1_209_600)
    source = FoundSource(
        "sqs",
        "queue Orders",
        batch_size=100,
        window_s=5,
        maximum_concurrency=8,
        partial_failures=True,
        queue=queue,
    )
    trigger, _, remarks = trigger_of(source)
    assert trigger["queue"] == {
        "batch_size": 100, "batch_window": "5s", "partial_failures": True, "maximum_concurrency": 8,
        "visibility_timeout": "90s", "max_receives": 3, "retention": "1209600s",
    }  # fmt: skip
    assert not remarks


def test_what_aws_refuses_is_put_right_and_said() -> None:
    queue = FoundQueue("Orders.fifo", fifo=True, visibility_s=10, delay_s=5)
    _, spec, remarks = trigger_of(FoundSource("sqs", "queue", batch_size=100, window_s=5, queue=queue))
    assert spec.queue is not None
    assert (spec.queue.is_fifo, spec.queue.batch_size, spec.queue.batch_window_us) == (True, 10, 0)
    assert spec.queue.visibility_timeout_us == 15_000_000
    assert any("below the function's timeout" in remark for remark in remarks)
    assert any("delay of 5 s" in remark for remark in remarks)
    # A large batch without a window is none that AWS takes.
    _, spec, _ = trigger_of(FoundSource("sqs", "queue", batch_size=100, queue=FoundQueue()), timeout_s=600)
    assert spec.queue is not None
    assert (spec.queue.batch_size, spec.queue.visibility_timeout_us) == (10, 600_000_000)


def test_a_stream_keeps_what_the_file_says() -> None:
    source = FoundSource(
        "kinesis", "stream", batch_size=500, parallelization=10, shards=4, retry_attempts=2, record_age_s=3600,
        bisect=True, filtered=True,
    )  # fmt: skip
    trigger, _, remarks = trigger_of(source)
    assert trigger["stream"] == {
        "batch_size": 500, "shards": 4, "parallelization_factor": 10, "max_retries": 2, "max_record_age": "3600s",
        "bisect": True,
    }  # fmt: skip
    assert any("filter" in remark for remark in remarks)
    endless, _, remarks = trigger_of(FoundSource("dynamodb", "table", retry_attempts=-1, record_age_s=-1))
    assert endless == {"type": "dynamodb"}
    assert any("one is assumed" in remark for remark in remarks)


ODD = st.none() | st.sampled_from([-1, 0, 1, 2, 7, 10, 11, 100, 10_000, 10_001, 43_201, 10**7, 10**18])
SOURCES = st.builds(
    FoundSource,
    type=st.sampled_from(["sqs", "kinesis", "dynamodb", "kafka"]), label=st.just("it"), batch_size=ODD, window_s=ODD,
    maximum_concurrency=ODD, minimum_pollers=ODD, maximum_pollers=ODD, parallelization=ODD, shards=ODD, tumbling_s=ODD,
    retry_attempts=ODD, record_age_s=ODD, bisect=st.booleans(), fan_out=st.booleans(), on_demand=st.booleans(),
    queue=st.builds(FoundQueue, fifo=st.booleans(), visibility_s=ODD, max_receives=ODD, retention_s=ODD),
)  # fmt: skip


@given(SOURCES)
def test_whatever_the_file_says_the_trigger_loads_and_what_aws_refuses_is_said(source: FoundSource) -> None:
    trigger, _, remarks = trigger_of(source)
    held = trigger.get("queue" if source.type == "sqs" else "stream", {})
    if source.batch_size is not None and not 1 <= source.batch_size <= 10_000:
        assert "batch_size" not in held
        assert any(f"batch size {source.batch_size} lies outside" in remark for remark in remarks)
    if source.type in ("kinesis", "dynamodb") and source.parallelization not in (None, 1):
        said = any("parallelization factor" in remark for remark in remarks)
        assert said or held.get("parallelization_factor") == source.parallelization
    assert not any("do not go together" in remark for remark in remarks)


def test_a_tumbling_window_has_one_batch_of_a_shard_at_a_time() -> None:
    source = FoundSource("kinesis", "stream", shards=2, parallelization=4, tumbling_s=30)
    trigger, _, remarks = trigger_of(source)
    assert trigger["stream"] == {"shards": 2, "tumbling_window": "30s"}
    assert any("parallelization factor of 4 is taken as 1" in remark for remark in remarks)
