"""What a run takes is estimated before it runs, within a factor of two of what it then takes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from program import lambdasim

import lambdasim as ls
from lambdasim.errors import InputError
from lambdasim.results.expected import MOST_BYTES, expected_cost, refuse_beyond_limits
from lambdasim.specs import load_scenario_text
from lambdasim.traffic.expected import expected_events

HEAD = """name: t
start: 2026-11-02T00:00:00Z
duration: {span}
functions:
  - {{name: f, work: {{io_ms: 5}}, traffic: {traffic}}}
"""
TRACE = "timestamp,count\n" + "".join(f"2026-11-02T{hour:02}:00:00Z,{100 + hour}\n" for hour in range(24))


def scenario(traffic: str, span: str = "6h", folder: Path | None = None) -> ls.ScenarioSpec:
    return load_scenario_text(HEAD.format(span=span, traffic=traffic), base_dir=folder)


@pytest.mark.parametrize(
    "traffic",
    [
        "{constant: {rate_per_s: 2}}",
        "{constant: {rate_per_s: 2}, start: 1h, stop: 2h, scale: 3}",
        "{poisson: {rate_per_s: 1, daily: [1, 5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 9]}}",
        "{poisson: {rate_per_s: 0.5}, spikes: [{at: 1h, duration: 10min, factor: 50}]}",
        "{poisson: {rate_per_s: 0.5}, ramps: [{at: 1h, duration: 2h, factor: 9}]}",
        "{bursty: {rates_per_s: [0.1, 40], mean_sojourns: [30min, 20s]}}",
        "{renewal: {gap_ms: {lognormal: {p50: 300, p95: 4000}}}}",
        "{schedule: rate(1 minute)}",
        "{schedule: rate(1 minute), scale: 4}",
        "{trace: t.csv}",
        "{trace: t.csv, scale: 0.5, start: 2h}",
        "{trace: t.csv, repeat: true}",
    ],
)
@pytest.mark.parametrize("span", ["6h", "2d"])
def test_events_are_estimated_within_a_factor_of_two(traffic: str, span: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TRACE)
    spec = scenario(traffic, span, tmp_path)
    events = ls.simulate(spec, keep_records=False).summary()["events"].sum()
    assert events > 100
    assert events / 2 <= expected_events(spec, "f") <= events * 2


def test_no_traffic_is_no_event() -> None:
    with pytest.warns(ls.NotModelledWarning):
        spec = scenario("{constant: {rate_per_s: 2}, start: 7h}")
    assert expected_events(spec, "f") == 0


def test_events_that_are_tried_again_count() -> None:
    text = HEAD.format(span="1h", traffic="{constant: {rate_per_s: 5}}, trigger: {type: s3}")
    spec = load_scenario_text(text.replace("io_ms: 5", "io_ms: 5, error_probability: 0.8"))
    runs = ls.simulate(spec, keep_records=False).summary()["runs"].sum()
    assert runs / 2 <= expected_cost(spec).attempts <= runs * 2
    assert runs > 30_000


@pytest.mark.parametrize(
    ("functions", "span", "written"), [(1, "1h", False), (40, "20d", False), (20, "10d", True)]
)
def test_memory_is_estimated_within_a_factor_of_two(
    functions: int, span: str, written: bool, tmp_path: Path
) -> None:
    """Of a process of its own, which is told nothing but the scenario."""
    rows = "".join(
        f"  - {{name: f{n}, work: {{io_ms: 5}}, traffic: {{poisson: {{rate_per_s: 0.002}}}}}}\n"
        for n in range(functions)
    )
    text = f"name: t\nstart: 2026-11-02T00:00:00Z\nduration: {span}\nfunctions:\n{rows}"
    code = (
        "import re, lambdasim as ls\n"
        f"run = ls.simulate(ls.load_scenario_text({text!r}), keep_records=False)\nrun.text()\n"
        f"{written} and ls.save(run, {str(tmp_path / 'out')!r})\n"
        # The peak of this program alone: getrusage's begins with that of the process which started it.
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    used = int(done.stdout) * 1024
    assert used / 2 <= expected_cost(load_scenario_text(text), written=written).memory_bytes <= used * 2


def test_ten_thousand_quiet_functions_are_not_refused() -> None:
    """A run of a thousand holds less than 0.6 GB, and writes its files function by function."""
    rows = "".join(
        f"  - {{name: f{n}, work: {{io_ms: 5}}, traffic: {{poisson: {{rate_per_s: 0.0001}}}}}}\n"
        for n in range(100)
    )
    spec = load_scenario_text(f"name: t\nstart: 2026-11-01T00:00:00Z\nduration: 30d\nfunctions:\n{rows}")
    one = spec.model_copy(update={"functions": spec.functions[:1]})
    cost, alone = (expected_cost(which, written=True).memory_bytes for which in (spec, one))
    assert alone + 10_000 / 99 * (cost - alone) < MOST_BYTES


@pytest.mark.parametrize(
    ("traffic", "span"),
    [("{constant: {rate_per_s: 10000000}}", "3650d"), ("{poisson: {rate_per_s: 100000}}", "30d")],
)
def test_what_takes_too_much_is_refused_before_it_runs(traffic: str, span: str) -> None:
    cost = expected_cost(scenario(traffic, span))
    with pytest.raises(InputError, match=r"t: would take about .* events, .* use --yes"):
        refuse_beyond_limits(cost, "t")


def test_records_in_memory_count() -> None:
    spec = scenario("{constant: {rate_per_s: 100}}", "10d")
    assert (
        expected_cost(spec, keep_records=True).memory_bytes
        > 8 * 86_400_000 + expected_cost(spec).memory_bytes
    )


def test_the_command_line_refuses_and_yes_lifts_it(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(HEAD.format(span="3650d", traffic="{constant: {rate_per_s: 10000000}}"))
    done = lambdasim("simulate", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("t: would take about 3,153,600,000,000,000 events")
    valid = lambdasim("validate", path)
    assert "to simulate: about 3,153,600,000,000,000 events" in valid.stdout
    path.write_text(HEAD.format(span="10min", traffic="{constant: {rate_per_s: 1}}"))
    done = lambdasim("simulate", path, "--yes")
    assert "600 events" in done.stdout


LOOP = """name: loop
start: 2026-11-02T00:00:00Z
duration: {span}
functions:
  - {{name: a, init_ms: 0, work: {{io_ms: 10}}, recursive_loop: allow, traffic: {{constant: {{rate_per_s: {rate}}}}},
     calls: [{{function: a, how: asynchronous, count: {count}}}]}}
  - {{name: q, init_ms: 0, work: {{io_ms: 10}}, trigger: {{type: sqs}}, traffic: {{constant: {{rate_per_s: 0.1}}}}}}
