"""CSV files as streams of typed tables: fast for good blocks, exact for blocks in which a row must be named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lambdasim.errors import Fault, TraceError
from lambdasim.traffic.readers.bad_rows import checked_bad_rows
from lambdasim.traffic.readers.cells import Cell
from lambdasim.traffic.readers.csv.blocks import Block, CellFault, records
from lambdasim.traffic.readers.csv.names import folded, is_of_runs, is_total
from lambdasim.traffic.readers.dialect import SEPARATORS, TEXT, Dialect
from lambdasim.traffic.readers.possible import any_impossible, impossible_row
from lambdasim.traffic.readers.said import said_with
from lambdasim.traffic.readers.source import SourceFile
from lambdasim.traffic.report import ReadLog
from lambdasim.traffic.trace import BadRows
from lambdasim.wording import clipped, count, listed

if TYPE_CHECKING:
    import pandas as pd

MOST_COLUMNS: Final = 16_384
"""As many as a sheet of Excel may have."""
_LISTED_COLUMNS: Final = 12


@dataclass(frozen=True)
class Column:
    """A column that a format may have.

    Attributes
    ----------
    name : str
        Name in the resulting table.
    cell : Cell
        How its cells are read.
    aliases : tuple of str
        Names by which it is found in a header, in order of preference, lower case.
    required : bool
        Whether a file without it is refused.
    option : str
        What names the column where its name is not known, for messages; empty where nothing does.
    """

    name: str
    cell: Cell
    aliases: tuple[str, ...]
    required: bool = False
    option: str = ""

    def place(self, places: Mapping[str, int]) -> int | None:
        """Find it among folded names; None where it is not there."""
        return next((places[alias] for alias in self.aliases if alias in places), None)

    def missing(self) -> str:
        """Say what a header without it must do."""
        shown = ", ".join(self.aliases[:_LISTED_COLUMNS])
        if not self.option:
            return f"the header must name a column as one of {shown}"
        return f"the header must name a column as one of {shown}, or {said_with(self.option)} must say which it is"


@dataclass(frozen=True)
class TableChunk:
    """Some rows of a table, in the order of the file, that still know where they stood.

    Attributes
    ----------
    frame : pandas.DataFrame
    block : Block
        The text that the rows came from.
    table : CsvTable
    """

    frame: pd.DataFrame
    block: Block
    table: CsvTable

    def line(self, position: int) -> int:
        """Return the physical line of a row of the frame, counted from 1."""
        good = (line for line, row in self.block.rows() if not isinstance(self.table.exact(line, row), Fault))
        return next(line for index, line in enumerate(good) if index == position)


@dataclass(frozen=True)
class CsvTable:
    """The columns of one CSV file that were asked for.

    Attributes
    ----------
    file : SourceFile
    header : tuple of str
        Names in the first line.
    places : tuple of (str, int, Cell)
        Name in the result, place in the file, and kind of each column.
    bad_rows : BadRows
        What happens to a row that cannot be accepted.
    dialect : Dialect
        What the user says of how it is written.
    totals : int or None
        Place of the column in which a row of totals says so; None where there are none.
    """

    file: SourceFile
    header: tuple[str, ...]
    places: tuple[tuple[str, int, Cell], ...]
    bad_rows: BadRows = BadRows.ERROR
    dialect: Dialect = TEXT
    totals: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns in the result."""
        return tuple(name for name, _, _ in self.places)

    def unused(self) -> str:
        """Say which columns tell of runs by their name and are not read; empty where there are none."""
        read = {place for _, place, _ in self.places}
        left = [
            clipped(name) for place, name in enumerate(self.header) if place not in read and is_of_runs(name)
        ]
        return f"columns that are not read: {listed(left, most=_LISTED_COLUMNS)}" if left else ""

    def chunks(self, log: ReadLog) -> Iterator[TableChunk]:
        """Read the file from its beginning.

        Yields
        ------
        TableChunk
            At least one row each.

        Raises
        ------
        TraceError
            At the first bad row, unless bad rows are skipped; always when the file is broken or has no good
            row.
        """
        for block in records(self.file, dialect=self.dialect):
            frame = self._fast(block)
            if frame is None:
                frame = self._exact(block, log)
            log.rows += len(frame)
            if len(frame):
                yield TableChunk(frame, block, self)
        if not log.rows:
            what = (
                f"{count(log.skipped, 'row was', 'rows were')} skipped, and there is no other"
                if log.skipped
                else "there is no row below the header"
            )
            raise TraceError.single(self.file.path, "", what)

    def exact(self, line: int, row: list[str] | str) -> list[object] | Fault:
        """Read one row, or say what is wrong with it."""
        where = f"{self.file.path}, row {line}"
        if isinstance(row, str):
            place = row.place if isinstance(row, CellFault) else len(self.header)
            return Fault(where, clipped("".join(self.header[place : place + 1]), 40), row)
        if len(row) != len(self.header):
            return Fault(where, "", _of_other_length(row, self.header))
        values: list[object] = []
        for _, place, cell in self.places:
            try:
                values.append(cell.one(row[place]))
            except ValueError as problem:
                return Fault(where, self.header[place], str(problem))
        wrong = impossible_row(dict(zip(self.names, values, strict=True)))
        if wrong is not None:
            places = {name: place for name, place, _ in self.places}
            return Fault(where, self.header[places[wrong[0]]], wrong[1])
        return values

    def _fast(self, block: Block) -> pd.DataFrame | None:
        import pandas as pd
        import pyarrow as pa
        import pyarrow.csv as pa_csv

        if block.odd:
            return None
        chosen = [str(place) for _, place, _ in self.places]
        try:
            table = pa_csv.read_csv(
                pa.BufferReader(block.text),
                read_options=pa_csv.ReadOptions(
                    column_names=[str(place) for place in range(len(self.header))],
                    block_size=len(block.text) + 1,
                    use_threads=False,
                ),
                parse_options=pa_csv.ParseOptions(delimiter=block.mark, newlines_in_values=block.quoted),
                convert_options=pa_csv.ConvertOptions(
                    include_columns=chosen,
                    column_types=dict.fromkeys(chosen, pa.string()),
                    null_values=[],
                    strings_can_be_null=False,
                    check_utf8=False,  # a block that is not UTF-8 is odd
                ),
            )
            frame = pd.DataFrame(
                {
                    name: cell.many(table.column(str(place)).combine_chunks())
                    for name, place, cell in self.places
                }
            )
        except (pa.ArrowInvalid, ValueError):
            return None
        return None if any_impossible(frame) else frame

    def _exact(self, block: Block, log: ReadLog) -> pd.DataFrame:
        import pandas as pd

        good: list[list[object]] = []
        for line, row in block.rows():
            values = self.exact(line, row)
            if not isinstance(values, Fault):
                good.append(values)
            elif (
                self.totals is not None
                and not isinstance(row, str)
                and is_total(row, self.totals, self.header)
            ):
                log.warn(f"rows of totals are left out, such as {row[self.totals].strip()!r}")
            elif self.bad_rows is BadRows.SKIP:
                log.skip(values)
            else:
                raise TraceError([values])
        columns: list[Any] = [list(column) for column in zip(*good, strict=True)] or [[] for _ in self.places]
        return pd.DataFrame(
            {name: cell.column(values) for (name, _, cell), values in zip(self.places, columns, strict=True)}
        )


