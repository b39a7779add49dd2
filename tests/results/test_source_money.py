"""What queues and streams are billed for, worked by hand: pollers, calls by size, shards, data; none beyond its time."""

from dataclasses import replace
from decimal import Decimal

import pytest

import lambdasim as ls
from lambdasim.billing import Bill
from lambdasim.engine.contract import Outcome
from lambdasim.errors import ScenarioError
from lambdasim.specs import load_scenario_text
from tests.engine.sourced import queue, run, stream

SCENARIO = """
name: money
start: 2026-11-02T00:00:00Z
duration: LENGTH
NEIGHBOURS
functions:
  - name: f
    timeout: 10s
    init_ms: 0
    work: {io_ms: 100, first_run_ms: 0}
    trigger: TRIGGER
    payload: {request_kb: KB}
    traffic: {constant: {rate_per_s: RATE}}
"""


def simulated(
    trigger: str, rate: float = 0, kb: int = 0, lines: bool = True, length: str = "1h"
) -> ls.RunResult:
    text = (
        SCENARIO.replace("LENGTH", length)
        .replace("TRIGGER", trigger)
        .replace("RATE", str(rate))
        .replace("KB", str(kb))
    )
    return ls.simulate(
        load_scenario_text(text.replace("NEIGHBOURS", "neighbours: {include: [trigger]}" if lines else ""))
    )


def quantities(bill: Bill) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for item in bill.items:
        found[item.usage_type] = found.get(item.usage_type, Decimal(0)) + item.quantity
    return found


def test_two_provisioned_pollers_cost_0_0185_usd_an_hour_whether_other_services_are_asked_for_or_not() -> (
    None
):
    bill = simulated("{type: sqs, queue: {provisioned_pollers: {minimum: 2}}}", lines=False).charges()
    # 2 x 1 h x 0.00925 USD, and nothing else: no message came.
    assert bill.total == Decimal("0.0185")
    assert bill.by_function() == {"f": Decimal("0.0185")}
    assert (bill.items[-1].service, bill.beside_lambda) == ("AWS Lambda", 0)
    with_calls = simulated("{type: sqs, queue: {provisioned_pollers: {minimum: 2}}}").charges()
    # Two pollers that wait 20 s each time ask 2 x 180 times.
    assert quantities(with_calls) == {"sqs_poller_hours": 2, "sqs_standard": 360}


def test_ten_pollers_of_a_topic_are_one_unit_and_heavy_records_need_more() -> None:
    topic = "{{type: kafka, stream: {{partitions: 4, provisioned_pollers: {{minimum: {}}}}}}}"
    assert simulated(topic.format(10), lines=False).charges().total == Decimal("0.185")
    assert simulated(topic.format(11), lines=False).charges().total == Decimal("0.37")
    # 100 records a second of 1,024 KB are 100 MB/s; a unit carries 20.
    heavy = simulated(topic.format(1), rate=100, kb=1024, length="1min")
    assert quantities(heavy.charges())["kafka_poller_hours"] == round(Decimal(5) / 60, 6)


def test_what_is_told_of_provisioned_pollers_is_not_told_of_others() -> None:
    for trigger in ("{type: sqs, queue: {provisioned_pollers: {minimum: 3}}}",
                    "{type: kafka, stream: {partitions: 4, provisioned_pollers: {minimum: 3}}}"):  # fmt: skip
        told = simulated(trigger).parameters().set_index("parameter")["value"]
        assert told["provisioned pollers of f"].startswith("3 to 200")
        assert not {"pollers of f", "idle pollers of f", "consumers of f"} & set(told.index)


def test_a_topic_without_provisioned_pollers_has_no_such_line() -> None:
    assert simulated("{type: kafka, stream: {partitions: 4}}").charges().total == 0


def test_receives_are_billed_call_by_call() -> None:
    # Ten messages of 1 KB, then ten of 10 KB: one request of 64 KB at most, and two. Their mean would make one each.
    source = replace(queue(batch=10, window=1), call_kb=64)
    found = run(source, [0] * 20, sizes_kb=[1] * 10 + [10] * 10)
    assert (found.counters["receive_calls"], found.counters["receive_requests"]) == (2, 1 + 2)
    # A batch of 20 takes two calls, whose sizes are cut apart too.
    found = run(replace(queue(batch=20, window=1), call_kb=64), [0] * 20, sizes_kb=[1] * 10 + [10] * 10)
    assert (found.counters["receive_calls"], found.counters["receive_requests"]) == (2, 1 + 2)


