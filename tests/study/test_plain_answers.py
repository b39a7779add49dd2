"""Answers that must not mislead: units of differences, marks with something to mark, advice that can be taken."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest
from program import lambdasim

import lambdasim as ls
from lambdasim.plots import plot_headroom
from lambdasim.report.pages.run import report_html
from lambdasim.report.pages.studies import comparison_page
from lambdasim.results.callers.chains import calls_together
from lambdasim.study.commitment.text import commitment_text, doubt
from lambdasim.study.provisioned_use import break_even_utilization, pays_above

EXAMPLES = Path(ls.__file__).parent / "examples"
API = """
name: {name}
start: 2026-11-01T00:00:00Z
duration: 10min
free_tier: false
{neighbours}
functions:
  - {{name: api, memory_mb: 512, timeout: {timeout}, init_ms: 0, work: {{io_ms: {io}}}, {more}
     trigger: {{type: api_gateway_rest}}, traffic: {{constant: {{rate_per_s: 1}}}}}}
"""


def api(
    name: str = "api", *, timeout: str = "10s", io: int = 50, more: str = "", neighbours: str = ""
) -> ls.ScenarioSpec:
    return ls.load_scenario_text(
        API.format(name=name, timeout=timeout, io=io, more=more, neighbours=neighbours)
    )


def test_differences_of_shares_are_points_not_percent() -> None:
    found = ls.compare([api("one"), api("two", io=2000, more="reserved_concurrency: 1,")], replications=2)
    page = comparison_page(found)
    (refused,) = [fact for fact in page.headline if "refused" in fact.name]
    assert refused.value.endswith(" points")
    shown = page.shown["differences"]
    limits = shown[shown["measure"].str.startswith("limits")]
    assert len(limits)
    assert limits["difference"].str.endswith("points").all()
    assert limits["95% interval"].str.endswith("points").all()
    assert not limits["base"].str.contains("points").any()  # a level is a share


def test_the_mark_of_doubt_is_explained_where_it_stands() -> None:
    certain = ls.compare([api("one"), api("two", more="ephemeral_mb: 2048,")], replications=2)
    assert not comparison_page(certain).shown["differences"]["share"].str.contains("?", regex=False).any()
    assert "? where" not in comparison_page(certain).notes[0]
    sure = certain.text()
    assert " ?" not in sure.split("95% intervals")[0]
    assert "? where zero" not in sure
    text = """
name: NAME
start: 2026-11-01T00:00:00Z
duration: 10min
free_tier: false
functions:
  - {name: api, memory_mb: 512, init_ms: 0, work: {io_ms: {exponential: {mean: 50}}},
     traffic: {poisson: {rate_per_s: RATE}}}
