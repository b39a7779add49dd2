"""Pages of studies: everything inside, text escaped, tables whole in their files."""

import json
from pathlib import Path

import pandas as pd
import pytest
from program import lambdasim

import lambdasim as ls
from lambdasim.report.page import StudyPage
from lambdasim.report.pages.studies import comparison_page, limits_page, sweep_page
from lambdasim.specs import load_scenario_text
from lambdasim.study.limits.advise import advise_limits

pytestmark = pytest.mark.rendered

TEXT = """name: "<b>t</b>"
start: 2026-11-01T00:00:00Z
duration: 20min
free_tier: false
account: {concurrency: 4}
functions:
  - {name: f, memory_mb: 512, init_ms: 200, timeout: 30s, trigger: {type: alb},
     work: {cpu_ms: {lognormal: {p50: 60, p95: 300}}, max_memory_mb: 300}, traffic: {poisson: {rate_per_s: RATE}}}
"""


@pytest.fixture(scope="module", params=["2", "0"])
def pages(request: pytest.FixtureRequest) -> list[StudyPage]:
    spec = load_scenario_text(TEXT.replace("RATE", request.param))
    other = load_scenario_text(
        TEXT.replace("RATE", request.param).replace("512", "1024").replace("<b>", "<i>")
    )
    return [
        sweep_page(ls.sweep_memory(spec, sizes=(256, 512, 1024), replications=2)),
        comparison_page(ls.compare([spec, other], replications=2)),
        limits_page(advise_limits(spec, replications=2, multiples=[1, 2])),
    ]


def test_a_page_holds_everything_and_no_markup_from_outside(pages: list[StudyPage]) -> None:
    for page in pages:
        text = page.to_html()
        assert "<b>" not in text
        assert "<i>" not in text
        assert "http" not in text.replace("http-equiv", "")
        assert "<script" not in text
        assert text.count("<figure>") == len(page.pictures)


def test_json_and_files_have_the_tables_whole(pages: list[StudyPage], tmp_path: Path) -> None:
    for number, page in enumerate(pages):
        told = json.loads(page.to_json(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
        folder = tmp_path / str(number)
        page.write(folder)
        assert json.loads((folder / "result.json").read_text()) == told
        for heading, table in page.tables.items():
            assert len(told[heading]) == len(table)
            if len(table):
                kept = pd.read_csv(folder / f"{heading}.csv")
                assert list(kept.columns) == list(table.columns)
                numbers = table.select_dtypes("number").columns
                pd.testing.assert_frame_equal(
                    kept[numbers], table[numbers].reset_index(drop=True), check_dtype=False
                )
        assert {path.stem for path in folder.glob("*.png")} == set(page.pictures)
        assert not list(folder.glob(".*"))


def test_the_recommended_size_is_told_to_scripts() -> None:
    page = sweep_page(
        ls.sweep_memory(load_scenario_text(TEXT.replace("RATE", "2")), sizes=(256, 512), replications=2)
    )
    told = json.loads(page.to_json())
    assert told["recommendation"] == {"memory_mb": 512, "architecture": "x86_64"}
    assert [row["fails"] for row in told["sizes"]] == [True, False]
    assert "fails" in page.to_html()


def test_a_card_that_the_free_tier_makes_nothing_says_what_it_would_be_without() -> None:
    """A month of 0.2/s is free, and what it lists for stands beside it; without a free tier nothing does."""
    for free_tier in (True, False):
        scenario = ls.revised(load_scenario_text(TEXT.replace("RATE", "0.2")), {"free_tier": free_tier})
        (card,) = [
            fact
            for fact in sweep_page(ls.sweep_memory(scenario, sizes=(256, 512), replications=2)).headline
            if fact.name.startswith("Cost")
        ]
        assert (card.value == "$0.00") == free_tier
        assert ("without the free tier" in card.note) == free_tier


def test_a_cell_cannot_become_a_formula(tmp_path: Path) -> None:
    StudyPage("t", "a", {"rows": pd.DataFrame({"name": ["=1+1", "-f", "f"], "n": [-1, 2, 3]})}).write(
        tmp_path
    )
    assert (tmp_path / "rows.csv").read_text() == "name,n\n'=1+1,-1\n'-f,2\nf,3\n"


@pytest.mark.parametrize("command", ["sweep-memory", "limits", "compare"])
def test_commands_print_json_and_write_a_folder(command: str, tmp_path: Path) -> None:
    scenario = tmp_path / "s.yaml"
    scenario.write_text(TEXT.replace("RATE", "2"))
    second = tmp_path / "second.yaml"
    second.write_text(TEXT.replace("RATE", "3").replace("<b>", "<i>"))
    files = [str(scenario), *([str(second)] if command == "compare" else [])]
    done = lambdasim(command, *files, "--replications", "2", "--json", "--out", tmp_path / "out")
    assert json.loads(done.stdout) == json.loads((tmp_path / "out" / "result.json").read_text())
    assert (tmp_path / "out" / "report.html").read_text().startswith("<!doctype html>")
