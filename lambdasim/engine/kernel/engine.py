"""The compiled engine: records equal to the reference's, some hundred times faster.

Plans with queues or streams have an event loop of their own (`kernel.sourced`), and so have plans in which functions call
functions (`kernel.calls.loop`), and those with both (`kernel.mixed.loop`); each is compiled when the first such plan
runs. All others go through
`kernel.plain.advance` and know nothing of it.

Where nobody keeps records, `count_with_kernel` counts attempts in the same steps and writes none.

This module imports numba. With NUMBA_DISABLE_JIT=1 the steps run as plain Python.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdasim.compiling import is_at_hand
from lambdasim.engine.contract import Plan, RecordChunk
from lambdasim.engine.kernel.calls.run import CallingRun, compiled_advance_with_calls
from lambdasim.engine.kernel.mixed.run import MixedRun, compiled_advance_with_both
from lambdasim.engine.kernel.run import CountedRun, KernelRun, compiled_advance
from lambdasim.engine.kernel.sourced_run import SourcedRun, compiled_advance_with_sources
from lambdasim.engine.kernel.state import RECORDS_PER_CHUNK
from lambdasim.engine.scope import beyond_the_kernel
from lambdasim.engine.totals.aggregate import Aggregate
from lambdasim.errors import InputError
from lambdasim.wording import listed


def run_kernel(plan: Plan) -> Iterator[RecordChunk]:
    """Run a plan with the compiled engine.

    Parameters
    ----------
    plan : Plan

    Yields
    ------
    RecordChunk
        In the order in which attempts were admitted or refused; equal to those of ``run_reference``, cut at other
        places.

    Raises
    ------
    InputError
        When the plan asks for what this engine does not run yet, see `beyond_the_kernel`.
    """
    if beyond := beyond_the_kernel(plan):
        raise InputError.single(
            "engine", "kernel", f"does not run {listed(beyond, most=3)} yet; use reference, or auto"
        )
    return prepared(plan).run()


def count_with_kernel(plan: Plan, totals: Aggregate) -> Iterator[int]:
    """Run a plan with the compiled engine and sum it up on the way; no records are written.

    Parameters
    ----------
    plan : Plan
        For which `counts_itself` is true.
    totals : Aggregate
        Of the plan, and empty.

    Yields
    ------
    int
        Moments that have been reached [µs since the start].
    """
    yield from CountedRun(plan, totals).count()


def counts_itself(plan: Plan) -> bool:
    """Whether the compiled engine can count a plan's attempts without writing records."""
    return not (_is_sourced(plan) or _has_calls(plan))


def is_compiled(plan: Plan) -> bool:
    """Whether the event loop that a plan needs has been compiled before, in this process or on this disk."""
    if _has_calls(plan):
        return is_at_hand(
            compiled_advance_with_both() if _is_sourced(plan) else compiled_advance_with_calls()
        )
    return is_at_hand(compiled_advance_with_sources() if _is_sourced(plan) else compiled_advance())


def _is_sourced(plan: Plan) -> bool:
    return any(function.source is not None for function in plan.functions)


def _has_calls(plan: Plan) -> bool:
    return plan.calls is not None


def prepared(plan: Plan, room: int = 64, records_room: int = RECORDS_PER_CHUNK) -> KernelRun:
    """Lay a plan out for its event loop.

    Parameters
    ----------
    plan : Plan
    room, records_room : int
        See `KernelRun`.

    Returns
    -------
    KernelRun
    """
    if _has_calls(plan):
        kind: type[KernelRun] = MixedRun if _is_sourced(plan) else CallingRun
    else:
        kind = SourcedRun if _is_sourced(plan) else KernelRun
    return kind(plan, room, records_room)
