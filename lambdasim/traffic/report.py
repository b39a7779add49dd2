"""What a pass through a traffic file found besides its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from lambdasim.errors import Fault
from lambdasim.wording import count

LISTED_FAULTS: Final = 20


@dataclass(frozen=True)
class ReadReport:
    """Result of one complete pass through a traffic file.

    Attributes
    ----------
    rows : int
        Rows accepted.
    skipped : int
        Rows left out because they were bad; always 0 under ``BadRows.ERROR``.
    faults : tuple of Fault
        The first 20 of the rows left out, in file order.
    warnings : tuple of str
        Findings that do not stop the reading, such as a truncated export or overlapping intervals.
    repeated : int
        Rows left out because another row is the same, as where an event was delivered twice.
    own_bytes : mapping of str to int
        What functions wrote into their log themselves, by function, "" where the log does not name it [bytes].
    """

    rows: int
    skipped: int
    faults: tuple[Fault, ...]
    warnings: tuple[str, ...]
    repeated: int = 0
    own_bytes: Mapping[str, int] = field(default_factory=dict)

    def also(self, warnings: tuple[str, ...]) -> ReadReport:
        """Return the report with further findings."""
        return replace(self, warnings=self.warnings + warnings)

    def __str__(self) -> str:
        """Return one line for the counts and one for each finding.

        Examples
        --------
        >>> print(ReadReport(10, 1, (Fault("t.csv, row 3", "count", "must be whole, got 1.5"),), ("8 gaps",)))
        10 rows read, 1 skipped
        skipped t.csv, row 3: count: must be whole, got 1.5
        warning: 8 gaps
        """
        more = self.skipped - len(self.faults)
        return "\n".join(
            [
                f"{count(self.rows, 'row')} read" + (f", {self.skipped:,} skipped" if self.skipped else ""),
                *(f"skipped {fault}" for fault in self.faults),
                *([f"and {count(more, 'more skipped row')}"] if more > 0 else []),
                *(f"warning: {warning}" for warning in self.warnings),
            ]
        )


class ReadLog:
    """Gathers the findings of a pass; ``report`` freezes them."""

    def __init__(self) -> None:
        self.rows = 0
        self.skipped = 0
        self.repeated = 0
        self.own_bytes: Counter[str] = Counter()
        self._faults: list[Fault] = []
        self._warnings: list[str] = []

    def skip(self, fault: Fault) -> None:
        """Count a row that is left out, and keep the first 20."""
        self.skipped += 1
        if len(self._faults) < LISTED_FAULTS:
            self._faults.append(fault)

    def warn(self, message: str) -> None:
        """Note a finding once."""
        if message not in self._warnings:
            self._warnings.append(message)

    def take(self, found: ReadLog) -> None:
        """Note what another pass through the same file found."""
        self.rows += found.rows
        self.skipped += found.skipped
        self.repeated += found.repeated
        self.own_bytes.update(found.own_bytes)
        self._faults = [*self._faults, *found._faults][:LISTED_FAULTS]
        for message in found._warnings:
            self.warn(message)

    def report(self) -> ReadReport:
        """Freeze what was found."""
        return ReadReport(
            self.rows,
            self.skipped,
            tuple(self._faults),
            tuple(self._warnings),
            self.repeated,
            dict(self.own_bytes),
        )
