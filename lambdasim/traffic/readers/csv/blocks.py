"""CSV text cut into blocks of whole records, each of which knows the physical line it starts at."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from lambdasim.errors import TraceError
from lambdasim.traffic.readers.csv.bars import bars_text, is_in_bars
from lambdasim.traffic.readers.dialect import TEXT, Dialect
from lambdasim.traffic.readers.source import SourceFile
from lambdasim.traffic.readers.workbook import is_workbook, sheet_text

LONGEST_RECORD: Final = 1 << 20
_TOO_LONG: Final = f"a record must have at most {LONGEST_RECORD:,} bytes; is a quotation mark never closed?"
_LONE_CR: Final = re.compile(rb"\r(?!\n)")
_NOT_UTF8: Final = re.compile("[\udc80-\udcff]")


class CellFault(str):
    """What is wrong with a record, as text, and in which of its fields."""

    place: int

    @classmethod
    def at(cls, place: int, text: str) -> CellFault:
        """Make the fault of a field, counted from 0."""
        fault = cls(text)
        fault.place = place
        return fault


@dataclass(frozen=True)
class Block:
    """Whole records of a CSV file.

    Attributes
    ----------
    text : bytes
    line : int
        Physical line of the first byte, counted from 1.
    quoted : bool
        Whether there is a quotation mark, so that a record may span lines.
    odd : bool
        Whether there is a byte that only the exact way can explain: NUL, or text that is not UTF-8.
    mark : str
        Character between fields.
    """

    text: bytes
    line: int
    quoted: bool
    odd: bool
    mark: str = ","

    def rows(self) -> Iterator[tuple[int, list[str] | str]]:
        """Yield the physical line of each record with its fields or its fault; blank lines are left out."""
        lines = io.StringIO(self.text.decode("utf-8", errors="surrogateescape"), newline="")
        reader = csv.reader(lines, delimiter=self.mark, strict=True)
        while True:
            line = self.line + reader.line_num
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as problem:
                yield line, f"must be CSV ({problem})".replace("\t", "\\t")
                continue
            if row:
                yield line, _text_fault(row) or row


def records(file: SourceFile, *, header: bool = False, dialect: Dialect = TEXT) -> Iterator[Block]:
    """Cut a CSV file, a sheet of a workbook, or a table in bars into blocks of whole records.

    Parameters
    ----------
    file : SourceFile
    header : bool
        Whether to yield the header record, alone, as the first block; it is left out otherwise.
    dialect : Dialect
        What the user says of how it is written.

    Raises
    ------
    TraceError
        When a record is longer than 1 MiB, or a line ends in a carriage return alone.
    """
    line = 1
    from_sheet = not dialect.text_only and is_workbook(file)
    if dialect.sheet is not None and not from_sheet:
        raise TraceError.single(file.path, "sheet", "is for workbooks (.xlsx), and this file is not one")
    from_bars = not from_sheet and is_in_bars(file)
    mark = "," if from_sheet or from_bars else dialect.mark
    pieces = sheet_text(file, dialect.form) if from_sheet else bars_text(file) if from_bars else _pieces(file)
    for index, text in enumerate(pieces):
        _refuse(file, text, line)
        if index or header:
            yield Block(text, line, b'"' in text, b"\0" in text or not _is_utf8(text), mark)
        line += text.count(b"\n")


def _pieces(file: SourceFile) -> Iterator[bytes]:
    """Cut at the ends of records: the header, then a piece for each block; the end of the file joins the last."""
    held = ready = b""
    in_header = True
    for block in file.blocks():
        held += block
        if in_header:
            end = _first_end(held)
            if end:
                yield held[:end]
                held = held[end:]
                in_header = False
        if not in_header:
            end = _last_end(held)
            if end:
                if ready:
                    yield ready
                ready, held = held[:end], held[end:]
        if len(held) > LONGEST_RECORD:
            break
    if len(held) > LONGEST_RECORD and ready:
        yield ready
        ready = b""
    if ready or held:
        yield ready + held


def _first_end(text: bytes) -> int:
    begin = quotes = 0
    while end := text.find(b"\n", begin) + 1:
        quotes += text.count(b'"', begin, end)
        if quotes % 2 == 0:
            break
        begin = end
    return end


def _last_end(text: bytes) -> int:
    if b'"' not in text:
        return text.rfind(b"\n") + 1
    codes = np.frombuffer(text, dtype=np.uint8)
    ends = np.flatnonzero(codes == ord("\n"))
    quotes_before = np.searchsorted(np.flatnonzero(codes == ord('"')), ends)
    closed = ends[quotes_before % 2 == 0]
    return int(closed[-1]) + 1 if closed.size else 0


def _refuse(file: SourceFile, text: bytes, line: int) -> None:
    lone = _LONE_CR.search(text) if b"\r" in text else None
    if lone:
        row = line + text.count(b"\n", 0, lone.start())
        allowed = "lines must end in LF or CR LF, not in a carriage return alone"
        raise TraceError.single(f"{file.path}, row {row}", "", allowed)
    if len(text) <= LONGEST_RECORD:
        return
    for start in range(0, len(text), LONGEST_RECORD // 2):
        if text.find(b"\n", start, start + LONGEST_RECORD // 2) >= 0:
            continue
        begin = text.rfind(b"\n", 0, start) + 1
        end = text.find(b"\n", start)
        if (len(text) if end < 0 else end) - begin > LONGEST_RECORD:
            row = line + text.count(b"\n", 0, begin)
            raise TraceError.single(f"{file.path}, row {row}", "", _TOO_LONG)
    if not _last_end(text):
        raise TraceError.single(f"{file.path}, row {line}", "", _TOO_LONG)


def _is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _text_fault(row: list[str]) -> CellFault | None:
    for place, text in enumerate(row):
        if "\0" in text:
            return CellFault.at(
                place, f"must be text, has a NUL byte after {text[: text.index(chr(0))][:40]!r}"
            )
        wrong = _NOT_UTF8.search(text)
        if wrong:
            return CellFault.at(place, f"must be UTF-8 text, has the byte 0x{ord(wrong[0]) - 0xDC00:02x}")
    return None
