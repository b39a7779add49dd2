"""Untrusted files of finance: CSV and Parquet as rows of text with their place, JSON as an object; all bounded."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from lambdasim.catalog.files import parse_json
from lambdasim.errors import InputError
from lambdasim.outputs import noted_input
from lambdasim.traffic.readers.csv.blocks import records
from lambdasim.traffic.readers.csv.table import read_header
from lambdasim.traffic.readers.dialect import TEXT, Dialect
from lambdasim.traffic.readers.source import GZIP_FREE_BYTES, GZIP_RATIO_LIMIT, SourceFile

JSON_LIMIT_BYTES: Final = 128 << 20
LONGEST_CELL: Final = 65_536
_MOST_COLUMNS: Final = 2_000
_BATCH_ROWS: Final = 256
_FREE_ROWS: Final = 1_000_000
"""So many rows a Parquet file may have at any size; of more, each must take a byte of it: bills take some fifty."""
_NUMBER: Final = re.compile(r"-?(?:[0-9]{1,40}(?:\.[0-9]{0,60})?|\.[0-9]{1,60})(?:[eE][+-]?[0-9]{1,2})?")
_PARQUET: Final = b"PAR1"


@dataclass(frozen=True)
class Row:
    """A row of a table of text.

    Attributes
    ----------
    where : str
        File and place, for messages.
    cells : dict of str to str or None
        By column; None where the cell is empty or null.
    dialect : Dialect
        How numbers are written.
    """

    where: str
    cells: dict[str, str | None]
    dialect: Dialect = TEXT

    def text(self, column: str) -> str:
        """Return a cell, empty where it is null or the file has no such column."""
        return self.cells.get(column) or ""

    def fault(self, column: str, message: str) -> InputError:
        """Make the error of a cell."""
        return InputError.single(self.where, column, message)

    def number(self, column: str) -> Decimal | None:
        """Return a cell as an exact decimal; None where it is null.

        Raises
        ------
        InputError
            When it is no number.
        """
        text = self.text(column)
        if not text:
            return None
        try:
            text = self.dialect.plain_number(text)
        except ValueError as wrong:
            raise self.fault(column, str(wrong)) from None
        if not _NUMBER.fullmatch(text):
            raise self.fault(column, f"must be a number such as 0.0000166667, got {text[:40]!r}")
        return Decimal(text)


def json_object(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a JSON object, plain or gzip.

    Raises
    ------
    InputError
        When the file is too large, is not JSON, or has a key twice in one object.
    """
    text = SourceFile.at(path).text(JSON_LIMIT_BYTES)
    try:
        return parse_json(text, os.fspath(path))
    except (RecursionError, ValueError) as problem:
        if isinstance(problem, InputError):
            raise
        raise InputError.single(os.fspath(path), "", "is not JSON that can be read") from None


def table_rows(
    path: str | os.PathLike[str], wanted: frozenset[str] | None = None, dialect: Dialect = TEXT
) -> tuple[tuple[str, ...], Iterator[Row]]:
    """Read a table, CSV (plain or gzip) or Parquet.

    Parameters
    ----------
    path : path-like
    wanted : frozenset of str, optional
        Columns to give; default: all.
    dialect : Dialect, optional
        How a CSV file is written.

    Returns
    -------
    (tuple of str, iterator of Row)
        All names of columns, and the rows as they are read.

    Raises
    ------
    InputError
        When the file is not such a table; while iterating, at the first broken row.
    """
    file = SourceFile.at(path)
    noted_input(path)
    with Path(path).open("rb") as stream:
        is_parquet = stream.read(len(_PARQUET)) == _PARQUET
    return _parquet(file, wanted) if is_parquet else _csv(file, wanted, dialect)


def _csv(
    file: SourceFile, wanted: frozenset[str] | None, dialect: Dialect
) -> tuple[tuple[str, ...], Iterator[Row]]:
    header = read_header(file, dialect)
    if len(header) > _MOST_COLUMNS:
        raise InputError.single(f"{file.path}, row 1", "", f"must have at most {_MOST_COLUMNS:,} columns")
    places = [(name, place) for place, name in enumerate(header) if wanted is None or name in wanted]

    def rows() -> Iterator[Row]:
        for block in records(file, dialect=dialect):
            for line, fields in block.rows():
                where = f"{file.path}, row {line}"
                if isinstance(fields, str):
                    raise InputError.single(where, "", fields)
                if len(fields) != len(header):
                    wrong = f"must have {len(header)} fields like the header, has {len(fields)}"
                    raise InputError.single(where, "", wrong)
                cells = {name: fields[place] or None for name, place in places}
                yield _bounded(Row(where, cells, dialect))

    return header, rows()


def _parquet(file: SourceFile, wanted: frozenset[str] | None) -> tuple[tuple[str, ...], Iterator[Row]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        source = pq.ParquetFile(file.path)
        header, held = tuple(source.schema_arrow.names), source.metadata
        unpacked = sum(held.row_group(number).total_byte_size for number in range(held.num_row_groups))
    except (pa.ArrowException, OSError, ValueError) as problem:
        raise _not_parquet(file, problem) from None
    if len(header) > _MOST_COLUMNS or len(set(header)) < len(header):
        raise InputError.single(file.path, "", f"must have at most {_MOST_COLUMNS:,} columns, each once")
    columns = [name for name in header if wanted is None or name in wanted]
    if held.num_rows > max(_FREE_ROWS, file.size) or unpacked > max(
        GZIP_FREE_BYTES, GZIP_RATIO_LIMIT * file.size
    ):
        bomb = f"unpacks to {held.num_rows:,} rows of {unpacked:,} bytes: refused, since it has {file.size:,} bytes"
        raise InputError.single(file.path, "", bomb)

    def rows() -> Iterator[Row]:
        number = 0
        batches = source.iter_batches(batch_size=_BATCH_ROWS, columns=columns)
        while True:
            try:
                batch = next(batches, None)
                found = [] if batch is None else batch.to_pylist()
            except (pa.ArrowException, OSError, ValueError, OverflowError) as problem:
                raise _not_parquet(file, problem) from None
            if batch is None:
                return
            for values in found:
                number += 1
                cells = {name: _as_text(values.get(name)) for name in columns}
                yield _bounded(Row(f"{file.path}, row {number}", cells))

    return header, rows()


def _not_parquet(file: SourceFile, problem: Exception) -> InputError:
    return InputError.single(file.path, "", f"is not Parquet that can be read ({str(problem)[:80]})")


def _as_text(value: object) -> str | None:
    """Write a value of Parquet as CSV would; doubles by their shortest text, which is what was meant."""
    from datetime import UTC, date, datetime

    if value is None:
        return None
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (dict, list)):
        import json

        return json.dumps(value, default=str)
    return str(value) or None


def _bounded(row: Row) -> Row:
    for name, text in row.cells.items():
        if text is not None and len(text) > LONGEST_CELL:
            raise row.fault(name, f"must have at most {LONGEST_CELL:,} characters")
    return row
