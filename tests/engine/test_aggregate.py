"""Totals of records, worked by hand."""

from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import lambdasim as ls
from lambdasim.engine.histogram import Histogram


def test_one_ceiling_over_init_and_handler_in_the_usage() -> None:
    run = ls.simulate(arrivals_s=[0], durations_ms=1058.15, init_ms=1307.68)
    usage = run.usage()[0]
    assert (usage.billed_ms_with_init, usage.billed_ms_without_init, usage.requests) == (2366, 1059, 1)


def test_an_attempt_belongs_to_the_month_in_which_it_starts() -> None:
    start = datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)
    run = ls.simulate(arrivals_s=[0.999999, 1.0], durations_ms=5000, start=start)
    assert [(usage.month, usage.requests) for usage in run.usage()] == [("2026-10", 1), ("2026-11", 1)]


def test_throttled_attempts_are_free() -> None:
    run = ls.simulate(arrivals_s=[0, 0, 0], durations_ms=100, concurrency=1)
    assert run.usage()[0].requests == 1
    assert run.summary()["throttled"].tolist() == [2]


def test_series_per_minute() -> None:
    run = ls.simulate(arrivals_s=[0, 1, 61], durations_ms=2000, concurrency=2)
    table = run.metrics()
    assert table["Invocations"].tolist() == [2, 1]
    assert table["ConcurrentExecutions"].tolist() == [2, 1]
    assert table["Duration"].tolist() == [2000, 2000]
    assert table["timestamp"].tolist() == ["2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"]


@given(
    st.lists(st.lists(st.integers(0, 50), max_size=30), max_size=5), st.sampled_from([0.01, 0.5, 0.95, 1.0])
)
def test_a_histogram_is_the_sorted_numbers(parts: list[list[int]], q: float) -> None:
    histogram = Histogram()
    for part in parts:
        histogram.add(np.array(part, dtype=np.int64))
    numbers = sorted(number for part in parts for number in part)
    assert np.repeat(histogram.values, histogram.counts).tolist() == numbers
    assert histogram.total() == sum(numbers)
    if numbers:
        value = histogram.quantile(q)
        assert sum(number <= value for number in numbers) >= q * len(numbers) - 1e-9
        assert sum(number < value for number in numbers) < q * len(numbers)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 20)), min_size=1, max_size=40))
def test_peak_concurrency_is_the_most_that_overlap(runs: list[tuple[int, int]]) -> None:
    result = ls.simulate(
        arrivals_s=[start for start, _ in runs], durations_ms=[1000 * length for _, length in runs]
    )
    seen = result.records
    starts, ends = seen["start_s"].to_numpy(), seen["end_s"].to_numpy()
    overlap = max(int(((starts <= at) & (ends > at)).sum()) for at in starts)
    assert result.aggregate.account_peak == max(overlap, 1)
    assert result.aggregate.functions[0].concurrency.busy_us == round(1e6 * (ends - starts).sum())
