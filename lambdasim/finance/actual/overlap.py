"""Whether the parts of a bill are parts of one delivery: no row of AWS Lambda may stand in two of them."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from hashlib import blake2b
from itertools import pairwise
from typing import Final

from lambdasim.errors import InputError
from lambdasim.finance.actual.cuts import Cuts
from lambdasim.finance.actual.layouts import Layout
from lambdasim.finance.actual.tables import ActualRow
from lambdasim.finance.reading import Row
from lambdasim.wording import count

_HASH_BYTES: Final = 8


def _hash(*texts: str) -> int:
    content = "\0".join(texts).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(content, digest_size=_HASH_BYTES).digest(), "little", signed=True)


class Overlap:
    """Rows of usage by what they are of, for each part; of a row some 100 bytes are kept.

    AWS numbers the line items of each delivery anew, so what a row is of stands for it: its time, usage type, resource
    and whatever else tells it from others, but no amount, since amounts of a running month grow.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._days: dict[str, int] = {}
        self._keys, self._day_of, self._part_of = array("q"), array("l"), array("l")
        self._items = array("q")
        self._cuts = Cuts()

    def begin(self, part: str) -> None:
        """Go on to the next part."""
        self._parts.append(part)

    def add(self, row: Row, layout: Layout, read: ActualRow) -> None:
        """Note a row of usage, and what it was read as."""
        texts = [row.text(column) for column in layout.distinct]
        texts += [text for name, text in row.cells.items() if text and name.startswith(layout.tag_prefixes)]
        part = len(self._parts) - 1
        if item := row.text(layout.identity):
            self._items.append(
                _hash(*texts, item, row.text(layout.quantity), row.text(layout.cost), str(part))
            )
        if self._parts:
            self._keys.append(_hash(*texts))
            self._day_of.append(self._days.setdefault(texts[0][:10], len(self._days)))
            self._part_of.append(part)
            self._cuts.add(row, layout, read, part)

    def check(self, name: str) -> None:
        """Refuse a file that has line items twice, and parts of which one holds what another holds.

        Parts of one delivery share rows of a day only where its columns do not tell rows apart, which is rare: half of
        the rows of a day are never that.

        Parameters
        ----------
        name : str
            Of the folder or archive, for the message.

        Raises
        ------
        InputError
        """
        import numpy as np

        twice = len(self._items) - len(np.unique(np.array(self._items)))
        if twice:
            what = count(twice, "line item stands", "line items stand")
            raise InputError.single(
                name, "", f"{what} in it twice, number and amounts alike: copies count twice"
            )
        keys, days, parts = (np.array(column) for column in (self._keys, self._day_of, self._part_of))
        rows = Counter(zip(parts.tolist(), days.tolist(), strict=True))
        _, number, times = np.unique(keys, return_inverse=True, return_counts=True)
        is_again = times[number] > 1
        found: defaultdict[int, set[tuple[int, int]]] = defaultdict(set)
        for key, day, part in zip(
            keys[is_again].tolist(), days[is_again].tolist(), parts[is_again].tolist(), strict=True
        ):
            found[key].add((part, day))
        shared = Counter(
            (first[0], second[0], first[1])
            for places in found.values()
            for first, second in pairwise(sorted(places))
        )
        for (first, second, day), same in sorted(shared.items()):
            if 2 * same >= min(rows[first, day], rows[second, day]):
                self._refuse(name, first, second, day, same)
        self._cuts.check(name, self._parts)

    def _refuse(self, name: str, first: int, second: int, day: int, same: int) -> None:
        when = next(text for text, number in self._days.items() if number == day)
        raise InputError.single(
            name,
            self._parts[second],
            f"holds what {self._parts[first]} holds: {count(same, 'row')} of {when} "
            f"{'is' if same == 1 else 'are'} of the same usage there, and would count twice; keep the files of one "
            "delivery of one report, or its manifest beside them",
        )
