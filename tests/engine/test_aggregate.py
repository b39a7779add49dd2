"""Totals of records, worked by hand."""

from collections import Counter
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from frames import assert_same
from hypothesis import given, settings
from hypothesis import strategies as st

import lambdasim as ls
from lambdasim.engine.contract import (
    RECORD_COLUMNS,
    EventOutcome,
    FunctionPlan,
    Invoker,
    Limit,
    Outcome,
    RecordChunk,
    StartType,
)
from lambdasim.engine.totals import aggregate
from lambdasim.engine.totals.aggregate import SECTIONS
from lambdasim.engine.totals.function_totals import FunctionTotals
from lambdasim.engine.totals.histogram import Histogram
from lambdasim.specs import load_scenario_text


def test_one_ceiling_over_init_and_handler_in_the_usage() -> None:
    run = ls.simulate(arrivals_s=[0], durations_ms=1058.15, init_ms=1307.68)
    usage = run.usage()[0]
    assert (usage.billed_ms_with_init, usage.billed_ms_without_init, usage.requests) == (2366, 1059, 1)


def test_init_over_its_cap_is_billed_once_inside_the_run() -> None:
    """INIT of 12 s is cut at 10 s, which is not billed, and runs again inside: 12 s and 500 ms of handler."""
    text = """name: t
start: 2026-11-01T00:00:00Z
duration: 20s
functions:
  - {name: f, timeout: 60s, init_ms: 12000, work: {io_ms: 500}, trigger: {type: alb},
     traffic: {constant: {rate_per_s: 0.1}}}
"""
    run = ls.simulate(load_scenario_text(text))
    usage = run.usage()[0]
    assert run.records["init_ms"].tolist() == [10_000, 10_000]
    assert (usage.requests, usage.billed_ms_with_init, usage.billed_ms_without_init) == (2, 25_000, 25_000)


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
    found = [int((ends[:place] > at).sum()) for place, at in enumerate(starts)]
    assert (
        seen["concurrency"].tolist()
        == seen["account_concurrency"].tolist()
        == [number + 1 for number in found]
    )
    assert result.aggregate.account.peak == max(found) + 1
    assert result.aggregate.functions[0].concurrency.busy_us == round(1e6 * (ends - starts).sum())


RICH = """
name: rich
start: 2026-10-31T23:00:00Z
duration: 2h
seed: 5
account: {concurrency: 108}
platform: {keep_alive: 30s}
functions:
  - {name: api, trigger: {type: api_gateway_http, integration_timeout: 2s}, timeout: 30s,
     work: {io_ms: {lognormal: {p50: 200, p95: 1500}}, error_probability: 0.03},
     provisioned_concurrency: [{at: 0s, count: 1}, {at: 20min, count: 4}, {at: 80min, count: 2}],
     traffic: {bursty: {rates_per_s: [0.5, 20], mean_sojourns: [10min, 1min]}}}
  - {name: long, trigger: {type: s3}, timeout: 60s, reserved_concurrency: 2,
     work: {io_ms: {uniform: {low: 100, high: 70000}}}, traffic: {poisson: {rate_per_s: 0.05}}}
  - {name: job, trigger: {type: sns, retry_attempts: 1, max_event_age: 60s}, memory_mb: 512,
     work: {cpu_ms: 20, crash_probability: 0.2, max_memory_mb: {uniform: {low: 300, high: 520}}},
     traffic: {poisson: {rate_per_s: 1}}}
  - {name: crowd, trigger: {type: sdk}, timeout: 10s, work: {io_ms: 5000},
     traffic: {constant: {rate_per_s: 0.1}, spikes: [{at: 30min, duration: 5s, factor: 400}]}}
  - {name: quiet, traffic: {constant: {rate_per_s: 0}}}
"""


