"""Arrivals from laws and traces, against what they must be."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lambdasim.draws.keys import DrawKey, Quantity
from lambdasim.specs import ScenarioSpec, load_scenario_text
from lambdasim.traffic.arrivals import FunctionArrivals
from lambdasim.traffic.spread import LARGEST_BLOCK, CountSpreader, unit_gaps

SMALLEST_P = 1e-4


def arrivals(
    traffic: str, duration: str = "1h", base_dir: Path | None = None, start: str = "2026-11-01"
) -> np.ndarray:
    spec: ScenarioSpec = load_scenario_text(
        f"name: t\nstart: {start}T00:00:00Z\nduration: {duration}\nfunctions:\n  - {{name: f, traffic: {{{traffic}}}}}\n",
        base_dir=base_dir,
    )
    times = np.concatenate([np.empty(0, dtype=np.int64), *FunctionArrivals(spec, "f")()])
    assert (np.diff(times) >= 0).all()
    return times


def test_constant_traffic_is_evenly_spaced() -> None:
    assert arrivals("constant: {rate_per_s: 4}", "2s").tolist() == [250_000 * k for k in range(8)]


def test_poisson_gaps_are_exponential() -> None:
    times = arrivals("poisson: {rate_per_s: 20}")
    assert stats.kstest(np.diff(times) / 1e6, stats.expon(scale=1 / 20).cdf).pvalue > SMALLEST_P
    assert abs(len(times) - 72_000) < stats.norm.isf(SMALLEST_P / 2) * np.sqrt(72_000)


def test_a_daily_profile_keeps_the_mean_and_follows_its_hours() -> None:
    daily = ", ".join(["1"] * 12 + ["3"] * 12)
    hours = arrivals(f"poisson: {{rate_per_s: 2, daily: [{daily}]}}", "7d") // 3_600_000_000 % 24
    expected = 7 * 3600 * 2 * np.repeat([0.5, 1.5], 12)
    counts = np.bincount(hours, minlength=24)
    assert stats.chisquare(counts, expected * counts.sum() / expected.sum()).pvalue > SMALLEST_P


def test_spikes_and_ramps_multiply_the_rate() -> None:
    flat = "constant: {rate_per_s: 10}"
    assert len(arrivals(flat + ", spikes: [{at: 10s, duration: 10s, factor: 5}]", "60s")) == 600 + 400
    assert len(arrivals(flat + ", ramps: [{at: 10s, duration: 20s, factor: 3}]", "60s")) == 600 + 200 + 600
    assert len(arrivals(flat + ", scale: 2, start: 10s, stop: 20s", "60s")) == 200


def test_doubling_the_rate_keeps_the_customers() -> None:
    once, twice = arrivals("poisson: {rate_per_s: 1}"), arrivals("poisson: {rate_per_s: 2}")
    n = min(len(once), len(twice) // 2)
    assert np.abs(once[:n] - 2 * twice[:n]).max() <= 2


def test_bursty_traffic_has_its_mean_and_more_variance() -> None:
    times = arrivals("bursty: {rates_per_s: [0, 20], mean_sojourns: [10s, 10s]}", "10h")
    per_minute = np.bincount(times // 60_000_000, minlength=600)
    assert per_minute.var() > 2 * per_minute.mean()
    # Mean over 1,800 cycles of mean 20 s: standard error below 2.5 %.
    assert abs(len(times) / 360_000 - 1) < 0.1


def spread(spreader: CountSpreader, start_us: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Spread in two calls, as a trace comes in chunks."""
    half = len(counts) // 2
    parts = [(start_us[:half], counts[:half]), (start_us[half:], counts[half:])]
    times = [
        time
        for start, count in parts
        for time in spreader.spread(start, np.floor(count).astype(np.int64), count - np.floor(count))
    ]
    return np.concatenate([*times, *spreader.rest()])


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 300)), min_size=1, max_size=30), st.integers(1, 100)
)
def test_spread_counts_are_scaled_gaps(intervals: list[tuple[int, int]], interval_us: int) -> None:
    """The same sum written with whole arrays; also where intervals overlap."""
    start = np.cumsum([gap * 40 for gap, _ in intervals])
    gap_bits, closing_bits = (
        DrawKey.of(1, "f", s).bits for s in (Quantity.ARRIVAL_GAP, Quantity.CLOSING_GAP)
    )
    expected, first = [], 0
    for number, (begin, (_, n)) in enumerate(zip(start, intervals, strict=True)):
        reached = np.cumsum(unit_gaps().values(gap_bits(np.arange(first, first + n))))
        first += n
        closing = unit_gaps().values(closing_bits(np.array([number])))[0]
        length = (reached[-1] if n else 0) + closing
        offset = np.floor(reached * (interval_us / max(length, 1))).astype(np.int64)
        expected += (begin + np.minimum(offset, interval_us - 1)).tolist()
    counts = np.array([n for _, n in intervals])
    times = spread(CountSpreader(1, "f", interval_us), start, counts)
    assert times.tolist() == sorted(expected)


def test_counts_stay_in_their_intervals_and_spread_uniformly() -> None:
    counts = np.array([4000, 0, 5000, 1])
    start = np.array([0, 60, 120, 240]) * 1_000_000
    times = spread(CountSpreader(1, "f", 60_000_000), start, counts)
    assert (np.diff(times) >= 0).all()
    place = np.searchsorted(start, times, side="right") - 1
    assert np.bincount(place, minlength=4).tolist() == counts.tolist()
    inside = (times - start[place])[place == 2] / 60e6
    assert inside.max() < 1
    assert stats.kstest(inside, "uniform").pvalue > SMALLEST_P


