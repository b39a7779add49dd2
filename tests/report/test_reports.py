"""Reports: three templates and people's own notebooks, the same bytes for the same inputs, clear errors."""

import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

import lambdasim as ls
from lambdasim.report.notebook.build import template_names, write_first_notebook
from lambdasim.report.notebook.execute import _named
from lambdasim.report.notebook.page import notebook_page
from lambdasim.report.notebook.parameters import parameter_cell, value_of, with_parameters
from lambdasim.report.notebook.pdf import _steady
from lambdasim.report.notebook.what_if import _keep, _kept
from lambdasim.report.sections.incident_table import incidents
from lambdasim.specs import load_scenario_text
from lambdasim.wording import money

SCENARIO = """
name: shop <b>
start: 2026-11-01T00:00:00Z
duration: 30min
free_tier: false
account: {concurrency: 20}
functions:
  - name: checkout
    memory_mb: 512
    init_ms: 0
    work: {io_ms: 900}
    trigger: {type: function_url, client_retries: 0}
    traffic: {constant: {rate_per_s: 10}, spikes: [{at: 10min, duration: 1min, factor: 5}]}
"""
OWN = """# %% [markdown]
# # My shop & I

# %%
SCENARIO = "none.yaml"
FACTOR = 2

# %%
import warnings

import lambdasim as ls

run = ls.open_run(SCENARIO)
warnings.warn("mind the gap")
print(FACTOR * len(run.summary()), "is twice as many")

# %%
ls.plots.plot_bill(run)
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shop") / "shop.yaml"
    path.write_text(SCENARIO)
    return path


@pytest.fixture(scope="module")
def saved(shop: Path) -> Path:
    folder = shop.parent / "run"
    ls.save(ls.simulate(ls.load_scenario(shop)), folder)
    return folder


def words(page: str) -> str:
    return " ".join(
        re.sub(r"<[^>]*>", " ", re.sub(r"<(style|head).*?</\1>", "", page, flags=re.DOTALL)).split()
    )


@pytest.mark.parametrize("template", template_names())
def test_a_template_shows_the_bill_or_the_incident_of_the_run(template: str, shop: Path) -> None:
    coarse = {"WHAT_IF_SECONDS": 0}
    built = ls.build_report(shop, template, folder=shop.parent / "out", parameters=coarse)
    if template == "incident":  # the same inputs give the same bytes
        assert ls.build_report(shop, template, folder=shop.parent / "other", parameters=coarse) == built
    said = words(built.page)
    assert said.startswith("shop &lt;b&gt;")
    assert "<b>" not in built.page
    run = ls.open_run(shop)
    lost = int(run.summary()["lost"].sum())
    expected = {
        "architect": f"Bill for 30min {money(run.charges().total)} ",
        "finance": f"Total {money(run.charges().total)}.",
        "incident": "account concurrency in the worst, mostly checkout",
    }[template]
    assert expected in said
    if template != "finance":
        assert f"{lost:,} of {run.summary()['events'].sum():,}" in said
    assert "What this rests on" in said
    assert f"lambdasim report shop.yaml --template {template}" in said
    cells = json.loads(built.notebook)["cells"]
    assert "".join(cells[0]["source"]).startswith("SCENARIO = '../shop.yaml'")
    assert not [cell for cell in cells if "error" in str(cell.get("outputs"))[:60]]


def test_a_finished_run_gives_the_sections_of_its_scenario(shop: Path, saved: Path) -> None:
    first, second = (ls.RunReport(ls.open_run(source)) for source in (shop, saved))
    for name in (
        "opening",
        "incident_opening",
        "money_opening",
        "functions",
        "rates",
        "regions",
        "commitment",
    ):
        assert getattr(first, name)().html == getattr(second, name)().html
    assert first.opening(2).html != first.opening().html  # the interval of two seeds


def test_what_the_free_tier_covers_is_divided_without_it() -> None:
    scenario = load_scenario_text(SCENARIO.replace("free_tier: false", "free_tier: true"))
    run = ls.simulate(scenario, keep_records=False)
    assert run.charges().total == 0
    report = ls.RunReport(run)
    full = money(run.charges(free_tier=False).total)
    said = words(report.owners().html)
    assert "The free tier covers all of it; these are the figures without." in said
    assert f"checkout {full.removeprefix('$')} 100.0%" in said
    assert "nothing to pay" not in report.owners().html
    assert f"us-east-1 {full.removeprefix('$')} $0.00" in words(report.regions().html)
    assert "Costs most checkout 100% of the bill, without free tier" in words(report.money_opening().html)


def test_the_folder_of_an_import_is_a_scenario(tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    assert ls.open_run(tmp_path).scenario.name == "shop <b>"
    assert ls.open_run(tmp_path, seed=3).scenario.seed == 3
    (tmp_path / "scenario.yaml").rename(tmp_path / "other.txt")
    with pytest.raises(ls.InputError, match="simulate --out"):
        ls.open_run(tmp_path)


def test_a_grid_that_would_take_too_long_is_left_out_and_says_so(shop: Path) -> None:
    scenario = ls.load_scenario(shop)
    report = ls.RunReport(ls.simulate(scenario, keep_records=False))
    found = report.what_if(0)
    assert isinstance(found, ls.WhatIf)
    assert found.at()["full_usd"] == float(report.run.charges(free_tier=False).total)
    long = load_scenario_text(
        SCENARIO.replace("30min", "90d").replace("rate_per_s: 10}", "rate_per_s: 9000}")
    )
    unrun = ls.RunReport(replace(report.run, scenario=long))  # its own run would take hours
    assert "No what-if: its runs would take about" in repr(unrun.what_if(6))


def test_your_own_notebook_is_executed_with_its_parameters(shop: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(OWN)
    page = ls.build_report(shop, str(own), parameters={"FACTOR": 5}).page
    assert "<title>My shop &amp; I</title>" in page
    assert "5 is twice as many" in page
    assert "UserWarning: mind the gap" in page
    assert "ipykernel" not in page
    assert "alt='ls.plots.plot_bill(run)'" in page
    assert "Content-Security-Policy" in page


def test_the_first_notebook_is_short_and_is_a_template(shop: Path, tmp_path: Path) -> None:
    scenario = tmp_path / "mine.yaml"
    scenario.write_text(SCENARIO)
    first = write_first_notebook(scenario)
    cells = [cell for cell in json.loads(first.read_text())["cells"] if cell["cell_type"] == "code"]
    assert "".join(cells[0]["source"]).startswith("SCENARIO = 'mine.yaml'")
    assert sum(bool(line.strip()) for cell in cells for line in cell["source"]) <= 15
    said = words(ls.build_report(shop, str(first), parameters={"SEEDS": 1}).page)
    assert "My scenario" in said
    assert "What if: checkout" in said
    assert "is recommended" in said
    first.write_text("{}")
    with pytest.raises(ls.InputError, match="changed since lambdasim wrote it"):
        write_first_notebook(scenario)


@pytest.mark.parametrize(
    ("text", "given", "said"),
    [
        ("x = 1\n", {}, "SCENARIO: must be given a value in a cell of code, at its outermost level"),
        ("if True:\n    SCENARIO = 2\n", {}, "SCENARIO: must be given a value in a cell of code"),
        (
            OWN,
            {"COLOUR": 1},
            "COLOUR: must be given a value in the cell of parameters, which has: SCENARIO, FACTOR",
        ),
        (
            OWN.replace("len(run.summary())", "1 / 0"),
            {},
            "cell 3: fails: ZeroDivisionError: division by zero",
        ),
        ("SCENARIO = = 2", {}, "its cell of parameters must be Python"),
    ],
)
def test_a_notebook_that_cannot_be_used_is_one_clear_error(
    text: str, given: dict[str, object], said: str, shop: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.py"
    own.write_text(text if text.startswith("#") else f"# %%\n{text}")
    with pytest.raises(ls.InputError, match=re.escape(said)):
        ls.build_report(shop, str(own), parameters=given)


def test_what_is_no_template_is_named(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(ls.InputError, match="must be of architect, finance, incident, or your own"):
        ls.build_report(shop, "directors")
    broken = tmp_path / "broken.ipynb"
    broken.write_text('{"cells": 3}')
    with pytest.raises(ls.InputError, match="must be a notebook"):
        ls.build_report(shop, str(broken))


def test_the_cell_of_parameters_need_not_be_the_first(tmp_path: Path) -> None:
    def cells(*sources: str) -> list[nbformat.NotebookNode]:
        return [nbformat.v4.new_code_cell(source) for source in sources]

    chosen = cells(
        "import lambdasim as ls", "%matplotlib inline\nSCENARIO = 'a.yaml'  # mine", "SCENARIO = 'b.yaml'"
    )
    found = parameter_cell([nbformat.v4.new_markdown_cell("SCENARIO = 1"), *chosen], "SCENARIO", "n")
    assert found is chosen[1]
    assert (
        with_parameters(found.source, {"SCENARIO": "c"}, "n") == "%matplotlib inline\nSCENARIO = 'c'  # mine"
    )
    chosen[2].metadata.tags = ["parameters"]  # as Papermill marks it
    assert parameter_cell(chosen, "SCENARIO", "n") is chosen[2]
    assert (
        parameter_cell(cells("%%bash\necho SCENARIO $(", "SCENARIO = 3"), "SCENARIO", "n").source
        == "SCENARIO = 3"
    )
    foreign = tmp_path / "r.ipynb"
    foreign.write_text(nbformat.writes(nbformat.v4.new_notebook(metadata={"language_info": {"name": "R"}})))
    with pytest.raises(ls.InputError, match="language: must be Python, got 'R'"):
        ls.build_report(tmp_path, str(foreign))


PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
BARS = {
    "$schema": "https://vega.github.io/schema/vega-lite/v6.1.0.json",
    "data": {"values": [{"size": "small", "events": 3}, {"size": "large", "events": 5}]},
    "mark": "bar",
    "encoding": {"x": {"field": "size", "type": "nominal"}, "y": {"field": "events", "type": "quantitative"}},
}
ALTAIR = """<div id="altair-viz-0123456789abcdef0123456789abcdef" class="vega-embed"></div><script>
(function(spec, embedOpt){ load("https://cdn.jsdelivr.net/npm/vega@6") })(%s, {"mode": "vega-lite"});</script>"""


def page_of(folder: Path, *cells: nbformat.NotebookNode) -> str:
    page = notebook_page(nbformat.v4.new_notebook(cells=list(cells)), "n", folder)
    return page[page.index("<h1>") :]


def shown_as(folder: Path, **data: object) -> str:
    named = {
        {"html": "text/html", "markdown": "text/markdown", "latex": "text/latex", "plain": "text/plain"}.get(
            kind, kind
        ): value
        for kind, value in data.items()
    }
    output = nbformat.v4.new_output("display_data", data=named)
    return page_of(folder, nbformat.v4.new_code_cell("draw()", outputs=[output]))


def test_what_notebooks_show_is_drawn_or_its_place_is_marked(tmp_path: Path) -> None:
    for kind in ("application/vnd.vegalite.v5+json", "application/vnd.vegalite.v6.1.0+json"):
        assert "src='data:image/svg+xml;base64," in shown_as(
            tmp_path, **{kind: BARS, "plain": "alt.Chart(...)"}
        )
    altair = shown_as(tmp_path, html=ALTAIR % json.dumps(BARS), plain="alt.Chart(...)")
    assert "src='data:image/svg+xml;base64," in altair
    assert "cdn.jsdelivr.net" not in altair
    plotly = shown_as(tmp_path, **{"application/vnd.plotly.v1+json": {"data": []}})
    assert "A Plotly figure is here in the notebook; this page loads nothing and cannot show it." in plotly
    frame = shown_as(tmp_path, html="<iframe width=3 src='https://example.org'></iframe>", plain="<IFrame>")
    assert "comes from the network, from which this page loads nothing" in frame
    assert "network" not in shown_as(tmp_path, html="<script>let a = 'https://example.org'</script><b>3</b>")
    assert "works only while the notebook runs" in shown_as(
        tmp_path,
        **{"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "plain": "IntSlider(value=0)"},
    )
    assert "<em>there</em>" in shown_as(tmp_path, markdown="hi *there*", plain="<Markdown object>")
    assert "x^2" in shown_as(tmp_path, latex="$x^2$", plain="<Math object>")
    assert shown_as(tmp_path, plain="3 < 4").count("3 &lt; 4") == 1


def test_pictures_of_text_are_in_the_page(tmp_path: Path) -> None:
    (tmp_path / "dot.png").write_bytes(base64.b64decode(PIXEL))
    text = nbformat.v4.new_markdown_cell("![pasted](attachment:p.png) ![file](dot.png) ![none](none.png)")
    with pytest.raises(ls.InputError, match=re.escape("missing attachment: p.png")):
        page_of(tmp_path, text)
    text.attachments = {"p.png": {"image/png": PIXEL}}
    assert page_of(tmp_path, text).count(f'src="data:image/png;base64,{PIXEL}"') == 2


def test_names_that_programs_draw_by_chance_are_those_of_their_order() -> None:
    page = (
        "#T_{0}_row0 {{}} <td id='T_{0}_row0_col0'>{0}</td> <div id=\"altair-viz-{1}\"></div> <p>{1} {2}</p>"
    )
    first = page.format("1a2b3", "0" * 31 + "a", "f" * 32)
    second = page.format("c4d5e", "b" * 32, "f" * 32)
    assert _named(first).replace("1a2b3", "c4d5e") == _named(second)
    assert "1a2b3</td>" in _named(first)  # a figure that looks like a name is left alone
    assert f"{'f' * 32}</p>" in _named(first)


def test_a_pdf_does_not_depend_on_where_its_elements_are_counted_from() -> None:
    first = b"%PDF /CreationDate (D:20261130190000+00'00') /ID (node00000054) /ID (node00000112) /IDTree [(node00000054)]"
    second = first.replace(b"54", b"53").replace(b"112", b"111").replace(b"1130", b"1201")
    assert _steady(first) == _steady(second)
    assert len(_steady(first)) == len(first)  # offsets still hold
    assert _steady(first) != _steady(first.replace(b"IDTree [(node00000054)", b"IDTree [(node00000112)"))


def test_values_of_parameters_are_literals_else_text() -> None:
    assert [value_of(text) for text in ("3", "'3'", "a b", "[1, 2]", "1 +")] == [3, "3", "a b", [1, 2], "1 +"]
    code = "A = 1\nB = [\n  1,\n  2,\n]  # sizes\nÄ = 'é'"
    assert with_parameters(code, {"B": [3], "A": "x"}, "n") == "A = 'x'\nB = [3]  # sizes\nÄ = 'é'"


def test_a_run_without_records_is_simulated_again_and_must_be_the_same(shop: Path, tmp_path: Path) -> None:
    run = ls.simulate(ls.load_scenario(shop), keep_records=False)
    ls.save(run, tmp_path / "run")
    assert ls.open_run(tmp_path / "run").usage() == run.usage()
    ls.save(ls.simulate(ls.load_scenario(shop).with_seed(1), keep_records=False), tmp_path / "other")
    with pytest.raises(ls.InputError, match="belongs to a scenario file"):
        ls.open_run(tmp_path / "run", seed=3)


def test_incidents_hold_every_refused_attempt() -> None:
    run = ls.simulate(load_scenario_text(SCENARIO), keep_records=False)
    found = incidents(run)
    # 10 a second for 0.9 s need 9 environments; 50 a second need 45, and there are 20: one minute, from 00:10 on.
    assert found[["begin", "minutes"]].values.tolist() == [["2026-11-01T00:10:00Z", 1]]
    assert found["refused"].sum() == run.throttles()["attempts"].sum() > 0
    assert found["peak_concurrency"].tolist() == [20]
    assert found["worst_limit"].tolist() == ["account concurrency"]
    twice = SCENARIO.replace("spikes: [", "spikes: [{at: 2min, duration: 1min, factor: 5}, ")
    later = incidents(ls.simulate(load_scenario_text(twice), keep_records=False))
    assert later["begin"].str[11:16].tolist() == ["00:02", "00:10"]
    assert len(incidents(ls.simulate(load_scenario_text(twice), keep_records=False), quiet_minutes=9)) == 1
    assert incidents(ls.simulate(load_scenario_text(SCENARIO.replace("factor: 5", "factor: 1")))).empty


def test_what_was_kept_is_taken_only_whole(tmp_path: Path) -> None:
    place = tmp_path / "vega.js"
    assert _kept(place) is None
    with place.open("wb") as file:
        _keep(file, "let a = 'é';\n")
    assert _kept(place) == "let a = 'é';\n"
    place.write_bytes(place.read_bytes()[:-1])
    assert _kept(place) is None
