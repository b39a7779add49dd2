"""Rules of queues, streams and topics, worked by hand from AWS's pages: filters, answers, provisioned pollers, Kafka."""

from typing import Any

import pytest

import lambdasim as ls
from lambdasim.errors import ScenarioError
from lambdasim.specs import load_scenario_text

SCENARIO = """
name: rules
start: 2026-11-01T00:00:00Z
duration: {duration}
functions:
  - name: f
    timeout: 20s
    init_ms: 0
    work: {{io_ms: {io}, first_run_ms: 0}}
    trigger: {trigger}
    payload: {{request_kb: {kb}}}
    traffic: {{constant: {{rate_per_s: {rate}}}, stop: {stop}}}
"""


def ran(trigger: str, **given: Any) -> tuple[dict[str, Any], ls.RunResult]:
    """Simulate one function: what became of its items, and the run."""
    settings = {"duration": "1min", "io": 1000, "rate": 4, "stop": "1s", "kb": 0} | given
    run = ls.simulate(load_scenario_text(SCENARIO.format(trigger=trigger, **settings)))
    (row,) = run.sources().to_dict(orient="records")
    ends = ("processed", "dead_lettered", "expired", "given_up", "filtered", "swallowed")
    assert row["sent"] == sum(row[name] for name in ends)
    return row, run


@pytest.mark.parametrize(
    ("answer", "processed", "swallowed", "dead"),
    [
        ("named", 0, 0, 4),
        *((answer, 0, 4, 0) for answer in ("null", "empty_object", "empty_list", "null_list")),
        *(
            (answer, 0, 0, 4)
            for answer in (
                "not_json", "empty_identifier", "null_identifier", "wrong_key", "unknown_identifier", "exception",
            )
        ),
    ],
)  # fmt: skip
def test_every_spelling_of_an_answer_is_success_or_failure_as_aws_reads_it(
    answer: str, processed: int, swallowed: int, dead: int
) -> None:
    queue = f"visibility_timeout: 20s, max_receives: 2, poison_share: 1, partial_failures: true, answer: '{answer}'"
    row, run = ran(f"{{type: sqs, queue: {{{queue}}}}}")
    assert (row["processed"], row["swallowed"], row["dead_lettered"]) == (processed, swallowed, dead)
    assert int(run.summary()["lost"].iloc[0]) == 4  # swallowed ones are lost too, though AWS sees success


def test_an_answer_that_nobody_reads_is_refused() -> None:
    with pytest.raises(ScenarioError, match="read with partial_failures"):
        ran("{type: sqs, queue: {answer: empty_list}}")


def test_a_filtered_message_is_received_and_deleted_and_never_invoked_for() -> None:
    row, run = ran("{type: sqs, queue: {filtered_share: 1}}")
    assert (row["filtered"], row["processed"], len(run.records)) == (4, 0, 0)
    # Four messages that come one by one: four receives, four deletes.
    assert (row["receive_calls"], row["delete_calls"]) == (4, 4)
    assert run.usage()[0].requests == 0
    assert int(run.summary()["events"].iloc[0]) == 0


@pytest.mark.parametrize("kind", ["kinesis", "dynamodb", "kafka"])
def test_filtered_records_of_a_stream_are_passed_over(kind: str) -> None:
    row, run = ran(f"{{type: {kind}, stream: {{filtered_share: 0.5, batch_size: 10}}}}", rate=40, stop="10s")
    assert 150 < row["filtered"] < 250
    assert row["filtered"] + row["processed"] == 400
    assert run.items[run.items["outcome"] == "filtered"]["receives"].max() == 0


def test_one_provisioned_poller_pair_receives_twenty_batches_a_second() -> None:
    # 1,000 messages in one second, batches of 1, 2 pollers of 10 receives/s: 20 batches/s, so 50 s, where runs are short.
    pollers = "provisioned_pollers: {minimum: 2, maximum: 2}"
    row, run = ran(f"{{type: sqs, queue: {{batch_size: 1, {pollers}}}}}", rate=1000, io=10)
    assert row["processed"] == 1000
    starts_s = run.records["start_s"].to_numpy()
    assert starts_s[-1] == pytest.approx(999 / 20, abs=1e-3)
    # 2 pollers for the minute.
    assert row["poller_hours"] == pytest.approx(2 / 60)


def test_batches_in_progress_bind_where_runs_are_long() -> None:
    # 2 pollers hold 20 batches: 40 messages of 10 s each take two rounds.
    pollers = "provisioned_pollers: {minimum: 2, maximum: 2}"
    _, run = ran(f"{{type: sqs, queue: {{batch_size: 1, {pollers}}}}}", rate=40, io=10_000)
    assert run.aggregate.functions[0].concurrency.peak == 20
    # Receives are 50 ms apart, so the last of the second round begins 10 s after the last of the first, 0.95 s in.
    assert run.items["done_s"].max() == pytest.approx(0.975 + 20, abs=0.06)


def test_a_megabyte_a_second_binds_where_messages_are_heavy() -> None:
    # 100 messages of 200 KB: 2 pollers take 2 x 1,024 KB/s, so the last begins 99 x 200 / 2,048 s after the first.
    pollers = "provisioned_pollers: {minimum: 2, maximum: 2}"
    _, run = ran(f"{{type: sqs, queue: {{batch_size: 1, {pollers}}}}}", rate=100, io=10, kb=200)
    assert run.records["start_s"].max() == pytest.approx(99 * 200 / 2048, abs=1e-3)


