"""What fails in a run, by kind, and when that must stand above every other figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambdasim.engine.contract import EventOutcome, Limit, Outcome
from lambdasim.engine.items import ItemOutcome
from lambdasim.wording import clipped, count, listed, percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from lambdasim.engine.totals.function_totals import FunctionTotals

RUN_FAILURES: Final = {
    "errors": Outcome.FUNCTION_ERROR,
    "timeouts": Outcome.TIMEOUT,
    "crashes": Outcome.CRASH,
    "out_of_memory": Outcome.OUT_OF_MEMORY,
}
"""Names of the ways in which a run fails; each counts runs, of which an event may have several."""
CUT_ANSWERS: Final = "cut_answers"
_WORDS: Final = {
    "errors": ("run ends with an error", "runs end with an error"),
    "timeouts": ("run times out", "runs time out"),
    "crashes": ("run crashes", "runs crash"),
    "out_of_memory": ("run runs out of memory", "runs run out of memory"),
    "cut_answers": ("caller stops waiting", "callers stop waiting"),
}
_ITEM_WORDS: Final = {
    ItemOutcome.DEAD_LETTERED: "dead-lettered",
    ItemOutcome.EXPIRED: "expired",
    ItemOutcome.GIVEN_UP: "given up",
    ItemOutcome.SWALLOWED: "failed but deleted as if done",
}
_WORTH_A_WARNING: Final = 0.01
_MOST_NAMED: Final = 3


def failure_counts(totals: FunctionTotals) -> dict[str, int]:
    """Count what fails of a function, by kind.

    Parameters
    ----------
    totals : FunctionTotals

    Returns
    -------
    dict of str to int
        ``errors``, ``timeouts``, ``crashes``, ``out_of_memory`` [runs]; ``cut_answers``, callers that a gateway
        answered 504 [events].
    """
    counts = {name: int(totals.outcomes[kind]) for name, kind in RUN_FAILURES.items()}
    return counts | {CUT_ANSWERS: int(totals.event_outcomes[EventOutcome.CLIENT_TIMEOUT])}


def lost_events(totals: FunctionTotals) -> int:
    """Count events that did not end with success, whatever the reason.

    Parameters
    ----------
    totals : FunctionTotals

    Returns
    -------
    int
    """
    return totals.events - int(totals.event_outcomes[EventOutcome.SUCCEEDED])


def failure_warning(functions: Iterable[tuple[str, FunctionTotals]]) -> str:
    """Say in one sentence what fails where more than 1 % of a function's events are lost.

    Parameters
    ----------
    functions : iterable of (str, FunctionTotals)
        Each function's name and totals.

    Returns
    -------
    str
        Empty where no function loses that many.
    """
    told = []
    for name, totals in functions:
        lost = lost_events(totals)
        if lost <= _WORTH_A_WARNING * totals.events:
            continue
        kinds = [count(number, *_WORDS[kind]) for kind, number in failure_counts(totals).items() if number]
        refused = int(totals.outcomes[Outcome.THROTTLED])
        kinds += [count(refused, "attempt is refused", "attempts are refused")] if refused else []
        if totals.items is not None:
            ends = ((words, int(totals.items.outcomes[kind])) for kind, words in _ITEM_WORDS.items())
            kinds = [f"{number:,} {words}" for words, number in ends if number] + kinds
        name_of, verb = ("event", "are lost") if totals.items is None else ("item", "are not processed")
        why = f" ({listed(kinds, len(kinds), ' and ')})" if kinds else ""
        told.append(
            f"{lost:,} of {count(totals.events, name_of)} of {clipped(name, 40)} {verb}, "
            f"{percent(lost / totals.events, 1)}{why}"
        )
    more = len(told) - _MOST_NAMED
    shown = told[:_MOST_NAMED]
    if more > 0:
        shown.append(f"{count(more, 'more function loses', 'more functions lose')} events")
    return f"{'; '.join(shown)}." if shown else ""


def throttles_frame(names: Sequence[str], functions: Sequence[FunctionTotals]) -> pd.DataFrame:
    """Lay out refused attempts by function and limit.

    Parameters
    ----------
    names : sequence of str
        Functions, in the plan's order.
    functions : sequence of FunctionTotals
        Their totals.

    Returns
    -------
    DataFrame
        ``function``, ``limit``, ``attempts``; a row where there are any.
    """
    import pandas as pd

    rows = [
        {"function": name, "limit": kind.name.lower(), "attempts": int(totals.limits[kind])}
        for name, totals in zip(names, functions, strict=True)
        for kind in Limit
        if kind is not Limit.NONE and totals.limits[kind]
    ]
    return pd.DataFrame(rows, columns=["function", "limit", "attempts"])
