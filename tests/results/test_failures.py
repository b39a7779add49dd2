"""A run that fails says so, by kind, above everything else."""

import pytest

import lambdasim as ls
from lambdasim.specs import load_scenario_text

TEXT = """name: failing
start: 2026-11-01T00:00:00Z
duration: 1h
free_tier: false
functions:
  - {name: f, runtime: python3.12, memory_mb: 128, timeout: 3s, init_ms: 0, placement_ms: 0,
     work: {io_ms: 50, first_run_ms: 0}, trigger: {type: function_url}, traffic: {constant: {rate_per_s: 0.1}}}
"""


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (("init_ms: 0", "init_ms: 12000"), "timeouts", "360 runs time out"),
        (("io_ms: 50", "io_ms: 5000"), "timeouts", "360 runs time out"),
        (("first_run_ms: 0", "first_run_ms: 0, max_memory_mb: 200"), "out_of_memory", "360 runs run out of memory"),
        (("first_run_ms: 0", "first_run_ms: 0, error_probability: 1"), "errors", "360 runs end with an error"),
        (("init_ms: 0", "init_ms: 0, reserved_concurrency: 0"), "throttled", "360 attempts are refused"),
    ],
)  # fmt: skip
def test_every_event_that_fails_is_lost_and_stands_by_its_kind(
    change: tuple[str, str], kind: str, words: str
) -> None:
    run = ls.simulate(load_scenario_text(TEXT.replace(*change)))
    (row,) = run.summary().to_dict("records")
    assert (row["events"], row["succeeded"], row["lost"], row[kind]) == (360, 0, 360, 360)
    said = run.text()
    assert f"WARNING: 360 of 360 events of f are lost, 100.0% ({words})." in " ".join(said.split())
    assert "nan" not in said
    assert max(map(len, said.splitlines())) <= 80
    assert said.index("WARNING") < said.index("throttled")


def test_a_run_that_serves_all_has_no_warning() -> None:
    run = ls.simulate(load_scenario_text(TEXT))
    assert "WARNING" not in repr(run)
    assert (
        run.summary()[["lost", "errors", "timeouts", "crashes", "out_of_memory", "cut_answers"]]
        .to_numpy()
        .sum()
        == 0
    )
