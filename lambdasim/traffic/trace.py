"""Traffic from a file in one canonical form: chunks of events or counts in order of time, read on every use."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from lambdasim.errors import TraceError
from lambdasim.specs.traffic import OnBadRow
from lambdasim.traffic.report import ReadLog, ReadReport
from lambdasim.units import format_duration, from_epoch_us
from lambdasim.views import Result
from lambdasim.wording import clipped, count, listed, printable, wrapped

if TYPE_CHECKING:
    import pandas as pd

DTYPES: Final[dict[str, str]] = {
    "timestamp_us": "int64",
    "function": "str",
    "count": "int64",
    "duration_ms": "float64",
    "init_ms": "float64",
    "billed_ms": "Int64",
    "memory_mb": "Int64",
    "max_memory_mb": "Int64",
    "status": "str",
    "request_id": "str",
    "exec_env": "str",
}

LOG_DTYPES: Final[dict[str, str]] = DTYPES | {
    "start": "str",
    "restore_ms": "float64",
    "again_ms": "float64",
    "broken_ms": "float64",
    "response_ms": "float64",
    "cpu_time_ms": "float64",
    "runtime": "str",
    "version": "str",
}
"""What Lambda's own logs say besides: see ``read_report_logs``."""


class TraceKind(StrEnum):
    """What a row of a trace stands for."""

    EVENTS = "events"
    COUNTS = "counts"


BadRows = OnBadRow
_FIRST_ROWS: Final = 10
_MOST_NAMES: Final = 20


@dataclass(frozen=True)
class TraceSource:
    """Where a trace came from.

    Attributes
    ----------
    name : str
        Base name of the file.
    format : str
        Name of the format, as ``lambdasim.traffic.readers.FORMATS`` spells it.
    sha256 : str
        Checksum of the file as stored, before any decompression.
    bytes : int
        Size of the file as stored [bytes].
    """

    name: str
    format: str
    sha256: str
    bytes: int


class ChunkReader(Protocol):
    """Reads a trace from its beginning: what a reader or a transformation provides."""

    def read(self, log: ReadLog) -> Iterator[pd.DataFrame]:
        """Yield chunks in order of time; note what was found in `log`."""
        ...


@dataclass(frozen=True)
class TraceSummary:
    """What one pass through a trace finds.

    Attributes
    ----------
    functions : tuple of str
        Names of the functions, sorted.
    first_us, end_us : int or None
        Half-open span [µs since 1970, UTC]; None where the trace is empty.
    invocations : int
        Events, or the sum of the counts.
    report : ReadReport
        What the pass found.
    """

    functions: tuple[str, ...]
    first_us: int | None
    end_us: int | None
    invocations: int
    report: ReadReport


