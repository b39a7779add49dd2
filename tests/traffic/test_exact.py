"""Evenly spaced arrivals and scaled counts, against exact fractions."""

import signal
import threading
from fractions import Fraction
from itertools import accumulate
from math import floor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdasim.results.simulate import simulate
from lambdasim.specs import load_scenario_text
from lambdasim.traffic import spread
from lambdasim.traffic.arrivals import FunctionArrivals
from lambdasim.traffic.exact import ExactRate, decimal, numbered
from lambdasim.traffic.spread import LARGEST_BLOCK, CountSpreader, repeated

DECIMALS = st.decimals("0.001", "5000", places=3).map(float)
FACTORS = st.decimals("0", "20", places=2).map(float)
SPAN_US = 7_654_321


def times_of(rate: ExactRate, per_arrival: int = 1) -> list[int]:
    return [time for chunk in rate.arrivals(numbered(), per_arrival) for time in chunk.tolist()]


def test_a_rate_of_many_digits_places_a_single_arrival() -> None:
    """A volume of three million a month has a rate whose exact fraction is wider than NumPy's whole numbers."""
    rate = ExactRate.constant(3e6 / (730 * 3600), 0, 500_000).times(ExactRate.constant(0.75625, 0, 500_000))
    assert times_of(rate) == [0]


@given(DECIMALS, st.integers(0, 10**15))
def test_an_arrival_lies_in_the_microsecond_that_contains_its_moment(per_s: float, start_us: int) -> None:
    """The k-th of rate r is due k / r after the start: floor, and those that are due before the end."""
    found = times_of(ExactRate.constant(per_s, start_us, start_us + SPAN_US))
    per_us = Fraction(repr(per_s)) / 10**6
    expected = -floor(-SPAN_US * per_us)
    assert len(found) == expected
    assert found == [start_us + floor(k / per_us) for k in range(expected)]


@given(DECIMALS, st.integers(0, SPAN_US), st.integers(0, SPAN_US))
def test_a_window_holds_what_is_due_in_it(per_s: float, one: int, other: int) -> None:
    low, high = sorted((one, other))
    found = np.array(times_of(ExactRate.constant(per_s, 0, SPAN_US)))
    per_us = Fraction(repr(per_s)) / 10**6
    due = -floor(-high * per_us) + floor(-low * per_us)
    assert np.count_nonzero((found >= low) & (found < high)) == due


