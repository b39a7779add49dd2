"""Tables made to mislead or to break: each is one error that names the place, or is read for what it says."""

import gzip
import time
from pathlib import Path

import pytest

import lambdasim as ls
from lambdasim.errors import LambdaSimError
from lambdasim.specs.traffic import TrafficSpec
from lambdasim.traffic.opening import open_trace
from lambdasim.traffic.trace import Trace

HEAD = b"time,count\n"
ROW = b"2026-11-02T00:00:00Z,7\n"
NEXT = b"2026-11-02T00:01:00Z,8\n"
SOON_S = 10

REFUSED: dict[str, tuple[bytes, str]] = {
    "a NUL in a count": (HEAD + ROW + b"2026-11-02T00:01:00Z,8\0\n", "row 3: count: must be text, has a NUL"),
    "a NUL in a time": (HEAD + ROW + b"2026\0-11-02T00:01:00Z,8\n", "row 3: time: must be text, has a NUL"),
    "a NUL in the header": (b"time,co\0unt\n" + ROW, "row 1: must be text, has a NUL"),
    "NULs alone": (b"\0" * 5_000, "NUL"),
    "no column of time": (b"when,count\n" + ROW, "timestamp_column (--timestamp-column)"),
    "no column of counts": (b"time,amount\n" + ROW + NEXT, "'amount' would not be used"),
    "a column of money": (b"time,cost\n" + ROW + NEXT, "money, never a count"),
    "two columns of one name": (b"time,count,count\n2026-11-02T00:00:00Z,1,2\n", "count: the header must name each"),
    "a row too short": (HEAD + ROW + b"2026-11-02T00:01:00Z\n", "must have 2 fields like the header, has 1: 'count'"),
    "a row too long": (HEAD + ROW + b"2026-11-02T00:01:00Z,8,9\n", "must have 2 fields like the header, has 3: '9' is"),
    "a quote never closed": (HEAD + ROW + b'"2026-11-02T00:01:00Z,8\n' + NEXT * 3, "row 3"),
    "a quote never closed, for megabytes": (HEAD + ROW + NEXT + b'"' + NEXT * 100_000, "a quotation mark never closed"),
    "a quote in the header never closed": (b'time,"count\n' + ROW + NEXT, "row 1"),
    "a quote in the header never closed, for megabytes": (b'time,"count\n' + b"\n" * 3_000_000, "row 1"),
    "text after a quote": (HEAD + b'"2026-11-02T00:00:00Z"x,7\n', "row 2"),
    "a field of megabytes": (HEAD + b"x" * 3_000_000 + b",7\n", "at most 1,048,576 bytes"),
    "a megabyte in another column": (b"time,count,n2\n2026-11-02T00:00:00Z,7," + b"x" * 1_100_000, "row 2"),
    "a header of 10^6 columns": (b"c," * 1_000_000 + b"\n", "row 1"),
    "a header of 10^5 columns": (b",".join(b"c%d" % n for n in range(100_000)) + b"\n", "at most 16,384 columns"),
    "carriage returns alone": ((HEAD + ROW + NEXT).replace(b"\n", b"\r"), "not in a carriage return alone"),
    "one carriage return in the middle": (HEAD + ROW + b"2026-11-02T00:01:00Z,8\r2026-11-02T00:02:00Z,9\n", "row 3"),
    "a year of 9999": (HEAD + b"9999-12-31T23:59:59Z,7\n", "row 2: time: must lie in the years 1970 to 2200"),
    "a year of 0001": (HEAD + b"0001-01-01T00:00:00Z,7\n", "must lie in the years"),
    "a year of 0000": (HEAD + b"0000-01-01T00:00:00Z,7\n", "of the calendar"),
    "an offset before the calendar": (HEAD + b"0001-01-01T00:00:00+23:00,7\n", "row 2: time: must"),
    "an offset after the calendar": (HEAD + b"9999-12-31T23:59:59-23:00,7\n", "row 2: time: must"),
    "30 February": (HEAD + b"2026-02-30T00:00:00Z,7\n", "must be a date and time of the calendar"),
    "24 o'clock": (HEAD + b"2026-11-02T24:00:00Z,7\n", "must be a date and time of the calendar"),
    "a leap second": (HEAD + b"2026-11-02T23:59:60Z,7\n", "must be a date and time of the calendar"),
    "a negative count": (HEAD + b"2026-11-02T00:00:00Z,-7\n", "must be a whole number from 0 to 1,000,000,000,000"),
    "nan": (HEAD + b"2026-11-02T00:00:00Z,nan\n", "must be a whole number of invocations, got 'nan'"),
    "inf": (HEAD + b"2026-11-02T00:00:00Z,inf\n", "must be a whole number of invocations, got 'inf'"),
    "1e309": (HEAD + b"2026-11-02T00:00:00Z,1e309\n", "must be a whole number from 0"),
    "10^13": (HEAD + b"2026-11-02T00:00:00Z,1e13\n", "must be a whole number from 0"),
    "5,000 digits": (HEAD + b"2026-11-02T00:00:00Z," + b"9" * 5_000 + b"\n", "must be a whole number from 0"),
    "half an invocation": (HEAD + b"2026-11-02T00:00:00Z,0.5\n", "must be a whole number from 0"),
    "a hexadecimal count": (HEAD + b"2026-11-02T00:00:00Z,0x1F\n", "must be a whole number of invocations"),
    "an underlined count": (HEAD + b"2026-11-02T00:00:00Z,1_000\n", "must be a whole number of invocations"),
    "Arabic digits": (HEAD + "2026-11-02T00:00:00Z,١٢\n".encode(), "must be a whole number of invocations"),
    "no count": (HEAD + b"2026-11-02T00:00:00Z,\n", "count: must not be empty"),
    "a blank for a count": (HEAD + b"2026-11-02T00:00:00Z, \n", "count: must be a whole number"),
    "a formula for a count": (HEAD + b"2026-11-02T00:00:00Z,=1+1\n", "count: must be a whole number"),
    "a percentage": (HEAD + b"2026-11-02T00:00:00Z,7%\n", "count: must be a whole number"),
    "no rows": (HEAD, "there is no row below the header"),
    "blank lines alone": (HEAD + b"\n\n\r\n", "there is no row below the header"),
    "blank lines for megabytes": (HEAD + b"\n" * 3_000_000, "there is no row below the header"),
    "blank lines for megabytes, and no header": (b"\n" * 3_000_000, "timestamp"),
    "a byte order mark alone": (b"\xef\xbb\xbf", "the file is empty"),
    "not UTF-8": (HEAD + ROW + b"2026-11-02T00:01:00Z\xe9,8\n", "row 3: time: must be UTF-8 text, has the byte 0xe9"),
    "UTF-16 cut in half": ((HEAD + ROW).decode().encode("utf-16")[:-1], "must be whole UTF-16 text"),
    "UTF-32": ((HEAD + ROW).decode().encode("utf-32"), ""),
    "gzip inside gzip": (gzip.compress(gzip.compress(HEAD + ROW)), "gzip inside gzip"),
    "gzip cut short": (gzip.compress(HEAD + ROW * 100)[:-9], "cut short"),
    "gzip with a wrong checksum": (gzip.compress(HEAD + ROW)[:-8] + b"\0" * 8, "broken gzip"),
    "gzip and what is none behind it": (gzip.compress(HEAD + ROW) + b"x" * 50, "broken gzip"),
    "a gzip bomb": (gzip.compress(HEAD + ROW + NEXT + b"\n" * (70 << 20)), "refused as a gzip bomb"),
    "one time only": (HEAD + ROW + ROW, "one time only, so the interval must be given"),
    "a terminal's escapes for a name": (b"time,count,\x1b[2J\n2026-11-02T00:00:00Z,x,1\n", r"'x'"),
    "a cell that turns the text": (HEAD + "2026-11-02T00:00:00Z,\u202e7\n".encode(), "count: must be a whole number"),
    "semicolons": (b"time;count\n2026-11-02T00:00:00Z;7\n", "--separator semicolon"),
    "dates of two readings": (b"time,count\n03/04/2026,7\n", "4 March 2026"),
    "numbers of two readings": (b'time,count\n2026-11-02T00:00:00Z,"1,234"\n', "or 1.234 with"),
    "a web page": (b"<!doctype html><html><body><table></table></body></html>", "timestamp"),
    "no header": (ROW + NEXT, "is the header missing?"),
}  # fmt: skip

