"""Budgets and alarms of a scenario: when each fires and what had been spent, by hand; and the traps that carry them."""

import json
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

import lambdasim as ls
from lambdasim.errors import ScenarioError

TRAPS = ("s3_loop", "hanging_downstream", "retry_storm", "timeout_below_init")
# 1,024 MB for 1 s: 0.0000166667 USD and 0.0000002 USD a request, once a second from the third minute on.
RUN_USD = 0.0000166667 + 0.0000002
FUNCTION = {
    "name": "f", "memory_mb": 1024, "init_ms": 0, "timeout": "10s", "work": {"io_ms": 1000},
    "traffic": {"constant": {"rate_per_s": 1}, "start": "2min"},
}  # fmt: skip


def run(
    *alarms: dict[str, Any], function: dict[str, Any] | None = None, duration: str = "10min"
) -> ls.RunResult:
    scenario = {
        "name": "t", "start": "2026-11-02T00:00:00Z", "duration": duration, "free_tier": False,
        "functions": [FUNCTION | (function or {})],
        "alarms": [{"name": f"a{place}"} | alarm for place, alarm in enumerate(alarms)],
    }  # fmt: skip
    return ls.simulate(ls.load_scenario_text(json.dumps(scenario)))


def told(result: ls.RunResult) -> list[list[float]]:
    return result.alarms()[["breached_s", "fires_s", "usd_by_then"]].to_numpy().tolist()


def words(result: ls.RunResult) -> str:
    return " ".join(result.text().split())


def test_an_alarm_fires_at_the_end_of_the_data_points_that_it_takes() -> None:
    one, three, five = {"points": 1}, {"points": 3}, {"period": "5min"}
    result = run(*({"metric": "Invocations", "above": 59} | more for more in (one, three, five)))
    # Runs begin at 2 min: points of 60 end at 3, 4 and 5 min; that of five minutes ends at 5 min, with 180.
    assert told(result) == [
        [180, 180, pytest.approx(60 * RUN_USD)],
        [180, 300, pytest.approx(180 * RUN_USD)],
        [300, 300, pytest.approx(180 * RUN_USD)],
    ]
    assert result.alarms()["usd_at_end"].tolist() == [pytest.approx(480 * RUN_USD)] * 3


def test_three_of_five_points_need_not_follow_each_other() -> None:
    every_other = {"traffic": {"constant": {"rate_per_s": 1 / 120}}}
    alarm = {"metric": "Invocations", "above": 0, "points": 3}
    result = run(alarm, alarm | {"out_of": 5}, alarm | {"out_of": 4}, function=every_other)
    # Points 1, 3, 5 ... are in breach: three of five at the fifth, never three in a row, never three of four.
    assert [row[1] for row in told(result)] == [
        pytest.approx(np.nan, nan_ok=True),
        300,
        pytest.approx(np.nan, nan_ok=True),
    ]
    assert "its condition held, but not often enough" in words(result)


def test_errors_duration_and_executions_are_those_of_the_metrics() -> None:
    slow, slower, busy = (
        {"metric": metric, "above": above}
        for metric, above in (("Duration", 999), ("Duration", 1000.5), ("ConcurrentExecutions", 0))
    )
    failing = {"work": {"io_ms": 1000, "error_probability": 1.0}}
    result = run(slow, slower, busy, {"metric": "Errors", "above": 29}, function=failing)
    assert [row[1] for row in told(result)] == [180, pytest.approx(np.nan, nan_ok=True), 180, 180]


def test_a_budget_is_late_by_its_updates() -> None:
    # 0.001 USD are passed with run 60: at the end of the first minute of runs, which a budget sees when it is updated.
    usd = 59.5 * RUN_USD
    result = run({"budget_usd": usd, "checked_every": "4min"}, {"budget_usd": usd}, {"budget_usd": 1})
    assert told(result)[0] == [180, 240, pytest.approx(120 * RUN_USD)]
    assert told(result)[1] == [180, 28_800, pytest.approx(480 * RUN_USD)]  # eight hours: the run has ended
    assert "when the run has ended; at least" in words(result)
    assert "never fires" in words(result)


def test_cost_by_minute_adds_up_to_the_bill() -> None:
    provisioned = {"provisioned_concurrency": [{"at": "1min", "count": 3}], "timeout": "10s"}
    for result in (run(), run(function=provisioned, duration="66min")):
        bill = result.charges()
        assert result.costs_over_time(bill).in_order().sum() == pytest.approx(float(bill.total), rel=1e-12)


# Two zones' gateways for an hour, and forty writes of a run: 0.045 USD an hour each, 0.625 USD a million.
BESIDE = {"uses": {"per_run": {"dynamodb_writes": 40}}}
WRITES_USD, GATEWAYS_USD = 40 * 0.000000625, 2 * 0.045


def with_neighbours(*alarms: dict[str, Any], **terms: Any) -> ls.RunResult:
    scenario = {
        "name": "t", "start": "2026-11-02T00:00:00Z", "duration": "1h", "free_tier": False,
        "functions": [FUNCTION | BESIDE], "neighbours": {"held": {"nat_hours": 2}},
        "alarms": [{"name": f"a{place}", "checked_every": "1min"} | alarm for place, alarm in enumerate(alarms)],
    }  # fmt: skip
    return ls.simulate(ls.load_scenario_text(json.dumps(scenario | terms)))


