"""State machines' executions as a table and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lambdasim.engine.chains import ExecutionOutcome
from lambdasim.engine.contract import Plan
from lambdasim.engine.totals.executions import ExecutionTotals
from lambdasim.results.callers.chains import chains_text
from lambdasim.wording import clipped, count, wrapped

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS: Final = (
    "machine", "type", "executions", "succeeded", "failed", "timed_out", "history_full", "transitions", "retries",
    "most_history", "p50_ms", "p95_ms", "p99_ms", "billed_s",
)  # fmt: skip


def machines_frame(plan: Plan, totals: ExecutionTotals) -> pd.DataFrame:
    """Lay out executions by state machine.

    Parameters
    ----------
    plan : Plan
    totals : ExecutionTotals

    Returns
    -------
    DataFrame
        ``machine``, ``type``, ``executions``, and how they ended: ``succeeded``, ``failed``, ``timed_out`` (an express
        execution after 5 minutes), ``history_full`` (a standard one at 25,000 events); ``transitions``, start, end and
        retries included; ``retries``; the longest history; exact percentiles of the duration [whole ms, rounded up];
        ``billed_s``, durations of an express machine in steps of 100 ms [s], NaN for a standard one.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for machine in plan.machines:
        one = totals.machines[machine.name]
        rows.append(
            {
                "machine": machine.name,
                "type": "durable" if machine.durable >= 0 else "express" if machine.memory_mb else "standard",
                "executions": one.executions.total(),
                "succeeded": one.outcomes[ExecutionOutcome.SUCCEEDED],
                "failed": one.outcomes[ExecutionOutcome.FAILED],
                "timed_out": one.outcomes[ExecutionOutcome.TIMED_OUT],
                "history_full": one.outcomes[ExecutionOutcome.HISTORY],
                "transitions": one.transitions.total(),
                "retries": one.retries,
                "most_history": one.most_history,
                **{f"p{round(q * 100)}_ms": one.duration_ms.quantile(q) for q in (0.5, 0.95, 0.99)},
                "billed_s": one.billed_ms.total() / 1000 if machine.memory_mb else float("nan"),
            }
        )
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def machines_text(table: pd.DataFrame) -> str:
    """Write executions for a terminal, in 80 columns.

    Parameters
    ----------
    table : DataFrame
        As `machines_frame` gives it, not empty.

    Returns
    -------
    str
    """
    seldom = [name for name in ("timed_out", "history_full") if (table[name] > 0).any()]
    ends = table[["executions", "failed", *seldom, "transitions", "retries"]].map(count)
    ends.insert(0, "state machine", [clipped(name, 20) for name in table["machine"]])
    times = table[["p50_ms", "p95_ms", "p99_ms"]].map(count)
    whole = ends.join(times).rename(columns=lambda name: name.replace("_ms", " ms").replace("_", " "))
    return whole.to_string(index=False)


def machines_told(table: pd.DataFrame) -> list[str]:
    """Say of state machines what their numbers alone do not: why executions end at a full history.

    Parameters
    ----------
    table : DataFrame
        As `machines_frame` gives it.

    Returns
    -------
    list of str
    """
    return [
        f"{clipped(row['machine'], 40)}: {count(row['history_full'])} of {count(row['executions'])} executions ended "
        f"because their history had {count(row['most_history'])} events, the most that a standard one may have, after "
        f"{row['transitions'] / row['executions']:,.0f} transitions each on average, all of them billed. Unless that "
        "many are meant, a loop of states does not end: count its turns and leave by a Choice, or let each part start an "
        "execution of its own."
        for row in table.to_dict("records")
        if row["history_full"]
    ]


def calls_texts(machines: pd.DataFrame, calls: pd.DataFrame, chains: pd.DataFrame) -> list[str]:
    """Write what callers did, for a terminal; nothing where there are none.

    Parameters
    ----------
    machines, calls, chains : DataFrame
        As `machines_frame`, `calls_frame` and `chains_frame` give them.

    Returns
    -------
    list of str
    """
    parts = ["", machines_text(machines), *map(wrapped, machines_told(machines))] if len(machines) else []
    return parts + (["", chains_text(calls, chains)] if len(calls) else [])
