"""What a reader must know of the input stands in every view: terminal, page and JSON, of every command."""

import json
import re
from pathlib import Path
from typing import Final

import pytest

from tests.program import lambdasim

SCENARIO: Final = """name: shop
start: 2026-11-02T00:00:00Z
duration: 1d
functions:
- name: idle
  traffic: {constant: {rate_per_s: 0.02}}
- name: app
  work: {io_ms: 100}
  traffic: {trace: t.csv, utc: true}
"""
WORK: Final = "idle has neither cpu_ms nor io_ms, so its runs take 0 ms."
TWICE: Final = "Traffic of app: 24 rows begin before the intervals above them end; their counts add up."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("noticed")
    (found / "s.yaml").write_text(SCENARIO)
    rows = [f"2026-11-02 {hour:02}:00,{50 + hour}" for hour in range(24) for _ in range(2)]
    (found / "t.csv").write_text("\n".join(["time,requests", *rows]))
    return found


COMMANDS: Final = {
    "simulate": ("s.yaml",),
    "sweep-memory": ("s.yaml", "--function", "app", "--sizes", "128", "--replications", "2"),
    "compare": ("s.yaml", "s.yaml", "--replications", "2"),
    "limits": ("s.yaml", "--replications", "2", "--multiples", "1"),
    "break-even": ("s.yaml", "--replications", "2", "--multiple", "1"),
    "platforms": ("s.yaml", "--replications", "1", "--only", "cloud_run"),
    "safety": ("s.yaml",),
}


LONG: Final = ("limits", "break-even", "platforms")


@pytest.mark.parametrize(
    "command", [pytest.param(name, marks=[pytest.mark.slow] if name in LONG else []) for name in COMMANDS]
)
def test_what_was_noticed_of_the_input_stands_in_json(folder: Path, command: str) -> None:
    told = lambdasim(command, *COMMANDS[command], "--json", cwd=folder)
    assert told.returncode == 0, told.stderr
    assert {WORK, TWICE} <= set(json.loads(told.stdout)["warnings"])


@pytest.mark.parametrize("command", ["simulate", "safety"])
def test_what_was_noticed_of_the_input_stands_in_terminal_and_page(folder: Path, command: str) -> None:
    told = lambdasim(command, *COMMANDS[command], "--out", f"out-{command}", cwd=folder)
    page = re.sub("<[^>]*>", "", (folder / f"out-{command}/report.html").read_text())
    for one in (WORK, TWICE):
        assert f"WARNING: {one}" in " ".join(told.stdout.split())
        assert one in page


def test_markdown_of_a_comparison_has_it_below_its_heading(folder: Path) -> None:
    told = lambdasim("compare", "s.yaml", "s.yaml", "--replications", "2", "--markdown", cwd=folder)
    lines = told.stdout.splitlines()
    assert lines[0].startswith("### ")
    assert "idle has neither" in lines[2].replace("\\", "")


def test_a_sweep_of_one_size_has_a_page_and_json(folder: Path) -> None:
    told = lambdasim(
        "sweep-memory",
        "s.yaml",
        "--function",
        "app",
        "--sizes",
        "128",
        "--replications",
        "2",
        "--json",
        cwd=folder,
    )
    assert json.loads(told.stdout)["differences"] == []


def test_which_days_stand_for_the_month_is_told_at_the_top_of_every_view(tmp_path: Path) -> None:
    """Of a trace of five weeks the latest ones stand for a later fortnight, not the oldest."""
    (tmp_path / "s.yaml").write_text(SCENARIO.replace("1d", "14d").replace("2026-11-02", "2026-12-07"))
    rows = [f"2026-{10 + day // 31}-{day % 31 + 1:02} 00:00,{50 + day}" for day in range(35)]
    (tmp_path / "t.csv").write_text("\n".join(["time,requests", *rows]))
    told = "2026-10-19 to 2026-11-01 of the trace stands for 2026-12-07 to 2026-12-20"
    done = lambdasim("simulate", "s.yaml", "--out", "out", cwd=tmp_path)
    assert told in " ".join(done.stdout.split())
    page = re.sub("<[^>]*>", "", (tmp_path / "out/report.html").read_text())
    assert told in page[: page.index("Bill for")]
    assert told in lambdasim("simulate", "s.yaml", "--json", cwd=tmp_path).stdout
