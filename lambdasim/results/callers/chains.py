"""Calls between functions and the chains that they make, as tables and words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lambdasim.engine.contract import CallKind, CallMoment, Plan, calls_of_plan, names_of_chains
from lambdasim.engine.totals.chains import ChainTotals
from lambdasim.units import US_PER_S
from lambdasim.wording import clipped, count, percent, wrapped

if TYPE_CHECKING:
    import pandas as pd

_HOW = {
    CallKind.WAITING: "synchronous",
    CallKind.EVENT: "asynchronous",
    CallKind.TRIGGER: "trigger",
}
_WHEN = {CallMoment.RUN: "each run", CallMoment.SUCCEEDED: "succeeded", CallMoment.FAILED: "failed"}
_CALLS = (
    "caller", "function", "how", "when", "made", "succeeded", "failed", "stopped", "abandoned", "cut", "waited_s",
    "waited_share",
)  # fmt: skip
_CHAINS = ("function", "chains", "failed", "events", "most_events", "p50_ms", "p95_ms", "p99_ms", "max_ms")


def calls_frame(plan: Plan, totals: ChainTotals, busy_us: Sequence[int]) -> pd.DataFrame:
    """Lay out what became of each call.

    Parameters
    ----------
    plan : Plan
    totals : ChainTotals
    busy_us : sequence of int
        Time that each function's runs took together [µs].

    Returns
    -------
    DataFrame
        One row for each call of the scenario: ``caller``, ``function``, ``how``, ``when``; how often it was ``made``, and
        how those ``succeeded`` and ``failed``, of which loop detection ``stopped`` some and others were ``abandoned``,
        since the caller's run had ended before the next try; those ``cut``, not made because the scenario had ended
        while a loop went on; ``waited_s``, for how long callers waited for it, all together, and ``waited_share``, the
        part of the caller's busy time that this is.
    """
    import pandas as pd

    rows = []
    busy = dict(zip((function.name for function in plan.functions), busy_us, strict=True))
    for caller, call in calls_of_plan(plan):
        counted = {name: int(totals.calls[name][call.number]) for name in _CALLS[4:10]}
        waited_us = int(totals.calls["waited_us"][call.number])
        rows.append(
            {
                "caller": caller,
                "function": plan.functions[call.callee].name,
                "how": _HOW[call.kind] if caller in busy else "task",
                "when": _WHEN[call.moment],
                **counted,
                "waited_s": waited_us / US_PER_S,
                "waited_share": waited_us / busy[caller] if busy.get(caller) else 0.0,
            }
        )
    return pd.DataFrame(rows, columns=list(_CALLS))


def chains_frame(plan: Plan, totals: ChainTotals) -> pd.DataFrame:
    """Lay out chains by the function at which they begin.

    Parameters
    ----------
    plan : Plan
    totals : ChainTotals

    Returns
    -------
    DataFrame
        ``function``, or the state machine; ``chains``; ``failed``, those of which some event did not succeed; mean
        ``events`` in a chain, and ``most_events``; exact percentiles of the time from the first event's arrival to the
        end of the last work [whole ms, rounded up].
    """
    import pandas as pd

    names = names_of_chains(plan)
    rows: list[dict[str, Any]] = []
    for rank in sorted(totals.latency_ms):
        latency, events = totals.latency_ms[rank], totals.events[rank]
        rows.append(
            {
                "function": names[rank],
                "chains": len(latency),
                "failed": totals.failed[rank],
                "events": events.mean(),
                "most_events": int(events.values[-1]),
                **{f"p{round(q * 100)}_ms": latency.quantile(q) for q in (0.5, 0.95, 0.99)},
                "max_ms": int(latency.values[-1]),
            }
        )
    return pd.DataFrame(rows, columns=list(_CHAINS))


def chains_text(calls: pd.DataFrame, chains: pd.DataFrame) -> str:
    """Write calls and chains for a terminal, in 80 columns.

    Parameters
    ----------
    calls, chains : DataFrame
        As `calls_frame` and `chains_frame` give them, the first not empty.

    Returns
    -------
    str
    """
    whole = chains.assign(
        function=[clipped(name, 20) for name in chains["function"]],
        events=[f"{mean:,.1f}" for mean in chains["events"]],
    )
    for name in ("chains", "failed", "most_events", "p50_ms", "p95_ms", "p99_ms", "max_ms"):
        whole[name] = [count(value) for value in whole[name]]
    seldom = [name for name in ("stopped", "abandoned", "cut") if (calls[name] > 0).any()]
    every, calls = calls, calls_together(calls)
    made = calls[["caller", "function", "how", "made", "failed", *seldom]].copy()
    made["how"] = [
        how if when == "each run" else f"when {when}"
        for how, when in zip(calls["how"], calls["when"], strict=True)
    ]
    for name in ("made", "failed", *seldom):
        made[name] = [count(value) for value in made[name]]
    for name in ("caller", "function"):
        made[name] = [clipped(one, 16) for one in made[name]]
    made["waiting"] = [
        percent(share) if how.split()[-1] == "synchronous" else "-"
        for share, how in zip(calls["waited_share"], calls["how"], strict=True)
    ]
    parts = ["whole chains, from the first arrival to the end of the last work"]
    parts.append(
        whole.rename(columns={"events": "mean events", "most_events": "most"}).to_string(index=False)
    )
    parts += ["", "calls between functions; waiting is the part of the caller's billed time that it waits"]
    parts.append(made.rename(columns={"function": "calls"}).to_string(index=False))
    return "\n".join([*parts, *map(wrapped, loops_told(every))])


def calls_together(calls: pd.DataFrame) -> pd.DataFrame:
    """Add up calls that a reader cannot tell apart: states of a machine, or steps, that call the same function.

    Parameters
    ----------
    calls : DataFrame
        As `calls_frame` gives it.

    Returns
    -------
    DataFrame
        The same columns; where several calls are one row, ``how`` says how many.
    """
    keys = ["caller", "function", "how", "when"]
    groups = calls.groupby(keys, sort=False)
    found = groups.sum().reset_index()[list(calls.columns)]
    many = groups.size().to_list()
    found["how"] = [
        how if number == 1 else f"{number} {how}s" if how == "task" else f"{number} × {how}"
        for how, number in zip(found["how"], many, strict=True)
    ]
    return found


def loops_told(calls: pd.DataFrame) -> Iterator[str]:
    """Say which loops were stopped, and which were still going on.

    Parameters
    ----------
    calls : DataFrame
        As `calls_frame` gives it.

    Yields
    ------
    str
    """
    for row in calls.to_dict("records"):
        named = f"{clipped(str(row['caller']), 40)} calls {clipped(str(row['function']), 40)}"
        if row["stopped"]:
            yield f"LOOP: {named}: loop detection stopped {count(row['stopped'], 'chain')}"
        if row["cut"]:
            yield (
                f"LOOP WITHOUT END: {named}: {count(row['cut'], 'call')} due after the scenario's end were not made; in "
                "reality the loop goes on, and so does the bill"
            )
