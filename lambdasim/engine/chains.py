"""Chains: events that follow from one another by calls; what engines write of each, and the law that none is lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.draws.keys import DrawKey, has_happened
from lambdasim.engine.columns import Columns
from lambdasim.errors import ConservationError, InputError
from lambdasim.units import format_duration

CHAIN_COLUMNS: Final[dict[str, str]] = {
    "function": "index in the plan of the function at which the chain began",
    "invocation": "number of the event or item there with which it began",
    "arrival_us": "when that arrived [µs since the scenario's start]",
    "done_us": "when the last of the chain's work was done [µs since the scenario's start]",
    "events": "events and items of the chain, the first included",
    "failed": "how many of them did not succeed",
}

CALL_COUNTERS: Final = ("made", "succeeded", "failed", "stopped", "abandoned", "cut", "waited_us")
"""What is counted of each call of the plan: how often it was made; how those ended, of which loop detection stopped some
(they count as failed too) and callers abandoned some, whose own run ended first (failed too); how often it was not made
because the scenario had ended while a loop went on; and how long callers waited for it [µs]."""

CALLED: Final = 1 << 61
"""The first bit of the numbers of events that were called, which none that traffic brought has."""


def number_of_call(key: bytes, number: int, run: int, place: int) -> int:
    """Give an event that is called its number: from its caller's number and run, and its place among those of the call.

    Numbers are 62 bits long. Two of ten million are equal with a probability of 2 in 100,000, and then share their luck.

    Parameters
    ----------
    key : bytes
        Of the call.
    number, run : int
        The caller's, and which of its runs calls.
    place : int
        From 0.

    Returns
    -------
    int

    Examples
    --------
    >>> number_of_call(bytes(16), 7, 0, 0) >> 61
    1
    """
    return CALLED | _bits(key, number, run, place + 1) >> 3


def was_made(key: bytes, number: int, run: int, probability: float) -> bool:
    """Decide whether a run makes a call; see `number_of_call` for the parameters.

    Examples
    --------
    >>> was_made(bytes(16), 7, 0, 1.0), was_made(bytes(16), 7, 0, 0.0)
    (True, False)
    """
    return probability >= 1 or has_happened(_bits(key, number, run, 0), probability)


def key_words(key: bytes) -> tuple[int, int]:
    """Give the two 64-bit words of a call's key.

    Examples
    --------
    >>> key_words(bytes([1, *bytes(7), 2, *bytes(7)]))
    (1, 2)
    """
    return int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")


def _bits(key: bytes, number: int, run: int, what: int) -> int:
    k0, k1 = key_words(key)
    return DrawKey(DrawKey(k0, k1).bits_of(number, run), k1).bits_of(what)


def too_many_calls(most: int, now_us: int, callee: str) -> InputError:
    """Make the error of a run in which functions call each other more often than they may.

    Parameters
    ----------
    most : int
    now_us : int
        When it was once too often.
    callee : str
        The function that was called then.

    Returns
    -------
    InputError
    """
    return InputError.single(
        "simulate",
        "calls",
        f"functions called each other more than {most:,} times within {format_duration(now_us)}, the last time "
        f"{callee}; shorten duration, stop the loop, or raise platform.most_calls",
    )


@dataclass(frozen=True, eq=False)
class ChainChunk(Columns):
    """Chains that ended, in that order, and what is counted of calls up to that moment.

    Attributes
    ----------
    columns : mapping of str to ndarray of int64, each of shape (n_chains,)
        Keys and meanings are those of ``CHAIN_COLUMNS``.
    calls : mapping of str to ndarray of int64, each of shape (n_calls + 1,)
        See ``CALL_COUNTERS``; calls are numbered from 1.
    begun, open_chains : int
        Chains that have begun, and those of them that go on.
    """

    calls: Mapping[str, NDArray[np.int64]]
    begun: int
    open_chains: int

    def __bool__(self) -> bool:
        """Be true also without chains: the counters count."""
        return True


def check_chains(chunk: ChainChunk, ended_before: int) -> int:
    """Make sure that every chain is somewhere, begun = ended + open, and that calls that ended had been made.

    Parameters
    ----------
    chunk : ChainChunk
    ended_before : int
        Chains written in earlier chunks.

    Returns
    -------
    int
        Chains written so far.

    Raises
    ------
    ConservationError
        When one was lost or invented.
    """
    written = ended_before + len(chunk)
    if chunk.begun != written + chunk.open_chains:
        raise ConservationError(
            f"{chunk.begun} chains began; {written} were written, {chunk.open_chains} go on"
        )
    over = chunk.calls["succeeded"] + chunk.calls["failed"] - chunk.calls["made"]
    if (over > 0).any() or (not chunk.open_chains and over.any()):
        number = int(np.flatnonzero(over)[0])
        raise ConservationError(
            f"call {number} was made {chunk.calls['made'][number]} times and ended {over[number]} more, while "
            f"{chunk.open_chains} chains go on"
        )
    return written


EXECUTION_COLUMNS: Final[dict[str, str]] = {
    "machine": "index of the state machine in the plan, which is ordered by name",
    "execution": "number within the machine, from 0, in order of start",
    "start_us": "when it was started [µs since the scenario's start]",
    "done_us": "when it ended [µs since the scenario's start]",
    "transitions": "states that it entered, retries, its start and its end",
    "history": "events of its history",
    "retries": "tasks that were tried again",
    "outcome": "see ExecutionOutcome",
}


class ExecutionOutcome(IntEnum):
    """How an execution ended."""

    SUCCEEDED = 0
    FAILED = 1
    TIMED_OUT = 2
    """Longer than an express execution may last."""
    HISTORY = 3
    """At the greatest number of events that a standard execution's history may have."""


@dataclass(frozen=True, eq=False)
class ExecutionChunk(Columns):
    """Executions that ended, in that order.

    Attributes
    ----------
    columns : mapping of str to ndarray of int64, each of shape (n_executions,)
        Keys and meanings are those of ``EXECUTION_COLUMNS``.
    """
