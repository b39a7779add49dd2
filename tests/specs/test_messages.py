"""Messages say what helps: the place, the value, what is allowed, and only suggestions that mean the same."""

import pytest

from lambdasim.errors import ScenarioError
from lambdasim.specs import load_scenario_text
from lambdasim.specs.faults import did_you_mean

HEAD = """name: t
start: 2026-11-02T00:00:00Z
duration: 2min
account: {concurrency: 1000}
functions:
  - name: f
    traffic: {constant: {rate_per_s: 1}}
"""


def told(more: str) -> str:
    with pytest.raises(ScenarioError) as raised:
        load_scenario_text(HEAD + more, name="s.yaml")
    return str(raised.value)


def test_a_second_document_has_its_line() -> None:
    assert told("---\nname: other\n") == "s.yaml:8: a second document begins here; must hold one"


def test_reserved_concurrency_names_function_line_and_the_most_allowed() -> None:
    message = told("    reserved_concurrency: 950\n")
    assert message.startswith(
        "s.yaml:8: functions.0.reserved_concurrency: must be at most 900: of 1000 100 stay"
    )
    assert "; got 950 (" in message
    more = "  - name: g\n    reserved_concurrency: 450\n    traffic: {constant: {rate_per_s: 1}}\n"
    message = told("    reserved_concurrency: 500\n" + more)
    assert message.startswith("s.yaml:10: functions.1.reserved_concurrency: must be at most 400: ")
    assert "functions above have 500; got 450" in message
    message = told("    provisioned_concurrency: [{at: 0s, count: 901}]\n")
    assert message.startswith("s.yaml:8: functions.0.provisioned_concurrency: must be at most 900: ")


def test_as_much_as_is_allowed_is_good() -> None:
    assert (
        load_scenario_text(HEAD + "    reserved_concurrency: 900\n").functions[0].reserved_concurrency == 900
    )


def test_a_timeout_that_is_too_long_says_what_was_got() -> None:
    assert told("    timeout: 1801s\n").startswith(
        "s.yaml:8: functions.0.timeout: must be between 1 and 1800 s, got 1801s ("
    )


@pytest.mark.parametrize(
    "anchored", ["    memory_mb: &m 128\n", "    memory_mb: *m\n", "    tags: &t {a: b}\n"]
)
def test_anchors_and_aliases_are_refused_with_their_line(anchored: str) -> None:
    assert told(anchored) == "s.yaml:8: anchors and aliases are not allowed"


@pytest.mark.parametrize(
    ("got", "allowed", "meant"),
    [
        ("median", ["mean", "p50", "p95"], "p50"),
        ("medain", ["mean", "p50", "p95"], "p50"),
        ("median", ["mean", "p95"], ""),
        ("average", ["mean", "p50"], "mean"),
        ("meann", ["mean", "p50"], "mean"),
        ("p99", ["p50", "p95"], ""),
        ("oom_probability", ["crash_probability", "error_probability"], ""),
        ("eror_probability", ["crash_probability", "error_probability"], "error_probability"),
        ("min_environments", ["max_environments"], ""),
        ("memory", ["memory_mb", "max_memory_mb"], "memory_mb"),
        ("memorySize", ["memory_mb"], "memory_mb"),
        ("concurrency", ["reserved_concurrency", "provisioned_concurrency"], ""),
        ("timeout_s", ["timeout"], "timeout"),
        ("us-east1", ["us-east-1", "us-east-2"], "us-east-1"),
        ("us-west-3", ["us-west-1", "us-west-2"], ""),
        ("python3.15", ["python3.13", "python3.14"], ""),
    ],
)
def test_only_what_means_the_same_is_suggested(got: str, allowed: list[str], meant: str) -> None:
    assert did_you_mean(got, allowed) == (f"; did you mean {meant}?" if meant else "")


def test_each_trigger_that_is_listed_is_taken() -> None:
    """What else such a trigger needs is another matter."""
    message = told("    trigger: {type: mars}\n")
    names = message.partition("must be one of ")[2].partition(", got")[0].split(", ")
    assert len(names) > 5
    for name in names:
        again = told(f"    trigger: {{type: {name}}}\n    memory_mb: 1\n")
        assert "trigger.type" not in again, name
        assert "memory_mb" in again


@pytest.mark.parametrize(
    ("trigger", "said"),
    [
        ("{type: sqs, queue: {ScalingConfig: {MaximumConcurrency: 5}}}", "here it is maximum_concurrency"),
        ("{type: sqs, queue: {MaximumBatchingWindowInSeconds: 5}}", "here it is batch_window"),
        ("{type: sqs, queue: {maxReceiveCount: 5}}", "here it is max_receives"),
        ("{type: sqs, queue: {DelaySeconds: 5}}", "not modelled: delays every message by the same time"),
        ("{type: kinesis, stream: {BisectBatchOnFunctionError: true}}", "here it is bisect"),
        ("{type: kinesis, stream: {MaximumRetryAttempts: 2}}", "here it is max_retries"),
        ("{type: kinesis, stream: {StartingPosition: LATEST}}", "not modelled: a stream is empty"),
        ("{type: kafka, stream: {ConsumptionMode: Queue}}", "not modelled: share groups"),
        ("{type: async, MaximumRetryAttempts: 1}", "here it is retry_attempts"),
        ("{type: async, MaximumEventAgeInSeconds: 60}", "here it is max_event_age"),
        ("{type: sdk, max_attempts: 4}", "here it is client_retries"),
        ("{type: sdk, connect_timeout: 4}", "not modelled: connections"),
        ("{type: api_gateway_rest, throttle: {burstLimit: 5}}", "here it is burst"),
        ("{type: api_gateway_http, integration_timeout: 40s}", "must be at most 30 s, got 40s: only REST"),
        ("{type: api_gateway_websocket, integration_timeout: 30s}", "must be at most 29 s"),
    ],
)
def test_a_key_of_aws_s_own_configuration_is_answered_by_name(trigger: str, said: str) -> None:
    assert said in told(f"    trigger: {trigger}\n")


def test_a_rest_api_may_have_a_longer_integration() -> None:
    text = HEAD + "    timeout: 2min\n    trigger: {type: api_gateway_rest, integration_timeout: 90s}\n"
    assert load_scenario_text(text).functions[0].trigger.integration_timeout_us == 90_000_000
