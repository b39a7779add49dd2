"""Queues and streams in scenario files: what AWS refuses is one clear error each, and defaults are AWS's."""

import numpy as np
import pytest

from lambdasim.engine.contract import UNLIMITED, Invoker
from lambdasim.engine.lanes import Backoff, Visibility
from lambdasim.engine.plan import plan_scenario
from lambdasim.errors import ScenarioError
from lambdasim.specs import load_scenario_text

TEXT = """
name: t
start: 2026-11-01T00:00:00Z
duration: 10s
functions:
  - {{name: w, timeout: 15s, traffic: {{constant: {{rate_per_s: 1}}}}, trigger: {}}}
"""


@pytest.mark.parametrize(
    ("trigger", "told"),
    [
        ("{type: sqs, queue: {message_groups: 3, batch_size: 100}}", "queue.batch_size: must be at most 10 for a FIFO"),
        ("{type: sqs, queue: {message_groups: 3, batch_window: 1s}}", "queue.batch_window: must be 0s for a FIFO"),
        ("{type: sqs, queue: {batch_size: 11}}", "must be at most 10 without a batch_window of at least 1s, got 11"),
        ("{type: sqs, queue: {maximum_concurrency: 1}}", "must be between 2 and 1000 batches, got 1"),
        ("{type: sqs, queue: {visibility_timeout: 14s}}", r"must be at least the function's timeout \(15s\), got 14s"),
        ("{type: sqs, queue: {visibility_timeout: 13h}}", "visibility_timeout: must be at most 43200 s, got 13h"),
        ("{type: sqs, queue: {retention: 59s}}", "retention: must be between 60 and 1209600 s, got 59s"),
        ("{type: sqs, queue: {max_receives: 0}}", "must be between 1 and 1000 receives, got 0"),
        ("{type: sqs, queue: {batch_window: 1500ms}}", "must be whole seconds up to 300, got 1500ms"),
        ("{type: sqs, queue: {batch_window: 301s}}", "must be whole seconds up to 300, got 301s"),
        ("{type: sqs, queue: {skew: 1.0}}", "belongs to a FIFO queue"),
        ("{type: sqs, queue: {pollers: {first: 9, most: 8}}}", "queue.pollers.first: must be at most 8, got 9"),
        ("{type: sqs, stream: {}}", "stream: does not belong to a trigger of type sqs"),
        ("{type: sdk, queue: {}}", "queue: does not belong to a trigger of type sdk"),
        ("{type: sqs, retry_attempts: 1}", "retry_attempts: does not belong to a trigger of type sqs"),
        ("{type: kinesis, stream: {shards: 0}}", "stream.shards: must be at least 1, got 0"),
        ("{type: kinesis, stream: {parallelization_factor: 11}}", "must be between 1 and 10"),
        ("{type: kinesis, stream: {max_record_age: 59s}}", "max_record_age: must be between 60 and 604800 s, got 59s"),
        ("{type: dynamodb, stream: {retention: 2d}}", "stream.retention: must be 86400 s for DynamoDB"),
        ("{type: kinesis, stream: {batchsize: 5}}", "did you mean batch_size"),
    ],
)  # fmt: skip
def test_what_aws_refuses_is_one_error(trigger: str, told: str) -> None:
    with pytest.raises(ScenarioError, match=told) as error:
        load_scenario_text(TEXT.format(trigger))
    assert len(error.value.faults) == 1


def test_the_defaults_are_aws() -> None:
    function = plan_scenario(load_scenario_text(TEXT.format("{type: sqs}"))).functions[0]
    source = function.source
    assert source is not None
    assert function.retry.invoker is Invoker.SOURCE
    pollers = source.pollers
    assert (pollers.first, pollers.growth, pollers.interval_us, pollers.most) == (5, 300, 60_000_000, 1250)
    assert (source.batch, source.window_us, source.ordered, source.lanes) == (10, 0, False, 1)
    assert source.returns == Visibility(30_000_000, UNLIMITED, 345_600_000_000)
    for kind, look_us in (("kinesis", 1_000_000), ("dynamodb", 250_000)):
        stream = plan_scenario(load_scenario_text(TEXT.format(f"{{type: {kind}}}"))).functions[0].source
        assert stream is not None
        assert (stream.batch, stream.lanes, stream.ordered, stream.pollers.look_us) == (100, 1, True, look_us)
        assert isinstance(stream.returns, Backoff)
        assert (stream.returns.most_retries, stream.returns.most_age_us) == (UNLIMITED, 86_400_000_000)


def test_a_window_beyond_the_visibility_extends_it_unless_that_is_switched_off() -> None:
    def visibility_us(more: str) -> int:
        text = TEXT.format(f"{{type: sqs, queue: {{visibility_timeout: 20s, batch_window: 10s{more}}}}}")
        source = plan_scenario(load_scenario_text(text)).functions[0].source
        assert source is not None
        assert isinstance(source.returns, Visibility)
        return source.returns.visibility_us

    assert visibility_us("") == 55_000_000  # 10 + 15 + 30 s
    assert visibility_us(", window_extends_visibility: false") == 20_000_000


def test_pollers_in_a_line_and_at_a_maximum() -> None:
    text = TEXT.format("{type: sqs, queue: {maximum_concurrency: 3, pollers: {ramp: linear}}}")
    source = plan_scenario(load_scenario_text(text)).functions[0].source
    assert source is not None
    assert (source.pollers.first, source.pollers.growth, source.pollers.interval_us, source.pollers.most) == (
        3, 1, 200_000, 3,
    )  # fmt: skip


def test_shards_and_groups_that_are_used_unevenly() -> None:
    text = TEXT.format("{type: kinesis, stream: {shards: 2, parallelization_factor: 2, skew: 1.0}}")
    draws = plan_scenario(load_scenario_text(text)).functions[0].draws
    lanes = draws.lanes(np.arange(4000)).tolist()
    # Shards with weights of 1 and 1/2, each spread evenly over its two lanes; ± 5 standard errors.
    for lane, share in enumerate((1 / 3, 1 / 3, 1 / 6, 1 / 6)):
        assert abs(lanes.count(lane) / 4000 - share) < 5 * (share * (1 - share) / 4000) ** 0.5
