"""What each long command takes is said before it begins, within a factor of two of what it then takes."""

import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pytest
from writers import commands, lambdasim

import lambdasim as ls
from lambdasim.calibration.expected import calibration_cost
from lambdasim.cli import writing
from lambdasim.results.expected import RunCost, expected_cost
from lambdasim.study import expected

SCENARIO = """name: t
start: 2026-11-01T00:00:00Z
duration: {span}
functions:
"""
FUNCTION = """  - {{name: f{n}, memory_mb: 512, trigger: {{type: function_url}}, work: {{cpu_ms: 20, io_ms: 20}},
     traffic: {{poisson: {{rate_per_s: {rate}}}}}}}
"""
# The peak of the program alone: getrusage's begins with that of the process which started it.
PROGRAM = """
import re, resource, sys
import lambdasim.__main__ as program
sys.argv = ["lambdasim", *{words!r}]
sys.stdout = open("/dev/null", "w")
try:
    program._run()
except SystemExit as end:
    assert not end.code, end.code
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
print(sum(one.ru_utime + one.ru_stime for one in used), max(peak, used[1].ru_maxrss) * 1024, file=sys.__stdout__)
"""


def write_scenario(path: Path, rate: float, span: str, functions: int = 1) -> ls.ScenarioSpec:
    rows = "".join(FUNCTION.format(n=n, rate=rate) for n in range(functions))
    path.write_text(SCENARIO.format(span=span) + rows)
    return ls.load_scenario(path)


def write_bursts(path: Path) -> ls.ScenarioSpec:
    """Change the rate every 4 ms: twenty million times in a day."""
    bursts = "bursty: {rates_per_s: [0.01, 1], mean_sojourns: [4ms, 4ms]}"
    text = SCENARIO.format(span="1d") + FUNCTION.format(n=0, rate=1)
    path.write_text(text.replace("poisson: {rate_per_s: 1}", bursts))
    return ls.load_scenario(path)


def write_days(path: Path, count: int, days: int = 420) -> None:
    first = date(2026, 11, 1) - timedelta(days=days)
    rows = (f"{first + timedelta(n)}T00:00:00Z,{count + (n * 7919) % (count // 5)}\n" for n in range(days))
    path.write_text("timestamp,count\n" + "".join(rows))


def write_log(path: Path, runs: int) -> None:
    lines = (
        f"2026-11-{1 + n // 2880:02}T{n % 2880 // 120:02}:{n % 120 // 2:02}:{30 * (n % 2):02} REPORT "
        f"RequestId: 00000000-0000-4000-8000-{n:012}\tDuration: {20 + n * 7919 % 40}.00 ms\t"
        f"Billed Duration: {20 + n * 7919 % 40} ms\tMemory Size: 512 MB\tMax Memory Used: 70 MB"
        + ("\tInit Duration: 150.00 ms\n" if n % 50 == 0 else "\n")
        for n in range(runs)
    )
    path.write_text("".join(lines))


def taken(command: str) -> tuple[float, float]:
    """Run a command in a program of its own; give its processor time [s] and its peak of memory [bytes]."""
    words = command.split()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(words=words)], capture_output=True, text=True, check=True
    )
    seconds, peak = done.stdout.split()
    return float(seconds), float(peak)


@cache
def slower(folder: Path) -> float:
    """Give by how much this machine is slower than the one the constants are of, from one run."""
    spec = write_scenario(folder / "known.yaml", 23.2, "1d")
    taken(f"simulate {folder / 'known.yaml'}")  # compiled
    return taken(f"simulate {folder / 'known.yaml'}")[0] / expected_cost(spec).seconds


def forecast(folder: Path, functions: int, count: int) -> RunCost:
    spec = write_scenario(folder / "s.yaml", 0.001, "30d", functions)
    write_days(folder / "h.csv", count)
    past = ls.read_counts_csv(folder / "h.csv", utc=True)
    history = {f"f{n}": past for n in range(functions)}
    return expected.forecast_cost(spec, "2026-12", history, paths=100)


