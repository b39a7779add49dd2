"""The benchmarks' tables have their form, and their scenarios their bytes; nothing here is timed."""

import gzip
import json
import re

import pytest

import lambdasim as ls
from benchmarks import table
from benchmarks.cases import CASES, Case
from benchmarks.measure import Job, beside, rates
from benchmarks.scenarios import make_month

NUMBER = r"[\d,]+(\.\d+)?( M/s|/s| s| MiB)"
ROW = re.compile(rf"\| [^|]+ \| {NUMBER} \| {NUMBER} – {NUMBER} \| ([\d,.]+ × [^|]+)? ?\|")


def test_the_readmes_table_has_its_form() -> None:
    section = table.SECTION.search(table.README.read_text(encoding="utf-8"))
    assert section
    rows = [line for line in section.group().splitlines() if line.startswith("|")]
    assert rows[:2] == ["| | median | lowest to highest | times |", "|---|--:|--:|---|"]
    assert [row for row in rows[2:] if not ROW.fullmatch(row)] == []
    measured = json.loads(table.MEASURED.read_text(encoding="utf-8"))["groups"]
    wanted = [shown for group, _, shown in table.SHOWN if group in measured]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows[2:]] == wanted


def test_tables_are_what_was_measured() -> None:
    content = json.loads(table.MEASURED.read_text(encoding="utf-8"))
    assert table.readme_section(content) in table.README.read_text(encoding="utf-8")
    assert table.page(content) == table.PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("value", [999.6, 1000.0, 0.09996, 9.999e5, 1e6])
def test_numbers_have_three_digits(value: float) -> None:
    shown = table.amount(value, "s").split()[0].replace(",", "")
    assert float(shown) == pytest.approx(value, rel=0.005)
    assert len(shown.strip("0.").replace(".", "")) <= 3


def test_the_months_counts_are_what_the_script_makes() -> None:
    made = make_month.csv_bytes()
    assert gzip.decompress(make_month.TARGET.read_bytes()) == made
    counts = [int(line.split(b",")[1]) for line in made.splitlines()[1:]]
    assert (len(counts), sum(counts)) == (make_month.MINUTES, 10**9)


@pytest.mark.parametrize("name", ["month.yaml", "day.yaml"])
def test_scenarios_can_be_read(name: str) -> None:
    assert ls.load_scenario(make_month.SCENARIO.with_name(name)).functions


def test_cases_differ_and_keep_their_load() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    few: list[Case] = [case for case in CASES if case.functions <= 20 and case.busy < 20_000]
    for case in few:
        chunks = list(case.plan(1000).arrivals())
        assert sum(len(chunk.time_us) for chunk in chunks) == 1000
        assert 0.8 < chunks[-1].time_us[-1] * case.busy / 1000 / 100_000 < 1.2


def test_jobs_take_turns() -> None:
    order = []

    def job(name: str) -> Job:
        return Job(name, lambda: order.append(name) or sum(range(100_000)))  # type: ignore[func-returns-value]

    first, second = rates("g", "n/s", [job("a"), job("b")], rounds=3)
    assert order == ["a", "b"] * 3
    assert (first.rounds, first.low <= first.median <= first.high) == (3, True)
    assert beside(second, a=first).ratios == {"a": second.median / first.median}
