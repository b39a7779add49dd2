"""A month's bill: known days stay known, quantiles come last, told paths agree with simulated ones, money adds up."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import lambdasim as ls
from lambdasim.errors import InputError
from lambdasim.report.pages.money import forecast_page
from lambdasim.specs import ScenarioSpec
from lambdasim.study.forecast.arrivals import day_shapes
from lambdasim.study.forecast.forecast import forecast
from lambdasim.study.forecast.history import daily_histories
from lambdasim.study.forecast.month import month_of, month_scenario
from lambdasim.study.forecast.result import Forecast
from lambdasim.study.forecast.usage import COUNTERS
from lambdasim.traffic.trace import Trace

ONE = """
name: taxi app
start: {start}
duration: 1d
free_tier: false
price_date: 2026-11-01
functions:
  - name: rides
    memory_mb: 1024
    work: {{io_ms: {{exponential: {{mean: 80}}}}}}
    init_ms: 400
    trigger: {{type: function_url}}
    traffic: {{constant: {{rate_per_s: 0}}, scale: 0.0005{more}}}
"""


def scenario(start: str = "2015-02-01T00:00:00Z", more: str = "") -> ScenarioSpec:
    return ls.load_scenario_text(ONE.format(start=start, more=more))


@pytest.fixture(scope="module")
def taxi() -> Trace:
    return ls.read_counts_csv("data/traffic/nyc_taxi.csv", naive="utc")


@pytest.fixture(scope="module")
def february(taxi: Trace) -> Forecast:
    return forecast(scenario(), "2015-02", taxi, paths=40)


@pytest.fixture(scope="module")
def told(taxi: Trace) -> Forecast:
    return forecast(scenario(), "2015-02", taxi, paths=40, simulate=10)


def test_the_bill_grows_by_day_to_the_total(february: Forecast) -> None:
    assert february.cumulative_usd.shape == (40, 28)
    assert (np.diff(february.cumulative_usd, axis=1) >= 0).all()
    np.testing.assert_allclose(sum(february.lines_usd.values()), february.total_usd, rtol=1e-12)
    np.testing.assert_allclose(sum(february.functions_usd.values()), february.total_usd, rtol=1e-12)


def test_a_path_is_billed_as_its_simulation(february: Forecast) -> None:
    run = february.runner.run(february.scenario, 7)
    assert february.total_usd[7] == pytest.approx(float(run.charges(month="2015-02").total), rel=1e-12)
    by_day = february.usages[7].by_day[0]
    assert by_day[:, COUNTERS.index("requests")].sum() == run.usage()[0].requests


def test_quantiles_come_last(february: Forecast) -> None:
    days = february.days()
    assert days["cumulative_p50"].iloc[-1] == pytest.approx(np.quantile(february.total_usd, 0.5))
    total = february.lines().set_index("line").loc["total"]
    assert total["p90"] - total["p10"] < (days["p90"] - days["p10"]).sum()


def test_paths_told_from_their_volume_agree_with_simulated_ones(february: Forecast, told: Forecast) -> None:
    assert len(told.simulated) == 10
    requests = february.usages[0].by_day[0][:, COUNTERS.index("requests")].sum()
    chance = np.sqrt(2 / requests)  # of a month's sum of exponential durations, once in each of the two
    np.testing.assert_allclose(told.total_usd, february.total_usd, rtol=4 * chance)
    assert 0 < told.fit_error < 0.02
    assert told.fit_error <= told.fit_worst


def test_same_inputs_same_bytes(taxi: Trace, told: Forecast) -> None:
    again = forecast(scenario(), "2015-02", taxi, paths=40, simulate=10)
    assert again.cumulative_usd.tobytes() == told.cumulative_usd.tobytes()
    assert again.text() == told.text()


def test_known_days_are_the_same_on_every_path(taxi: Trace) -> None:
    result = forecast(scenario("2015-01-01T00:00:00Z"), "2015-01", taxi, paths=20, simulate=6)
    assert result.traffic.known_days == 31
    assert np.ptp(result.events) == 0
    past = daily_histories(taxi)["nyc_taxi"].until(date(2015, 1, 16))
    assert len(past.totals) == 199


def test_mid_month_is_surer_than_month_ahead(february: Forecast, taxi: Trace) -> None:
    frame = taxi.frame()
    cut = frame[frame["timestamp_us"] < pd.Timestamp("2015-01-16", tz="UTC").value // 1000]

    class Reader:
        def read(self, log: object) -> object:
            yield cut.reset_index(drop=True)

    half = Trace(taxi.kind, taxi.source, taxi.interval_us, taxi.columns, Reader())
    result = forecast(scenario("2015-01-01T00:00:00Z"), "2015-01", half, paths=40, simulate=6)
    assert result.traffic.known_days == 15
    assert result.days()["known"].sum() == 15
    spread = [
        np.ptp(np.quantile(f.total_usd, [0.1, 0.9])) / np.median(f.total_usd) for f in (result, february)
    ]
    assert spread[0] < spread[1]


def test_planned_spikes_stay_on_their_day(taxi: Trace) -> None:
    planned = scenario(more=", spikes: [{at: 2d, duration: 1d, factor: 5}]")
    days = forecast(planned, "2015-02", taxi, paths=20, simulate=6).days()
    assert days["p50"][2] > 2 * days["p50"][[1, 3]].max()


def test_a_history_is_moved_when_asked(taxi: Trace) -> None:
    with pytest.raises(InputError, match="move"):
        forecast(scenario("2026-12-01T00:00:00Z"), "2026-12", taxi, paths=20)
    moved = forecast(
        scenario("2026-12-01T00:00:00Z"), "2026-12", taxi, paths=20, simulate=6, move_history=True
    )
    assert moved.traffic.n_days == 31


def test_the_text_fits_eighty_columns(told: Forecast) -> None:
    assert max(map(len, told.text().splitlines())) <= 80
    assert "10 of them simulated" in told.text()


def test_bad_arguments_are_refused(taxi: Trace) -> None:
    for arguments in ({"paths": 5}, {"engine": "x"}, {"simulate": 2}):
        with pytest.raises(InputError):
            forecast(scenario(), "2015-02", taxi, **arguments)
    for month in ("2015-13", "soon"):
        with pytest.raises(InputError):
            forecast(scenario(), month, taxi)
    with pytest.raises(InputError):
        forecast(scenario(), "2015-02")
    with pytest.raises(InputError):
        forecast(scenario(), "2015-02", {"other": taxi})


def test_months_have_their_days() -> None:
    assert [month_of(f"2028-{m:02}")[1] for m in (1, 2, 4, 12)] == [31, 29, 30, 31]


@pytest.mark.parametrize("month", ["0001-01", "1999-12", "2200-01", "9999-12"])
def test_a_month_of_no_known_year_is_refused(month: str) -> None:
    with pytest.raises(InputError, match=f"month: must be in the years 2000 to 2199, got {month}"):
        month_of(month)


def test_plans_stay_at_their_moments_when_the_scenario_moves() -> None:
    early = ls.load_scenario_text("""