def test_provisioned_pollers_and_maximum_concurrency_exclude_each_other() -> None:
    with pytest.raises(ScenarioError, match="exclude each other"):
        ran("{type: sqs, queue: {maximum_concurrency: 5, provisioned_pollers: {}}}")


def test_a_topic_is_read_by_one_consumer_until_the_lag_is_looked_at() -> None:
    # Partition by partition: 3 partitions, 1 consumer, one record a batch of 1 s; after a minute all three are read.
    topic = "partitions: 3, batch_size: 1, batch_window: 0s, consumers: 1"
    row, run = ran(f"{{type: kafka, stream: {{{topic}}}}}", rate=180, duration="3min")
    assert row["processed"] == 180
    done_s = run.items["done_s"].to_numpy()
    assert (done_s <= 60 + 1e-6).sum() == 60  # one a second for a minute
    assert (
        done_s.max() < 60 + 60
    )  # then three a second, less what an uneven draw leaves for the last partition


def test_five_megabytes_a_second_bind_where_records_of_a_topic_are_heavy() -> None:
    # 100 records of 1,024 KB, one a batch, over 5 partitions that one poller holds: 5,120 KB/s are five a second.
    topic = "partitions: 5, batch_size: 1, batch_window: 0s, provisioned_pollers: {minimum: 1, maximum: 1}"
    row, run = ran(f"{{type: kafka, stream: {{{topic}}}}}", rate=100, io=10, kb=1024)
    assert row["processed"] == 100
    assert run.records["start_s"].max() == pytest.approx(99 / 5, abs=1e-3)
    # Two pollers read twice as much.
    wide = topic.replace("partitions: 5", "partitions: 10").replace(
        "minimum: 1, maximum: 1", "minimum: 2, maximum: 2"
    )
    _, run = ran(f"{{type: kafka, stream: {{{wide}}}}}", rate=100, io=10, kb=1024)
    assert run.records["start_s"].max() == pytest.approx(99 / 10, abs=1e-3)


def test_kafka_has_its_own_defaults_and_one_line_for_each_partition() -> None:
    spec = load_scenario_text(SCENARIO.format(
        trigger="{type: kafka}", duration="1min", io=1, rate=1, stop="1s", kb=0,
    ))  # fmt: skip
    stream = spec.functions[0].trigger.stream
    assert stream is not None
    assert (stream.batch_window_us, stream.retention_us, stream.batch_size) == (500_000, 604_800_000_000, 100)
    with pytest.raises(ScenarioError, match="must be 1 for Kafka"):
        ran("{type: kafka, stream: {parallelization_factor: 2}}")
    with pytest.raises(ScenarioError, match="does not belong"):
        ran("{type: kinesis, stream: {consumers: 2}}")
    with pytest.raises(ScenarioError, match="whole seconds"):
        ran("{type: kinesis, stream: {batch_window: 500ms}}")


def test_a_tumbling_window_is_said_not_to_be_modelled() -> None:
    with pytest.warns(ls.errors.NotModelledWarning, match="tumbling"):
        ran("{type: kinesis, stream: {tumbling_window: 30s}}")
    with pytest.raises(ScenarioError, match="one state for each shard"):
        ran("{type: kinesis, stream: {tumbling_window: 30s, parallelization_factor: 2}}")


def test_a_receive_of_ten_heavy_messages_is_billed_by_its_chunks_of_64_kb() -> None:
    # 20 messages of 32 KB: 20 sends; two receives of 320 KB, five chunks each; two deletes; no idle pollers.
    queue = "batch_size: 10, batch_window: 5s, visibility_timeout: 60s, pollers: {idle: 0}"
    row, run = ran(f"{{type: sqs, queue: {{{queue}}}}}", rate=20, kb=32)
    assert (row["receive_calls"], row["delete_calls"]) == (2, 2)
    assert run.usage()[0].calls == 20 + 2 * 5 + 2
    # One message of 100 KB takes two chunks to send, and two to receive.
    _, run = ran(f"{{type: sqs, queue: {{{queue}}}}}", rate=1, kb=100)
    assert run.usage()[0].calls == 2 + 2 + 1


def test_reserved_concurrency_of_nothing_is_said_before_it_runs() -> None:
    from lambdasim.results.expected import expected_cost
    from lambdasim.results.foreseen import foreseen_failures

    text = SCENARIO.format(trigger="{type: sqs}", duration="1h", io=1000, rate=1, stop="1h", kb=0)
    dead = load_scenario_text(
        text.replace("timeout: 20s", "timeout: 20s, reserved_concurrency: 0").replace(
            "name: f\n    timeout: 20s, reserved_concurrency: 0",
            "name: f\n    timeout: 20s\n    reserved_concurrency: 0",
        )
    )
    (said, *_) = foreseen_failures(dead)
    assert "lets nothing run" in said
    assert "4d" in said
    assert (
        expected_cost(dead, engine="reference").seconds
        > 50 * expected_cost(load_scenario_text(text), engine="reference").seconds
    )
