"""Pages as a reader meets them: a real browser at three widths, light and dark, with the network cut."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import lambdasim as ls
from lambdasim.report.notebook.pdf import pdf_of
from lambdasim.report.pages.money import break_even_page
from lambdasim.report.pages.studies import comparison_page, limits_page, sweep_page
from lambdasim.specs import load_scenario_text

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDTHS = (360, 768, 1200)
SCENARIO = """
name: shop
start: 2026-11-01T00:00:00Z
duration: 1h
free_tier: false
account: {concurrency: 60}
functions:
  - name: checkout
    memory_mb: 512
    work: {cpu_ms: 120, io_ms: 200}
    trigger: {type: api_gateway_http}
    traffic: {constant: {rate_per_s: 20}, spikes: [{at: 20min, duration: 1min, factor: 10}]}
  - {name: a-function-with-a-name-that-does-not-fit-a-phone-in-one-line, work: {io_ms: 50},
     traffic: {poisson: {rate_per_s: 2}}}
"""


def run_page() -> str:
    return ls.report_html(ls.simulate(load_scenario_text(SCENARIO), keep_records=False))


def sweep() -> str:
    scenario = load_scenario_text(SCENARIO)
    return sweep_page(
        ls.sweep_memory(scenario, "checkout", sizes=(256, 512, 1024, 1769), replications=2)
    ).to_html()


def limits() -> str:
    return limits_page(
        ls.advise_limits(load_scenario_text(SCENARIO), replications=2, multiples=(1, 2))
    ).to_html()


def comparison() -> str:
    before = load_scenario_text(SCENARIO)
    after = load_scenario_text(SCENARIO.replace("memory_mb: 512", "memory_mb: 1024"))
    return comparison_page(ls.compare({"main": before, "branch": after}, replications=2)).to_html()


def break_even() -> str:
    return break_even_page(ls.break_even(load_scenario_text(SCENARIO), replications=2)).to_html()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.mark.parametrize(
    "page", [run_page, sweep, limits, comparison, break_even], ids=lambda page: page.__name__
)
def test_a_page_fits_is_quiet_and_is_accessible(
    browser: Any, tmp_path: Path, page: Callable[[], str]
) -> None:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    path = tmp_path / "page.html"
    path.write_text(page(), encoding="utf-8")
    assert path.stat().st_size < 3_000_000
    for scheme in ("light", "dark"):
        for width in WIDTHS:
            context = browser.new_context(
                viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True
            )
            tab = context.new_page()
            said: list[str] = []
            asked: list[str] = []
            tab.on("console", lambda message, said=said: said.append(message.text))
            tab.on("pageerror", lambda error, said=said: said.append(str(error)))
            tab.on("request", lambda request, asked=asked: asked.append(request.url))
            tab.goto(path.as_uri())
            assert not said
            assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            shown = tab.evaluate("[...document.images].map(image => [image.naturalWidth, image.clientWidth])")
            # Words of a picture are made for the width in which it is drawn: no picture is shrunk to less than half.
            assert all(0 < natural <= 2 * client for natural, client in shown)
            faults = Axe().run(tab).response["violations"]
            serious = [fault["id"] for fault in faults if fault["impact"] in {"serious", "critical"}]
            assert serious == [], f"{scheme}, {width} px: {serious}"
            context.close()


def test_the_table_of_parameters_opens_with_the_keyboard(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(run_page(), encoding="utf-8")
    tab = browser.new_page()
    tab.goto(path.as_uri())
    summary = tab.locator("summary").first
    summary.focus()
    tab.keyboard.press("Enter")
    assert tab.locator("details").first.get_attribute("open") is not None
    assert tab.locator("details table").first.is_visible()


def test_printed_everything_is_open(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(run_page(), encoding="utf-8")
    tab = browser.new_page()
    tab.goto(path.as_uri())
    tab.emulate_media(media="print")
    assert tab.locator("details table").first.is_visible()


def test_a_pdf_of_a_page_has_the_same_bytes_again(browser: Any) -> None:
    page = run_page()
    first = pdf_of(page)
    assert first.startswith(b"%PDF-")
    assert pdf_of(page) == first
