"""Scenarios as people write them, one for each kind of queue and stream, run alike on both engines."""

from __future__ import annotations

import numpy as np
import pytest
from families import FAMILIES
from faults import differs, in_turn, plain_engine
from test_equality import assert_equal, together

from lambdasim.engine.items import ItemOutcome
from lambdasim.engine.kernel.engine import prepared, run_kernel
from lambdasim.engine.plan import plan_scenario
from lambdasim.engine.reference.engine import run_reference
from lambdasim.engine.run import EngineName
from lambdasim.specs import load_scenario_text

WORK = (
    "work: {cpu_ms: {lognormal: {p50: 20, p95: 80}}, io_ms: {exponential: {mean: 40}}, error_probability: 0.05,"
    " crash_probability: 0.01}"
)
WAYS_IN = {
    "standard queue": "{type: sqs, queue: {batch_size: 10, batch_window: 1s, visibility_timeout: 12s, max_receives: 3,"
    " partial_failures: true, poison_share: 0.01}}",
    "standard queue that is throttled": "{type: sqs, queue: {batch_size: 5, visibility_timeout: 11s, max_receives: 2}},"
    " reserved_concurrency: 3",
    "provisioned pollers": "{type: sqs, queue: {batch_size: 10, visibility_timeout: 12s, filtered_share: 0.1,"
    " provisioned_pollers: {minimum: 2, maximum: 5}}}, payload: {request_kb: {lognormal: {p50: 20, p95: 100}}}",
    "FIFO queue": "{type: sqs, queue: {batch_size: 10, visibility_timeout: 11s, message_groups: 300, skew: 0.8,"
    " max_receives: 2, partial_failures: true}}",
    "Kinesis": "{type: kinesis, stream: {shards: 5, parallelization_factor: 2, batch_size: 50, bisect: true,"
    " max_retries: 2, partial_failures: true, skew: 0.5, poison_share: 0.01, filtered_share: 0.2}}",
    "DynamoDB": "{type: dynamodb, stream: {shards: 4, batch_size: 5, batch_window: 2s, max_retries: 3,"
    " max_record_age: 60s, poison_share: 0.005}}, reserved_concurrency: 2",
    "Kafka that is provisioned": "{type: kafka, stream: {partitions: 20, batch_size: 5, max_retries: 2,"
    " poison_share: 0.005, provisioned_pollers: {minimum: 1, maximum: 3}}},"
    " payload: {request_kb: {lognormal: {p50: 100, p95: 400}}}",
    "Kafka": "{type: kafka, stream: {shards: 20, batch_size: 5, max_retries: 2, poison_share: 0.005}}",
}


@pytest.mark.parametrize("name", WAYS_IN)
def test_a_scenario_behind_a_source_runs_alike_on_both_engines(name: str) -> None:
    plan = plan_scenario(
        load_scenario_text(
            "{name: t, start: '2026-11-01T00:00:00Z', duration: 60s, account: {concurrency: 110}, functions: ["
            f"{{name: f, timeout: 10s, {WORK}, trigger: {WAYS_IN[name]}, traffic: {{poisson: {{rate_per_s: 60}}}}}},"
            f"{{name: g, timeout: 3s, {WORK}, trigger: {{type: s3}}, traffic: {{poisson: {{rate_per_s: 20}}}}}}]}}"
        )
    )
    assert EngineName.AUTO.chosen(plan).engine is EngineName.KERNEL
    expected, found = together(run_reference(plan)), together(run_kernel(plan))
    assert_equal(expected, found)
    outcomes = np.bincount(found["item outcome"], minlength=len(ItemOutcome))
    assert outcomes[ItemOutcome.PROCESSED] > 300
    assert outcomes.sum() > outcomes[ItemOutcome.PROCESSED]


CALLERS = {
    "an HTTP API": "{type: api_gateway_http, throttle: {rate_per_s: 40, burst: 10}, integration_timeout: 150ms,"
    " client_retries: 2, repeats: [throttled, unanswered, failed]}",
    "a REST API and an account's throttle": "{type: api_gateway_rest, read_timeout: 200ms, client_retries: 3}",
    "an SDK in standard mode": "{type: sdk, retry_mode: standard, client_processes: 3, read_timeout: 200ms}",
    "an SDK in adaptive mode": "{type: sdk, retry_mode: adaptive, client_processes: 2, read_timeout: 200ms}",
    "an SDK in legacy mode": "{type: sdk, retry_mode: legacy, read_timeout: 150ms}",
    "an SDK as it was": "{type: sdk, retry_mode: standard_before_2026, client_processes: 2, read_timeout: 200ms,"
    " repeats: [throttled, unanswered, failed]}",
}