name: x
start: 2026-11-01T00:00:00Z
duration: 90d
functions:
  - name: f
    work: {io_ms: 10}
    provisioned_concurrency: [{at: 0s, count: 2}, {at: 40d, count: 5}]
    traffic:
      constant: {rate_per_s: 1}
      ramps: [{at: 1d, duration: 1d, factor: 2}]
      spikes: [{at: 2d, duration: 1h, factor: 9}, {at: 31d, duration: 1h, factor: 3}]
""")
    moved = month_scenario(early, date(2026, 12, 1), 31).functions[0]
    day = 86_400_000_000
    assert moved.traffic.scale == 2
    assert not moved.traffic.ramps
    assert [(spike.at_us, spike.factor) for spike in moved.traffic.spikes] == [(day, 3)]
    assert [(step.at_us, step.count) for step in moved.provisioned_concurrency] == [(0, 2), (10 * day, 5)]


def test_shapes_are_those_of_the_same_weekday(taxi: Trace) -> None:
    past = daily_histories(taxi)["nyc_taxi"]
    shapes = day_shapes(past, len(past.totals), 28, seed=3)
    np.testing.assert_allclose(shapes.sum(axis=1), 1)
    real = past.shapes / past.shapes.sum(axis=1, keepdims=True)
    for day in range(28):
        number = len(past.totals) + day
        found = np.flatnonzero((real == shapes[day]).all(axis=1)) + len(past.totals) - len(real)
        assert found.size
        assert ((found - number) % 7 == 0).all()


def test_arguments_of_a_wrong_type_are_refused_by_name(taxi: Trace) -> None:
    with pytest.raises(InputError, match=r"history: must be a trace .* got 'traffic\.csv'"):
        forecast(scenario(), "2015-02", "traffic.csv")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="history: must be a trace"):
        forecast(scenario(), "2015-02", {"rides": "traffic.csv"})  # type: ignore[dict-item]
    with pytest.raises(InputError, match="scenario: must be a scenario, as load_scenario returns, got str"):
        forecast("scenario.yaml", "2015-02", taxi)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="paths: must be a whole number, got 'many'"):
        forecast(scenario(), "2015-02", taxi, paths="many")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="month"):
        forecast(scenario(), date(2015, 2, 1), taxi)  # type: ignore[arg-type]


def test_a_bill_that_the_free_tier_takes_away_is_shown_without_it_too(taxi: Trace) -> None:
    """1 in 2,000 of New York's taxis fit into the free tier; the line without it is what the same usage lists for."""
    free = ls.revised(scenario(), {"free_tier": True})
    found = forecast(free, "2015-02", taxi, paths=20, simulate=6)
    paid = forecast(scenario(), "2015-02", taxi, paths=20, simulate=6)
    assert not found.total_usd.any()
    np.testing.assert_allclose(found.listed_usd, paid.total_usd)
    assert f"without the free tier ${np.median(paid.total_usd):.2f}, $" in found.headline()
    assert "without the free tier" not in paid.headline()
    facts = forecast_page(found).facts
    assert facts["without_free_tier_usd"]["p50"] == pytest.approx(np.median(paid.total_usd))
    assert "without_free_tier_usd" not in forecast_page(paid).facts


def test_what_reading_a_history_found_stands_beside_the_forecast(tmp_path: Path) -> None:
    days = [date(2014, 12, 1) + timedelta(days=day) for day in range(62)]
    rows = [f"{day},{name},{1000}" for day in days for name in ("rides", "other") for _ in range(2)]
    path = tmp_path / "twice.csv"
    path.write_text("\n".join(["date,function,requests", *rows]))
    notes = " ".join(
        forecast(scenario(), "2015-02", ls.read_counts_csv(path, utc=True), paths=20, simulate=6).notes()
    )
    assert "rides: 124 rows begin before the intervals above them end; their counts add up." in notes
    assert "not in the scenario, and left out: other with 124,000 events" in notes
