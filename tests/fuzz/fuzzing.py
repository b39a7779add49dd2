"""Spoils good files and reads them: a reader may return, or raise our errors, and nothing else.

A `Target` is a reader with good files of its kind. `fuzz` spoils them, one to six times each: bytes changed, left out,
doubled, taken from another file or from a list of what readers trip over; other line ends, encodings and packings.
Hypothesis makes small what is found, which belongs into the tests of the reader.

``FUZZ_SECONDS`` is the time for each target (default 5), ``FUZZ_SEED`` begins elsewhere.
"""

import gzip
import os
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from lambdasim.errors import LambdaSimError
from lambdasim.wording import UNPRINTABLE

SLOWEST_S = 30
LONGEST_MESSAGE = 3_000
_EXAMPLES = 100
_LONGEST_SLICE = 64
TOKENS: tuple[bytes, ...] = (
    b"\0", b"\r", b"\n", b"\r\n", b'"', b'""', b"'", b",", b";", b"\t", b"|", b"\\", b"\\u0000", b"\\ud800", b"{",
    b"}", b"[", b"]", b":", b"-", b"+", b".", b" ", b"0", b"-0", b"-1", b"1e9", b"1e12", b"1e13", b"1e309",
    b"-1e309", b"nan", b"NaN", b"inf", b"-inf", b"Infinity", b"0x10", b"1_000", b"1,234", b"1.234", b"1.234,5",
    b"1 234", b"9" * 25, b"9" * 400, b"9" * 5_000, b"null", b"true", b"2147483648", b"9223372036854775807",
    b"9223372036854775808", b"18446744073709551616", b"0001-01-01T00:00:00Z", b"9999-12-31T23:59:59Z",
    b"1969-12-31T23:59:59Z", b"2200-12-31T23:59:59.999999999Z", b"2026-02-30", b"2026-11-01T24:00:00Z",
    b"03/04/2026", b"2026-11-01T00:00:00+23:59", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe",
    b"\xfe\xff", b"\x1b[2J", b"\xe2\x80\xae", b"\xf0\x9f\x92\xa9", "١٢".encode(), b"=1+1", b"@SUM(A1)",
    b"<!DOCTYPE x>", b"<f>", b"</c>", b"REPORT RequestId: ", b"START RequestId: ", b"Duration: ", b" ms",
    b"Billed Duration: ", b"timestamp", b"count", b"function", b"a" * 3_000, b"," * 2_000, b"[" * 2_000,
    b'{"a":' * 500, b'"' + b"x\n" * 200,
)  # fmt: skip
"""What readers trip over."""


NOTHING: st.SearchStrategy[object] = st.none()


@dataclass(frozen=True)
class Target:
    """A reader to be fuzzed.

    Attributes
    ----------
    name : str
    read : callable
        Reads a file, wholly, and checks what it gave.
    seeds : sequence of bytes
        Good files.
    options : hypothesis strategy
        What is drawn for each reading and handed to `read`.
    ending : str
        Of the file's name.
    longest : int
        Characters of an error; a checker lists all faults.
    """

    name: str
    read: Callable[[Path, object], object]
    seeds: Sequence[bytes]
    options: st.SearchStrategy[object] = NOTHING
    ending: str = ".txt"
    longest: int = LONGEST_MESSAGE


def seconds() -> float:
    """Give the time for each target [s]."""
    return float(os.environ.get("FUZZ_SECONDS", "5"))


def fuzz(target: Target, folder: Path) -> int:
    """Spoil and read until the time is over.

    Parameters
    ----------
    target : Target
    folder : Path
        For the files.

    Returns
    -------
    int
        How many files were read without an error of ours: a harness that only makes refused files shows nothing.
    """
    accepted = read = 0

    def attempt(content: bytes, options: object) -> None:
        nonlocal accepted, read
        path = folder / f"fuzzed{target.ending}"
        path.write_bytes(content)
        begun = time.process_time()
        read += 1
        try:
            target.read(path, options)
            accepted += 1
        except LambdaSimError as refused:
            message = str(refused)
            assert len(message) < target.longest, message[: target.longest]
            assert not UNPRINTABLE.search(message), repr(message)
        assert time.process_time() - begun < SLOWEST_S

    first = int(os.environ.get("FUZZ_SEED", "0"))
    ends = time.monotonic() + seconds()
    for content in target.seeds:
        attempt(content, None)
    assert accepted == read, f"{target.name}: a good file is refused"
    number = first
    while time.monotonic() < ends:
        _round(target, number, attempt)
        number += 1
    return accepted


def _round(target: Target, number: int, attempt: Callable[[bytes, object], None]) -> None:
    @seed(number)
    @settings(
        max_examples=_EXAMPLES,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(spoilt(target.seeds), target.options)
    def one(content: bytes, options: object) -> None:
        if content:
            attempt(content, options)

    one()


@st.composite
def spoilt(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """Draw a good file and spoil it."""
    content = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(content)))
        length = draw(st.integers(0, _LONGEST_SLICE))
        match draw(st.integers(0, 8)):
            case 0:
                content[place : place + 1] = bytes([draw(st.integers(0, 255))])
            case 1:
                del content[place : place + length]
            case 2:
                content[place:place] = content[place : place + length]
            case 3 | 4:
                content[place:place] = draw(st.sampled_from(TOKENS))
            case 5:
                content[place : place + length] = draw(st.sampled_from(TOKENS))
            case 6:
                other = draw(st.sampled_from(seeds))
                begin = draw(st.integers(0, len(other)))
                content[place:place] = other[begin : begin + length]
            case 7:
                del content[place:]
            case _:
                content[place:place] = draw(st.binary(max_size=_LONGEST_SLICE))
    return draw(st.sampled_from(FORMS))(bytes(content))


def _utf16(content: bytes) -> bytes:
    return content.decode("utf-8", errors="replace").encode("utf-16")


FORMS: tuple[Callable[[bytes], bytes], ...] = (
    bytes, bytes, bytes, bytes, bytes, bytes,
    lambda content: content.replace(b"\n", b"\r\n"),
    lambda content: content.replace(b"\n", b"\r"),
    lambda content: b"\xef\xbb\xbf" + content,
    _utf16,
    lambda content: gzip.compress(content, 1, mtime=0),
    lambda content: gzip.compress(content, 1, mtime=0)[:-7],
    lambda content: gzip.compress(gzip.compress(content, 1, mtime=0), 1, mtime=0),
)  # fmt: skip
"""The same file as it is, with other line ends, in other encodings, packed."""


def repacked(content: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """Give a zip archive with one part changed."""
    made = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(content)) as archive,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as written,
    ):
        for info in archive.infolist():
            data = archive.read(info)
            written.writestr(info.filename, change(data) if info.filename == part else data)
    return made.getvalue()
