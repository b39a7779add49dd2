"""Sliders of a what-if in a real browser: every number shown is that of a run, at three widths, with the network cut."""

import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import lambdasim as ls
from lambdasim.report.html import document
from lambdasim.report.notebook.page import POLICY
from lambdasim.report.notebook.what_if import what_if_html, what_if_script
from lambdasim.specs import load_scenario_text
from lambdasim.study.what_if.grid import changed_scenario
from lambdasim.study.what_if.result import MIME
from lambdasim.study.what_if.tables import Setting
from lambdasim.wording import count, money, percent

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SCENARIO = """
name: <b>shop
start: 2026-11-01T00:00:00Z
duration: 20min
account: {concurrency: 120}
functions:
  - name: check</script>out
    memory_mb: 512
    work: {cpu_ms: {lognormal: {p50: 100, p95: 250}}, io_ms: 200}
    trigger: {type: function_url, client_retries: 0}
    traffic: {constant: {rate_per_s: 20}, spikes: [{at: 5min, duration: 1min, factor: 20}]}
"""
SET = """([axis, value]) => {
  const control = document.querySelector(`[data-axis="${axis}"]`);
  control.value = value;
  control.dispatchEvent(new Event("input", { bubbles: true }));
}"""


@pytest.fixture(scope="module")
def found() -> ls.WhatIf:
    return ls.what_if(
        load_scenario_text(SCENARIO.replace("</script>", "")),
        sizes=(512, 1024),
        traffic=(1, 2),
        provisioned=(0, 5),
        regions=("sa-east-1",),
    )


@pytest.fixture(scope="module")
def page(found: ls.WhatIf, tmp_path_factory: pytest.TempPathFactory) -> Path:
    content = found._repr_mimebundle_()[MIME] | {"function": "check</script>out"}
    path = tmp_path_factory.mktemp("what_if") / "page.html"
    path.write_text(
        document("What if", [what_if_html(content), what_if_script()], policy=POLICY), encoding="utf-8"
    )
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


def test_every_number_shown_is_that_of_a_run(browser: Any, page: Path, found: ls.WhatIf) -> None:
    tab = browser.new_page()
    tab.goto(page.as_uri())
    axes = ("memory_mb", "architecture", "traffic", "provisioned")
    values = [list(found.regions), *(found.values(axis) for axis in axes)]
    seen = set()
    for places in product(*(range(len(axis)) for axis in values)):
        for axis, place in enumerate(places):
            tab.evaluate(SET, [axis, str(place)])
        region, *chosen = (axis[place] for axis, place in zip(values, places, strict=True))
        run = ls.simulate(
            changed_scenario(found.scenario, found.function, Setting(*chosen)), keep_records=False
        )
        row = run.summary().iloc[0]
        expected = [
            money(run.charges(region=str(region)).total),
            money(run.charges(region=str(region), free_tier=False).total),
            *(f"{count(row[name])} ms" for name in ("p50_ms", "p95_ms", "p99_ms")),
            percent(row["cold_share"]),
            percent(row["throttled"] / (row["throttled"] + row["runs"])),
            percent(row["lost"] / row["events"]),
            count(run.aggregate.account.peak),
        ]
        assert tab.locator(".what-if dd > span").all_inner_texts() == expected
        seen.add(tuple(expected))
    assert len(seen) > 20
    tab.locator("button").click()
    own = found.at()
    assert tab.locator(".what-if dd > span").first.inner_text() == money(own["usd"])


def test_a_setting_of_one_value_leaves_the_labels_of_others_alone(browser: Any, tmp_path: Path) -> None:
    scenario = load_scenario_text(SCENARIO.replace("</script>", "").replace("20min", "2min"))
    found = ls.what_if(scenario, sizes=(512, 1024), architectures=(), traffic=(), provisioned=())
    path = tmp_path / "page.html"
    content = found._repr_mimebundle_()[MIME]
    path.write_text(document("What if", [what_if_html(content), what_if_script()]), encoding="utf-8")
    tab = browser.new_page()
    tab.goto(path.as_uri())
    assert tab.locator("label output").all_inner_texts() == ["512 MB"]
    tab.evaluate(SET, ["1", "1"])
    assert tab.locator("label output").all_inner_texts() == ["1,024 MB"]


def test_charts_follow_and_tell_their_value_on_hover(browser: Any, page: Path, found: ls.WhatIf) -> None:
    tab = browser.new_page()
    tab.goto(page.as_uri())
    tab.wait_for_selector(".charts svg")
    points = tab.locator(".charts > div").first.locator("svg .mark-symbol.layer_1_marks path")
    assert points.count() == 4  # two sizes, two architectures
    points.last.hover()
    tab.wait_for_selector("#vg-tooltip-element.visible")
    told = tab.locator("#vg-tooltip-element").inner_text()
    assert any(money(outcome.full_usd[0]) in told for outcome in found.outcomes.values())
    before = tab.locator(".charts > div").first.inner_html()
    tab.locator("[data-axis='3']").focus()
    tab.keyboard.press("ArrowRight")
    tab.wait_for_function(
        "before => document.querySelector('.charts > div').innerHTML !== before", arg=before
    )
    assert tab.locator("[data-axis='3']").get_attribute("aria-valuetext") == "2×"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_is_quiet_and_is_accessible(browser: Any, page: Path, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    assert page.stat().st_size < 1_500_000
    for width in (360, 768, 1200):
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True
        )
        tab = context.new_page()
        said: list[str] = []
        asked: list[str] = []
        tab.on("console", lambda message, said=said: said.append(message.text))
        tab.on("pageerror", lambda error, said=said: said.append(str(error)))
        tab.on("request", lambda request, asked=asked: asked.append(request.url))
        tab.goto(page.as_uri())
        tab.wait_for_selector(".charts svg")
        assert not said
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        faults = Axe().run(tab).response["violations"]
        serious = [fault["id"] for fault in faults if fault["impact"] in {"serious", "critical"}]
        assert serious == [], f"{scheme}, {width} px: {serious}"
        context.close()
