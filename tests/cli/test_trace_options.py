"""What may be said of a trace has one name in scenarios and on every command that takes a trace."""

from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from lambdasim.cli import app
from lambdasim.cli.traces import _HELP
from lambdasim.errors import InputError
from lambdasim.specs.traffic import TrafficSpec

COMMANDS = (
    "simulate",
    "validate",
    "sweep-memory",
    "compare",
    "limits",
    "break-even",
    "platforms",
    "safety",
    "forecast",
    "backtest",
    "calibrate",
)
SCENARIO = """name: s
start: 2026-11-02T00:00:00Z
duration: 2d
functions:
  - {name: f, work: {cpu_ms: 20}, traffic: {trace: t.csv}}
"""


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_takes_a_trace_has_every_option(command: str) -> None:
    found = typer.main.get_command(app).commands[command]  # type: ignore[attr-defined]
    options = {name for parameter in found.params for name in parameter.opts}
    assert {f"--{key.replace('_', '-')}" for key in _HELP} <= options


def test_options_are_keys_of_a_scenarios_traffic() -> None:
    assert set(_HELP) <= set(TrafficSpec.keys())


def test_what_the_command_line_says_is_what_the_scenario_could_say(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("Date,orders\n2026-11-02,700\n2026-11-03,80\n")
    (tmp_path / "s.yaml").write_text(SCENARIO)
    with pytest.raises(InputError, match=r"count_column \(--count-column\)"):
        run("simulate", str(tmp_path / "s.yaml"), "--utc")
    said = run("simulate", str(tmp_path / "s.yaml"), "--utc", "--count-column", "orders")
    assert "s: 780 events" in said
    (tmp_path / "s.yaml").write_text(
        SCENARIO.replace("trace: t.csv", "trace: t.csv, utc: true, count_column: orders")
    )
    assert run("simulate", str(tmp_path / "s.yaml")) == said


def test_an_option_about_no_trace_or_with_no_such_value_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO.replace("trace: t.csv", "constant: {rate_per_s: 1}"))
    with pytest.raises(InputError, match=r"--count-column: is about traces, and s\.yaml names none"):
        run("validate", str(tmp_path / "s.yaml"), "--count-column", "orders")
    (tmp_path / "s.yaml").write_text(SCENARIO)
    (tmp_path / "t.csv").write_text("Date,count\n2026-11-02,700\n")
    with pytest.raises(InputError, match="--interval: must be"):
        run("validate", str(tmp_path / "s.yaml"), "--interval", "5 parsecs")


def test_backtest_takes_a_history_with_a_column_of_its_own(tmp_path: Path) -> None:
    days = [f"2026-{month:02d}-{day:02d},{1000 + 10 * day}" for month in range(1, 7) for day in range(1, 29)]
    (tmp_path / "h.csv").write_text("\n".join(["Date,orders", *days]) + "\n")
    with pytest.raises(InputError, match="'orders' would not be used"):
        run("backtest", str(tmp_path / "h.csv"), "--utc")
    assert "h" in run("backtest", str(tmp_path / "h.csv"), "--utc", "--count-column", "orders")


def test_calibrate_takes_a_log_in_another_dialect(tmp_path: Path) -> None:
    rows = [
        f"02.11.2026 10:{n // 60:02d}:{n % 60:02d};{20 + n % 7},5;{21 + n % 7};512;30" for n in range(200)
    ]
    text = "\n".join(["time;duration_ms;billed_ms;memory_mb;max_memory_mb", *rows]) + "\n"
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(InputError, match="separator: semicolon"):
        run("calibrate", str(tmp_path / "log.csv"))
    said = ["--separator", "semicolon", "--decimal", "comma", "--dates", "german", "--utc"]
    german = run("calibrate", str(tmp_path / "log.csv"), *said)
    plain = [row.replace("02.11.2026 ", "2026-11-02T").replace(",", ".").replace(";", ",") for row in rows]
    plain = [row.replace(",", "Z,", 1) for row in plain]
    (tmp_path / "log.csv").write_text(
        "\n".join(["time,duration_ms,billed_ms,memory_mb,max_memory_mb", *plain]) + "\n"
    )
    assert run("calibrate", str(tmp_path / "log.csv")) == german
