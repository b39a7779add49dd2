"""Requests of functions that call and are called: as they began on Lambda, each with what it waited for there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from lambdasim.engine.contract import CallKind, FunctionPlan, Plan, StartType, calls_of_plan
from lambdasim.engine.instances.run import Requests
from lambdasim.results.run import RunResult
from lambdasim.study.platforms.serving import Arriving

_AT_ONCE: Final = 1 << 16


def in_chains(plan: Plan) -> frozenset[str]:
    """Name the functions whose requests are known from a run alone: those that call others, and those that are called.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    frozenset of str
    """
    calls = calls_of_plan(plan)
    names = {plan.functions[call.callee].name for _, call in calls}
    return frozenset(names | {function.name for function in plan.functions if function.calls})


def arriving_in_run(run: RunResult, place: int, function: FunctionPlan) -> Iterator[Arriving]:
    """Give a function's runs of Lambda as requests, in order of their starts.

    Parameters
    ----------
    run : RunResult
        With its records.
    place : int
        Of the function in the plan.
    function : FunctionPlan

    Yields
    ------
    Arriving
        Its own CPU time and waiting, and of a caller besides what its runs took on Lambda beyond those: it waits for the
        functions that it calls as long as it did there.
    """
    parts = []
    for chunk in run.chunks or ():
        own = (chunk["function"] == place) & (chunk["start_type"] != StartType.NONE)
        took_us = chunk["duration_us"] - chunk["init_again_us"]
        parts.append(np.stack([chunk["start_us"][own], chunk["invocation"][own], took_us[own]]))
    if not parts:
        return
    start_us, invocation, took_us = np.concatenate(parts, axis=1)
    order = np.argsort(start_us, kind="stable")
    waits = any(call.kind is CallKind.WAITING for call in function.calls)
    for first in range(0, len(order), _AT_ONCE):
        now = order[first : first + _AT_ONCE]
        numbers = np.ascontiguousarray(invocation[now])
        cpu_us, io_us = function.draws.work_us(numbers)
        if waits:
            computed_us = np.rint(cpu_us * function.draws.cpu_factor).astype(np.int64)
            io_us = np.maximum(took_us[now] - computed_us, io_us)
        yield Arriving(Requests(np.ascontiguousarray(start_us[now]), cpu_us, io_us), numbers)