def test_many_arrivals_of_one_instant_are_not_held_back() -> None:
    """A count of a billion in one microsecond comes out in blocks, as that of an hour does."""
    n = 4 * LARGEST_BLOCK + 5
    spreader = CountSpreader(1, "f", 1)
    most = 0
    given = []
    for start in (7, 9):
        for times in spreader.spread(np.array([start]), np.array([n]), np.zeros(1)):
            most = max(most, len(spreader._held))
            given.append(times)
    given.extend(spreader.rest())
    assert most <= LARGEST_BLOCK
    assert np.concatenate(given).tolist() == [7] * n + [9] * n


def test_a_scaled_count_keeps_its_mean() -> None:
    spreader = CountSpreader(1, "f", 1_000_000)
    n = len(spread(spreader, np.arange(100_000) * 1_000_000, np.full(100_000, 0.3)))
    assert stats.binomtest(n, 100_000, 0.3).pvalue > SMALLEST_P


def test_a_repeated_trace_keeps_its_weekdays(tmp_path: Path) -> None:
    # Two weeks of 2014 from a Monday; 7 on Saturdays, 1 on other days.
    days = [f"2014-04-{day:02d}T00:00:00Z,{7 if day in (12, 19) else 1}" for day in range(7, 21)]
    (tmp_path / "t.csv").write_text("\n".join(["timestamp,count", *days]) + "\n")
    times = arrivals("trace: t.csv, repeat: true", "28d", tmp_path, start="2026-11-02")
    by_weekday = np.bincount(times // 86_400_000_000 % 7, minlength=7)
    assert by_weekday.tolist() == [4, 4, 4, 4, 4, 28, 4]


def test_events_of_a_trace_arrive_when_they_did(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("time\n2026-11-01T00:00:01Z\n2026-11-01T01:00:02+01:00\n")
    trace = "trace: e.csv, align: none"
    assert arrivals(trace, "10s", tmp_path).tolist() == [1_000_000, 2_000_000]
    assert arrivals(trace + ", scale: 3", "10s", tmp_path).tolist() == [1_000_000] * 3 + [2_000_000] * 3


def test_logs_are_a_trace_too() -> None:
    logs = Path(__file__).parents[2] / "data" / "report_logs"
    times = arrivals("trace: aws_2rps_cloudwatch.json, align: start", "1h", logs)
    assert len(times) == 240
    assert times[0] == 0
    assert 119e6 < times[-1] < 121e6


@pytest.mark.parametrize("traffic", ["constant: {rate_per_s: 0}", "poisson: {rate_per_s: 0}"])
def test_no_traffic_is_no_traffic(traffic: str) -> None:
    assert len(arrivals(traffic)) == 0


def test_counts_of_overlapping_intervals_arrive_in_order(tmp_path: Path) -> None:
    rows = ["time,count", "2026-11-01T00:00:00Z,50", "2026-11-01T00:05:00Z,50", "2026-11-01T00:06:00Z,50"]
    (tmp_path / "t.csv").write_text("\n".join([*rows, "2026-11-01T00:11:00Z,50"]) + "\n")
    assert len(arrivals("trace: t.csv, align: none", "1h", tmp_path)) == 200


def test_a_trace_is_read_no_further_than_the_scenario(tmp_path: Path) -> None:
    rows = [f"2026-11-{day:02d}T00:00:00Z,{100 if day < 3 else 10**9}" for day in range(1, 20)]
    (tmp_path / "t.csv").write_text("\n".join(["time,count", *rows]) + "\n")
    assert len(arrivals("trace: t.csv, align: none", "2d", tmp_path)) == 200


@pytest.mark.parametrize(
    ("gap_ms", "expected"),
    [
        ("86400000", 99),
        ("{uniform: {low: 86400000, high: 86400000}}", 99),
        ("{empirical: [172800000]}", 49),
        ("{mixture: [{weight: 1, law: 86400000}, {weight: 1, law: 86400000}]}", 99),
    ],
)
def test_gaps_of_days_are_not_cut_short(gap_ms: str, expected: int) -> None:
    times = arrivals(f"renewal: {{gap_ms: {gap_ms}}}", "100d")
    assert len(times) == expected
    assert set(np.diff(times).tolist()) == {times[0]}


def test_random_gaps_of_days_have_their_mean() -> None:
    times = arrivals("renewal: {gap_ms: {exponential: {mean: 604800000}}}", "3650d")
    expected = 3_650 / 7
    assert abs(len(times) - expected) < stats.norm.isf(SMALLEST_P / 2) * np.sqrt(expected)


def test_states_of_many_days_are_not_cut_short() -> None:
    """An hour of traffic after ten days of none: 3,650 days have some 363 such hours."""
    times = arrivals("bursty: {rates_per_s: [0, 1], mean_sojourns: [10d, 1h]}", "3650d")
    cycles = 3_650 * 24 / 241
    deviation = 3_600 * np.sqrt(
        2 * cycles
    )  # an exponential hour varies by an hour, and so does the number of them
    assert abs(len(times) - 3_600 * cycles) < stats.norm.isf(SMALLEST_P / 2) * deviation
