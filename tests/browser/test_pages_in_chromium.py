"""Pages as a reader meets them: a real browser at three widths, light and dark, with the network cut."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lambdasim as ls
from lambdasim.report.notebook.pdf import pdf_of
from lambdasim.specs import load_scenario_text
from tests.templates.account_export import metric_data, settings_files, write

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


FIFTY = """
name: company
start: 2026-11-01T00:00:00Z
duration: 10min
functions:
""" + "".join(
    f"  - {{name: team-{place % 7}-service-{place:02}-handler, work: {{cpu_ms: {10 + place}}}, "
    f"traffic: {{poisson: {{rate_per_s: {0.1 * (place + 1):.1f}}}}}}}\n"
    for place in range(50)
)
ROOT = Path(__file__).parents[2]
TAXI = """
name: rides
start: 2014-11-01T00:00:00Z
duration: 1d
price_date: 2026-11-01
functions:
  - name: receipts
    memory_mb: 512
    work: {cpu_ms: 40, io_ms: 200}
    trigger: {type: sns}
    traffic: {trace: taxi.csv, format: csv_counts, utc: true, scale: 0.1}
"""
# What a command is given, after --out; every kind of page that the product makes.
PAGES = {
    "run": "simulate shop.yaml",
    "queues": "simulate thumbnails.yaml --no-records",
    "chain": "simulate checkout_chain.yaml --no-records",
    "account": "simulate account --no-records",
    "fifty_functions": "simulate fifty.yaml --no-records",
    "sweep": "sweep-memory shop.yaml --function checkout --sizes 256,512,1024,1769 --replications 2 --slo p95=900ms",
    "limits": "limits shop.yaml --replications 2 --multiples 1,2",
    "comparison": "compare shop.yaml larger.yaml --replications 2",
    "before_after": "compare --before template.yaml --after after.yaml --requests 1M/month --replications 2",
    "break_even": "break-even shop.yaml --replications 2",
    "platforms": "platforms shop.yaml --replications 1",
    "forecast": "forecast rides.yaml --month 2015-02 --budget 2 --tornado --paths 40",
    "backtest": "backtest taxi.csv --utc",
    "calibration": "calibrate log.json",
    "safety": "safety shop.yaml",
    "trap": "trap retry_storm",
    "trap_of_a_queue": "trap reserved_below_pollers",
    "commitment": "commit run",
    "bill": "bill compare cur.csv run",
    "architect": "report shop.yaml --template architect -p WHAT_IF_SECONDS=1 --no-pdf",
    "finance": "report shop.yaml --template finance -p WHAT_IF_SECONDS=1 --no-pdf",
    "incident": "report shop.yaml --template incident -p WHAT_IF_SECONDS=1 --no-pdf",
}
QUICK = ("run", "limits", "forecast", "finance")
"""Kinds that stand for the others where time is short; ``-k quick`` chooses them."""
CUT = """() => [...document.querySelectorAll("h1, h2, p, li, dt, dd, th, td, summary")]
  .filter((one) => one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1)
  .map((one) => `${one.tagName} ${one.innerText.slice(0, 40)}`)"""
SCROLLING = """() => [...document.querySelectorAll(".wide")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.getAttribute("aria-label"))"""
MOST_PX = 13_000
"""Height of a page as it is opened: what is long waits in a fold."""
PAPER_PX = 718  # A4 without its margins
TOO_WIDE = """(most) => [...document.querySelectorAll("table, img, pre")]
  .filter((one) => one.getBoundingClientRect().right > most + 1).map((one) => one.outerHTML.slice(0, 80))"""


def run_page() -> str:
    return ls.report_html(ls.simulate(load_scenario_text(SCENARIO), keep_records=False))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Put what the commands of ``PAGES`` read into a folder, and a finished run."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "shop.yaml").write_text(SCENARIO)
    (folder / "larger.yaml").write_text(SCENARIO.replace("memory_mb: 512", "memory_mb: 1024"))
    (folder / "rides.yaml").write_text(TAXI)
    (folder / "fifty.yaml").write_text(FIFTY)
    for source, name in (
        ("data/traffic/nyc_taxi.csv", "taxi.csv"),
        ("data/report_logs/aws_2rps_cloudwatch.json", "log.json"),
        ("data/finance/cur2_layout.csv", "cur.csv"),
        ("data/traffic/elb_request_count.csv", ""),
        ("lambdasim/examples/checkout_chain.yaml", ""),
        ("lambdasim/examples/template.yaml", ""),
    ):
        shutil.copy(ROOT / source, folder / (name or Path(source).name))
    thumbnails = (ROOT / "notebooks/scenarios/thumbnails.yaml").read_text()
    (folder / "thumbnails.yaml").write_text(thumbnails.replace("../../data/traffic/", ""))
    template = (folder / "template.yaml").read_text()
    (folder / "after.yaml").write_text(template.replace("Default: 512", "Default: 1024"))
    run = ls.simulate(load_scenario_text(SCENARIO), keep_records=False)
    write(folder / "exports", settings_files(run.scenario) | {"metrics.json": metric_data(run)})
    command("import aws exports --out account", folder)
    command("simulate shop.yaml --out run", folder)
    return folder


def command(words: str, folder: Path) -> None:
    program = [sys.executable, "-m", "lambdasim", *words.split()]
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stderr[-800:]}"


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
    "kind", [pytest.param(kind, id=f"{kind}-quick" if kind in QUICK else kind) for kind in PAGES]
)
def test_a_page_fits_is_quiet_and_is_accessible(browser: Any, made: Path, kind: str) -> None:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    command(f"{PAGES[kind]} --out page_{kind}", made)
    path = made / f"page_{kind}" / "report.html"
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
            tall = tab.evaluate("document.documentElement.scrollHeight")
            tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
            assert tall < MOST_PX, f"{width} px wide: {tall} px"
            assert not said
            assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            assert tab.evaluate(CUT) == [], f"{width} px"
            assert width > WIDTHS[0] or tab.evaluate(SCROLLING) == []
            shown = tab.evaluate("[...document.images].map(image => [image.naturalWidth, image.clientWidth])")
            # Words of a picture are made for the width in which it is drawn: no picture is shrunk to less than half.
            assert all(0 < natural <= 2 * client for natural, client in shown)
            faults = Axe().run(tab).response["violations"]
            serious = [fault["id"] for fault in faults if fault["impact"] in {"serious", "critical"}]
            assert serious == [], f"{scheme}, {width} px: {serious}"
            context.close()
    paper = browser.new_page(viewport={"width": PAPER_PX, "height": 1000})
    paper.goto(path.as_uri())
    paper.emulate_media(media="print")
    assert paper.evaluate(TOO_WIDE, PAPER_PX) == []
    paper.close()


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