def backtest(folder: Path, paths: int) -> RunCost:
    write_days(folder / "h.csv", 300, 759)
    return expected.backtest_cost(ls.read_counts_csv(folder / "h.csv", utc=True), days=30, paths=paths)


def calibration(folder: Path, runs: int) -> RunCost:
    write_log(folder / "log.txt", runs)
    return calibration_cost([folder / "log.txt"])


def month(folder: Path) -> ls.ScenarioSpec:
    return write_scenario(folder / "s.yaml", 0.0019, "30d", 20)


CASES: dict[str, tuple[str, Callable[[Path], RunCost]]] = {
    "a run": ("simulate {0}/s.yaml", lambda at: expected_cost(write_scenario(at / "s.yaml", 58, "1d"))),
    "ten years with pictures": (
        "simulate {0}/s.yaml -o {0}/out",
        lambda at: expected_cost(write_scenario(at / "s.yaml", 0.0005, "3650d"), written=True),
    ),
    "two hundred functions": (
        "simulate {0}/s.yaml", lambda at: expected_cost(write_scenario(at / "s.yaml", 0.02, "30d", 200)),
    ),
    "very short states": (
        "simulate {0}/s.yaml", lambda at: expected_cost(write_bursts(at / "s.yaml")),
    ),
    "replications": (
        "simulate {0}/s.yaml --replications 4", lambda at: expected_cost(month(at), runs=4),
    ),
    "a sweep": (
        "sweep-memory {0}/s.yaml --sizes 128,512,1024 --replications 3",
        lambda at: expected.sweep_cost(write_scenario(at / "s.yaml", 11.6, "1d"), 3, replications=3),
    ),
    "a comparison": (
        "compare {0}/s.yaml {0}/s.yaml --replications 3",
        lambda at: expected.comparison_cost([month(at)] * 2, replications=3),
    ),
    "limits by events": (
        "limits {0}/s.yaml --replications 2 --multiples 1,2",
        lambda at: expected.limits_cost(write_scenario(at / "s.yaml", 11.6, "1d"), replications=2, multiples=[1, 2]),
    ),
    "limits by minutes": (
        "limits {0}/s.yaml --replications 2", lambda at: expected.limits_cost(
            month(at), replications=2, multiples=[1, 2, 5, 10]
        ),
    ),
    "break-even": (
        "break-even {0}/s.yaml --replications 2 --multiple 1 --multiple 3",
        lambda at: expected.break_even_cost(write_scenario(at / "s.yaml", 11.6, "1d"), replications=2, multiples=[1, 3]),
    ),
    "break-even that looks": (
        "break-even {0}/s.yaml --replications 2",
        lambda at: expected.break_even_cost(write_scenario(at / "s.yaml", 40, "1d"), replications=2, multiples=None),
    ),
    "platforms": (
        "platforms {0}/s.yaml --replications 2",
        lambda at: expected.platforms_cost(write_scenario(at / "s.yaml", 6, "1d"), replications=2),
    ),
    "safety": ("safety {0}/s.yaml", lambda at: expected_cost(write_scenario(at / "s.yaml", 58, "1d"))),
    "a trap": (
        "trap {0}/s.yaml {0}/s.yaml",
        lambda at: expected.trap_cost(*[write_scenario(at / "s.yaml", 58, "1d")] * 2),
    ),
    "a report": (
        "report {0}/s.yaml --no-pdf -o {0}/report",
        lambda at: expected.report_cost(write_scenario(at / "s.yaml", 1, "1d")),
    ),
    "a report of many events": (
        "report {0}/s.yaml --no-pdf -o {0}/report",
        lambda at: expected.report_cost(write_scenario(at / "s.yaml", 30, "1d")),
    ),
    "a forecast by minutes": (
        "forecast {0}/s.yaml --history {0}/h.csv --month 2026-12 --paths 100", lambda at: forecast(at, 1, 300),
    ),
    "a forecast by events": (
        "forecast {0}/s.yaml --history {0}/h.csv --month 2026-12 --paths 100", lambda at: forecast(at, 1, 100_000),
    ),
    "a back-test": ("backtest {0}/h.csv", lambda at: backtest(at, 1000)),
    "a back-test of many paths": ("backtest {0}/h.csv --paths 60000", lambda at: backtest(at, 60_000)),
    "a calibration": ("calibrate {0}/log.txt", lambda at: calibration(at, 2_000)),
    "a calibration of many runs": ("calibrate {0}/log.txt", lambda at: calibration(at, 60_000)),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_time_and_memory_within_a_factor_of_two(
    name: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Time is the processor's, beside that of one run on the same machine; what is compiled once does not count."""
    command, cost_of = CASES[name]
    cost = cost_of(tmp_path)
    beside = slower(tmp_path_factory.getbasetemp())
    seconds, peak = taken(command.format(tmp_path))
    if seconds > 2 * cost.seconds * beside:
        seconds, peak = taken(command.format(tmp_path))
    assert 0.5 <= cost.memory_bytes / peak <= 2, (cost, peak)
    assert 0.5 <= cost.seconds * beside / seconds <= 2, (cost, seconds, beside)


BEYOND = {
    "simulate": "simulate {0}/s.yaml",
    "sweep-memory": "sweep-memory {0}/s.yaml",
    "compare": "compare {0}/s.yaml {0}/s.yaml",
    "limits": "limits {0}/s.yaml",
    "break-even": "break-even {0}/s.yaml",
    "platforms": "platforms {0}/s.yaml",
    "safety": "safety {0}/s.yaml",
    "trap": "trap {0}/s.yaml {0}/s.yaml",
    "forecast": "forecast {0}/s.yaml --history {0}/h.csv --month 2026-11",
    "backtest": "backtest {0}/h.csv --paths 1000000000",
    "calibrate": "calibrate {0}/log.txt",
    "report": "report {0}/s.yaml -o {0}/report",
}
SHORTENED = {"estimate"}
"""Simulates the shorter the busier a function is, so it is refused for its functions alone: see tests/templates."""


def test_every_command_that_can_be_long_has_a_case() -> None:
    """A command with --yes says what it takes; a command that runs an engine has --yes."""
    named = {name for name, parameters in commands().items() if "yes" in parameters}
    assert named == set(BEYOND) | SHORTENED
    assert {name for name, parameters in commands().items() if "engine" in parameters} <= named


@pytest.mark.parametrize("name", BEYOND)
def test_what_takes_too_much_is_refused_before_it_begins(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With how much it would be, and what would make it less; nothing is written."""
    write_scenario(tmp_path / "s.yaml", 10_000_000, "300d")
    write_days(tmp_path / "h.csv", 8 * 10**11)
    write_log(tmp_path / "log.txt", 300)
    monkeypatch.chdir(tmp_path)
    if name == "calibrate":
        with (tmp_path / "log.txt").open("r+b") as log:
            log.truncate(40 << 30)  # a hole, which costs no room
    before = sorted(tmp_path.iterdir())
    ended = lambdasim(BEYOND[name].format(tmp_path))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert " would take about " in ended.stderr
    assert ended.stderr.endswith("or use --yes\n")
    assert sorted(tmp_path.iterdir()) == before


def test_what_is_long_is_said_and_yes_lifts_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_days(tmp_path / "h.csv", 300, 100)
    quiet = lambdasim(f"backtest {tmp_path}/h.csv --paths 20")
    assert (quiet.returncode, quiet.stderr) == (0, "")
    monkeypatch.setattr(writing, "_WORTH_SAYING_S", 0.1)
    told = lambdasim(f"backtest {tmp_path}/h.csv --paths 20")
    assert (told.returncode, told.stdout) == (0, quiet.stdout)
    assert told.stderr.startswith("this takes about 0.1 GB of memory and 1 s")
    monkeypatch.setattr("lambdasim.results.expected.MOST_S", 0.1)
    assert lambdasim(f"backtest {tmp_path}/h.csv --paths 20").returncode == 2
    assert lambdasim(f"backtest {tmp_path}/h.csv --paths 20 --yes").returncode == 0
