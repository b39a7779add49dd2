"""Where the compiled engine calls a source out: what arrives, what follows a run or refusal, what a completion frees."""

from __future__ import annotations

from typing import Any

import numpy as np

from lambdasim.compiling import Int64, compiled
from lambdasim.engine.kernel import lanes as of
from lambdasim.engine.kernel import state as at
from lambdasim.engine.kernel.batches import as_counted, new_item
from lambdasim.engine.kernel.lanes import Sources
from lambdasim.engine.kernel.messages import (
    after_messages_ran,
    after_refused_messages,
    free_messages,
    message_arrives,
    poll,
    wake_queue,
)
from lambdasim.engine.kernel.streams import (
    after_records_ran,
    after_refused_records,
    free_records,
    go_on_with_lanes,
    record_arrives,
    records_again,
    wake_stream,
)


@compiled
def arrive(
    sources: Sources,
    function: Int64,
    invocation: Int64,
    about: Int64,
    kb: Int64,
    handler_us: Int64,
    fault: Int64,
) -> None:
    """Put what arrived on a lane; pollers may take it."""
    row = new_item(sources, function, invocation, about, kb, handler_us, fault)
    if sources.rows[function].kind == of.QUEUE:
        message_arrives(sources, function, row)
    else:
        record_arrives(sources, function, row)


@compiled
def go_on(sources: Sources, function: Int64) -> Int64:
    """Let pollers take what waits: the batch to run, 0 for none yet, or less than 0 for what is full."""
    if sources.rows[function].kind == of.QUEUE:
        return poll(sources, function)
    return go_on_with_lanes(sources, function)


@compiled
def after_batch(
    sources: Sources, function: Int64, batch: Int64, answer: Int64, outcome: Int64, end_us: Int64
) -> tuple[Int64, Int64]:
    """Decide what follows a run, all of which is known when it begins; give its outcomes as an event, and as counted."""
    if sources.rows[function].kind == of.QUEUE:
        after_messages_ran(sources, function, batch, answer, end_us)
    else:
        after_records_ran(sources, function, batch, answer)
    return np.int64(at.BATCH), as_counted(sources.rows[function], outcome)


@compiled
def after_refused_batch(sources: Sources, policy: Any, function: Int64, batch: Int64) -> Int64:
    """Decide on another attempt of a batch that found no room."""
    if sources.rows[function].kind == of.QUEUE:
        return after_refused_messages(sources, policy, function, batch)
    return after_refused_records(sources, policy, function, batch)


@compiled
def free(sources: Sources, function: Int64, batch: Int64) -> None:
    """Take back what a run held, now that it has ended."""
    if sources.rows[function].kind == of.QUEUE:
        free_messages(sources, function, batch)
    else:
        free_records(sources, function, batch)


@compiled
def woken(sources: Sources, key: Int64, function: Int64, batch: Int64) -> Int64:
    """Follow a wake, or try a batch again; give the batch that is to run now, or 0."""
    is_queue = sources.rows[function].kind == of.QUEUE
    if key < of.WAKE:
        return batch if is_queue else records_again(sources, function, batch)
    kind, number = (key >> of.KIND_SHIFT) & 3, key & of.NUMBER_MASK
    if is_queue:
        return wake_queue(sources, function, kind, number, batch)
    wake_stream(sources, function, kind, number, batch)
    return np.int64(0)