READ: dict[str, tuple[bytes, int]] = {
    "a byte order mark": (b"\xef\xbb\xbf" + HEAD + ROW + NEXT, 15),
    "CR LF": ((HEAD + ROW + NEXT).replace(b"\n", b"\r\n"), 15),
    "mixed line ends": (HEAD.replace(b"\n", b"\r\n") + ROW + NEXT.replace(b"\n", b"\r\n"), 15),
    "no end of the last line": ((HEAD + ROW + NEXT)[:-1], 15),
    "blank lines between": (HEAD + b"\n" + ROW + b"\r\n\n" + NEXT + b"\n", 15),
    "UTF-16 of a spreadsheet": ((HEAD + ROW + NEXT).decode().encode("utf-16"), 15),
    "the same rows twice": (HEAD + ROW + NEXT + ROW + NEXT, 30),
    "rows from the last to the first": (HEAD + NEXT + ROW, 15),
    "counts of 10^12": (HEAD + b"2026-11-02T00:00:00Z,1e12\n2026-11-02T00:01:00Z,1000000000000\n", 2 * 10**12),
    "a count of zero": (HEAD + b"2026-11-02T00:00:00Z,0\n2026-11-02T00:01:00Z,-0\n", 0),
    "line ends in quotes": (b'time,count,note\n2026-11-02T00:00:00Z,7,"a\nb"\n2026-11-02T00:01:00Z,8,"""c"""\n', 15),
    "1,440 columns beside": (
        b"time,count," + b",".join(b"c%d" % n for n in range(1_440)) + b"\n" + (ROW[:-1] + b",1" * 1_440 + b"\n")
        + (NEXT[:-1] + b",1" * 1_440 + b"\n"), 15,
    ),
    "the last moments of 2200": (HEAD + b"2200-12-31T23:58:00Z,7\n2200-12-31T23:59:00Z,8\n", 15),
    "two gzip members": (gzip.compress(HEAD + ROW) + gzip.compress(NEXT), 15),
    "names in another case, with blanks": (b" TIME , Count \n" + ROW + NEXT, 15),
}  # fmt: skip


def opened(folder: Path, content: bytes) -> Trace:
    (folder / "t.csv").write_bytes(content)
    return open_trace(folder, "f", TrafficSpec(trace="t.csv"))


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_one_error(name: str, tmp_path: Path) -> None:
    content, said = REFUSED[name]
    begun = time.process_time()
    with pytest.raises(LambdaSimError) as refused:
        opened(tmp_path, content).frame()
    message = str(refused.value)
    assert said in message
    assert "t.csv" in message
    assert message.isprintable()
    assert len(message) < 1_000
    assert time.process_time() - begun < SOON_S


@pytest.mark.parametrize("name", READ)
def test_what_is_odd_and_good_is_read(name: str, tmp_path: Path) -> None:
    content, invocations = READ[name]
    assert opened(tmp_path, content).summary().invocations == invocations


def test_a_table_of_names_is_cut_in_messages(tmp_path: Path) -> None:
    content = b"time," + b",".join(b"n%d" % n + b"x" * 900 for n in range(900)) + b"\n"
    with pytest.raises(ls.TraceError) as refused:
        opened(tmp_path, content + b"2026-11-02T00:00:00Z" + b",1" * 900 + b"\n")
    assert len(str(refused.value)) < 2_000
