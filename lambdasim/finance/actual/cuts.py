"""Whether the parts of a bill cut the same usage in different ways: two reports, of which each holds the whole."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Final

from lambdasim.billing.exact import total
from lambdasim.errors import InputError
from lambdasim.finance.actual.layouts import Layout
from lambdasim.finance.actual.tables import ActualRow
from lambdasim.finance.reading import Row

_DAY: Final = timedelta(days=1)
_LONGEST_DAY: Final = timedelta(hours=30)
_NUMBERS: Final = 2
"""So many equal sums are no accident: of requests and of GB-seconds, or of two days."""


@dataclass
class _Span:
    """From when to when usage reaches."""

    begins: datetime
    ends: datetime

    def widen(self, begins: datetime, ends: datetime) -> None:
        """Take in another row."""
        self.begins, self.ends = min(self.begins, begins), max(self.ends, ends)


@dataclass
class _Sum:
    """What a part holds of the usage of one kind on one day."""

    quantity: Decimal = Decimal(0)
    filled: set[str] = field(default_factory=set)


_Kind = tuple[str, ...]
"""Account, usage type, kind of row, month."""


class Cuts:
    """Usage by account, usage type and month, for each part: how long its rows are, and what tells them apart.

    A report is by hour, day or month, with resources or without, with tags or without. The same usage in two reports has
    no row in common, so it is known by its time, and by its sums.
    """

    def __init__(self) -> None:
        self._spans: defaultdict[_Kind, dict[tuple[int, str], _Span]] = defaultdict(dict)
        self._sums: defaultdict[tuple[str, ...], dict[int, _Sum]] = defaultdict(dict)

    def add(self, row: Row, layout: Layout, read: ActualRow, part: int) -> None:
        """Note a row of usage; where its times cannot be read, its sum is all that is noted.

        Parameters
        ----------
        row : Row
        layout : Layout
        read : ActualRow
            What the row was read as.
        part : int
            Number of the part.
        """
        times = [row.text(column) for column in layout.distinct[:2]]
        start, end = map(_moment, times)
        kind = (read.account, read.usage_type, read.line_class, read.period)
        if start is not None and end is not None and end > start:
            spans, cut = self._spans[kind], (part, _name(end - start))
            spans.setdefault(cut, _Span(start, end)).widen(start, end)
        if read.quantity:
            found = self._sums[(*kind, times[0][:10])].setdefault(part, _Sum())
            found.quantity = total((found.quantity, read.quantity))
            found.filled |= _filled(row, layout)

    def check(self, name: str, parts: list[str]) -> None:
        """Refuse parts that hold the same usage, cut in another way.

        Parameters
        ----------
        name : str
            Of the folder or archive, for the message.
        parts : list of str
            Names of the parts.

        Raises
        ------
        InputError
        """
        for (_, usage, _, month), spans in self._spans.items():
            for ((first, cut), one), ((second, other_cut), other) in combinations(sorted(spans.items()), 2):
                if (
                    first != second
                    and cut != other_cut
                    and one.begins < other.ends
                    and other.begins < one.ends
                ):
                    told = (
                        f"{usage or 'usage'} of {month} by {other_cut}, where {parts[first]} has it by {cut}"
                    )
                    raise _twice(name, parts[second], told)
        self._check_sums(name, parts)

    def _check_sums(self, name: str, parts: list[str]) -> None:
        shared: defaultdict[tuple[int, int], list[tuple[str, bool]]] = defaultdict(list)
        for key, sums in self._sums.items():
            for first, second in combinations(sorted(sums), 2):
                one, other = sums[first], sums[second]
                is_same = one.quantity == other.quantity and one.filled != other.filled
                shared[first, second].append((key[-1], is_same))
        for (first, second), found in sorted(shared.items()):
            days = sorted(day for day, is_same in found if is_same)
            if len(days) >= _NUMBERS and 2 * len(days) >= len(found):
                told = f"the usage of {days[0]}, to the same sums, as {parts[first]} has it with other columns filled"
                raise _twice(name, parts[second], told)


def _twice(name: str, part: str, told: str) -> InputError:
    return InputError.single(
        name,
        part,
        f"holds {told}: two reports of the same usage, which would count twice; keep the files of one report",
    )


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _name(length: timedelta) -> str:
    return "hour" if length < _DAY / 2 else "day" if length < _LONGEST_DAY else "month"


def _filled(row: Row, layout: Layout) -> set[str]:
    """Name the columns that tell rows apart and are filled; all tags are one."""
    found = {column for column in layout.distinct if row.text(column)}
    if any(text and column.startswith(layout.tag_prefixes) for column, text in row.cells.items()):
        found.add(layout.tags)
    start = row.text(layout.distinct[0])
    return found | ({"hour"} if start[11:13] not in ("", "00") else set())
