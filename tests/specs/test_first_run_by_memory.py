"""Extra time of the first run after INIT by memory size."""

from pathlib import Path

import pytest

import lambdasim as ls
from lambdasim.errors import ScenarioError
from lambdasim.specs import load_scenario_text

TEXT = """name: t
start: 2026-11-01T00:00:00Z
duration: 1s
functions:
  - {name: f, memory_mb: MEMORY, init_ms: 100, trigger: {type: alb}, traffic: {constant: {rate_per_s: 1}},
     work: {io_ms: 10, first_run_ms: FIRST}}
"""
TABLE = "{by_memory: [{memory_mb: 256, mean_ms: 400}, {memory_mb: 1024, mean_ms: 100}]}"


def first_ms(memory_mb: int) -> float:
    run = ls.simulate(load_scenario_text(TEXT.replace("MEMORY", str(memory_mb)).replace("FIRST", TABLE)))
    return float(run.records["duration_ms"].iloc[0]) - 10


def test_between_sizes_it_is_a_straight_line_of_logarithms() -> None:
    assert first_ms(256) == 400
    assert first_ms(1024) == 100
    assert first_ms(512) == pytest.approx(200, abs=0.01)  # halfway in both logarithms
    assert first_ms(300) == pytest.approx(400 * (300 / 256) ** -1, abs=0.01)
    assert first_ms(128) == 400
    assert first_ms(3008) == 100


def test_spread_keeps_the_mean_at_every_size() -> None:
    """4,000 cold starts: mean and deviation of the extra time within five standard errors of what was asked for."""
    table = TABLE.replace("}]}", "}], spread: 0.3}")
    text = TEXT.replace("MEMORY", "512").replace("FIRST", table).replace("duration: 1s", "duration: 4000s")
    run = ls.simulate(load_scenario_text(text.replace("trigger:", "keep_alive: 0s, trigger:")))
    extra = run.records["duration_ms"].to_numpy() - 10
    assert (run.records["start_type"] == "cold").all()
    assert extra.mean() == pytest.approx(200, abs=5 * 60 / 4000**0.5)
    assert extra.std() == pytest.approx(60, rel=0.1)


def test_a_saved_run_keeps_the_table(tmp_path: Path) -> None:
    spec = load_scenario_text(TEXT.replace("MEMORY", "512").replace("FIRST", TABLE))
    ls.save(ls.simulate(spec), tmp_path)
    assert ls.load_run(tmp_path).scenario == spec


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ("{by_memory: []}", "by_memory"),
        (
            "{by_memory: [{memory_mb: 512, mean_ms: 1}, {memory_mb: 512, mean_ms: 2}]}",
            "must be above 512, got 512",
        ),
        ("{by_memory: [{memory_mb: 1, mean_ms: 1}]}", "memory_mb"),
        ("{by_memory: [{memory_mb: 512, mean_ms: 0}]}", "mean_ms"),
        ("{by_size: 1}", "by_size"),
        ("{by_memory: [{memory_mb: 512, mean_ms: 1}], spread: -1}", "spread"),
        ("yes", "must be"),
    ],
)
def test_what_is_no_table_is_told(first: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario_text(TEXT.replace("MEMORY", "512").replace("FIRST", first))
    assert message in str(caught.value)