@pytest.mark.parametrize("name", CALLERS)
def test_a_scenario_with_callers_that_repeat_runs_alike_on_both_engines(name: str) -> None:
    plan = plan_scenario(
        load_scenario_text(
            "{name: t, start: '2026-11-01T00:00:00Z', duration: 20s, account: {concurrency: 110, gateway:"
            " {rate_per_s: 45, burst: 20}}, functions: [{name: f, timeout: 10s, reserved_concurrency: 4,"
            f" {WORK}, trigger: {CALLERS[name]}, traffic: {{poisson: {{rate_per_s: 60}}}}}}, {{name: q, timeout: 3s,"
            f" {WORK}, trigger: {{type: sqs}}, traffic: {{poisson: {{rate_per_s: 20}}}}}}]}}"
        )
    )
    assert EngineName.AUTO.chosen(plan).engine is EngineName.KERNEL
    expected, found = together(run_reference(plan)), together(run_kernel(plan))
    assert_equal(expected, found)
    assert (found["attempt"] > 0).sum() > 100


CHAIN = (
    "{name: t, start: '2026-11-01T00:00:00Z', duration: 60s, account: {concurrency: 110}, functions: ["
    f"{{name: shop, timeout: 1s, {WORK}, trigger: {{type: sdk}}, traffic: {{poisson: {{rate_per_s: 20}}}}, calls:"
    " [{function: mail, how: asynchronous, probability: 0.8, delay: 2s}, {function: pay, read_timeout:"
    " 400ms}, {function: stock, count: 3, at_once: true, fails_run: false}]},"
    f" {{name: pay, timeout: 1s, reserved_concurrency: 8, {WORK}, calls: [{{function: stock}}]}},"
    f" {{name: stock, timeout: 1s, {WORK}}},"
    f" {{name: mail, timeout: 1s, {WORK}, trigger: {{type: s3, retry_attempts: 0}}, calls:"
    " [{function: letters, how: HOW, when: failed}]},"
    f" {{name: letters, timeout: 1s, {WORK}QUEUE}}]}}"
)


def test_functions_that_call_functions_run_alike_on_both_engines() -> None:
    plan = plan_scenario(load_scenario_text(CHAIN.replace("QUEUE", "").replace("HOW", "asynchronous")))
    assert EngineName.AUTO.chosen(plan).engine is EngineName.KERNEL
    expected, found = together(run_reference(plan)), together(run_kernel(plan))
    assert_equal(expected, found)
    assert len(np.unique(found["function"])) == 5
    assert set(np.unique(found["event_outcome"])) >= {0, 1, 2, 3, 5}
    assert (found["chain events"] > 3).sum() > 300


def test_functions_that_call_functions_beside_a_queue_and_a_stream_run_alike_on_both_engines() -> None:
    queue = ", calls: [{function: pay, how: synchronous}], trigger: {type: sqs, queue: {batch_size: 4, max_receives: 2}}"
    text = CHAIN.replace("QUEUE", queue).replace("HOW", "trigger")
    stream = (
        f", {{name: clicks, timeout: 3s, {WORK}, trigger: {{type: kinesis, stream: {{shards: 2, bisect: true,"
        " max_retries: 1, batch_size: 20}}, traffic: {poisson: {rate_per_s: 30}}, calls:"
        " [{function: letters, how: trigger, probability: 0.1}, {function: mail, how: trigger, when: failed}]}]}"
    )
    plan = plan_scenario(load_scenario_text(text.removesuffix("]}") + stream))
    assert EngineName.AUTO.chosen(plan).engine is EngineName.KERNEL
    expected, found = together(run_reference(plan)), together(run_kernel(plan))
    assert_equal(expected, found)
    assert (found["chain events"] > 2).sum() > 300
    assert (found["item outcome"] != ItemOutcome.PROCESSED).any()


def test_each_event_loop_is_found_by_the_tests_that_put_faults_into_it() -> None:
    names = ("warm pool", "standard queue", "calls that wait", "calls that put messages into queues")
    known = in_turn([FAMILIES[name] for name in names], number=4, batch=0)
    assert len({type(prepared(plan)) for plan, _ in known}) == len(names)
    sound = plain_engine()
    assert not any(differs(sound, plan, expected) for plan, expected in known)
