"""Schedules that cannot fire in a scenario are reported when it is read, and only those."""

import warnings

import pytest

from lambdasim.errors import NotModelledWarning
from lambdasim.specs import load_scenario_text

SCENARIO = """name: t
start: 2026-11-02T00:00:00Z
duration: 2d
functions:
- name: f
  traffic: {{{traffic}}}
"""


@pytest.mark.parametrize(
    ("traffic", "message"),
    [
        ('schedule: "cron(0 0 31 2 ? *)"', r"schedule: cron\(0 0 31 2 \? \*\) never fires"),
        ('schedule: "cron(0 0 1 1 ? 2020)"', "never fires after the scenario's start"),
        ('schedule: "cron(0 8 ? * SAT *)"', "it would first on 2026-11-07 08:00 UTC"),
        ('schedule: "cron(0 8 4 11 ? *)"', "it would first on 2026-11-04 08:00 UTC"),
        ('schedule: "cron(0 8 ? * MON *)", start: 9h', "it would first on 2026-11-09 08:00 UTC"),
        ('schedule: "cron(0 8 ? * TUE *)", stop: 32h', "it would first on 2026-11-03 08:00 UTC"),
        ("constant: {rate_per_s: 1}, start: 2d", "start: is not before the scenario's end"),
        ('schedule: "rate(1 hour)", start: 3d', "start: is not before the scenario's end"),
    ],
)
def test_traffic_that_brings_no_event_is_told_with_its_line(traffic: str, message: str) -> None:
    with pytest.warns(NotModelledWarning, match=message) as told:
        load_scenario_text(SCENARIO.format(traffic=traffic), name="s.yaml")
    assert len(told) == 1
    assert str(told[0].message).startswith("s.yaml:6: functions.0.traffic.")


@pytest.mark.parametrize(
    "traffic",
    [
        'schedule: "cron(0 8 3 11 ? *)"',
        'schedule: "cron(0 8 ? * TUE *)", stop: 33h',
        'schedule: "rate(30 days)", start: 47h',
        "constant: {rate_per_s: 1}, start: 47h",
    ],
)
def test_traffic_with_an_event_is_no_cause_to_warn(traffic: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_scenario_text(SCENARIO.format(traffic=traffic))
