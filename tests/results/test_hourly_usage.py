"""Usage by clock hour sums to usage by month, whenever a run starts; and a table that is not of the run is refused."""

from pathlib import Path

import pytest

import lambdasim as ls
from lambdasim.billing.usage import COUNTERS
from lambdasim.errors import InputError
from lambdasim.results.files.hourly import hourly_usage
from lambdasim.results.usage.hour import cut_into_hours
from lambdasim.specs import load_scenario_text

SCENARIO = """name: s
start: {start}
duration: 3h
functions:
  - name: f
    work: {{cpu_ms: 200}}
    traffic: {{constant: {{rate_per_s: 2}}}}
    provisioned_concurrency: [{{at: 0s, count: 1}}]
  - {{name: g, work: {{cpu_ms: 20}}, traffic: {{poisson: {{rate_per_s: 1}}}}}}
"""


def simulated(start: str) -> ls.RunResult:
    return ls.simulate(load_scenario_text(SCENARIO.format(start=start), base_dir=Path()))


@pytest.mark.parametrize(
    "start",
    [
        "2026-11-02T00:00:00Z",
        "2026-11-02T10:59:59.5Z",
        "2026-10-31T22:30:30Z",
        "2026-10-31T23:59:30Z",
        "2026-10-31T23:59:59.999999Z",
        "2026-12-31T21:00:00.000001Z",
    ],
)
def test_hours_sum_to_months_whenever_a_run_starts(start: str) -> None:
    run = simulated(start)
    hourly = hourly_usage(run)
    for month in {row.month for row in run.usage()}:
        for name in COUNTERS:
            by_month = sum(getattr(row, name) for row in run.usage() if row.month == month)
            assert sum(getattr(row, name) for row in hourly.usage if row.month == month) == by_month
    left = {
        "provisioned_init_ms",
        "provisioned_allocated_s",
        "calls",
        "payload_kb",
        "elapsed_s",
        "busy_s",
        "busy_any_s",
    }
    assert not any(getattr(row, name) for row in hourly.rest for name in COUNTERS if name not in left)


def test_the_minute_over_the_end_of_a_month_is_cut_there() -> None:
    """Of two events a second from 23:59:30 on, 60 come before midnight."""
    hourly = hourly_usage(simulated("2026-10-31T23:59:30Z"))
    of_f = [sum(row.requests for row in rows if row.function == "f") for rows in hourly.hours]
    assert of_f[0] == 60
    assert sum(of_f) == 3 * 3600 * 2


@pytest.mark.parametrize(
    "written",
    ["", "x", "2026-11-02", "9999-12-31T23:00:00Z", "0001-01-01T00:00:00Z", "2026-13-01T00:00:00Z", "1e300", 7, None,
     "2026-11-01T23:59:00Z", "2030-01-01T00:00:00Z", "\x1b[2J"],
)  # fmt: skip
def test_a_time_that_is_not_of_the_run_is_refused(written: object) -> None:
    run = simulated("2026-11-02T00:00:00Z")
    table = run.metrics().astype({"timestamp": "object"})
    table.loc[0, "timestamp"] = written
    with pytest.raises(InputError, match="metrics: timestamp: must") as refused:
        cut_into_hours(table, run.scenario, run.usage(), "metrics")
    assert str(refused.value).isprintable()
