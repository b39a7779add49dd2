"""What a run used, worked by hand."""

from math import ceil

import pytest

import lambdasim as ls
from lambdasim.specs import load_scenario_text


def run_of(
    function: str, duration: str = "1h", start: str = "2026-11-01T00:00:00Z", more: str = ""
) -> ls.RunResult:
    text = f"name: t\nstart: {start}\nduration: {duration}\n{more}\nfunctions:\n  - {{name: f, {function}}}\n"
    return ls.simulate(load_scenario_text(text))


NO_TRAFFIC = "traffic: {constant: {rate_per_s: 0}}"


@pytest.mark.parametrize(
    ("steps", "expected_s"),
    [
        ("[{at: 0s, count: 3}]", 3 * 3600),
        ("[{at: 10min, count: 2}, {at: 17min, count: 0}]", 2 * 600),
        # The ten go on: only the two that come for seven minutes are rounded up, to ten.
        ("[{at: 0s, count: 10}, {at: 10min, count: 12}, {at: 17min, count: 10}]", 10 * 3600 + 2 * 600),
        ("[{at: 0s, count: 1}, {at: 1s, count: 0}]", 300),
        (
            "[{at: 0s, count: 5}, {at: 30min, count: 2}, {at: 40min, count: 4}]",
            3 * 1800 + 2 * 3600 + 2 * 1200,
        ),
        ("[{at: 2h, count: 5}]", 0),
        (
            '[{schedule: "cron(10 * * * ? *)", count: 4}, {schedule: "cron(30 * * * ? *)", count: 0}]',
            4 * 1200,
        ),
    ],
)
def test_provisioned_environments_pay_from_being_asked_for_to_being_given_up(
    steps: str, expected_s: int
) -> None:
    usage = run_of(f"provisioned_concurrency: {steps}, {NO_TRAFFIC}").usage()
    assert sum(row.provisioned_allocated_s for row in usage) == expected_s


def test_an_allocation_over_a_months_end_is_split_at_midnight() -> None:
    usage = run_of(
        f"provisioned_concurrency: [{{at: 0s, count: 2}}], {NO_TRAFFIC}", "30min", "2026-10-31T23:50:00Z"
    ).usage()
    assert [(row.month, row.provisioned_allocated_s) for row in usage] == [
        ("2026-10", 1200),
        ("2026-11", 2400),
    ]


def test_each_provisioned_environment_pays_its_init_used_or_not() -> None:
    steps = "[{at: 0s, count: 3}, {at: 20min, count: 1}, {at: 40min, count: 2}]"
    usage = run_of(f"init_ms: 1234.5, provisioned_concurrency: {steps}, {NO_TRAFFIC}").usage()
    assert [row.provisioned_init_ms for row in usage] == [(3 + 1) * 1235]


@pytest.mark.parametrize(("kb", "more"), [(256, 0), (257, 1), (320, 1), (321, 2), (1024, 12)])
def test_large_asynchronous_events_count_more_requests(kb: int, more: int) -> None:
    traffic = "trigger: {type: s3}, traffic: {constant: {rate_per_s: 1}}"
    usage = run_of(f"payload: {{request_kb: {kb}}}, {traffic}", "10s").usage()
    assert (usage[0].requests, usage[0].extra_requests) == (10, 10 * more)


def test_large_synchronous_requests_do_not() -> None:
    usage = run_of("payload: {request_kb: 2000}, traffic: {constant: {rate_per_s: 1}}", "10s").usage()
    assert usage[0].extra_requests == 0


def test_streamed_responses_pay_above_six_megabytes_each() -> None:
    work = "payload: {response_kb: 7168, streamed: true}, traffic: {constant: {rate_per_s: 1}}"
    assert run_of(work, "10s").usage()[0].streamed_bytes == 10 * 1024 * 1024