"""


def test_calls_of_an_endless_loop_are_estimated() -> None:
    spec = load_scenario_text(LOOP.format(span="2min", rate=0.1, count=1))
    alone = spec.model_copy(update={"functions": spec.functions[:1]})
    events = ls.simulate(alone, keep_records=False).summary()["events"].sum()
    assert events > 50_000
    assert events / 2 <= expected_cost(alone).events <= events * 2


def test_a_loop_that_grows_without_end_is_refused_before_it_runs(tmp_path: Path) -> None:
    (tmp_path / "loop.yaml").write_text(LOOP.format(span="1h", rate=0.001, count=2))
    done = lambdasim("simulate", tmp_path / "loop.yaml")
    assert done.returncode == 2
    assert "functions would call each other more than 20,000,000 times" in done.stderr
    few = expected_cost(load_scenario_text(LOOP.format(span="1h", rate=0.001, count=1)))
    assert few.most_calls == 0


def test_a_state_machine_whose_functions_call_none_has_a_cost(tmp_path: Path) -> None:
    states = {
        "A": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "End": True}
    }
    (tmp_path / "m.json").write_text(json.dumps({"StartAt": "A", "States": states}))
    text = HEAD.format(span="10min", traffic="{constant: {rate_per_s: 0.01}}")
    text += "state_machines: [{name: m, definition: m.json, traffic: {constant: {rate_per_s: 0.5}}}]\n"
    spec = load_scenario_text(text, base_dir=tmp_path)
    events = ls.simulate(spec, keep_records=False).summary()["events"].sum()
    assert events <= expected_cost(spec).events <= events * 3
