"""Studies of a scenario in which nothing happens: words, and no nan."""

import re
from collections.abc import Callable

import pytest

import lambdasim as ls
from lambdasim.views import Result

IDLE = ls.load_scenario_text("""name: idle
start: 2026-11-01T00:00:00Z
duration: 10min
functions: [{name: f, work: {io_ms: 5}, traffic: {constant: {rate_per_s: 0}}}]
""")
STUDIES: dict[str, Callable[[], Result]] = {
    "sweep-memory": lambda: ls.sweep_memory(IDLE, sizes=[128, 256], replications=2),
    "break-even": lambda: ls.break_even(IDLE, multiples=[1], replications=2),
    "compare": lambda: ls.compare([IDLE, IDLE], replications=2),
    "limits": lambda: ls.advise_limits(IDLE, replications=2, multiples=[1]),
    "platforms": lambda: ls.platforms(IDLE, replications=1),
    "safety": lambda: ls.safety_costs(ls.simulate(IDLE, keep_records=False)),
    "trap": lambda: ls.spring_trap(IDLE, IDLE),
}


@pytest.mark.parametrize("study", STUDIES)
def test_what_was_not_computed_is_no_number(study: str) -> None:
    found = STUDIES[study]()
    for view in (found.text(), repr(found), found.headline()):
        assert not re.search(r"\b(nan|inf)\b", view)
    assert "NaN" not in found.to_json()


def test_a_sweep_without_traffic_says_so_and_blames_no_size() -> None:
    told = " ".join(STUDIES["sweep-memory"]().text().split())
    assert "Nothing was served at any size" in told
    assert "fails" not in told


def test_a_break_even_without_traffic_has_nothing_to_compare() -> None:
    told = STUDIES["break-even"]().headline()
    assert "Fargate: there is no traffic to compare." in told
    assert "extrapolation" not in told
