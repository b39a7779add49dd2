"""What a pass through a traffic file found besides its rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Final

from lambdasim.errors import Fault
from lambdasim.wording import count

LISTED_FAULTS: Final = 20


@dataclass(slots=True)
class OwnLines:
    """What a function wrote into its log itself, and the lines of Lambda that tell whether the log is whole.

    Attributes
    ----------
    bytes : int
        Of the function's own messages in UTF-8, without what CloudWatch keeps beside them [bytes].
    events : int
        Own messages.
    alarmed : int
        Those before the first that a filter for errors and warnings, or for Lambda's own lines, would not let through.
    starts, ends, reports : int
        Lines or objects of Lambda that say that a run began, ended, and what it took.
    of_text : int
        How many of the starts are lines, which have an end each.
    """

    bytes: int = 0
    events: int = 0
    alarmed: int = 0
    starts: int = 0
    ends: int = 0
    reports: int = 0
    of_text: int = 0

    def __add__(self, other: OwnLines) -> OwnLines:
        """Add what another part of the log has."""
        return OwnLines(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


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
    own_lines : mapping of str to OwnLines
        What functions wrote into their log themselves, by function, "" where the log does not name it.
    """

    rows: int
    skipped: int
    faults: tuple[Fault, ...]
    warnings: tuple[str, ...]
    repeated: int = 0
    own_lines: Mapping[str, OwnLines] = field(default_factory=dict)

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
        self.own_lines: defaultdict[str, OwnLines] = defaultdict(OwnLines)
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
        for function, lines in found.own_lines.items():
            self.own_lines[function] += lines
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
            dict(self.own_lines),
        )
