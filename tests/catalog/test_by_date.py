"""What holds on which day: the INIT rule, the payload of events, and what nobody changed."""

from datetime import date, timedelta

import pytest

from lambdasim.catalog import billing_rules, limit, limits, retry_rule, retry_rules, timing, timings
from lambdasim.errors import CatalogError

DAY = timedelta(days=1)
INIT_DAY = date(2025, 8, 1)


@pytest.mark.parametrize(
    ("package", "runtime", "snap_start", "before"),
    [
        ("zip", "python3.13", False, False),
        ("zip", "java21", False, False),
        ("zip", "provided.al2023", False, True),
        ("image", "python3.13", False, True),
        ("image", "provided.al2", False, True),
        ("zip", "python3.13", True, True),  # a restore takes the place of INIT
        ("zip", "java21", True, True),
    ],
)
def test_init_is_billed_for_all_from_1_august_2025_and_was_for_some_before(
    package: str, runtime: str, snap_start: bool, before: bool
) -> None:
    assert billing_rules(INIT_DAY - DAY).init_is_billed(package, runtime, snap_start) is before
    assert billing_rules(INIT_DAY).init_is_billed(package, runtime, snap_start)
    assert billing_rules(date(2030, 1, 1)).init_is_billed(package, runtime, snap_start)


def test_the_rule_in_force_tells_its_day_and_source() -> None:
    for on, effective in ((INIT_DAY - DAY, date(2020, 12, 1)), (INIT_DAY, INIT_DAY)):
        (rule,) = (rule for rule in billing_rules(on).in_force if rule.name == "init_billed_zip_managed")
        assert rule.effective == effective
        assert "INIT" in rule.source


def test_the_free_part_of_streaming_begins_with_streaming() -> None:
    assert billing_rules(date(2023, 4, 6)).free_streaming_gb == 0
    assert billing_rules(date(2023, 4, 7)).free_streaming_gb == 100


def test_rules_begin_with_billing_by_the_millisecond() -> None:
    assert billing_rules(date(2020, 12, 1)).free_gb_s == 400_000
    with pytest.raises(
        CatalogError, match=r"billing rules: date: must be 2020-12-01 or later, got 2020-11-30"
    ):
        billing_rules(date(2020, 11, 30))


def test_asynchronous_payload_grew_from_256_kb_to_1_mb_in_october_2025() -> None:
    name = "payload_request_async_max_kb"
    assert limit(name).value == 1024
    assert limit(name, date(2026, 11, 1)).value == 1024
    assert limit(name, date(2025, 10, 1)).value == 1024
    older = limit(name, date(2025, 9, 30))
    assert (older.value, older.unit) == (256, "KB")
    assert "1 MB" in older.source
    assert limits()[name].value == 1024


def test_limits_without_a_known_change_hold_on_every_day() -> None:
    for name, fact in limits().items():
        if name not in {"payload_request_async_max_kb", "timeout_max_s"}:
            assert limit(name, date(2021, 1, 1)) == fact
    for name, fact in timings().items():
        assert timing(name, date(2021, 1, 1)) == fact


def test_limits_as_the_quota_pages_have_them() -> None:
    values = {
        "memory_min_mb": 128,
        "memory_max_mb": 10_240,
        "memory_per_vcpu_mb": 1_769,
        "timeout_max_s": 1_800,
        "ephemeral_min_mb": 512,
        "ephemeral_max_mb": 10_240,
        "account_concurrency_default": 1_000,
        "unreserved_concurrency_min": 100,
        "request_rate_per_concurrency": 10,
        "payload_request_sync_max_kb": 6 * 1024,
        "payload_response_sync_max_kb": 6 * 1024,
        "payload_response_streamed_max_kb": 200 * 1024,
        "package_unzipped_max_mb": 250,
        "image_max_mb": 10 * 1024,
        "layers_max": 5,
        "file_descriptors_max": 1_024,
        "sqs_concurrency_growth_per_minute": 300,
        "sqs_concurrency_max": 1_250,
    }
    assert {name: limit(name).value for name in values} == values


def test_names_are_checked_and_days_too() -> None:
    with pytest.raises(CatalogError, match=r"did you mean 'memory_max_mb'\?"):
        limit("memory_maxi_mb")
    with pytest.raises(CatalogError, match=r"must be a datetime\.date"):
        limit("memory_max_mb", "2025-09-30")  # type: ignore[arg-type]


def test_who_retries_as_the_developer_guide_says() -> None:
    for trigger in ("s3", "sns", "eventbridge", "schedule", "async"):
        rule = retry_rule(trigger)
        assert rule.error_retries is not None
        assert rule.event_age is not None
        assert rule.throttle_backoff_first is not None
        assert rule.throttle_backoff_max is not None
        assert rule.error_retries.value == len(rule.error_delays) == 2
        assert [delay.us for delay in rule.error_delays] == [60_000_000, 120_000_000]
        assert rule.event_age.us == 6 * 3_600_000_000
        assert (rule.throttle_backoff_first.us, rule.throttle_backoff_max.us) == (1_000_000, 300_000_000)
        assert rule.client_retries is None
    for trigger, seconds in (("api_gateway_rest", 29), ("api_gateway_http", 30)):
        gateway = retry_rule(trigger)
        assert gateway.integration_timeout is not None
        assert gateway.integration_timeout.us == seconds * 1_000_000
        assert gateway.error_retries is None
    for trigger in ("sqs", "kinesis", "dynamodb"):
        assert retry_rule(trigger).client_retries is None
        assert retry_rule(trigger).event_age is not None
    retried_by_lambda = {name for name, rule in retry_rules().items() if rule.error_retries is not None}
    assert retried_by_lambda == {"s3", "sns", "eventbridge", "schedule", "async"}
