"""What became of messages and records: tables of queues and streams."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lambdasim.catalog import timing
from lambdasim.engine.contract import FunctionPlan, RecordChunk
from lambdasim.engine.items import ITEM_COLUMNS, ItemOutcome
from lambdasim.engine.totals.function_totals import FunctionTotals
from lambdasim.engine.totals.items import ItemTotals
from lambdasim.units import US_PER_HOUR, US_PER_S

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS: Final = (
    "function", "source", "sent", "processed", "dead_lettered", "expired", "given_up", "filtered", "swallowed",
    "receives", "received_again", "oldest_s", "peak_backlog", "left_at_end", "drain_s", "receive_calls",
    "empty_receives", "delete_calls", "poller_hours",
)  # fmt: skip


def sources_frame(plans: Iterable[FunctionPlan], totals: Iterable[FunctionTotals]) -> pd.DataFrame:
    """Lay out what became of the messages or records of each function that has any.

    Parameters
    ----------
    plans : iterable of FunctionPlan
    totals : iterable of FunctionTotals
        In the same order.

    Returns
    -------
    DataFrame
        One row for each function with a queue or a stream. Counts of messages or records: ``sent``, ``processed``,
        ``dead_lettered``, ``expired``, ``given_up``, ``filtered`` (never invoked for) and ``swallowed`` (failed, but
        deleted as if done), which add up to the first; ``receives`` of all of them together;
        ``received_again``, those with more than one. ``oldest_s``, the greatest age that one reached [s];
        ``peak_backlog``, the most sent and not ended as a minute ended; ``left_at_end``, those that the end of the
        scenario's time left; ``drain_s``, how long after it the last one ended [s]. Calls of a queue:
        ``receive_calls`` with messages, ``empty_receives`` without, ``delete_calls``; 10 messages each at most.
        ``poller_hours`` of provisioned pollers.
    """
    import pandas as pd

    rows = [
        _row(plan, found.items) for plan, found in zip(plans, totals, strict=True) if found.items is not None
    ]
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def _row(plan: FunctionPlan, items: ItemTotals) -> dict[str, Any]:
    source = plan.source
    assert source is not None  # noqa: S101 - only sources have items
    backlog = items.backlog()
    return {
        "function": plan.name,
        "source": "stream" if source.blocks else "FIFO queue" if source.ordered else "queue",
        "sent": items.sent,
        **{outcome.name.lower(): int(items.outcomes[outcome]) for outcome in ItemOutcome},
        "receives": items.receives,
        "received_again": items.repeated,
        "oldest_s": items.oldest_us / US_PER_S,
        "peak_backlog": int(backlog.max()) if len(backlog) else 0,
        "left_at_end": items.late,
        "drain_s": max(items.last_us - items.duration_us, 0) / US_PER_S,
        "receive_calls": items.counters["receive_calls"],
        "empty_receives": empty_receives(items),
        "delete_calls": items.counters["delete_calls"],
        "poller_hours": items.counters["unit_us"] / US_PER_HOUR,
    }


def empty_receives(items: ItemTotals) -> int:
    """Return how many receives found nothing: pollers wait a long poll each."""
    return items.counters["idle_us"] // timing("sqs_long_poll_s").us


def backlog_frame(
    plans: Iterable[FunctionPlan], totals: Iterable[FunctionTotals], minutes: list[str]
) -> pd.DataFrame:
    """Lay out by minute what was sent, what ended, and what was left.

    Parameters
    ----------
    plans : iterable of FunctionPlan
    totals : iterable of FunctionTotals
        In the same order.
    minutes : list of str
        Beginnings of the minutes, as many as any function reached.

    Returns
    -------
    DataFrame
        One row for each function with a queue or a stream and minute: ``timestamp``, ``function``, ``sent``, ``ended``;
        as the minute ended, ``backlog`` and the age of the oldest of it, ``oldest_s`` [s].
    """
    import pandas as pd

    frames = [
        pd.DataFrame(
            {"timestamp": [], "function": [], "sent": [], "ended": [], "backlog": [], "oldest_s": []}
        )
    ]
    for plan, found in zip(plans, totals, strict=True):
        items = found.items
        if items is not None and items.minutes:
            width = items.minutes
            frames.append(
                pd.DataFrame(
                    {
                        "timestamp": minutes[:width],
                        "function": plan.name,
                        "sent": np.pad(items.sent_by_minute, (0, width))[:width],
                        "ended": items.ended_by_minute[:width],
                        "backlog": items.backlog(),
                        "oldest_s": items.oldest_by_minute_us() / US_PER_S,
                    }
                )
            )
    return pd.concat(frames[1:] or frames, ignore_index=True)


def items_frame(chunks: Iterable[RecordChunk], names: tuple[str, ...]) -> pd.DataFrame:
    """Lay out messages and records for people.

    Parameters
    ----------
    chunks : iterable of RecordChunk
    names : tuple of str
        Functions, in the plan's order.

    Returns
    -------
    DataFrame
        One row for each message or record, in the order in which it ended: ``function``, ``item``, ``lane``,
        ``arrival_s``, ``first_s`` (NaN if it was never received), ``done_s``, ``receives``, ``outcome``.
    """
    import pandas as pd

    parts = [chunk.items for chunk in chunks if chunk.items is not None]
    nothing = np.zeros(0, dtype=np.int64)
    columns = {name: np.concatenate([nothing, *(part[name] for part in parts)]) for name in ITEM_COLUMNS}
    outcomes = [outcome.name.lower() for outcome in ItemOutcome]
    first_s = columns["first_us"] / US_PER_S
    return pd.DataFrame(
        {
            "function": pd.Categorical.from_codes(columns["function"], categories=pd.Index(list(names))),
            "item": columns["item"],
            "lane": columns["lane"],
            "arrival_s": columns["arrival_us"] / US_PER_S,
            "first_s": np.where(columns["first_us"] < 0, np.nan, first_s),
            "done_s": columns["done_us"] / US_PER_S,
            "receives": columns["receives"],
            "outcome": pd.Categorical.from_codes(columns["outcome"], categories=pd.Index(outcomes)),
        }
    )
