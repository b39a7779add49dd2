"""The command line as a person meets it, and the same bytes whatever the surroundings."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from hearing import LAMBDASIM
from program import lambdasim

SCENARIO = """name: two hours
start: 2026-10-31T23:00:00Z
duration: 2h
free_tier: false
functions:
  - name: f
    memory_mb: 512
    work: {cpu_ms: {lognormal: {p50: 20, p95: 60}}, error_probability: 0.05}
    trigger: {type: s3}
    traffic: {poisson: {rate_per_s: 2}}
  - name: g
    reserved_concurrency: 1
    work: {io_ms: {exponential: {mean: 900}}}
    trigger: {type: api_gateway_http}
    traffic: {poisson: {rate_per_s: 1}}
"""


def a_process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lambdasim", *arguments],
        capture_output=True, text=True, check=False, env=os.environ | environment,
    )  # fmt: skip


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "scenario.yaml"
    path.write_text(SCENARIO)
    return path


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """A run in a process of its own, written in full, and its folder."""
    place = tmp_path_factory.mktemp("here")
    (place / "scenario.yaml").write_text(SCENARIO)
    out, settings = place / "out", {"PYTHONHASHSEED": "1", "TZ": "UTC", "COLUMNS": "80"}
    return a_process("simulate", str(place / "scenario.yaml"), "--out", str(out), **settings), out


def test_the_main_job(here: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    done, out = here
    assert done.returncode == 0, done.stderr
    assert (
        max(len(line) for line in done.stdout.splitlines() if "note" not in line and str(out) not in line)
        <= 80
    )
    records = pd.read_parquet(out / "records.parquet")
    summary = json.loads((out / "summary.json").read_text())
    usage = json.loads((out / "usage.json").read_text())["usage"]
    assert {row["month"] for row in usage} == {"2026-10", "2026-11"}
    assert sum(row["requests"] for row in usage) == (records["start_type"] != 0).sum()
    assert sum(row["events"] for row in summary["summary"]) == (records["event_outcome"] != 0).sum()
    again = lambdasim("bill", str(out), "--json")
    assert json.loads(again.stdout)["total"] == summary["bill"]["total"]
    moved = lambdasim("bill", str(out), "--region", "af-south-1", "--json")
    assert float(json.loads(moved.stdout)["total"]) > float(summary["bill"]["total"])
    assert not list(out.glob(".*"))
    page = (out / "report.html").read_text()
    assert "two hours" in page
    assert not re.search(r"(src|href)=.?(https?:)?//", page)


def test_records_are_left_out_when_asked_and_old_ones_go(scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert lambdasim("simulate", str(scenario), "--out", str(out)).returncode == 0
    assert (out / "records.parquet").exists()
    assert lambdasim("simulate", str(scenario), "--out", str(out), "--no-records").returncode == 0
    assert not (out / "records.parquet").exists()
    assert not list(out.glob(".*"))


def test_a_name_cannot_become_markup(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO.replace("two hours", "'<script>alert(1)</script>'"))
    assert lambdasim("simulate", str(path), "--out", str(tmp_path / "o")).returncode == 0
    assert "<script" not in (tmp_path / "o" / "report.html").read_text()


def test_the_same_bytes_whatever_the_surroundings(
    here: tuple[subprocess.CompletedProcess[str], Path], scenario: Path, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    a_process(
        "simulate", str(scenario), "--out", str(there),
        PYTHONHASHSEED="2", TZ="Asia/Kathmandu", LC_ALL="C", COLUMNS="200",
    )  # fmt: skip
    names = sorted(path.name for path in here[1].iterdir())
    assert len(names) == 17
    for name in names:
        assert (here[1] / name).read_bytes() == (there / name).read_bytes(), name


@pytest.mark.parametrize(
    "arguments",
    [
        ("simulate", "missing.yaml"),
        ("bill", "missing"),
        ("prices", "show", "--region", "mars"),
        ("validate", "/"),
    ],
)
def test_bad_input_ends_with_one_message_and_status_2(arguments: tuple[str, ...]) -> None:
    done = lambdasim(*arguments)
    assert done.returncode == 2
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_made_is_one_message(scenario: Path) -> None:
    done = lambdasim("simulate", str(scenario), "--out", str(scenario / "out"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


def test_a_bad_row_of_a_trace_is_named(scenario: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("timestamp,count\n2026-11-01T00:00:00Z,5\n2026-11-01T00:05:00Z,-1\n")
    scenario.write_text(SCENARIO.replace("poisson: {rate_per_s: 2}", "trace: t.csv"))
    done = lambdasim("simulate", str(scenario))
    assert done.returncode == 2
    assert "row 3" in done.stderr
    assert "-1" in done.stderr
    assert "Traceback" not in done.stderr


def test_other_commands(scenario: Path) -> None:
    assert "confirmed" in lambdasim("prices", "show", "--region", "eu-central-1").stdout
    assert json.loads(lambdasim("schema").stdout)["title"] == "ScenarioSpec"
    assert lambdasim("validate", str(scenario)).returncode == 0
    assert lambdasim("--version").stdout.startswith("lambdasim ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing_half_written(scenario: Path, tmp_path: Path, number: signal.Signals) -> None:
    scenario.write_text(SCENARIO.replace("rate_per_s: 2", "rate_per_s: 2000"))
    out = tmp_path / "out"
    process = subprocess.Popen(
        [*LAMBDASIM, "simulate", str(scenario), "--out", str(out)],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not list(out.glob(".*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "Traceback" not in told
    assert not list(out.iterdir())


def test_a_disk_without_room_leaves_nothing_half_written(scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def small_files_only() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    done = subprocess.run(
        [sys.executable, "-m", "lambdasim", "simulate", str(scenario), "--out", str(out)],
        capture_output=True, text=True, check=False, preexec_fn=small_files_only,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(f"{out / 'records.parquet'}: ")
    assert len(done.stderr.splitlines()) == 1
    assert not list(out.iterdir())


def test_a_terminal_without_the_letters_still_gets_json(scenario: Path) -> None:
    scenario.write_text(SCENARIO.replace("two hours", "zwei Stunden, 2 µs und 😀"))
    plain = lambdasim("simulate", str(scenario), "--json")
    ascii_only = a_process("simulate", str(scenario), "--json", PYTHONIOENCODING="ascii")
    assert ascii_only.returncode == 0
    assert ascii_only.stdout.isascii()
    assert json.loads(ascii_only.stdout) == json.loads(plain.stdout)


@pytest.mark.parametrize(("closed", "status"), [(">&-", 0), ("2>&-", 2)])
def test_closed_streams_are_no_fault(scenario: Path, closed: str, status: int) -> None:
    given = scenario if status == 0 else scenario / "missing"
    command = f'"{sys.executable}" -m lambdasim validate "{given}" {closed}'
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert "Traceback" not in done.stderr


def test_a_folder_in_the_place_of_a_file_is_named(scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert lambdasim("simulate", str(scenario), "--out", str(out), "--no-records").returncode == 0
    (out / "bill.csv").unlink()
    (out / "bill.csv").mkdir()
    done = lambdasim("simulate", str(scenario), "--out", str(out), "--no-records")
    assert done.returncode == 2
    assert done.stderr.endswith(f"{out / 'bill.csv'}: cannot be written: is a folder\n")
    assert not list(out.glob(".*"))
