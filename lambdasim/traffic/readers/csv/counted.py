"""Which column of a table counts invocations, and whether a table without one may be a list of single events."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

import numpy as np

from lambdasim.errors import TraceError
from lambdasim.specs.traffic import Dates
from lambdasim.traffic.readers.csv.blocks import records
from lambdasim.traffic.readers.csv.names import (
    COUNT_NAMES,
    EVENT_NAMES,
    FUNCTION_NAMES,
    TIME_NAMES,
    USAGE_NAMES,
    USAGE_TYPE_NAMES,
    folded,
    is_count,
    is_money,
    is_request_usage,
)
from lambdasim.traffic.readers.csv.table import seen
from lambdasim.traffic.readers.dialect import PLAIN, Dialect
from lambdasim.traffic.readers.moments import MomentRule
from lambdasim.traffic.readers.said import said_with
from lambdasim.traffic.readers.source import SourceFile
from lambdasim.units import US_PER_HOUR, US_PER_MINUTE, format_duration
from lambdasim.wording import clipped

_SAMPLE_ROWS: Final = 1_000
_FEWEST_REGULAR: Final = 3
_LISTED: Final = 12
_NUMBER: Final = re.compile(
    r"[$€£¥]?\s*[+-]?(?:[0-9]{1,3}(?:[,.' \u00a0\u202f][0-9]{3})+|[0-9]+)?(?:[.,][0-9]+)?(?:[eE][+-]?[0-9]{1,3})?"
    r"\s*(?:%|[A-Z]{3}|[$€£¥])?"
)
_STATISTICS: Final = ("samplecount", "sample_count", "n", "sum", "value", "sum_value")
"""Of CloudWatch, beside one another: its sum counts, and its samples where there is no sum."""
_OWN_MARKS: Final = ("init_ms", "billed_ms", "memory_mb", "max_memory_mb", "status", "request_id", "exec_env")


def count_column(where: str, header: tuple[str, ...], said: str | None = None) -> str | None:
    """Find the column of a table that counts invocations.

    Parameters
    ----------
    where : str
        File and place of the header, for messages.
    header : tuple of str
    said : str, optional
        Column that the user names.

    Returns
    -------
    str or None
        Its name in the header; None where no name is known.

    Raises
    ------
    TraceError
        When the column that the user names holds money by its name, several columns count requests, or the table has
        usage of several types.
    """
    if said is not None:
        if is_money(said):
            wrong = f"must be a column of counts; {clipped(repr(said), 40)} is money by its name"
            raise TraceError.single(where, "count_column", wrong)
        return said
    places: dict[str, str] = {}
    for name in header:
        if is_count(name):
            places.setdefault(folded(name), name)
    known = [places[name] for name in COUNT_NAMES if name in places]
    requests = [name for name in header if is_request_usage(name)]
    if not known and len(requests) > 1:
        raise TraceError.single(
            where,
            "count_column",
            f"must say which column counts, by {said_with('count_column')}: several may; {seen(header)}",
        )
    distinct = [name for name in known if folded(name) not in _STATISTICS]
    if len(distinct) > 1:
        few = ", ".join(clipped(repr(name), 40) for name in distinct[:_LISTED])
        told = f"must say which of {few} counts, by {said_with('count_column')}; {seen(header)}"
        raise TraceError.single(where, "count_column", told)
    found = next(iter(known or requests), None)
    kinds = {folded(name) for name in header} & USAGE_TYPE_NAMES
    in_requests = found is not None and found.rstrip().lower().endswith("(requests)")
    if found is not None and folded(found) in USAGE_NAMES and kinds and not in_requests:
        raise TraceError.single(
            where,
            "count_column",
            f"{clipped(repr(found), 40)} may be requests or GB-seconds, row by row; keep the rows of requests, and say "
            f"{said_with('count_column')}",
        )
    return found


def refuse_counts(file: SourceFile, header: tuple[str, ...], dialect: Dialect = PLAIN) -> None:
    """Refuse a table without a known count that is no plain list of single events.

    Parameters
    ----------
    file : SourceFile
    header : tuple of str
    dialect : Dialect
        What the user says of how it is written.

    Raises
    ------
    TraceError
        When it has columns of numbers that no event has, or exactly one row for each minute, hour or day.
    """
    names = [folded(name) for name in header]
    events = [name for own in EVENT_NAMES.values() for name in own]
    marks = [mark for mark, own in EVENT_NAMES.items() if not set(own).isdisjoint(names)]
    time = next((names.index(name) for name in TIME_NAMES if name in names), None)
    used = {place for place, name in enumerate(names) if name in (*events, *FUNCTION_NAMES)} | {time}
    rows = sampled(file, len(header), dialect)
    if not marks:
        numbers = [
            name
            for place, name in enumerate(header)
            if place not in used and _are_numbers([row[place] for row in rows])
        ]
        if numbers:
            raise TraceError.single(f"{file.path}, row 1", "count_column", _unused(header, numbers))
    if time is None or any(mark in _OWN_MARKS for mark in marks):
        return
    function = next((names.index(name) for name in FUNCTION_NAMES if name in names), None)
    step_us = _regular_step_us(
        [(row[time], "" if function is None else row[function]) for row in rows], dialect.dates
    )
    if step_us and (step_us >= US_PER_HOUR or not marks):
        told = (
            f"has exactly one row for each {format_duration(step_us)}, which a list of single events has not; "
            f"{_ways_out(header)}"
        )
        raise TraceError.single(f"{file.path}, row 1", "count_column", told)


def _unused(header: tuple[str, ...], numbers: list[str]) -> str:
    money = [name for name in numbers if is_money(name)]
    listed = ", ".join(clipped(repr(name), 40) for name in numbers[:_LISTED])
    told = f"no column is known as a count, and {listed} would not be used"
    if money:
        told += f" ({', '.join(clipped(repr(name), 40) for name in money[:_LISTED])}: money, never a count)"
    return f"{told}; {_ways_out(header)}"


def _ways_out(header: tuple[str, ...]) -> str:
    return (
        f"name the column of counts with {said_with('count_column')}, or say {said_with('format', 'csv_events')} where "
        f"each row is one invocation; {seen(header)}"
    )


def sampled(file: SourceFile, width: int, dialect: Dialect = PLAIN) -> list[list[str]]:
    """Give whole rows of a table's beginning, at most 1,000.

    Parameters
    ----------
    file : SourceFile
    width : int
        How many cells a row has; others are left out here, and told when they are read.
    dialect : Dialect

    Returns
    -------
    list of list of str
    """
    return list(islice(_rows(file, width, dialect), _SAMPLE_ROWS))


def _rows(file: SourceFile, width: int, dialect: Dialect) -> Iterator[list[str]]:
    """Give the whole rows of the beginning; what is wrong with others is said when they are read."""
    for block in islice(records(file, dialect=dialect), 1):
        for _, row in block.rows():
            if not isinstance(row, str) and len(row) == width:
                yield row


def _are_numbers(texts: list[str]) -> bool:
    """Say whether a column has numbers and little else, however they are written."""
    filled = [text.strip() for text in texts if text.strip()]
    numbers = sum(any(map(str.isdigit, text)) and _NUMBER.fullmatch(text) is not None for text in filled)
    return numbers > len(filled) / 2


def _regular_step_us(rows: list[tuple[str, str]], dates: Dates) -> int:
    """Give the one step, of whole minutes, between the rows of every function; 0 where there is none."""
    moments: dict[str, list[int]] = {}
    rule = MomentRule(naive="utc", dates=dates)
    for text, function in rows:
        try:
            moments.setdefault(function, []).append(rule.one(text.strip()))
        except ValueError:
            return 0
    steps = [np.diff(np.sort(np.array(own))) for own in moments.values() if len(own) >= _FEWEST_REGULAR]
    if not steps:
        return 0
    all_steps = np.concatenate(steps)
    lengths, uses = np.unique(all_steps, return_counts=True)
    step_us = int(lengths[np.argmax(uses)])
    whole = step_us >= US_PER_MINUTE and step_us % US_PER_MINUTE == 0
    alike = 2 * int(uses.max()) > len(all_steps) and not np.any(all_steps % step_us if whole else 1)
    return step_us if whole and lengths[0] == step_us and alike else 0
