"""Storage above 512 MB, streamed responses above 6 MB, and large asynchronous events."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from lambdasim.billing import Usage, ephemeral_billed_mb, extra_requests, price, streamed_bytes_billed
from lambdasim.catalog import billing_rules

BASE = Usage("2026-11", "us-east-1", "f", "x86_64", 1024, 512, "zip", "python3.13")
RULES = billing_rules(date(2026, 11, 1))
STORAGE, STREAM, REQUEST = Decimal("0.0000000309"), Decimal("0.008"), Decimal("0.0000002")
KB, MB, GB = 1024, 1024**2, 1024**3


@pytest.mark.parametrize(
    ("ephemeral_mb", "worked"),
    [
        # 1,000,000 s. GB above 0.5: 0, 1/1024, 0.5, 9.5.
        (512, Decimal("0")),
        (513, Decimal("1000000") / 1024 * STORAGE),
        (1024, Decimal("500000") * STORAGE),
        (10_240, Decimal("9500000") * STORAGE),
    ],
)
def test_tmp(ephemeral_mb: int, worked: Decimal) -> None:
    duration = Decimal("1000000") * Decimal("0.0000166667")
    row = replace(BASE, ephemeral_mb=ephemeral_mb, billed_ms_with_init=10**9, billed_ms_without_init=10**9)
    assert price([row], free_tier=False).total - duration == worked
    assert ephemeral_billed_mb(ephemeral_mb, RULES) == max(ephemeral_mb - 512, 0)


def test_tmp_is_counted_on_provisioned_environments_too_but_not_while_they_idle() -> None:
    # 100 s of use of 2.5 GB above what is included; an hour of idling adds nothing to it.
    row = replace(BASE, ephemeral_mb=3072, provisioned_billed_ms=100_000, provisioned_allocated_s=3600)
    (line,) = (item for item in price([row]).items if "Storage" in item.usage_type)
    assert line.amount == Decimal("250") * STORAGE


def test_tmp_of_arm64_has_its_own_line_at_the_same_rate() -> None:
    row = replace(BASE, ephemeral_mb=1536, architecture="arm64")
    row = replace(row, billed_ms_with_init=1000, billed_ms_without_init=1000)
    (line,) = (item for item in price([row]).items if "Storage" in item.usage_type)
    assert (line.usage_type, line.amount) == ("Lambda-Storage-GB-Second-ARM", STORAGE)


def test_each_response_streams_6_mb_free() -> None:
    sizes = np.array([0, 6 * MB - 1, 6 * MB, 6 * MB + 1, 7 * MB, 200 * MB])
    assert streamed_bytes_billed(sizes, RULES).tolist() == [0, 0, 0, 1, MB, 194 * MB]


@pytest.mark.parametrize(
    ("streamed", "worked"),
    [
        (100 * GB, Decimal("0")),
        (100 * GB + 1, STREAM / 1024**3),
        (101 * GB, STREAM),
        (1100 * GB, Decimal("1000") * STREAM),
    ],
)
def test_100_gb_a_month_stream_free(streamed: int, worked: Decimal) -> None:
    assert price([replace(BASE, streamed_bytes=streamed)]).total == worked


def test_the_free_100_gb_are_one_for_both_architectures() -> None:
    rows = [replace(BASE, streamed_bytes=100 * GB, architecture=name) for name in ("x86_64", "arm64")]
    assert price(rows).total == Decimal("100") * STREAM
    assert price(rows, free_tier=False).total == Decimal("200") * STREAM


def test_nothing_streamed_free_before_streaming_came() -> None:
    assert price([replace(BASE, streamed_bytes=GB)], on=date(2023, 4, 6)).total == STREAM
    assert price([replace(BASE, streamed_bytes=GB)], on=date(2023, 4, 7)).total == 0


@pytest.mark.parametrize(
    ("size", "more"),
    [
        (0, 0),
        (256 * KB, 0),
        (256 * KB + 1, 1),
        (320 * KB, 1),
        (320 * KB + 1, 2),
        (384 * KB, 2),
        (1024 * KB - 1, 12),
        (1024 * KB, 12),  # (1,024 - 256) / 64
    ],
)
def test_large_events_count_once_more_for_each_started_64_kb(size: int, more: int) -> None:
    assert extra_requests(np.array([size]), RULES).tolist() == [more]


def test_large_events_on_the_bill() -> None:
    # 1,000,000 events of 1 MB: 13 requests each, of which one million are free.
    row = replace(BASE, requests=1_000_000, extra_requests=12_000_000)
    assert price([row]).total == Decimal("12000000") * REQUEST
    assert price([row], free_tier=False).total == Decimal("13000000") * REQUEST


def test_large_events_on_provisioned_environments_are_not_free() -> None:
    # 100 events of 13 requests, all on provisioned environments.
    row = replace(
        BASE, requests=100, provisioned_requests=100, extra_requests=1200, provisioned_extra_requests=1200
    )
    assert price([row]).total == Decimal("1300") * REQUEST
    assert price([row], free_requests_for_provisioned=True).total == 0
    # Spillover of 40 of the 100 is on demand, with its 480, and free.
    spilled = replace(row, provisioned_requests=60, provisioned_extra_requests=720)
    assert price([spilled]).total == Decimal("780") * REQUEST
    assert price([spilled], free_tier=False).total == Decimal("1300") * REQUEST
