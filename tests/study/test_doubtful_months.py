"""Money of a month, where a run is no sample of one or has a free tier: the first sentence says so, in every view."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

import pytest

import lambdasim as ls
from lambdasim.errors import InputError
from lambdasim.report.page import StudyPage
from lambdasim.report.pages.money import break_even_page
from lambdasim.report.pages.platforms import platforms_page
from lambdasim.report.pages.safety import safety_page
from lambdasim.report.pages.studies import comparison_page, sweep_page
from lambdasim.study.memory.objective import Fastest
from lambdasim.views import Result

MONTHLY: Final = re.compile(r"(?:USD|[0-9]) a month|per_month|/month|requests a month")
LISTED: Final = 2e-7 + 0.1 / 8 * 0.0000166667
"""USD of one run of 100 ms at 128 MB, without free tier."""

TWO_HOURS = """name: sale
start: 2026-11-27T10:00:00Z
duration: 2h
functions:
- name: shop
  traffic: {constant: {rate_per_s: 1}, spikes: [{at: 30min, duration: 30min, factor: 4}]}
  work: {io_ms: 100}
"""
ONE_HOUR = TWO_HOURS.replace("2h", "1h").replace(", spikes: [{at: 30min, duration: 30min, factor: 4}]", "")
SAID = (
    "WARNING: a month here is 365 runs like this one of 2h, which is no sample of a month: shop has spikes."
)
RUN = "Figures are for this run of 2h, which is no sample of a month: shop has spikes."
STUDIES: dict[str, Callable[[ls.ScenarioSpec, str | None], Result]] = {
    "sweep-memory": lambda spec, per: ls.sweep_memory(spec, sizes=[128, 256], replications=2, per=per),
    "break-even": lambda spec, per: ls.break_even(spec, multiples=[1], replications=2, per=per),
    "platforms": lambda spec, per: ls.platforms(spec, replications=1, per=per),
    "safety": lambda spec, per: ls.safety_costs(ls.simulate(spec, keep_records=False), per),
    "compare": lambda spec, per: ls.compare(
        [ls.revised(spec, {"name": "as is"}), spec], replications=2, per=per
    ),
}
PAGES: dict[str, Callable[[Any], StudyPage]] = {
    "sweep-memory": sweep_page,
    "break-even": break_even_page,
    "platforms": platforms_page,
    "safety": safety_page,
    "compare": comparison_page,
}


def views_of(found: Result, study: str) -> list[str]:
    """The terminal, the JSON that `--json` prints without notes, and what a page shows."""
    page = PAGES[study](found)
    shown = [*page.answer, *(f"{fact}" for fact in page.headline), *map(str, page.tables)]
    return [
        " ".join(found.text().split()),
        json.dumps(json.loads(found.to_json())["answer"]),
        " ".join(" ".join(shown).split()),
        " ".join(column for table in page.shown.values() for column in table.columns),
    ]


@pytest.mark.parametrize("study", STUDIES)
def test_a_run_that_is_no_sample_of_a_month_is_shown_for_itself(study: str) -> None:
    """Two hours with a spike have no money of a month in any view, unless it is asked for."""
    found = STUDIES[study](ls.load_scenario_text(TWO_HOURS), None)
    text, answer, page, columns = views_of(found, study)
    for view in (text, answer, page):
        assert RUN in view
        assert view.index(RUN) < view.index("$" if "$" in view else "USD")
    for view in (text, answer, page, columns):
        assert not MONTHLY.search(view), MONTHLY.search(view)


@pytest.mark.parametrize("study", STUDIES)
def test_a_month_that_a_run_is_no_sample_of_is_said_first(study: str) -> None:
    found = STUDIES[study](ls.load_scenario_text(TWO_HOURS), "month")
    text, answer, page, _ = views_of(found, study)
    for view in (text, answer, page):
        assert SAID in view
        assert "a month" not in view[: view.index(SAID)]
        assert view.index(SAID) < view.index("$" if "$" in view else "USD")


@pytest.mark.parametrize("study", STUDIES)
def test_a_month_that_a_run_is_a_sample_of_needs_no_warning(study: str) -> None:
    found = STUDIES[study](ls.load_scenario_text(ONE_HOUR), None)
    assert "WARNING" not in found.text()
    assert "Figures are for" not in found.text()


def test_servers_are_paid_for_as_long_as_the_run_that_is_shown() -> None:
    """Two m7i.large at least: two hours of each; a month of a two-hour run is 365 of them."""
    spec = ls.load_scenario_text(TWO_HOURS)
    usd = [
        ls.break_even(spec, multiples=[1], replications=2, per=per)
        .table.set_index("option")["usd"]["EC2"]
        .max()
        for per in ("run", "month")
    ]
    assert usd[1] == pytest.approx(usd[0] * 365)


def test_a_budget_of_a_sweep_says_what_it_is_of() -> None:
    spec, aim = ls.load_scenario_text(TWO_HOURS), Fastest(10.0)
    with pytest.raises(InputError, match=r"budget: must come with per.*no sample of a month"):
        ls.sweep_memory(spec, sizes=[128], replications=2, objective=aim)
    found = ls.sweep_memory(spec, sizes=[128], replications=2, objective=aim, per="month")
    assert (found.period, found.money) == ("month", "usd_per_month")


def test_a_comparison_shows_the_bill_with_the_free_tier_and_without() -> None:
    """3,600 calls become 7,200: both are free, and twice the money without the free tier."""
    spec = ls.load_scenario_text(ONE_HOUR)
    more = ls.load_scenario_text(ONE_HOUR.replace("rate_per_s: 1", "rate_per_s: 2"))
    found = ls.compare({"now": spec, "more": more}, replications=2, per="run", fail_above=0.05)
    assert "$0.00 ($0.00 to $0.00) a run, +$0.00147 without the free tier" in found.headline()
    assert "bill $0.00 (+99.9" in found.text() or "bill $0.00 (+100.0" in found.text()
    listed = found.differences.set_index("scope").loc["without free tier"]
    assert (listed["base"], listed["value"]) == pytest.approx((3600 * LISTED, 7200 * LISTED), rel=0.001)


def test_the_bill_of_safety_is_shown_with_the_free_tier_and_without() -> None:
    """3,600 calls an hour, of 100 ms and one more for INIT: 2,628,000 a month at 128 MB."""
    found = ls.safety_costs(ls.simulate(ls.load_scenario_text(ONE_HOUR), keep_records=False))
    assert found.total_usd == pytest.approx((2_628_000 - 1e6) * 2e-7, rel=1e-6)
    assert found.listed_usd == pytest.approx(2_628_000 * (2e-7 + 0.1 / 8 * 0.0000166667), rel=0.001)
    assert f"(${found.listed_usd:.2f} without)" in " ".join(found.text().split())


def test_a_sweep_says_that_its_bill_has_the_free_tier() -> None:
    spec = ls.load_scenario_text(ONE_HOUR)
    for free in (True, False):
        asked = ls.load_scenario_text(f"free_tier: {str(free).lower()}\n{ONE_HOUR}")
        told = " ".join(ls.sweep_memory(asked, sizes=[128, 256], replications=2).text().split())
        assert ("after a whole month's free tier" in told) == free
    assert spec.free_tier
