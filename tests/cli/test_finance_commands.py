"""Commands for finance, from a folder that a simulation wrote."""

import json
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from program import lambdasim

import lambdasim as ls


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


@pytest.mark.usefixtures("rendered")
def test_a_real_bill_as_a_page(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "page"
    done = lambdasim("bill", "compare", "data/finance/cur2_layout.csv", folder, "--out", out)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in out.iterdir()) == [
        "lambdasim-manifest.json",
        "lines.csv",
        "other_services.csv",
        "report.html",
        "result.json",
        "waterfall.png",
    ]
    found = json.loads((out / "result.json").read_text())
    lines = [Decimal(line["difference"]) for line in found["lines"]]
    assert sum(lines) == Decimal(found["difference"])


def test_usage_of_two_months_names_the_option_that_chooses_one(tmp_path: Path) -> None:
    two = tmp_path / "two.yaml"
    two.write_text(
        "{name: two, start: 2026-11-30T23:30:00Z, duration: 1h,\n"
        " functions: [{name: f, work: {io_ms: 5}, traffic: {constant: {rate_per_s: 1}}}]}\n"
    )
    assert lambdasim("simulate", two, "--out", tmp_path / "run").returncode == 0
    usage = tmp_path / "usage.yml"
    done = lambdasim("bill", tmp_path / "run", "--infracost", usage)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "--infracost-month" in done.stderr
    assert "2026-11, 2026-12" in done.stderr
    done = lambdasim("bill", tmp_path / "run", "--infracost", usage, "--infracost-month", "2026-12")
    assert done.returncode == 0, done.stderr
    assert "usage of 2026-12" in usage.read_text()


def test_a_price_list_beside_the_sheet_in_use(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "sheets.json"
    source = "data/finance/price_list_layout.json"
    done = lambdasim("prices", "refresh", "--from", source, "--sheets", out, "--effect-on", folder)
    assert done.returncode == 0, done.stderr
    assert "no rate changes" in done.stdout
    assert out.exists()
    told = json.loads(
        lambdasim("prices", "refresh", "--from", source, "--effect-on", folder, "--json").stdout
    )
    assert told["changes"] == []
    assert told["effect"]["before"] == told["effect"]["after"]


@pytest.mark.parametrize("source", ["missing.json", "README.md"])
def test_what_is_no_price_list_is_one_sentence(source: str) -> None:
    done = lambdasim("prices", "refresh", "--from", source)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_a_bill_in_another_currency(folder: Path, tmp_path: Path) -> None:
    focus, rate = tmp_path / "bill.csv", ["--per-usd", "0.5", "--rate-date", "2026-11-30"]
    usd = json.loads(lambdasim("bill", folder, "--no-free-tier", "--json").stdout)
    done = lambdasim("bill", folder, "--no-free-tier", "--currency", "EUR", *rate, "--focus", focus, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["currency"] == "EUR"
    assert Decimal(told["total"]) == Decimal(usd["total"]) / 2
    assert "converted: 1 USD = 0.5 EUR on 2026-11-30" in told["notes"]
    rows = pd.read_csv(focus, dtype=str)
    assert set(rows["BillingCurrency"]) == {"EUR"}
    assert sum(map(Decimal, rows["BilledCost"])) == Decimal(told["total"])
    for wrong, message in (
        (["--currency", "EUR"], "--per-usd: must come with --currency"),
        (rate, "--currency: must come with --per-usd and --rate-date"),
        (
            ["--currency", "EUR", "--per-usd", "much", "--rate-date", "2026-11-30"],
            "must be a number such as 0.92",
        ),
        (["--currency", "EUR", "--per-usd", "1", "--rate-date", "today"], "--rate-date: must be YYYY-MM-DD"),
    ):
        refused = lambdasim("bill", folder, *wrong)
        assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
        assert message in refused.stderr
