"""Budgets and sensitivities against figures that are known by hand; pictures and texts of them."""

from dataclasses import replace

import numpy as np
import pytest

import lambdasim as ls
from lambdasim.errors import InputError
from lambdasim.plots.forecast import plot_forecast, plot_tornado
from lambdasim.study.forecast.budget import budget_outlook, scaled_usd
from lambdasim.study.forecast.forecast import forecast
from lambdasim.study.forecast.result import Forecast
from lambdasim.study.forecast.sensitivity import Sensitivity, sensitivity

TWO = """
name: two
start: 2015-02-01T00:00:00Z
duration: 1d
free_tier: false
price_date: 2026-11-01
functions:
  - name: rides
    memory_mb: 1024
    work: {io_ms: 200}
    init_ms: 400
    keep_alive: 10min
    trigger: {type: function_url}
    traffic: {constant: {rate_per_s: 0}, scale: 0.001}
  - name: ready
    memory_mb: 512
    work: {io_ms: 20}
    init_ms: 0
    provisioned_concurrency: [{at: 0s, count: 1}]
    trigger: {type: function_url}
    traffic: {constant: {rate_per_s: 0.01}}
"""


@pytest.fixture(scope="module")
def result() -> Forecast:
    trace = ls.read_counts_csv("data/traffic/nyc_taxi.csv", naive="utc")
    return forecast(ls.load_scenario_text(TWO), "2015-02", {"rides": trace}, paths=30, simulate=10)


@pytest.fixture(scope="module")
def found(result: Forecast) -> Sensitivity:
    return sensitivity(result)


def test_the_chance_is_the_part_of_paths_above(result: Forecast) -> None:
    outlook = budget_outlook(result, float(np.quantile(result.total_usd, 0.7)))
    assert outlook.probability == pytest.approx(0.3, abs=0.04)
    certain, never = (budget_outlook(result, usd) for usd in (0.01, 1e6))
    assert certain.probability == 1
    assert never.probability == 0
    assert never.alarms[0].middle is None


def test_the_day_of_an_even_bill(result: Forecast) -> None:
    even = np.tile(np.arange(1.0, 29.0), (30, 1))
    outlook = budget_outlook(replace(result, cumulative_usd=even), 20.0)
    actual = {alarm.threshold: alarm for alarm in outlook.alarms if alarm.kind == "actual"}
    assert [actual[part].middle.day for part in (0.5, 0.8, 1.0)] == [11, 17, 21]
    assert actual[1.0].early == actual[1.0].late


def test_variance_shares_add_up_and_follow_what_varies(result: Forecast) -> None:
    drivers = budget_outlook(result, 5.0).drivers
    for kind in ("function", "line"):
        mine = [driver for driver in drivers if driver.kind == kind]
        assert sum(driver.variance_share for driver in mine) == pytest.approx(1)
        assert sum(driver.amount_share for driver in mine) == pytest.approx(1)
    assert drivers[0].name == "rides"
    assert drivers[0].variance_share > 0.95 > drivers[0].amount_share


def test_the_keeping_factor_keeps_the_budget(result: Forecast) -> None:
    aim = float(np.quantile(result.total_usd, 0.9))
    assert budget_outlook(result, aim).keeping_factor == pytest.approx(1, abs=0.01)
    assert budget_outlook(result, aim * 1.02).keeping_factor > 1
    assert budget_outlook(result, aim * 0.99).keeping_factor < 1
    assert budget_outlook(result, 0.01).keeping_factor is None


def test_bad_budgets_are_refused(result: Forecast) -> None:
    for budget in (0, -1, float("nan"), float("inf")):
        with pytest.raises(InputError):
            budget_outlook(result, budget)
    with pytest.raises(InputError):
        budget_outlook(result, 1, thresholds=[0])


def test_doubling_usage_doubles_what_hangs_on_it(result: Forecast) -> None:
    usage = result.usages[0]
    fixed, one, two = (scaled_usd(result, usage, factor) for factor in (0.0, 1.0, 2.0))
    assert two - fixed == pytest.approx(2 * (one - fixed), rel=1e-9)


def test_elasticities(found: Sensitivity) -> None:
    by_name = {swing.assumption: swing for swing in found.swings}
    assert by_name["price"].elasticity == pytest.approx(1)
    assert by_name["price"].high_usd == pytest.approx(1.1 * found.base_usd)
    assert 0 < by_name["traffic"].elasticity < 1
    assert by_name["memory"].low_usd < found.base_usd < by_name["memory"].high_usd
    assert by_name["keep-alive"].low_usd >= by_name["keep-alive"].high_usd
    assert by_name["cold-start share"].low_usd <= found.base_usd <= by_name["cold-start share"].high_usd
    widths = [abs(swing.high_usd - swing.low_usd) for swing in found.swings]
    assert widths == sorted(widths, reverse=True)


def test_jumps_name_the_bounds(result: Forecast, found: Sensitivity) -> None:
    environment = [jump for jump in found.jumps if "ready" in jump.what]
    assert environment[0].usd == pytest.approx(0.0000041667 * 0.5 * 28 * 86400, rel=1e-6)
    assert not [jump for jump in found.jumps if "free" in jump.what]
    scenarios = tuple(ls.revised(spec, {"free_tier": True}) for spec in result.runner.scenarios)
    free = sensitivity(replace(result, runner=replace(result.runner, scenarios=scenarios)))
    requests = next(jump for jump in free.jumps if "free requests" in jump.what)
    rides = np.median([usage.by_day[1, :, 0].sum() for usage in result.usages])
    assert requests.multiple == pytest.approx(1_000_000 / rides, rel=0.15)
    assert requests.usd == pytest.approx(0.2)


def test_texts_fit_eighty_columns(result: Forecast, found: Sensitivity) -> None:
    for text in (budget_outlook(result, 5.0).text(), found.text()):
        assert max(map(len, text.splitlines())) <= 80


def test_pictures_say_what_they_show(result: Forecast, found: Sensitivity) -> None:
    fan = plot_forecast(result, budget_usd=1.0)
    assert "100% to break $1.00" in fan.get_title(loc="left")
    np.testing.assert_allclose(fan.lines[0].get_ydata()[-1], np.median(result.total_usd))
    tornado = plot_tornado(found)
    assert [label.get_text() for label in tornado.get_yticklabels()] == [s.assumption for s in found.swings]
    empty = replace(result, cumulative_usd=np.zeros_like(result.cumulative_usd))
    assert plot_forecast(empty).texts[0].get_text() == "nothing to pay"
