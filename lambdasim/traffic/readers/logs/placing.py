"""Which run each statement about a start belongs to, in a log whose environments write among each other."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable
from typing import Final

from lambdasim.traffic.readers.logs.remarks import Remark, RemarkKind
from lambdasim.traffic.readers.logs.reports import SUCCESS
from lambdasim.traffic.readers.logs.text import Reported
from lambdasim.units import US_PER_MS, US_PER_S

_UNSURE_US: Final = 50 * US_PER_MS
_APART_US: Final = US_PER_S
_SAME_MS: Final = 0.02
_CANDIDATES: Final = 64


def beside_their_runs(
    items: list[Reported | Remark], began_us: Callable[[Reported], int | None]
) -> list[Reported | Remark]:
    """Bring what was written of each start right before the report of its run.

    Parameters
    ----------
    items : list of Reported or Remark
        In order of time, of environments that are not named.
    began_us : callable
        When a run began, after INIT [µs since 1970].

    Returns
    -------
    list of Reported or Remark
        In the order of the reports. As given where something has no time.

    Notes
    -----
    A report that prints its Init Duration has the INIT_REPORT of the same length; another INIT ended where a run begins.
    INIT of phase *invoke* began with a run, and ended inside it. INIT_START lies an INIT before its report. What fits no
    run stays where it is.
    """
    begins = {place: began_us(item) for place, item in enumerate(items) if isinstance(item, Reported)}
    if any(item.time_us is None for item in items) or None in begins.values():
        return items
    runs = _Runs(items, {place: us for place, us in begins.items() if us is not None})
    before: dict[int, list[int]] = defaultdict(list)
    initialised: dict[int, int] = {}
    for place, item in enumerate(items):
        if isinstance(item, Remark) and item.kind is RemarkKind.INIT_REPORT and item.ms is not None:
            run = runs.of(item)
            if run is not None:
                before[run].append(place)
                if item.phase != "invoke":
                    initialised[(item.time_us or 0) - round(item.ms * US_PER_MS)] = run
    moments = sorted(initialised)
    for place, item in enumerate(items):
        if isinstance(item, Remark) and item.kind is RemarkKind.INIT_START:
            near = _nearest(moments, item.time_us or 0, _UNSURE_US)
            if near is not None:
                before[initialised[near]].insert(0, place)
    placed = {place for places in before.values() for place in places}
    ordered: list[Reported | Remark] = []
    for place, item in enumerate(items):
        if place not in placed:
            ordered += [items[one] for one in before[place]]
            ordered.append(item)
    return ordered


class _Runs:
    """Runs by their beginning, and by their INIT."""

    def __init__(self, items: list[Reported | Remark], begins: dict[int, int]) -> None:
        self.items = items
        self.ordered = sorted((us, place) for place, us in begins.items())
        self.begins = [us for us, _ in self.ordered]
        self.printed = sorted(
            (started, place)
            for place in begins
            if isinstance(found := items[place], Reported)
            and (started := found.report.environment_start_ms) is not None
        )
        self.taken: set[int] = set()

    def of(self, remark: Remark) -> int | None:
        """Give the place of the run that an INIT_REPORT belongs to, or None."""
        at_us, ms = remark.time_us or 0, remark.ms or 0.0
        if remark.phase == "invoke":
            return self._around(at_us - round(ms * US_PER_MS), at_us)
        if remark.status in (SUCCESS, ""):
            first = bisect_left(self.printed, (ms - _SAME_MS, -1))
            alike = []
            for started, place in self.printed[first : first + _CANDIDATES]:
                if started > ms + _SAME_MS:
                    break
                if place not in self.taken:
                    alike.append(place)
            if alike:
                mine = min(alike, key=lambda place: abs((self.items[place].time_us or 0) - at_us))
                self.taken.add(mine)
                return mine
        return self._after(at_us)

    def _around(self, begin_us: int, end_us: int) -> int | None:
        """Give the run that began nearest to a moment and lasted to another."""
        first = bisect_left(self.begins, begin_us - _APART_US)
        last = bisect_right(self.begins, begin_us + _APART_US)
        found = [
            (abs(us - begin_us), place)
            for us, place in self.ordered[first:last]
            if (self.items[place].time_us or 0) >= end_us - _UNSURE_US
        ]
        return min(found)[1] if found else None

    def _after(self, at_us: int) -> int | None:
        """Give the run without an INIT of its own that began next."""
        first = bisect_left(self.begins, at_us - _UNSURE_US)
        for us, place in self.ordered[first : first + _CANDIDATES]:
            if us > at_us + _APART_US:
                return None
            found = self.items[place]
            if isinstance(found, Reported) and found.report.environment_start_ms is None:
                return place
        return None


def _nearest(moments: list[int], at_us: int, within_us: int) -> int | None:
    place = bisect_left(moments, at_us)
    near = [one for one in moments[max(place - 1, 0) : place + 1] if abs(one - at_us) <= within_us]
    return min(near, key=lambda one: abs(one - at_us)) if near else None