def test_a_producer_that_sends_ten_at_a_time_pays_by_the_call() -> None:
    found = {}
    for together in (1, 10):
        trigger = f"{{type: sqs, queue: {{send_batch: {together}, pollers: {{idle: 0}}}}}}"
        run_of = simulated(trigger, rate=0.01, kb=10, length="1h")
        row = run_of.sources().iloc[0]
        found[together] = quantities(run_of.charges())["sqs_standard"] - int(
            row["receive_calls"] + row["delete_calls"]
        )
    # 36 messages of 10 KB: 36 sends; or three calls of 100 KB, two requests each, and one of 60 KB.
    assert found == {1: 36, 10: 3 * 2 + 1}
    with pytest.raises(ScenarioError, match="send_batch"):
        simulated("{type: sqs, queue: {send_batch: 11}}")


def test_a_batch_ends_before_it_would_weigh_more_than_six_megabytes() -> None:
    # 20 messages of 1,000 KB: six are 6,000 KB, a seventh would be too much.
    source = replace(queue(batch=100, window=1), batch_kb=6144, call_kb=64)
    found = run(source, [0] * 20, sizes_kb=[1000])
    assert len(found.started()) == 4
    assert sorted(item["item"] for item in found.items) == [*range(20)]
    assert found.counters["receive_requests"] == 3 * 94 + 32  # 6,000 / 64 and 2,000 / 64, rounded up
    of_stream = run(replace(stream(batch=100, look=0, window=1), batch_kb=6144), [0] * 20, sizes_kb=[1000])
    assert len(of_stream.started()) == 4
    assert [item["item"] for item in of_stream.items] == [*range(20)]
    # One that is heavier than that travels alone.
    assert len(run(source, [0] * 3, sizes_kb=[7000, 1, 1]).started()) == 2


def test_a_function_that_names_what_failed_has_not_failed_itself() -> None:
    text = "{type: sqs, queue: {visibility_timeout: 20s, max_receives: 2, poison_share: 1, partial_failures: BY}}"
    named, failed = (simulated(text.replace("BY", by), rate=0.01) for by in ("true", "false"))
    for found, errors in ((named, 0), (failed, 2 * 36)):
        assert int(found.aggregate.functions[0].outcomes[Outcome.FUNCTION_ERROR]) == errors
        assert found.metrics()["Errors"].sum() == errors
        assert found.sources()["dead_lettered"].sum() == 36
    assert named.charges().total == failed.charges().total


def test_what_stands_is_counted_to_the_end_of_the_scenario() -> None:
    # One poisoned message comes back for four days; pollers that wait meanwhile are not the hour's.
    queue_of = "visibility_timeout: 600s, poison_share: 1"
    one = simulated(f"{{type: sqs, queue: {{{queue_of}}}}}", rate=0.0002)
    assert one.sources()["expired"].sum() == 1
    assert 890 <= one.sources()["empty_receives"].sum() <= 900  # 5 pollers, 3 a minute each
    kept = simulated(f"{{type: sqs, queue: {{{queue_of}, provisioned_pollers: {{}}}}}}", rate=0.0002)
    assert quantities(kept.charges())["sqs_poller_hours"] == 2


def test_a_kinesis_stream_is_billed_by_shards_put_units_and_its_own_consumer() -> None:
    trigger = "{type: kinesis, stream: {shards: 2, enhanced_fan_out: true, retention: 48h}}"
    found = quantities(simulated(trigger, rate=1, kb=26).charges())
    assert found["kinesis_put_units"] == 2 * 3600  # 26 KB are two units of 25 KB
    for name in ("kinesis_shard_hours", "kinesis_fan_out_hours", "kinesis_retention_hours"):
        assert found[name] == 2
    assert found["kinesis_fan_out_gb"] == Decimal(3600 * 26) / (1 << 20)


@pytest.mark.parametrize(
    ("fan_out", "read"), [(False, "kinesis_gb_out"), (True, "kinesis_on_demand_fan_out_gb")]
)
def test_a_stream_on_demand_is_billed_by_its_data(fan_out: bool, read: str) -> None:
    trigger = f"{{type: kinesis, stream: {{capacity: on_demand, enhanced_fan_out: {str(fan_out).lower()}}}}}"
    found = quantities(simulated(trigger, rate=1, kb=26).charges())
    gb = Decimal(3600 * 26) / (1 << 20)
    named = {name: count for name, count in found.items() if name.startswith("kinesis")}
    assert named == {"kinesis_stream_hours": 1, "kinesis_gb_in": gb, read: gb}
    # A record of unknown size is billed as 1 KB at least.
    small = quantities(simulated(trigger, rate=1).charges())
    assert small["kinesis_gb_in"] == Decimal(3600) / (1 << 20)


def test_lambda_reads_a_table_s_stream_for_nothing() -> None:
    found = quantities(simulated("{type: dynamodb}", rate=1, kb=2).charges())
    assert not [name for name in found if name.startswith("dynamodb")]