"""
    one, two = (
        ls.load_scenario_text(text.replace("NAME", name).replace("RATE", rate))
        for name, rate in (("one", "1"), ("two", "1.002"))
    )
    compared = ls.compare([one, two], replications=3)
    page = comparison_page(compared)
    marked = page.shown["differences"]["share"].str.endswith(" ?")
    assert marked.any()
    assert "? where zero lies" in page.notes[0]
    doubtful = compared.text()
    assert " ?\n" in doubtful
    assert "? where zero lies in the interval" in doubtful.replace("\n  ", " ")


@pytest.mark.parametrize(("timeout", "said"), [("1s", "raise timeout"), ("1800s", "is the longest timeout")])
def test_nobody_is_told_to_raise_what_is_at_its_most(timeout: str, said: str) -> None:
    spec = api(timeout=timeout, io=2_000 if timeout == "1s" else 1_799_000)
    spec = ls.revised(spec, {"duration_us": spec.duration_us // 10})
    found = ls.advise_limits(spec, replications=2, multiples=[1]).findings
    (row,) = found[found["rule"].str.startswith("timeout-")].to_dict("records")
    assert said in row["change"]
    assert ("raise" in row["change"]) == (timeout == "1s")


def test_what_never_pays_is_said_to_pay_at_no_use() -> None:
    assert pays_above(1.0) == "only above a use of 100%"
    assert pays_above(1.0001) == pays_above(float("inf")) == "at no use"
    assert "%" not in pays_above(float("nan"))
    spec = api()
    assert 0 < break_even_utilization(spec.functions[0], spec) < 1


def test_the_page_of_a_run_says_what_is_not_lambdas() -> None:
    run = ls.simulate(api(neighbours="neighbours: {include: [trigger]}"), keep_records=False)
    page = report_html(run)
    assert run.charges().beside_said.split("%")[0] in page
    assert page.count("not AWS Lambda") >= 2
    assert "not AWS Lambda" not in report_html(ls.simulate(api(), keep_records=False))


def study() -> ls.CommitmentStudy:
    """An hour of usage that a plan makes cheaper."""
    spec = api(more="provisioned_concurrency: [{at: 0s, count: 1}],")
    return ls.advise_commitment(
        ls.simulate(ls.revised(spec, {"duration_us": 3600 * 10**6}), keep_records=False)
    )


def test_columns_of_a_commitment_stay_apart_however_large() -> None:
    found = study()
    huge = replace(
        found,
        options=tuple(
            replace(
                one,
                **{
                    name: Fraction(123_456_789_012)
                    for name in ("usd_per_hour", "total_usd", "saving_usd", "unused_usd")
                },
            )
            for one in found.options
        ),
        cases=tuple(
            replace(
                one,
                on_demand_usd=Fraction(10**13),
                committed_usd=Fraction(10**13),
                regret_usd=Fraction(10**13),
            )
            for one in found.cases
        ),
    )
    rows = [line for line in commitment_text(huge).splitlines() if line.count("$") >= 3 and "year" in line]
    assert rows
    for row in rows:
        assert all(
            before == " " for before in (row[place - 1] for place in range(1, len(row)) if row[place] == "$")
        )


def test_an_hour_is_one_hour_and_the_table_says_what_it_is_of() -> None:
    found = study()
    assert "of what a plan covers alone" in commitment_text(found).replace("\n  ", " ")
    assert "and this hour is no sample of them" in doubt(replace(found, unlike=("api has spikes",)))
    assert "these 2 hours are no sample" in doubt(replace(found, unlike=("api has spikes",), hours=2))


@pytest.mark.parametrize("command", ["limits", "break-even", "platforms", "sweep-memory"])
def test_what_is_refused_is_refused_before_it_is_said_to_take_long(command: str) -> None:
    done = lambdasim(command, EXAMPLES / "newer_modes.yaml")
    assert done.returncode == 2
    assert "managed instances" in done.stderr
    assert "this takes" not in done.stderr


def test_executions_are_counted_in_whole_numbers_and_seen_under_a_far_limit() -> None:
    advice = ls.advise_limits(api(io=500), replications=2, multiples=[1])
    ax = plot_headroom(advice)
    low, high = ax.get_ylim()
    assert high <= 10 < advice.quota.now
    assert all(float(tick).is_integer() for tick in ax.get_yticks() if low <= tick <= high)
    assert any("far above" in str(line.get_label()) for line in ax.get_lines())


def test_calls_that_look_alike_are_one_row() -> None:
    columns = [
        "caller",
        "function",
        "how",
        "when",
        "made",
        "failed",
        "stopped",
        "abandoned",
        "cut",
        "waited_s",
        "waited_share",
    ]
    rows = [["m", "f", "task", "each run", made, 1, 0, 0, 0, 0.0, 0.0] for made in (5, 4, 4)]
    rows.append(["m", "g", "task", "each run", 7, 0, 0, 0, 0, 0.0, 0.0])
    found = calls_together(pd.DataFrame(rows, columns=columns))
    assert found[["function", "how", "made", "failed"]].to_numpy().tolist() == [
        ["f", "3 tasks", 13, 3],
        ["g", "task", 7, 0],
    ]