def _of_other_length(row: list[str], header: tuple[str, ...]) -> str:
    """Say how many fields a row has, and which are missing or too many."""
    wrong = f"must have {len(header)} fields like the header, has {len(row)}"
    missing = [repr(clipped(name, 40)) for name in header[len(row) :]]
    if missing:
        return (
            f"{wrong}: {listed(missing, most=_LISTED_COLUMNS)} {'is' if len(missing) == 1 else 'are'} missing"
        )
    beyond = [repr(clipped(text, 40)) for text in row[len(header) :]]
    return f"{wrong}: {listed(beyond, most=_LISTED_COLUMNS)} {'is' if len(beyond) == 1 else 'are'} beyond it"


def open_table(
    file: SourceFile,
    columns: tuple[Column, ...],
    *,
    chosen: Mapping[str, str] | None = None,
    on_bad_row: BadRows = BadRows.ERROR,
    dialect: Dialect = TEXT,
) -> CsvTable:
    """Read the header of a CSV file and find the columns in it.

    Parameters
    ----------
    file : SourceFile
    columns : tuple of Column
        Columns that the format may have.
    chosen : mapping of str to str, optional
        Name in the result to name in the file, where the aliases do not find it.
    on_bad_row : BadRows
    dialect : Dialect
        What the user says of how it is written.

    Raises
    ------
    TraceError
        When the header is missing, has a name twice, or lacks a required or chosen column.
    """
    header = read_header(file, dialect)
    places = find_columns(f"{file.path}, row 1", header, columns, chosen, dialect)
    times = [place for name, place, _ in places if name == "timestamp_us" and not dialect.text_only]
    totals = times[0] if times else None
    return CsvTable(file, header, places, checked_bad_rows(file.path, on_bad_row), dialect, totals)


