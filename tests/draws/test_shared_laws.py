"""Equal laws are one law as long as somebody has it: tables are large, and thousands of functions have the same few."""

from __future__ import annotations

import gc
from weakref import ref

import numpy as np

from lambdasim.draws.keys import Quantity
from lambdasim.draws.laws import exponential, lognormal
from lambdasim.engine.plan import plan_scenario
from lambdasim.specs import load_scenario_text


def test_equal_parameters_give_one_table_and_others_another() -> None:
    one, same, other = lognormal(1.0, 0.5), lognormal(1.0, 0.5), lognormal(1.0, 0.6)
    assert one is same
    assert not np.array_equal(one.base, other.base)
    assert exponential(1.0) is not exponential(0.5)


def test_a_law_that_nobody_has_is_forgotten() -> None:
    gone = ref(lognormal(2.0, 0.25))
    gc.collect()
    assert gone() is None


def test_functions_of_a_scenario_share_laws() -> None:
    work = "work: {cpu_ms: {lognormal: {p50: 20, p95: 80}}, io_ms: {exponential: {mean: 40}}}"
    functions = ", ".join(
        f"{{name: f{n}, {work}, traffic: {{constant: {{rate_per_s: 1}}}}}}" for n in range(3)
    )
    plan = plan_scenario(
        load_scenario_text(
            f"{{name: t, start: '2026-11-01T00:00:00Z', duration: 60s, functions: [{functions}]}}"
        )
    )
    for quantity in (Quantity.CPU_TIME, Quantity.IO_TIME, Quantity.INIT, Quantity.KEEP_ALIVE):
        assert len({id(function.draws.laws[quantity]) for function in plan.functions}) == 1
