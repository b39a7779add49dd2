"""The report page: complete, escaped, and self-contained."""

import re
from html.parser import HTMLParser

import pytest

import lambdasim as ls
from lambdasim.report.html import columns_html, warning, warnings
from lambdasim.results.failures import lost_events
from lambdasim.specs import load_scenario_text
from lambdasim.wording import money, percent

pytestmark = pytest.mark.rendered

HOSTILE = "<img src=//evil onerror=alert(1)> & '\"</title>"
SCENARIO = """
name: {name}
start: 2026-11-01T00:00:00Z
duration: 10min
free_tier: false
account: {{concurrency: 100}}
functions:
  - name: busy
    memory_mb: 512
    work: {{io_ms: 900}}
    trigger: {{type: api_gateway_http}}
    traffic: {{constant: {{rate_per_s: 20}}, spikes: [{{at: 2min, duration: 10s, factor: 20}}]}}
  - {{name: idle, traffic: {{constant: {{rate_per_s: 0}}}}}}
"""


class Elements(HTMLParser):
    """Elements by name, with their attributes, and all text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"


@pytest.fixture(scope="module")
def run() -> ls.RunResult:
    name = "'" + HOSTILE.replace("'", "''") + "'"
    return ls.simulate(load_scenario_text(SCENARIO.format(name=name)), keep_records=False)


@pytest.fixture(scope="module")
def page(run: ls.RunResult) -> str:
    return ls.report_html(run)


def test_what_the_scenario_says_is_escaped(page: str) -> None:
    elements = Elements(page)
    assert {tag for tag, _ in elements.found} <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "br", "div", "table", "thead", "tbody",
        "tr", "th", "td", "ul", "li", "figure", "img", "main", "dl", "dt", "dd", "small", "details", "summary",
        "picture", "source",
    }  # fmt: skip
    assert not [attributes for _, attributes in elements.found if "onerror" in attributes]
    assert elements.text.count(HOSTILE) >= 2
    assert re.search(r"<title>[^<]*</title>", page)


def test_nothing_is_fetched(page: str) -> None:
    pictures = [attributes for tag, attributes in Elements(page).found if tag == "img"]
    assert len(pictures) == 9
    assert all(
        (picture["src"] or "").startswith("data:image/png;base64,") and picture["alt"] for picture in pictures
    )
    sources = [attributes for tag, attributes in Elements(page).found if tag == "source"]
    assert len(sources) == len(pictures)
    assert all((source["srcset"] or "").startswith("data:image/png;base64,") for source in sources)
    style = page[page.index("<style>") : page.index("</style>")]
    assert not re.search(r"url\(|@import|https?:", style)


def test_shares_read_in_per_cent_and_what_is_missing_is_a_dash(run: ls.RunResult, page: str) -> None:
    text = Elements(page).text
    share = run.summary().set_index("function").loc["busy", "cold_share"]
    assert f"{100 * share:.2f}%" in text
    assert "nan" not in text.lower().split()
    assert "$nan" not in text
    assert " – " in text
    assert "account concurrency" in text


def test_the_headline_says_money_latency_limit_and_what_failed(run: ls.RunResult, page: str) -> None:
    facts = dict(re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)", page))
    totals = run.aggregate.functions[0]
    assert facts["Bill for 10min"] == money(run.charges().total)
    assert facts["Latency, 95th percentile"] == f"{run.latency_ms().quantile(0.95):,.0f} ms"
    assert facts["Peak concurrency"] == f"{run.aggregate.account.peak:,}"
    assert facts["Events not served"] == percent(lost_events(totals) / totals.events)
    # What fails stands above the headline.
    assert page.index("class='warning'") < page.index("class='facts'")


def test_rows_become_cards_on_a_phone(page: str) -> None:
    cells = [attributes for tag, attributes in Elements(page).found if tag == "td"]
    assert cells
    assert all(attributes.get("data-label") for attributes in cells)


def test_short_figures_stand_in_pairs_on_a_phone() -> None:
    columns = [("name", ["a"]), ("runs", ["1"]), ("cold", ["2"]), ("lost", ["3"]), ("why", ["no room"])]
    columns += [("p50", ["4"]), ("a long name of a figure", ["5"]), ("p95", ["6"]), ("p99", ["7"])]
    shown = Elements(columns_html(columns, "t")).found
    halves = [cell["data-label"] for tag, cell in shown if tag == "td" and cell.get("class") == "half"]
    assert halves == ["runs", "cold", "p95", "p99"]  # "lost" and "p50" have no partner beside them


def test_a_run_without_events_makes_a_page() -> None:
    text = Elements(ls.report_html(ls.simulate(arrivals_s=[], durations_ms=1))).text
    assert "Refused attempts" not in text
    assert "Cost of a million invocations" not in text


def test_the_same_run_gives_the_same_page(run: ls.RunResult, page: str) -> None:
    assert ls.report_html(run) == page


def test_many_warnings_share_one_box() -> None:
    assert warnings(["a"]) == warning("a")
    assert warnings(["a", "b"]).count("class='warning'") == 2
    box = warnings(["a", "<b>", "c"])
    assert box.count("class='warning'") == 1
    assert box.count("<li>") == 3
    assert "&lt;b&gt;" in box
    assert warnings([]) == ""