@dataclass(frozen=True, repr=False)
class Trace(Result):
    """Traffic from a file, streamed.

    Every call of `chunks` reads the file again from its beginning, in memory bounded by the size of a
    chunk, and gives the same rows. Rows are in order of time; rows of the same time keep their order in the
    file.

    Attributes
    ----------
    kind : TraceKind
        Whether rows are single events or counts per interval.
    source : TraceSource
        File, format and checksum.
    interval_us : int or None
        Length of the interval that each count stands for [µs]; None for events.
    columns : tuple of str
        Columns of the chunks. Both kinds have ``timestamp_us`` (int64, [µs since 1970, UTC]: arrival of an
        event, start of an interval) and ``function`` (str). Counts have ``count`` (int64). Events have
        those of ``duration_ms`` (handler, without INIT), ``init_ms``, ``billed_ms``, ``memory_mb``,
        ``max_memory_mb``, ``status``, ``request_id`` and ``exec_env`` (log stream) that the file has;
        missing values are NaN or NA.
    reader : ChunkReader
        What reads the file; picklable.
    """

    kind: TraceKind
    source: TraceSource
    interval_us: int | None
    columns: tuple[str, ...]
    reader: ChunkReader = field(repr=False)
    _known: list[TraceSummary] = field(default_factory=list, init=False, repr=False, compare=False)

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Read the trace from its beginning.

        Yields
        ------
        pandas.DataFrame
            At least one row, columns `columns`, in order of time within and between chunks.

        Raises
        ------
        TraceError
            At the first row that cannot be accepted, or when the file changed since the trace was made.
        """
        yield from self.reader.read(ReadLog())

    def frame(self) -> pd.DataFrame:
        """Return the whole trace as one table; memory grows with the trace."""
        import pandas as pd

        chunks = list(self.chunks())
        if not chunks:
            return pd.DataFrame({name: pd.Series(dtype=LOG_DTYPES[name]) for name in self.columns})
        return pd.concat(chunks, ignore_index=True)

    def shown(self) -> Mapping[str, pd.DataFrame]:
        """Return the first rows, with times as people read them."""
        first = next(self.chunks(), None)
        if first is None:
            return {"first rows": self.frame()}
        rows = first.head(_FIRST_ROWS)
        moments = [f"{from_epoch_us(int(moment)):%Y-%m-%d %H:%M:%S}" for moment in rows["timestamp_us"]]
        rows = rows.drop(columns="timestamp_us")
        rows.insert(0, "time (UTC)", moments)
        return {"first rows": rows}

    def headline(self) -> str:
        """Say what the trace holds; reads it once."""
        known = self.summary()
        held = f"{clipped(self.source.name)}: {count(known.invocations, 'invocation')} of "
        held += f"{count(len(known.functions), 'function')}"
        if known.first_us is None or known.end_us is None:
            return f"{held}."
        first, end = (f"{from_epoch_us(moment):%Y-%m-%d %H:%M}" for moment in (known.first_us, known.end_us))
        each = "" if self.interval_us is None else f", counted every {format_duration(self.interval_us)}"
        return f"{held}, {first} to {end} UTC{each}."

    def text(self) -> str:
        """Write what the trace holds, its functions and what the reading found, in 80 columns."""
        names = listed(self.functions(), _MOST_NAMES)
        report = printable(str(self.report()))
        return "\n".join([wrapped(self.headline()), wrapped(f"functions: {names}"), report])

    def to_json(self) -> str:
        """Write what the trace holds and what the reading found; its rows are in ``frame``."""
        known = self.summary()
        content = {
            "file": self.source.name,
            "format": self.source.format,
            "sha256": self.source.sha256,
            "kind": self.kind.value,
            "interval_us": self.interval_us,
            "functions": list(known.functions),
            "first_us": known.first_us,
            "end_us": known.end_us,
            "invocations": known.invocations,
            "rows": known.report.rows,
            "skipped": known.report.skipped,
            "faults": [str(fault) for fault in known.report.faults],
            "warnings": list(known.report.warnings),
        }
        return json.dumps(content, indent=1, ensure_ascii=False)

    def __repr__(self) -> str:
        """Say which file, and how it is read; nothing is read for it."""
        return f"Trace({clipped(self.source.name)!r}, {self.source.format}, {self.kind.value})"

    def select(self, function: str) -> Trace:
        """Keep the rows of one function; a trace without that function becomes empty.

        Parameters
        ----------
        function : str

        Returns
        -------
        Trace
        """
        return Trace(
            self.kind, self.source, self.interval_us, self.columns, _OneFunction(self.reader, function)
        )

    def summary(self) -> TraceSummary:
        """Return functions, span, invocations and findings; reads the trace once and remembers."""
        if not self._known:
            self._known.append(self._summarise())
        return self._known[0]

    def functions(self) -> tuple[str, ...]:
        """Return the names of the functions, sorted."""
        return self.summary().functions

    def report(self) -> ReadReport:
        """Return what a pass through the file found: rows, skipped rows, warnings."""
        return self.summary().report

    def span_us(self) -> tuple[int, int]:
        """Return the half-open span of time that the trace covers [µs since 1970, UTC].

        The end is one interval after the last count, or one microsecond after the last event.

        Raises
        ------
        TraceError
            When the trace is empty.
        """
        known = self.summary()
        if known.first_us is None or known.end_us is None:
            raise TraceError.single(self.source.name, "", "the trace is empty, so it covers no time")
        return known.first_us, known.end_us

    def _summarise(self) -> TraceSummary:
        log = ReadLog()
        names: set[str] = set()
        first_us: int | None = None
        end_us: int | None = None
        invocations = 0
        for chunk in self.reader.read(log):
            names.update(chunk["function"].unique())
            if first_us is None:
                first_us = int(chunk["timestamp_us"].iloc[0])
            end_us = int(chunk["timestamp_us"].iloc[-1]) + (self.interval_us or 1)
            invocations += int(chunk["count"].sum()) if self.kind is TraceKind.COUNTS else len(chunk)
        return TraceSummary(tuple(sorted(names)), first_us, end_us, invocations, log.report())


@dataclass(frozen=True)
class _OneFunction:
    inner: ChunkReader
    function: str

    def read(self, log: ReadLog) -> Iterator[pd.DataFrame]:
        for chunk in self.inner.read(log):
            kept = chunk[chunk["function"] == self.function]
            if len(kept):
                yield kept.reset_index(drop=True)
