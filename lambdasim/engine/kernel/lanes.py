"""The arrays of queues and streams in the compiled engine: what their rows hold, and how a plan fills them.

Items lie on lanes, linked one to the next, and in batches, whose cells name them: a message that was received again while
an earlier run goes on is in two batches. Row 0 of items, cells and batches stands for none. An item's row is free again
once it has ended and neither a lane nor a batch names it.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.draws.compiled import row_type
from lambdasim.draws.keys import Quantity
from lambdasim.engine.contract import FunctionPlan, Plan
from lambdasim.engine.items import ITEM_COLUMNS, ItemOutcome
from lambdasim.engine.kernel.calendar import Rows, enlarged
from lambdasim.engine.lanes import ITEMS_PER_CALL, Backoff, SourcePlan

# Why the steps returned, after those of `state`.
ITEMS_FULL, CELLS_FULL, BATCHES_FULL, ENDED_FULL = range(6, 10)

QUEUE, STREAM = 1, 2
# Order of wakes of one function at an instant: those of a queue, those of a stream.
RETURN, WINDOW, STEP, PACE = range(4)
TRY, LOOK, MORE, PACE_OF_READS = range(4)
WAKE: Final = 1 << 61
FUNCTION_SHIFT: Final = 42
KIND_SHIFT: Final = 40
NUMBER_MASK: Final = (1 << KIND_SHIFT) - 1

PROCESSED: Final = int(ItemOutcome.PROCESSED)
DEAD_LETTERED: Final = int(ItemOutcome.DEAD_LETTERED)
EXPIRED: Final = int(ItemOutcome.EXPIRED)
GIVEN_UP: Final = int(ItemOutcome.GIVEN_UP)
FILTERED: Final = int(ItemOutcome.FILTERED)
SWALLOWED: Final = int(ItemOutcome.SWALLOWED)
PER_CALL: Final = ITEMS_PER_CALL
COLUMNS: Final = len(ITEM_COLUMNS)
MOST_WAKES: Final = 8
ENDED_PER_CHUNK: Final = 1 << 14

# The present moment; the function whose pollers have something to do, plus 1; where functions call each other, the batch
# that is to run, and what was found to be full; free rows, and how many cells are left; wakes to be put in order; items
# that ended and were not handed over yet.
HEAD: Final = row_type(
    i8="now_us pending due full free_item free_cell free_batch cells_left wakes ended ended_room largest_batch"
)
# A `SourcePlan`, what changes about it, and what is counted of it. ``wait_us`` and ``longest_us`` are visibility, or the
# first and the greatest back-off; ``most_tries`` receives or retries; ``most_age_us`` retention, or the greatest age.
SOURCE: Final = row_type(
    i8="kind first_lane lanes ordered batch window_us first growth interval_us most idle look_us per_unit calls_per_s "
    "kb_per_s least_units per_poller until_us batch_kb call_kb wait_us longest_us most_tries most_age_us bisect partial "
    "swallows reports "
    "allowed busy steps_are_due step_after batches gathering taking taken passed_first passed_last counted_us "
    "next_receive_us is_paced current ready ready_first ready_last considering serving last_lane again is_dropping "
    "poison_below filtered_below "
    "sent ended queued in_flight receive_calls receive_requests delete_calls idle_us unit_us"
)
# A lane: its items, what is cut off a batch and comes before them (``parts``), and its place among those that are ready.
LANE: Final = row_type(
    i8="first last waiting kb held key place stamp is_busy is_watched is_ready opened_us offset_us parts next"
)
# A message or record; ``rows`` counts lanes and cells that name it, ``handler_us`` and ``fault`` are its first run's.
# ``late_us`` is how long after the first message of its batch it was received, so it comes back as much later.
ITEM: Final = row_type(
    u4="next batch", i4="lane receives rows kb late_us", u1="fault done passes poisoned",
    i8="number arrival_us first_us handler_us",
)  # fmt: skip
# An item's place in a batch; its run holds the item's chain or not (``holds``), where there are chains.
CELL: Final = row_type(u4="which next", i2="fault failed", i4="holds")
# Items that a poller took together. ``failed_from`` counts those of a stream's that are not repeated; ``received`` those
# that came with a queue's, ``call_kb`` what the last of its calls carries so far, and ``requests`` what the others cost.
# A run of a batch that waits for calls is ``is_open``.
BATCH: Final = row_type(
    i4="first last count function next lane attempts refusals received tries failed_from requests",
    u1="is_held is_running returns is_open",
    i8="deadline_us serial arrival_us invocation kb call_kb",
)
# What is to happen later.
WAKES: Final = row_type(i8="time_us key function batch")


class Sources(NamedTuple):
    """All arrays of queues and streams.

    Attributes
    ----------
    head, rows, lanes, items, cells, batches, wakes : ndarray of the rows above
        ``rows`` has a row for each function of the plan, of kind 0 for those without a source.
    heap : ndarray of int64
        Lanes that are ready to be taken from, by their first item: a heap in each source's stretch of lanes.
    ended : ndarray of int64
        Items that ended, column by column.
    orders : ndarray of int64
        Which of its queue's messages each item is, with message groups: the numbers of what is called are in no order.
    gone : ndarray of int64
        Their rows; negative where the item stands for what was given up with it.
    about : ndarray of int64
        Of each arrival of the present chunk, side by side: lane, and whether it is poisoned and filtered; size [KB].
    served : ndarray of uint32
        The batch that each environment serves; 0 for other events.
    """

    head: Rows
    rows: Rows
    lanes: Rows
    items: Rows
    cells: Rows
    batches: Rows
    wakes: Rows
    heap: NDArray[np.int64]
    ended: NDArray[np.int64]
    orders: NDArray[np.int64]
    gone: NDArray[np.int64]
    about: NDArray[np.int64]
    served: NDArray[np.uint32]


def first_sources(plan: Plan, room: int, ended_room: int = ENDED_PER_CHUNK) -> Sources:
    """Fill the arrays for a plan's beginning.

    Parameters
    ----------
    plan : Plan
    room : int
        Number of items, and of batches, for which there is room at first.
    ended_room : int
        Number of items that ended after which the steps return, or the largest batch if that is more.

    Returns
    -------
    Sources
    """
    head = np.zeros(1, dtype=HEAD)
    rows = np.zeros(len(plan.functions), dtype=SOURCE)
    lanes = 0
    for row, function in zip(rows, plan.functions, strict=True):
        if function.source is not None:
            row["first_lane"] = lanes
            lanes += function.source.lanes
            _fill_source(row, function.source)
            row["poison_below"] = np.rint(function.draws.poison_probability * (1 << 53))
            row["filtered_below"] = np.rint(function.draws.filtered_probability * (1 << 53))
    lane_rows = np.zeros(lanes, dtype=LANE)
    lane_rows["opened_us"] = -1
    for row, function in zip(rows, plan.functions, strict=True):
        if row["kind"] == STREAM and function.source is not None:
            mine = slice(row["first_lane"], row["first_lane"] + row["lanes"])
            lane_rows["offset_us"][mine] = [function.source.offset_us(lane) for lane in range(row["lanes"])]
    head["largest_batch"] = rows["batch"].max()
    head["ended_room"] = max(ended_room, int(rows["batch"].max()) + 1)
    sources = Sources(
        head=head,
        rows=rows,
        lanes=lane_rows,
        items=enlarged(np.zeros(0, dtype=ITEM), 1, ITEM),
        cells=np.zeros(1, dtype=CELL),
        batches=np.zeros(1, dtype=BATCH),
        wakes=np.zeros(MOST_WAKES, dtype=WAKES),
        heap=np.zeros(lanes, dtype=np.int64),
        ended=np.zeros(COLUMNS * int(head["ended_room"][0]), dtype=np.int64),
        orders=np.zeros(0, dtype=np.int64),
        gone=np.zeros(int(head["ended_room"][0]), dtype=np.int64),
        about=np.zeros(0, dtype=np.int64),
        served=np.zeros(0, dtype=np.uint32),
    )
    for full in (ITEMS_FULL, CELLS_FULL, BATCHES_FULL):
        sources = with_more_rows(sources, full, room)
    return sources


def with_more_rows(sources: Sources, full: int, room: int = 0) -> Sources:
    """Make room for more items, cells or batches.

    Parameters
    ----------
    sources : Sources
    full : int
        Which of them are used up.
    room : int
        How many rows there shall be; twice as many as there are by default.

    Returns
    -------
    Sources
    """
    name, free = {
        ITEMS_FULL: ("items", "free_item"),
        CELLS_FULL: ("cells", "free_cell"),
        BATCHES_FULL: ("batches", "free_batch"),
    }[full]
    old = getattr(sources, name)
    size = 1 + (room or 2 * (len(old) - 1))
    rows = enlarged(old, size, old.dtype)
    rows["next"][len(old) :] = np.arange(len(old) + 1, size + 1)
    rows["next"][-1] = sources.head[free][0]
    sources.head[free] = len(old)
    if full == CELLS_FULL:
        sources.head["cells_left"] += size - len(old)
    if full == ITEMS_FULL:
        orders = enlarged(sources.orders, len(rows), np.dtype(np.int64))
        sources = sources._replace(orders=orders)
    return sources._replace(**{name: rows})


def with_more_served(sources: Sources, slots: int) -> Sources:
    """Make room for what so many environments serve."""
    return sources._replace(served=enlarged(sources.served, slots, np.dtype(np.uint32)))


def about_items(
    functions: tuple[FunctionPlan, ...], function: NDArray[np.int64], invocation: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Draw what is known of items when they arrive, see `Sources`.

    Parameters
    ----------
    functions : tuple of FunctionPlan
    function, invocation : ndarray of int64, shape (n,)

    Returns
    -------
    ndarray of int64, shape (2 * n,)
    """
    about = np.zeros((len(function), 2), dtype=np.int64)
    for rank, plan in enumerate(functions):
        if plan.source is None:
            continue
        mine = slice(None) if len(functions) == 1 else np.flatnonzero(function == rank)
        numbers, draws = invocation[mine], plan.draws
        if plan.source.lanes > 1:
            about[mine, 0] = draws.lanes(numbers) << 2
        if draws.poison_probability:
            about[mine, 0] |= draws.poisoned(numbers) << 1
        if draws.filtered_probability:
            about[mine, 0] |= draws.filtered(numbers)
        if draws.has_payloads():
            about[mine, 1] = draws.payload_kb(Quantity.REQUEST_PAYLOAD, numbers)
    return about.ravel()


def _fill_source(row: Any, source: SourcePlan) -> None:
    pollers, returns = source.pollers, source.returns
    for entry in fields(pollers):
        row[entry.name] = getattr(pollers, entry.name)
    for name in (
        "lanes",
        "ordered",
        "batch",
        "window_us",
        "partial",
        "swallows",
        "reports",
        "batch_kb",
        "call_kb",
    ):
        row[name] = getattr(source, name)
    row["allowed"] = pollers.first
    row["current"] = row["considering"] = row["last_lane"] = -1
    if isinstance(returns, Backoff):
        row["kind"] = STREAM
        row["wait_us"], row["longest_us"] = returns.first_us, returns.most_us
        row["most_tries"], row["most_age_us"] = returns.most_retries, returns.most_age_us
        row["bisect"] = returns.bisect
    else:
        row["kind"] = QUEUE
        row["wait_us"] = returns.visibility_us
        row["most_tries"], row["most_age_us"] = returns.most_receives, returns.retention_us
