"""Tables whose columns lie between bars, as consoles, Markdown and database clients print them, turned into CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from lambdasim.traffic.readers.source import SourceFile

_LOOKED_AT: Final = 1 << 16
_ROW: Final = re.compile(rb"^[ \t]*\|.*\|[ \t]*\r?$")
_RULE: Final = re.compile(rb"^[ \t]*[|+]?(?=[^\r\n]*--)[-:=+| \t]+\r?$")
_BAR: Final = re.compile(r"(?<!\\)\|")


def is_in_bars(file: SourceFile) -> bool:
    """Return whether a file holds a table in bars: a row, and a rule of dashes right below it."""
    lines = file.head()[:_LOOKED_AT].split(b"\n")
    return any(
        _ROW.match(line) and not _RULE.match(line) and _RULE.match(below) for line, below in pairwise(lines)
    )


def bars_text(file: SourceFile) -> Iterator[bytes]:
    """Yield the header of the first table in bars, and then its rows, as CSV.

    Each line of the file has its line, so that rows keep their numbers; what is no row is blank.
    """
    lines = file.whole().split(b"\n")
    first = next(
        place
        for place, (line, below) in enumerate(pairwise(lines))
        if _ROW.match(line) and not _RULE.match(line) and _RULE.match(below)
    )
    yield b"\n" * first + _as_csv(lines[first])
    yield b"".join(_as_csv(line) for line in lines[first + 1 :])


def _as_csv(line: bytes) -> bytes:
    if not _ROW.match(line) or _RULE.match(line):
        return b"\n"
    text = line.decode("utf-8", errors="surrogateescape").strip()
    cells = [cell.replace("\\|", "|").strip() for cell in _BAR.split(text)[1:-1]]
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow(cells)
    return written.getvalue().encode("utf-8", errors="surrogateescape")