def test_a_response_above_its_limit_is_an_error_after_a_billed_run() -> None:
    run = run_of(
        "work: {io_ms: 100}, payload: {response_kb: 6145}, traffic: {constant: {rate_per_s: 1}}", "10s"
    )
    assert run.summary()["failed"].tolist() == [10]
    assert run.usage()[0].billed_ms_without_init >= 10 * 100


def test_snapstart_bills_the_restore_but_not_the_loading_of_the_snapshot() -> None:
    run = run_of(
        "runtime: java21, memory_mb: 2048, snap_start: {load_ms: 400, restore_ms: 118}, work: {io_ms: 159.87}, "
        "traffic: {schedule: rate(1 hour)}",
        "10h",
    )
    usage = run.usage()[0]
    assert usage.billed_ms_with_init == 10 * ceil(159.87 + 118)
    assert usage.snapstart_restored_mb == 10 * 2048
    assert usage.snapstart_cache_ms == 10 * 3_600_000
    assert run.records["placement_ms"].unique().tolist() == [400]


def test_snapstart_caches_three_hours_at_least() -> None:
    usage = run_of(f"runtime: python3.13, snap_start: {{}}, {NO_TRAFFIC}", "1h").usage()
    assert usage[0].snapstart_cache_ms == 3 * 3_600_000


def test_metrics_tell_spillover_and_utilization() -> None:
    run = run_of(
        "init_ms: 0, work: {io_ms: 1500, first_run_ms: 0}, provisioned_concurrency: [{at: 0s, count: 1}], "
        "traffic: {constant: {rate_per_s: 1}}",
        "1min",
    )
    first = run.metrics().iloc[0]
    assert (
        first["ProvisionedConcurrencyInvocations"] + first["ProvisionedConcurrencySpilloverInvocations"] == 60
    )
    assert first["ProvisionedConcurrencyUtilization"] == 1
    assert first["ConcurrentExecutions"] == 2
    assert run.account_metrics()["ClaimedAccountConcurrency"].iloc[0] == 2


def test_a_run_longer_than_a_minute_is_in_progress_in_each() -> None:
    run = run_of(
        "timeout: 5min, init_ms: 0, work: {io_ms: 150000, first_run_ms: 0}, trigger: {type: function_url}, "
        "traffic: {schedule: rate(1 hour)}"
    )
    assert run.metrics()["ConcurrentExecutions"].tolist() == [1, 1, 1]


def test_asynchronous_events_are_received_and_dropped_in_the_metrics() -> None:
    run = run_of(
        "trigger: {type: sns, retry_attempts: 0}, work: {error_probability: 1}, traffic: {constant: {rate_per_s: 2}}",
        "1min",
    )
    table = run.metrics()
    assert table["AsyncEventsReceived"].sum() == table["AsyncEventsDropped"].sum() == 120


@pytest.mark.parametrize("provisioned", [True, False])
def test_large_events_are_more_requests_wherever_they_run(provisioned: bool) -> None:
    steps = "[{at: 0s, count: 1}]" if provisioned else "[]"
    (usage,) = run_of(
        f"trigger: {{type: s3}}, provisioned_concurrency: {steps}, init_ms: 0, work: {{io_ms: 100}}, "
        "payload: {request_kb: 600}, traffic: {constant: {rate_per_s: 1}}",
        "1min",
    ).usage()
    assert usage.requests == 60
    assert usage.extra_requests > 0
    assert usage.extra_requests % 60 == 0
    assert usage.provisioned_extra_requests == (usage.extra_requests if provisioned else 0)


def test_a_month_that_has_nothing_but_retries_has_no_calls() -> None:
    usage = run_of(
        "trigger: {type: s3}, work: {cpu_ms: 10, error_probability: 1}, traffic: {constant: {rate_per_s: 1}, stop: 10s}",
        start="2026-11-30T23:59:00Z",
    ).usage()
    assert [(row.month, row.requests, row.calls) for row in usage] == [
        ("2026-11", 10, 10),
        ("2026-12", 20, 0),
    ]