def test_a_budget_counts_the_services_beside_lambda() -> None:
    # Gateways cost 0.0015 USD a minute from the first, runs and their writes 60 times 0.0000418667 from the third on.
    a_minute, gateways = 60 * (RUN_USD + WRITES_USD), GATEWAYS_USD / 60
    budget = 10.5 * gateways + 8.5 * a_minute
    result = with_neighbours({"budget_usd": budget}, {"budget_usd": 8.5 * a_minute, "function": "f"})
    assert told(result) == [[660, 660, pytest.approx(11 * gateways + 9 * a_minute)]] * 2
    assert result.alarms()["usd_at_end"].tolist() == [pytest.approx(float(result.charges().total))] * 2
    assert "Amazon DynamoDB and Amazon Virtual Private Cloud" in words(result)
    # Lambda alone would have stayed below the budget to the end.
    assert 58 * a_minute - 48 * a_minute + budget > 58 * 60 * RUN_USD


def test_a_budget_says_that_it_is_of_lambda_alone() -> None:
    assert "Lambda alone: the scenario asks for no lines of other services" in words(run({"budget_usd": 1}))


def test_what_is_free_is_used_up_first() -> None:
    # 400,000 GB-s and a million requests are free, the gateways are not: the budget of f never fires.
    result = with_neighbours({"budget_usd": 1e-9, "function": "f"}, {"budget_usd": 1e-9}, free_tier=True)
    of_f, of_all = told(result)
    assert of_f[0] == pytest.approx(180)  # writes cost from the first on
    assert of_all[0] == 60
    free = run({"budget_usd": 1e-9, "checked_every": "1min"}, duration="10min")
    assert told(free)[0][0] == 180
    huge = {
        "memory_mb": 10240,
        "timeout": "15min",
        "work": {"io_ms": 800_000},
        "traffic": {"constant": {"rate_per_s": 1}},
    }
    scenario = {
        "name": "t", "start": "2026-11-02T00:00:00Z", "duration": "10min", "functions": [FUNCTION | huge],
        "alarms": [{"name": "a", "budget_usd": 0.5, "checked_every": "1min"}],
    }  # fmt: skip
    # A run takes 8,000 GB-s, so 50 are free; the 54th passes 0.5 USD, in the first minute.
    at = told(ls.simulate(ls.load_scenario_text(json.dumps(scenario))))[0]
    assert at[0] == 60
    assert at[2] == pytest.approx(10 * 8000 * 0.0000166667, rel=1e-6)


@pytest.mark.parametrize(
    ("alarm", "where"),
    [
        ({}, "alarms.0"), ({"budget_usd": 1, "metric": "Errors", "above": 1}, "alarms.0"),
        ({"metric": "Errors"}, "alarms.0.above"), ({"metric": "Error", "above": 1}, "alarms.0.metric"),
        ({"metric": "Errors", "above": 1, "period": "90s"}, "alarms.0.period"),
        ({"metric": "Errors", "above": 1, "points": 3, "out_of": 2}, "alarms.0.out_of"),
        ({"budget_usd": 1, "function": "g"}, "alarms.0.function"), ({"budget_usd": 0}, "alarms.0.budget_usd"),
    ],
)  # fmt: skip
def test_alarms_that_cannot_be_are_refused_in_one_line(alarm: dict[str, Any], where: str) -> None:
    with pytest.raises(ScenarioError) as wrong:
        run(alarm)
    assert where in str(wrong.value)
    assert len(str(wrong.value).splitlines()) == 1


def sprung(name: str, minutes: int) -> ls.RunResult:
    text = files("lambdasim").joinpath("examples", f"trap_{name}.yaml").read_text(encoding="utf-8")
    lines = [
        f"duration: {minutes}min" if line.startswith("duration:") else line for line in text.splitlines()
    ]
    return ls.simulate(ls.load_scenario_text("\n".join(lines)))


@pytest.mark.parametrize(("name", "minutes"), list(zip(TRAPS, (12, 20, 2, 60), strict=True)))
def test_each_trap_costs_more_than_its_cure_and_sets_off_an_alarm_that_the_cure_does_not(
    name: str, minutes: int
) -> None:
    bad, good = sprung(name, minutes), sprung(f"{name}_cured", minutes)
    assert bad.charges().total > 2 * good.charges().total
    fires = [run.alarms().set_index("alarm")["fires_s"] for run in (bad, good)]
    assert (fires[0].notna() & (fires[0] <= minutes * 60) & fires[1].isna()).any()


def test_the_loop_of_thumbnails_runs_sixteen_times_with_detection_and_for_ever_without() -> None:
    bad, good = sprung("s3_loop", 12), sprung("s3_loop_cured", 12)
    uploads = good.calls()["stopped"].item()
    assert good.summary()["runs"].item() == 16 * uploads
    assert bad.calls()["cut"].item() == uploads
    assert "LOOP WITHOUT END" in bad.text()


def test_what_hangs_is_billed_900_s_twice() -> None:
    bad = sprung("hanging_downstream", 20)
    longest = bad.records.groupby("function", observed=True)["duration_ms"].max()
    assert longest.to_dict() == {"checkout": 900_000, "payment": 900_000}


def test_the_storm_makes_up_to_five_runs_of_a_call_and_refuses_logins() -> None:
    bad, good = sprung("retry_storm", 2), sprung("retry_storm_cured", 2)
    runs = (
        bad.records[bad.records["start_type"] != "none"]
        .groupby(["function", "invocation"], observed=True)
        .size()
    )
    assert runs["search"].max() == 5
    refused = [run.summary().set_index("function")["throttled"]["login"] for run in (bad, good)]
    assert refused[0] > 0 == refused[1]
