"""Which columns of a table could be its count too, or its time: then a user says which."""

from __future__ import annotations

import re
from typing import Final

from lambdasim.errors import TraceError
from lambdasim.traffic.readers.cells import CountCell
from lambdasim.traffic.readers.csv.counted import sampled
from lambdasim.traffic.readers.csv.names import (
    EVENT_NAMES,
    FUNCTION_NAMES,
    TIME_NAMES,
    USAGE_TYPE_NAMES,
    folded,
    is_money,
    is_request_usage,
)
from lambdasim.traffic.readers.csv.table import seen
from lambdasim.traffic.readers.dialect import PLAIN, Dialect
from lambdasim.traffic.readers.said import said_with
from lambdasim.traffic.readers.source import SourceFile
from lambdasim.wording import clipped

_LISTED: Final = 12
_ALL_RUNS: Final = re.compile(r"invocation|request|execution|aufruf|anfrage|^count$")
"""What the name of a column has that counts all runs: columns beside it are no rivals unless they count by name too."""
_ALSO_COUNTS: Final = re.compile(
    r"invocation|request|execution|call|hit|miss|event|message|aufruf|anfrage|count|fail|succe|served|blocked"
    r"|^(?:get|post|put|patch|delete|head)$"
)
_MEASURES: Final = re.compile(
    r"(?:^|_)(?:avg|average|mean|median|max|maximum|min|minimum|p[0-9]+|percentiles?|std|stddev|duration|dauer|latency"
    r"|ms|s|sec|seconds|minutes|bytes|kb|mb|gb|memory|size|percent|pct|prozent|rate|ratio|share|cold|errors?|faults?"
    r"|fehler|throttles?|throttled|timeouts?|concurrency|concurrent|year|month|week|weekday|dow|quarter|jahr|monat"
    r"|woche|timestamp|epoch|account|id|version|index|row|nr|no|number|unit|4xx|5xx|[a-z]*threshold|temperature|%)(?:_|$)"
)
"""Words of a name of what is measured beside a count, and cannot be one."""
_HOURS: Final = frozenset({"hour", "stunde", "hour_of_day", "hr", "minute", "time_of_day", "uhrzeit"})
_MOST_PARTS: Final = 60


def refuse_rivals(
    file: SourceFile,
    header: tuple[str, ...],
    counted: str,
    dialect: Dialect = PLAIN,
    timed: str | None = None,
) -> None:
    """Refuse a table in which another column than the one that was found could count, or splits its days.

    Parameters
    ----------
    file : SourceFile
    header : tuple of str
    counted : str
        Column that is known as a count by its name, and not said by the user.
    dialect : Dialect
        What the user says of how it is written.
    timed : str, optional
        Column of the time that the user names.

    Raises
    ------
    TraceError
        When a column of whole numbers is neither equal to the count in every row nor, by its name, something else; or
        one of hours stands beside one of days.
    """
    rows = sampled(file, len(header), dialect)
    cell = dialect.numbers(CountCell(True))
    count = header.index(counted)
    names = [folded(name) for name in header]
    own = {counted} if timed is None else {counted, timed}
    numbers = {
        place: found
        for place, name in enumerate(header)
        if name not in own and (found := _whole([row[place] for row in rows], cell))
    }
    _refuse_hours(file, header, numbers, timed)
    known = {
        *TIME_NAMES,
        *FUNCTION_NAMES,
        *USAGE_TYPE_NAMES,
        *(name for all_ in EVENT_NAMES.values() for name in all_),
    }
    rivals = [
        header[place]
        for place, values in numbers.items()
        if names[place] not in known
        and not is_money(header[place])
        and not _MEASURES.search(names[place])
        and (
            not _ALL_RUNS.search(names[count])
            or _ALSO_COUNTS.search(names[place])
            or is_request_usage(header[place])
        )
        and not _numbers_rows(values)
        and values != _whole([row[count] for row in rows], cell)
    ]
    if rivals:
        few = ", ".join(clipped(repr(name), 40) for name in [counted, *rivals][:_LISTED])
        told = (
            f"must say which of {few} counts all invocations, by {said_with('count_column')} (what is their sum needs a "
            f"column of its own); {seen(header)}"
        )
        raise TraceError.single(f"{file.path}, row 1", "count_column", told)


def _refuse_hours(
    file: SourceFile, header: tuple[str, ...], numbers: dict[int, list[int]], timed: str | None
) -> None:
    """Refuse a column of hours beside the time, which has days alone then."""
    parts = [
        header[place]
        for place, values in numbers.items()
        if folded(header[place]) in _HOURS and len(set(values)) > 1 and max(values) < _MOST_PARTS
    ]
    times = [name for name in header if folded(name) in TIME_NAMES and name not in parts]
    if parts and (times or timed):
        told = (
            f"must hold the whole time: {clipped(repr(timed or times[0]), 40)} would be read without "
            f"{clipped(repr(parts[0]), 40)}; write both in one column, such as 2026-11-30 13:00; {seen(header)}"
        )
        raise TraceError.single(f"{file.path}, row 1", "timestamp_column", told)


def _numbers_rows(values: list[int]) -> bool:
    """Say whether a column numbers the rows: each is one more than the one above."""
    return len(values) > 1 and values == list(range(values[0], values[0] + len(values)))


def _whole(texts: list[str], cell: object) -> list[int]:
    """Read a column of whole numbers from 0; nothing where it is none."""
    found = []
    for text in texts:
        try:
            found.append(int(cell.one(text.strip())) if text.strip() else 0)  # type: ignore[attr-defined]
        except ValueError:
            return []
    return found if any(found) else []
