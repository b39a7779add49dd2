"""The back-test: what it scores, and that the sampler does on real series what is promised."""

import json

import numpy as np
import pytest

import lambdasim as ls
from lambdasim.errors import InputError
from lambdasim.study.forecast.backtest import TASKS, Backtest, backtest, carried_forward, pinball
from lambdasim.study.forecast.history import daily_histories

TRAFFIC = "data/traffic/"


@pytest.fixture(scope="module")
def real() -> Backtest:
    pages = {"timestamp_us": "date", "count": "views", "function": "page"}
    traces = [
        ls.read_counts_csv(TRAFFIC + "nyc_taxi.csv", naive="utc"),
        ls.read_counts_csv(TRAFFIC + "wikipedia_views_daily.csv", naive="utc", columns=pages),
        ls.read_counts_csv(TRAFFIC + "bike_rides_daily.csv", naive="utc", columns={"count": "rides"}),
    ]
    return Backtest.together(backtest(trace) for trace in traces)


@pytest.mark.parametrize("task", TASKS)
def test_ranges_hold_on_real_series(real: Backtest, task: str) -> None:
    table = real.summary().set_index(["task", "series"]).loc[task]
    pooled, each = table.loc["all"], table.drop("all")
    assert 0.70 <= pooled["coverage"] <= 0.88
    assert each.loc[each["blocks"] >= 15, "coverage"].min() >= 0.65
    assert pooled["against_carried"] < 0.95
    assert pooled["against_point"] < 0.75
    assert each["against_carried"].max() <= 1.15


def test_months_do_not_overlap_and_their_totals_are_the_historys(real: Backtest) -> None:
    frame = real.frame()
    mine = frame[(frame["series"] == "nyc_taxi") & (frame["task"] == TASKS[0])]
    totals = daily_histories(ls.read_counts_csv(TRAFFIC + "nyc_taxi.csv", naive="utc"))["nyc_taxi"].totals
    assert mine["first_day"].tolist() == [56, 86, 116, 146, 176]
    assert mine["actual"].tolist() == [totals[first : first + 30].sum() for first in mine["first_day"]]


def test_the_text_fits_eighty_columns(real: Backtest) -> None:
    assert max(map(len, real.text().splitlines())) <= 80
    assert repr(real) == real.text()


def test_pinball_by_hand() -> None:
    loss = pinball(np.array([[10.0, 20, 30], [10, 20, 30]]), np.array([20.0, 40]))
    np.testing.assert_allclose(loss, [(0.1 * 10 + 0 + 0.1 * 10) / 3, (0.1 * 30 + 0.5 * 20 + 0.9 * 10) / 3])


def test_what_never_changes_is_carried_forward_exactly() -> None:
    np.testing.assert_allclose(carried_forward(np.full(40, 3.0), 30), [90.0, 90.0, 90.0])
    result = backtest(np.full(200, 50.0), name="flat")
    assert result.summary()["p50_error"].max() < 0.01


def test_a_history_may_be_held_short() -> None:
    generator = np.random.default_rng(0)
    past = 1000 * np.exp(generator.normal(0, 0.1, 150))
    assert len(backtest(past, first=21, history_days=21).blocks) == 2 * 4


def test_too_short_histories_are_refused() -> None:
    for arguments in ({"first": 56}, {"first": 3}, {"days": 1}):
        with pytest.raises(InputError):
            backtest(np.ones(60), **arguments)


def test_days_that_a_trace_covers_in_part_are_left_out() -> None:
    history = daily_histories(ls.read_counts_csv(TRAFFIC + "Twitter_volume_AMZN.csv", naive="utc"))
    mine = history["Twitter_volume_AMZN"]
    assert mine.first_day.isoformat() == "2015-02-27"
    assert len(mine.totals) == 54
    assert mine.interval_us == 300_000_000
    np.testing.assert_array_equal(mine.shapes.sum(axis=1), mine.totals)
    earlier = mine.until(mine.first_day.replace(month=3, day=1))
    assert len(earlier.totals) == len(earlier.shapes) == 2
    moved = mine.moved_to(mine.first_day.replace(year=2026))
    assert 0 <= (mine.first_day.replace(year=2026) - moved.end_day).days < 7
    assert moved.first_day.weekday() == mine.first_day.weekday()


def test_a_back_test_of_what_is_no_history_is_refused() -> None:
    for history in ("traffic.csv", None, {"web": 3}):
        with pytest.raises(InputError):
            backtest(history)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="days: must be a whole number of days, got 'month'"):
        backtest(np.ones(100), days="month")  # type: ignore[arg-type]


def test_every_view_of_a_back_test_holds_its_scores(real: Backtest) -> None:
    assert "coverage" in real._repr_html_()
    scores = json.loads(real.to_json())["tables"]["scores"]
    assert [row["coverage"] for row in scores] == pytest.approx(real.summary()["coverage"].tolist())
