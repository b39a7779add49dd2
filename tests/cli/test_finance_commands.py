"""Commands for finance, from a folder that a simulation wrote."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import lambdasim as ls


def lambdasim(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lambdasim", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("out")
    ls.save(ls.simulate(arrivals_s=range(5000), durations_ms=300, memory_mb=1024), place)
    return place


def test_a_bill_as_focus_workbook_and_usage(folder: Path, tmp_path: Path) -> None:
    focus, xlsx, usage = tmp_path / "bill.csv", tmp_path / "bill.xlsx", tmp_path / "usage.yml"
    done = lambdasim("bill", folder, "--no-free-tier", "--focus", focus, "--xlsx", xlsx, "--infracost", usage)
    assert done.returncode == 0, done.stderr
    billed = pd.read_csv(focus, dtype=str)["BilledCost"].astype(float).sum()
    assert f"${billed:.2f}" in done.stdout
    assert xlsx.read_bytes()[:2] == b"PK"
    assert "monthly_requests: 5000" in usage.read_text()


def test_a_real_bill_beside_ours(folder: Path) -> None:
    done = lambdasim("bill", "compare", "data/finance/cur2_layout.csv", folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("actual $2.51")
    assert max(map(len, done.stdout.splitlines()[:8])) <= 82


def test_a_price_list_beside_the_sheet_in_use(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "sheets.json"
    source = "data/finance/price_list_layout.json"
    done = lambdasim("prices", "refresh", "--from", source, "--out", out, "--effect-on", folder)
    assert done.returncode == 0, done.stderr
    assert "no rate changes" in done.stdout
    assert out.exists()


@pytest.mark.parametrize("source", ["missing.json", "README.md"])
def test_what_is_no_price_list_is_one_sentence(source: str) -> None:
    done = lambdasim("prices", "refresh", "--from", source)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