def recounted(totals: FunctionTotals, plan: FunctionPlan, runs: pd.DataFrame, duration_us: int) -> None:
    """Count a function's records again, the plain way."""
    began = runs[runs["start_type"] != StartType.NONE]
    on_demand = began[began["start_type"] != StartType.PROVISIONED]
    cold = began[began["start_type"] == StartType.COLD]
    for counts, column in (
        (totals.outcomes, "outcome"), (totals.limits, "limit"), (totals.starts, "start_type"),
        (totals.event_outcomes, "event_outcome"),
    ):  # fmt: skip
        assert counts.tolist() == [int((runs[column] == kind).sum()) for kind in range(len(counts))]
    answers = [EventOutcome.SUCCEEDED, EventOutcome.CLIENT_TIMEOUT]
    if plan.retry.invoker is Invoker.CLIENT:  # who waits gets an answer from a run that failed, too
        answers.append(EventOutcome.FAILED)
    served = runs[runs["event_outcome"].isin(answers) & (runs["start_type"] != StartType.NONE)]
    answered = np.minimum(
        served["end_us"] - served["post_response_us"], served["start_us"] + plan.retry.client_timeout_us
    )
    latency = np.ceil((answered - served["arrival_us"]) / 1000)
    cut = (on_demand["start_type"] == StartType.COLD) & (on_demand["init_again_us"] > 0)
    billed_init = on_demand["init_us"].mask(cut, 0)
    whole = {
        "duration_ms": np.ceil(began["duration_us"] / 1000),
        "billed_without_init": np.ceil(on_demand["duration_us"] / 1000),
        "billed_with_init": np.ceil((on_demand["duration_us"] + billed_init) / 1000),
        "provisioned_billed": np.ceil(began.drop(on_demand.index)["duration_us"] / 1000),
        "init_ms": np.ceil(cold["init_us"] / 1000),
    }
    histograms = {name: getattr(totals, name) for name in whole}
    for start in StartType:
        if start in totals.latency_ms:
            whole[f"latency {start}"] = latency[served["start_type"] == start]
            histograms[f"latency {start}"] = totals.latency_ms[start]
    for number, section in enumerate(totals.section_latency_ms):
        of = np.minimum(served["start_us"] * SECTIONS // duration_us, SECTIONS - 1)
        whole[f"section {number}"], histograms[f"section {number}"] = latency[of == number], section
    for name, numbers in whole.items():
        assert Counter(dict(zip(histograms[name].values, histograms[name].counts, strict=True))) == Counter(
            numbers.astype(int)
        ), name
    minutes = totals.concurrency.minutes
    edges = np.arange(minutes + 1) * 60_000_000
    for name, chosen in (
        ("Invocations", began), ("ColdStarts", cold), ("Errors", began[began["outcome"] != Outcome.COMPLETED]),
        ("Throttles", runs[runs["outcome"] == Outcome.THROTTLED]),
        ("Throttles_account_concurrency", runs[runs["limit"] == Limit.ACCOUNT_CONCURRENCY]),
    ):  # fmt: skip
        assert (
            totals.counts.padded(minutes)[name].tolist()
            == np.histogram(chosen["start_us"], edges)[0].tolist()
        ), name
    billed = np.histogram(on_demand["start_us"], edges, weights=np.ceil(on_demand["duration_us"] / 1000))[0]
    assert totals.counts.padded(minutes)["BilledMsWithoutInit"].tolist() == billed.tolist()
    moments = np.concatenate([edges, began["start_us"]])
    in_progress = np.array([((began["start_us"] <= at) & (began["end_us"] > at)).sum() for at in moments])
    highest = [in_progress[(moments >= a) & (moments < b)].max() for a, b in pairwise(edges)]
    assert totals.concurrency.per_minute(minutes).tolist() == highest


def test_totals_are_those_of_the_records() -> None:
    run = rich_run()
    assert run.chunks is not None
    whole = {name: np.concatenate([chunk[name] for chunk in run.chunks]) for name in RECORD_COLUMNS}
    table = pd.DataFrame(whole)
    table["end_us"] = table[["start_us", "placement_us", "init_us", "duration_us"]].sum(axis=1)
    month = pd.Series(np.where(table["start_us"] < 3_600_000_000, "2026-10", "2026-11"))
    for rank, (totals, plan) in enumerate(zip(run.aggregate.functions, run.plan.functions, strict=True)):
        mine = table[table["function"] == rank]
        recounted(totals, plan, mine, run.scenario.duration_us)
        began = mine[mine["start_type"] != StartType.NONE]
        assert {name: used.requests for name, used in totals.usage.items()} == began.groupby(
            month
        ).size().to_dict()
    spilled = table[(table["function"] == 0) & (table["start_type"].isin([StartType.COLD, StartType.WARM]))]
    assert run.metrics()["ProvisionedConcurrencySpilloverInvocations"].sum() == len(spilled) > 0
    assert {Limit.ACCOUNT_CONCURRENCY, Limit.RESERVED_CONCURRENCY} <= set(table["limit"])


@given(st.lists(st.integers(1, 400), min_size=1, max_size=12))
@settings(max_examples=15)
def test_totals_do_not_depend_on_the_chunks(sizes: list[int]) -> None:
    run = rich_run()
    records = {name: np.concatenate([chunk[name] for chunk in run.chunks or ()]) for name in RECORD_COLUMNS}
    edges = np.unique(np.minimum(np.cumsum([0, *sizes, 10**9]), len(records["function"])))
    chunks = [RecordChunk({n: c[a:b] for n, c in records.items()}) for a, b in pairwise(edges)]
    again = ls.RunResult.of_records(run.scenario, run.plan, chunks)
    assert_same(again.summary(), run.summary())
    assert_same(again.metrics(), run.metrics())
    assert_same(again.account_metrics(), run.account_metrics())
    assert again.usage() == run.usage()


@cache
def rich_run() -> ls.RunResult:
    return ls.simulate(load_scenario_text(RICH))


@pytest.mark.parametrize("window", [1, 4, 128])
def test_minutes_are_the_records_whatever_is_put_away_together(
    monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    """Quiet hours, work across minutes and hours, two functions; windows as short as a minute."""
    monkeypatch.setattr(aggregate, "_WINDOW", window)
    text = """name: t
start: 2026-11-01T00:00:00Z
duration: 9h
functions:
  - {name: f, timeout: 900s, init_ms: 500, work: {io_ms: {uniform: {low: 0, high: 800000}}}, trigger: {type: alb},
     traffic: {bursty: {rates_per_s: [0.3, 0], mean_sojourns: [10min, 2h]}}}
  - {name: g, timeout: 900s, work: {io_ms: {exponential: {mean: 90}}}, trigger: {type: alb},
     traffic: {constant: {rate_per_s: 0.004}}}
"""
    run = ls.simulate(load_scenario_text(text))
    records, table = run.records, run.metrics()
    start_us, end_us = (np.rint(records[name] * 1e6).astype(np.int64) for name in ("start_s", "end_s"))
    for rank, name in enumerate(run.aggregate.names):
        mine = records["function"] == name
        start, end = start_us[mine].to_numpy(), end_us[mine].to_numpy()
        shown = table[table["function"] == name]
        minutes = len(shown)
        assert shown["Invocations"].tolist() == np.bincount(start // 60_000_000, minlength=minutes).tolist()
        began = np.arange(minutes) * 60_000_000
        # In progress as a minute begins, or just after a start in it.
        moments = [np.append(start[start // 60_000_000 == minute], at) for minute, at in enumerate(began)]
        peaks = [max(int(((start <= t) & (end > t)).sum()) for t in found) for found in moments]
        assert shown["ConcurrentExecutions"].tolist() == peaks
        assert run.aggregate.functions[rank].concurrency.peak == max(peaks)
