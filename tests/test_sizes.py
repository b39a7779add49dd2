"""Sizes that nobody can mean are one error at once, and never take the memory or the day that they ask for."""

import math
import time
from collections.abc import Callable

import numpy as np
import pytest

import lambdasim as ls
from lambdasim.errors import InputError

SPEC = ls.load_scenario_text("""name: t
start: 2026-11-01T00:00:00Z
duration: 2min
functions: [{name: f, work: {io_ms: 5}, traffic: {constant: {rate_per_s: 1}}}]
""")
DAYS = np.arange(1.0, 121)
HUGE = (10**9, 10**18)
LARGE: dict[str, Callable[[int], object]] = {
    "backtest paths": lambda size: ls.backtest(DAYS, paths=size),
    "forecast paths": lambda size: ls.forecast(SPEC, "2026-12", paths=size),
    "replicate": lambda size: ls.replicate(SPEC, size),
    "limits": lambda size: ls.advise_limits(SPEC, replications=size),
    "break-even": lambda size: ls.break_even(SPEC, replications=size),
    "platforms": lambda size: ls.platforms(SPEC, replications=size),
    "compare": lambda size: ls.compare([SPEC, SPEC], replications=size),
    "compare, at most": lambda size: ls.compare([SPEC, SPEC], most_replications=size),
    "sweep": lambda size: ls.sweep_memory(SPEC, replications=size),
    "sweep, sizes": lambda size: ls.sweep_memory(SPEC, sizes=range(128, size)),
    "sweep, at most": lambda size: ls.sweep_memory(SPEC, most_replications=size),
    "limits, multiples": lambda size: ls.advise_limits(SPEC, multiples=[size]),
    "limits, many multiples": lambda size: ls.advise_limits(SPEC, multiples=range(1, size)),
    "break-even, multiples": lambda size: ls.break_even(SPEC, multiples=[size]),
    "break-even, many multiples": lambda size: ls.break_even(SPEC, multiples=range(1, size)),
    "what-if, settings": lambda size: ls.what_if(SPEC, traffic=np.linspace(1, 2, 5_001)),
    "what-if, traffic": lambda size: ls.what_if(SPEC, traffic=range(1, size)),
    "what-if, sizes": lambda size: ls.what_if(SPEC, sizes=range(128, size)),
    "what-if, provisioned": lambda size: ls.what_if(SPEC, provisioned=range(size)),
    "keep-warm": lambda size: ls.keep_warm(SPEC, "f", size),
    "concurrency": lambda size: ls.simulate(arrivals_s=[0], durations_ms=5, provisioned_concurrency=size),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_size_that_nobody_can_mean_is_one_error_at_once(name: str) -> None:
    for size in HUGE:
        begun = time.process_time()
        with pytest.raises(InputError) as raised:
            LARGE[name](size)
        assert len(str(raised.value)) < 500
        assert time.process_time() - begun < 5


def test_no_multiple_is_left_out_in_silence() -> None:
    with pytest.raises(InputError, match="multiples: must be at most 100"):
        ls.advise_limits(SPEC, multiples=[1.0] * 100 + [2.0])


@pytest.mark.parametrize("wrong", [0, -1, math.nan, math.inf, -math.inf])
def test_multiples_are_numbers_above_0(wrong: float) -> None:
    for study in (ls.advise_limits, ls.break_even):
        with pytest.raises(InputError, match="multiples: must be above 0 and at most 1,000,000, got"):
            study(SPEC, multiples=[1, wrong])
