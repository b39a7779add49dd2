"""A function that a scenario does not have is refused by name everywhere, and never counts as nothing."""

from collections.abc import Callable
from typing import Any

import pytest

import lambdasim as ls
from lambdasim import plots
from lambdasim.errors import LambdaSimError
from lambdasim.study.expected import sweep_cost
from lambdasim.study.keep_warm import keep_warm
from lambdasim.study.what_if.grid import what_if

TEXT = """
name: two
start: 2026-11-02T00:00:00Z
duration: 1min
functions:
- {name: resize, work: {io_ms: 10}, traffic: {constant: {rate_per_s: 1}}}
- {name: gallery, work: {io_ms: 10}, traffic: {constant: {rate_per_s: 1}}}
"""
SCENARIO = ls.load_scenario_text(TEXT)
RUN = ls.simulate(SCENARIO)


@pytest.mark.parametrize(
    "ask",
    [
        RUN.latency_ms,
        RUN.invocation_costs,
        SCENARIO.function,
        lambda name: plots.plot_latency(RUN, name),
        lambda name: plots.plot_latency_histogram(RUN, name),
        lambda name: plots.plot_concurrency(RUN, name),
        lambda name: ls.sweep_memory(SCENARIO, name, sizes=[128, 256]),
        lambda name: sweep_cost(SCENARIO, 2, function=name),
        lambda name: keep_warm(SCENARIO, name, environments=2),
        lambda name: what_if(SCENARIO, function=name),
    ],
)
def test_an_unknown_function_is_refused_and_the_nearest_is_suggested(ask: Callable[[str], Any]) -> None:
    with pytest.raises(LambdaSimError, match=r"must be one of .*, got 'galery'; did you mean gallery\?"):
        ask("galery")


def test_a_sweep_of_several_functions_asks_for_one() -> None:
    with pytest.raises(LambdaSimError, match="must be named, as there are several: resize, gallery"):
        ls.sweep_memory(SCENARIO, sizes=[128, 256])