@given(
    DECIMALS,
    FACTORS,
    st.integers(0, SPAN_US),
    st.integers(1, SPAN_US),
    FACTORS,
    st.integers(0, SPAN_US),
    st.integers(1, SPAN_US),
)
def test_spikes_and_ramps_keep_the_count_exact(
    per_s: float, spike: float, at: int, length: int, ramp: float, since: int, growing: int
) -> None:
    """The integral of the rate, in fractions, passes k just where the k-th arrival is."""
    rate = ExactRate.constant(per_s, 0, SPAN_US)
    rate = rate.times(ExactRate.spike(at, length, spike, 0, SPAN_US))
    rate = rate.times(ExactRate.ramp(since, growing, ramp, 0, SPAN_US))
    edges = rate.edges_us.tolist()
    speeds = [Fraction(part, rate.whole) / 10**6 for part in rate.parts]
    reached = [
        *accumulate(
            (s * (b - a) for s, a, b in zip(speeds, edges, edges[1:], strict=False)), initial=Fraction(0)
        )
    ]
    found = times_of(rate)
    assert len(found) == -floor(-reached[-1])
    for k in {0, len(found) // 3, len(found) // 2, len(found) - 1} if found else ():
        piece = max(j for j in range(len(speeds)) if reached[j] <= k and speeds[j])
        assert found[k] == edges[piece] + floor((k - reached[piece]) / speeds[piece])


def test_very_long_decimals_are_exact_too() -> None:
    """0.1 + 0.2 is 0.30000000000000004, whose numbers do not fit 64 bits when multiplied."""
    per_s = 1000 * (0.1 + 0.2)
    per_us = decimal(per_s) / 10**6
    found = times_of(ExactRate.constant(per_s, 0, 10**9))
    assert found == [floor(k / per_us) for k in range(len(found))]


def arrivals(traffic: str, duration: str, start: str = "2026-11-01T00:00:00Z") -> np.ndarray:
    spec = load_scenario_text(
        f"name: t\nstart: {start}\nduration: {duration}\nfunctions:\n  - {{name: f, traffic: {{{traffic}}}}}\n"
    )
    return np.concatenate([np.empty(0, dtype=np.int64), *FunctionArrivals(spec, "f")()])


def test_rates_written_as_decimals_give_whole_counts() -> None:
    assert len(arrivals("constant: {rate_per_s: 1.1}", "1h")) == 3_960
    assert len(arrivals("constant: {rate_per_s: 0.07}, scale: 0.1", "1000s")) == 7
    # Due at 0, 100/7 s, ...: 216 hours of October hold ceil(777,600 * 0.07) of them.
    border = arrivals("constant: {rate_per_s: 0.07}", "20d", "2026-10-23T00:00:00Z")
    assert np.count_nonzero(border < 9 * 86_400 * 10**6) == 54_432


def test_a_rate_that_just_fits_the_reserved_concurrency_is_never_throttled() -> None:
    spec = load_scenario_text(
        "name: t\nstart: 2026-11-01T00:00:00Z\nduration: 60s\nfunctions:\n"
        "  - {name: f, reserved_concurrency: 50, traffic: {constant: {rate_per_s: 50}},\n"
        "     work: {io_ms: 1000}, init_ms: 0, placement_ms: 0}\n"
    )
    assert simulate(spec).summary()["throttled"].sum() == 0


@pytest.mark.parametrize("gap", [20, 0.7, 33.333])
def test_fixed_gaps_add_up_without_loss(gap: float) -> None:
    found = arrivals(f"renewal: {{gap_ms: {gap}}}", "5min")
    assert set(np.diff(found).tolist()) == {round(gap * 1000)}


def test_gaps_run_faster_by_an_exact_factor() -> None:
    """Gaps of 20 ms at factor 1.1 are due every 200 / 11 ms."""
    found = arrivals("renewal: {gap_ms: 20}, scale: 1.1", "60s")
    assert found.tolist() == [floor(Fraction(200_000, 11) * k) for k in range(1, len(found) + 1)]
    assert len(found) == 3_299


def test_a_rate_schedule_keeps_its_step() -> None:
    found = arrivals("schedule: rate(7 minutes)", "30d")
    assert found.tolist() == list(range(0, 30 * 86_400 * 10**6, 7 * 60 * 10**6))


@pytest.mark.parametrize(
    ("count", "factor", "scaled"), [(100, 0.29, 29), (30, 0.1, 3), (10**6, 1.1, 1_100_000)]
)
def test_a_scaled_count_that_is_whole_stays_whole(count: int, factor: float, scaled: int) -> None:
    whole, rest = ExactRate.constant(factor, 0, 10).of_counts(np.array([1]), np.array([count]))
    assert (whole.tolist(), rest.tolist()) == ([scaled], [0.0])


def test_a_count_beyond_any_traffic_is_refused() -> None:
    rate = ExactRate.constant(1e6, 0, 10).times(ExactRate.spike(0, 10, 1e6, 0, 10))
    with pytest.raises(ValueError, match="at most 1,000,000,000,000 in one interval"):
        rate.of_counts(np.array([1]), np.array([10**12]))


def test_a_large_count_comes_in_blocks_as_it_would_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same draws, cut: a neighbour's times in one go are those of blocks."""
    n = 3 * LARGEST_BLOCK + 17
    spreader = CountSpreader(1, "f", 10**9)
    start, none = np.array([0, 10**9]), np.zeros(2)
    blocks = [*spreader.spread(start, np.array([n, 5]), none), *spreader.rest()]
    assert max(map(len, blocks)) <= LARGEST_BLOCK + 1
    times = np.concatenate(blocks)
    assert len(times) == n + 5
    assert (np.diff(times) >= 0).all()
    whole = CountSpreader(1, "f", 10**9)._spread_block(start, np.array([n, 5]), 0)
    assert times.tolist() == whole.tolist()
    monkeypatch.setattr(spread, "_UNINTERRUPTED", LARGEST_BLOCK + 5)
    spreader = CountSpreader(1, "f", 10**9)
    again = [*spreader.spread(start, np.array([n, 5]), none), *spreader.rest()]
    assert np.concatenate(again).tolist() == whole.tolist()


def test_a_run_of_any_size_hears_a_signal(tmp_path: Path) -> None:
    """A million million arrivals take an hour to add up, in a thread; whoever gives up is free at once, and so is it."""
    (tmp_path / "t.csv").write_text(
        f"timestamp,count\n2026-11-02T00:00:00Z,{10**12}\n2026-11-03T00:00:00Z,0\n"
    )
    scenario = load_scenario_text(
        "{name: t, start: 2026-11-02T00:00:00Z, duration: 1d, functions: [{name: f, work: {io_ms: 5},"
        " traffic: {trace: t.csv, align: none}}]}",
        base_dir=tmp_path,
    )

    def heard(*_: object) -> None:
        raise InterruptedError

    before = signal.signal(signal.SIGALRM, heard)
    signal.alarm(2)
    threads = threading.active_count()
    try:
        with pytest.raises(InterruptedError):
            simulate(scenario)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert threading.active_count() == threads


def test_events_repeat_in_blocks() -> None:
    blocks = [*repeated(np.array([5, 9, 11]), np.array([300_000, 0, 2]))]
    assert max(map(len, blocks)) <= LARGEST_BLOCK
    assert np.concatenate(blocks).tolist() == [5] * 300_000 + [11] * 2