def find_columns(
    where: str,
    header: tuple[str, ...],
    columns: tuple[Column, ...],
    chosen: Mapping[str, str] | None = None,
    dialect: Dialect = TEXT,
) -> tuple[tuple[str, int, Cell], ...]:
    """Find the columns of a format among the names that a table has.

    Parameters
    ----------
    where : str
        File and place of the names, for messages.
    header : tuple of str
        Names in the table.
    columns : tuple of Column
        Columns that the format may have.
    chosen : mapping of str to str, optional
        Name in the result to name in the table, where the aliases do not find it.
    dialect : Dialect
        What the user says of how it is written.

    Returns
    -------
    tuple of (str, int, Cell)
        Name in the result, place in the table, and kind of each column found.

    Raises
    ------
    TraceError
        When a required or chosen column is missing, or a column would hold two things.
    """
    known = [column.name for column in columns]
    for name, wanted in (chosen or {}).items():
        if name not in known:
            allowed = ", ".join(known)
            raise TraceError.single(where, "columns", f"must be among {allowed}, got {str(name)[:40]!r}")
        if wanted not in header:
            raise TraceError.single(where, name, f"no column {str(wanted)[:40]!r}; {seen(header, dialect)}")
    known_places = _places(header)
    places: list[tuple[str, int, Cell]] = []
    for column in columns:
        given = (chosen or {}).get(column.name)
        place = header.index(given) if given is not None else column.place(known_places)
        if place is not None:
            places.append((column.name, place, column.cell))
        elif column.required:
            raise TraceError.single(where, column.name, f"{column.missing()}; {seen(header, dialect)}")
    roles: dict[int, str] = {}
    for name, place, _ in places:
        if place in roles:
            both = f"must hold one thing, not {roles[place]} and {name} both"
            raise TraceError.single(where, clipped(header[place], 40), both)
        roles[place] = name
    return tuple(places)


def _places(header: tuple[str, ...]) -> dict[str, int]:
    """Give the place of each name, as it is compared; the first of names that are compared as one."""
    places: dict[str, int] = {}
    for fold in (str.lower, folded):
        for place, name in enumerate(header):
            places.setdefault(fold(name), place)
    return places


def read_header(file: SourceFile, dialect: Dialect = TEXT) -> tuple[str, ...]:
    """Return the names in the first line of a CSV file, without blanks around them.

    Raises
    ------
    TraceError
        When the first line is no header: broken text, or a name twice.
    """
    where = f"{file.path}, row 1"
    first = next(records(file, header=True, dialect=dialect))
    _, row = next(first.rows(), (1, [""]))
    if isinstance(row, str):
        raise TraceError.single(where, "", row)
    header = tuple(name.strip() for name in row)
    if len(header) > MOST_COLUMNS:
        raise TraceError.single(where, "", f"must have at most {MOST_COLUMNS:,} columns, has {len(header):,}")
    twice = sorted(name for name, times in Counter(header).items() if name and times > 1)
    if twice:
        raise TraceError.single(where, clipped(twice[0], 40), "the header must name each column once")
    return header


def seen(header: tuple[str, ...], dialect: Dialect = TEXT) -> str:
    """List the columns of a header, for a message, with what is odd about them."""
    shown = ", ".join(repr(name[:40]) for name in header[:_LISTED_COLUMNS])
    more = f" and {len(header) - _LISTED_COLUMNS} more" if len(header) > _LISTED_COLUMNS else ""
    text = f"it has {shown}{more}"
    for separator, mark in SEPARATORS.items():
        if len(header) == 1 and mark != dialect.mark and mark in header[0]:
            if dialect.text_only:
                return f"{text}; fields must be separated by commas"
            allowed = f"fields must be separated by {dialect.separator or 'comma'}s"
            return f"{text}; {allowed}, or say {said_with('separator', separator)}"
    if not any(name[:1].isalpha() or name[:1] in "@_" for name in header):
        return f"{text}; is the header missing?"
    return text
