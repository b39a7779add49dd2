"""Pings that keep environments warm: what they are in a scenario, what they keep and cost, worked by hand."""

import pytest

import lambdasim as ls
from lambdasim.errors import ScenarioError
from lambdasim.specs import load_scenario_text
from lambdasim.study.limits.findings.check import findings

# Three requests at once every 15 minutes, two minutes after a round of pings; an idle environment lives for 6 minutes.
TEXT = """
name: t
start: 2026-11-02T00:00:00Z
duration: 2h
free_tier: false
functions:
  - name: api
    memory_mb: 1024
    timeout: 30s
    init_ms: 500
    placement_ms: 0
    keep_alive: 6min
    work: {{io_ms: 50, first_run_ms: 0}}
    {more}
    trigger: {{type: function_url}}
    traffic: {{schedule: "rate(15 minutes)", scale: 3, start: 2min}}
"""


def scenario(more: str = "") -> ls.ScenarioSpec:
    return load_scenario_text(TEXT.format(more=more))


@pytest.mark.parametrize("engine", ["reference", "kernel"])
def test_three_pings_at_once_keep_three_environments(engine: str) -> None:
    kept = ls.simulate(scenario("keep_warm: {environments: 3, every: 5min, ping_ms: 100}"), engine=engine)
    rows = kept.summary().set_index("function")
    # Rounds at 0, 5, … 115 minutes: 24 of 3 pings, of which only the first three start cold.
    assert rows["events"].to_dict() == {"api": 8 * 3, "api-pings": 24 * 3}
    assert rows["cold_share"].to_dict() == {"api": 0.0, "api-pings": pytest.approx(3 / 72)}
    # 24 x 50 ms, 72 x 100 ms and three times INIT of 500 ms, of 1 GB.
    assert sum(one.billed_ms_with_init for one in kept.usage()) == 24 * 50 + 72 * 100 + 3 * 500
    bare = ls.simulate(scenario(), engine=engine).summary().set_index("function")
    assert bare.loc["api", "cold_share"] == 1.0


def test_two_pings_keep_two_of_three_and_rounds_further_apart_than_an_environment_lives_keep_none() -> None:
    two = ls.simulate(scenario("keep_warm: {environments: 2}")).summary().set_index("function")
    assert two.loc["api", "cold_share"] == pytest.approx(1 / 3)
    late = ls.simulate(scenario("keep_warm: {environments: 3, every: 15min}")).summary().set_index("function")
    assert late.loc["api-pings", "cold_share"] > 0.9


def test_pings_stand_once_in_what_is_written_and_read_again() -> None:
    spec = scenario("keep_warm: {environments: 3}")
    again = load_scenario_text(spec.to_json())
    assert (
        [one.name for one in again.functions] == [one.name for one in spec.functions] == ["api", "api-pings"]
    )
    assert again.scenario_hash() == spec.scenario_hash()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("keep_warm: {environments: 0}", "keep_warm.environments: must be at least 1"),
        ("keep_warm: {environments: 2, every: 90s}", "keep_warm.every: must be whole minutes"),
        ("keep_warm: {every: 5min}", "keep_warm.environments"),
        ("keep_warm: 3", "keep_warm: must be a mapping"),
    ],
)
def test_what_cannot_be_pinged_is_one_error(more: str, told: str) -> None:
    with pytest.raises(ScenarioError) as wrong:
        scenario(more)
    assert told in str(wrong.value)
    assert len(str(wrong.value).splitlines()) == 1


def test_the_name_of_the_pings_must_be_free() -> None:
    other = "  - {name: api-pings, traffic: {constant: {rate_per_s: 1}}}\n"
    with pytest.raises(ScenarioError, match="needs the name api-pings for its pings"):
        load_scenario_text(TEXT.format(more="keep_warm: {environments: 3}") + other)


def test_a_ping_that_is_lost_is_no_finding() -> None:
    found = findings(ls.simulate(scenario("keep_warm: {environments: 2}")))
    assert not [
        row for row in found.to_dict("records") if "pings" in str(row["function"]) and row["rule"] == "no-dlq"
    ]
