"""INIT that was cut off at its cap: counted, not charged, and a bill says what it would be if it were."""

from dataclasses import replace

import pytest

import lambdasim as ls
from lambdasim.billing import Usage, price
from lambdasim.specs import load_scenario_text

ROW = Usage(
    "2026-11", "us-east-1", "f", "x86_64", 2048, 512, "zip", "python3.13",
    requests=3, billed_ms_with_init=33_000, billed_ms_without_init=33_000, init_cut_ms=30_000,
)  # fmt: skip
SCENARIO = """
name: slow-init
start: 2026-10-31T23:50:00Z
duration: 20m
functions:
- name: f
  memory_mb: 2048
  timeout: 60s
  init_ms: {init_ms}
  keep_alive: 1s
  work: {{io_ms: 100}}
  traffic: {{constant: {{rate_per_s: 0.005}}}}
"""


def test_three_starts_of_2_gb_may_be_60_gb_seconds_more() -> None:
    bill = price([ROW], free_tier=False)
    (note,) = [note for note in bill.notes if "cut off" in note]
    assert note.startswith("f, 2026-11: 3 cold starts had INIT cut off at its cap of 10 s")
    assert "up to 60 GB-s, $0.001, too low" in note
    assert bill.total == price([replace(ROW, init_cut_ms=0)], free_tier=False).total


@pytest.mark.parametrize("row", [replace(ROW, month="2025-07"), replace(ROW, init_cut_ms=0)])
def test_where_init_is_free_or_whole_nothing_is_said(row: Usage) -> None:
    assert not any("cut off" in note for note in price([row]).notes)


@pytest.mark.parametrize("engine", ["kernel", "reference"])
@pytest.mark.parametrize(("init_ms", "cut"), [(10_000, False), (10_001, True)])
def test_a_run_counts_each_start_in_its_month(engine: str, init_ms: int, cut: bool) -> None:
    """Every event starts cold, three before midnight and three after: each leaves 10 s that are not charged."""
    run = ls.simulate(load_scenario_text(SCENARIO.format(init_ms=init_ms)), engine=engine)
    assert run.records["start_type"].tolist() == ["cold"] * 6
    october, november = run.usage()
    assert [october.init_cut_ms, november.init_cut_ms] == [30_000 * cut] * 2
    with_init = 3 * (100 + init_ms)
    assert november.billed_ms_with_init == with_init
    told = [note for note in run.charges().notes if "cut off" in note]
    assert len(told) == (2 if cut else 0)
