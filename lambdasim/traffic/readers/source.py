"""Files as bytes, plain or gzip, in blocks of bounded size; one clear error for whatever is no such file."""

from __future__ import annotations

import codecs
import hashlib
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from lambdasim.errors import TraceError
from lambdasim.outputs import noted_input
from lambdasim.traffic.trace import TraceSource

BLOCK_BYTES: Final = 1 << 21
GZIP_RATIO_LIMIT: Final = 200
GZIP_FREE_BYTES: Final = 64 << 20
"""Up to here [bytes] a gzip file may unpack at any ratio; beyond it more than 200 : 1 counts as a bomb."""
JSON_LIMIT_BYTES: Final = 512 << 20

_GZIP: Final = b"\x1f\x8b"
_GZIP_STEP: Final = 1 << 15
_BOMB: Final = (
    f"unpacks to more than {GZIP_RATIO_LIMIT} times its size: refused as a gzip bomb; unpack it yourself"
)
_ARCHIVES: Final = {
    b"PK\x03\x04": "a zip archive",
    b"\x28\xb5\x2f\xfd": "zstd data",
    b"\xfd7zXZ": "xz data",
    b"BZh": "bzip2 data",
    b"7z\xbc\xaf": "a 7z archive",
    b"PAR1": "a Parquet file",
}
_OLD_WORKBOOK: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_TAR_MARK: Final = slice(257, 262)
_UTF8_BOM: Final = b"\xef\xbb\xbf"
_UTF16_BOMS: Final = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_UTF16_LOOK: Final = 64


@dataclass(frozen=True)
class SourceFile:
    """A regular file whose size and time of change were noted, so that a later change is seen.

    Attributes
    ----------
    path : str
        As the user gave it; messages name it so.
    size : int
        Size as stored [bytes].
    changed_ns : int
        Time of the last change [ns since 1970].
    """

    path: str
    size: int
    changed_ns: int

    @classmethod
    def at(cls, path: str | os.PathLike[str]) -> SourceFile:
        """Look at a file.

        Raises
        ------
        TraceError
            When there is no such file, or it is a directory, a device, empty, or must not be read.
        """
        name = os.fspath(path)
        try:
            state = os.stat(name)
        except (OSError, ValueError) as problem:
            raise TraceError.single(_shown(name), "", f"cannot be read: {_reason(problem)}") from None
        if not stat.S_ISREG(state.st_mode):
            kind = "a directory" if stat.S_ISDIR(state.st_mode) else "not a regular file"
            raise TraceError.single(name, "", f"must be a file, but is {kind}")
        if not state.st_size:
            raise TraceError.single(name, "", "the file is empty")
        return cls(name, state.st_size, state.st_mtime_ns)

    @property
    def stem(self) -> str:
        """Base name without its endings: the name of a function where the file gives none."""
        return Path(self.path).name.split(".")[0] or Path(self.path).name

    def blocks(self) -> Iterator[bytes]:
        """Yield the content in blocks of a few MiB, unpacked, as UTF-8 without a byte order mark.

        Raises
        ------
        TraceError
            When the file changed, is an archive or broken UTF-16, or its gzip data is broken, cut short or a bomb.
        """
        plain = self.stored()
        head = next(plain, b"")
        content = _joined(self._unpacked(head, plain)) if head.startswith(_GZIP) else _with_head(head, plain)
        first = next(content, b"").removeprefix(_UTF8_BOM)
        self._refuse_foreign(first)
        encoding = _utf16(first)
        if encoding:
            yield from self._as_utf8(_with_head(first, content), encoding)
            return
        yield first
        yield from content

    def _as_utf8(self, content: Iterator[bytes], encoding: str) -> Iterator[bytes]:
        """Turn UTF-16, as PowerShell's ``>`` and Excel write it, into UTF-8."""
        decoder = codecs.getincrementaldecoder(encoding)()
        given = 0
        try:
            for block in content:
                text = decoder.decode(block)
                given += len(text)
                if text:
                    yield text.removeprefix("\ufeff").encode()
            decoder.decode(b"", final=True)
        except UnicodeError:
            raise TraceError.single(
                self.path, "", f"must be whole UTF-16 text, is broken after {given:,} characters"
            ) from None
        if given < 2:  # nothing, or the mark alone
            raise TraceError.single(self.path, "", "the file is empty")

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Open the file as it is stored.

        Raises
        ------
        TraceError
            When it cannot be read, or changed.
        """
        noted_input(self.path)
        try:
            with open(self.path, "rb") as stream:
                state = os.fstat(stream.fileno())
                if (state.st_size, state.st_mtime_ns) != (self.size, self.changed_ns):
                    raise TraceError.single(self.path, "", "the file changed since it was first read")
                yield stream
        except OSError as problem:
            raise TraceError.single(self.path, "", f"cannot be read: {_reason(problem)}") from None

    def whole(self, limit: int = JSON_LIMIT_BYTES) -> bytes:
        """Return the unpacked content of a file that is small enough.

        Raises
        ------
        TraceError
            When the content is larger than `limit` [bytes], or cannot be read.
        """
        parts: list[bytes] = []
        size = 0
        for block in self.blocks():
            size += len(block)
            if size > limit:
                raise TraceError.single(
                    self.path, "", f"must hold at most {limit >> 20} MiB of JSON or log text; split it"
                )
            parts.append(block)
        return b"".join(parts)

    def text(self, limit: int = JSON_LIMIT_BYTES) -> str:
        """Return the unpacked content of a file of UTF-8 text that is small enough.

        Raises
        ------
        TraceError
            When the content is larger than `limit` [bytes], not UTF-8, or cannot be read.
        """
        content = self.whole(limit)
        try:
            return content.decode()
        except UnicodeDecodeError as problem:
            where = f"{self.path}, row {1 + content.count(10, 0, problem.start)}"
            wrong = f"must be UTF-8 text, has the byte 0x{content[problem.start]:02x}"
            raise TraceError.single(where, "", wrong) from None

    def head(self) -> bytes:
        """Return the first block of the content."""
        return next(self.blocks(), b"")

    def provenance(self, format_name: str) -> TraceSource:
        """Describe the file, with its checksum."""
        digest = hashlib.sha256()
        for block in self.stored():
            digest.update(block)
        return TraceSource(Path(self.path).name, format_name, digest.hexdigest(), self.size)

    def stored(self) -> Iterator[bytes]:
        """Yield the content as it is stored."""
        with self.opened() as stream:
            while block := stream.read(BLOCK_BYTES):
                yield block

    def _unpacked(self, head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
        taken = given = 0
        member = zlib.decompressobj(wbits=31)
        try:
            for block in _with_head(head, rest):
                for start in range(0, len(block), _GZIP_STEP):
                    pending = block[start : start + _GZIP_STEP]
                    taken += len(pending)
                    while pending := pending.lstrip(b"\0") if member.eof else pending:
                        if member.eof:
                            member = zlib.decompressobj(wbits=31)
                        data = member.decompress(pending, BLOCK_BYTES)
                        pending = member.unused_data if member.eof else member.unconsumed_tail
                        given += len(data)
                        if given > GZIP_FREE_BYTES and given > GZIP_RATIO_LIMIT * taken:
                            raise TraceError.single(self.path, "", _BOMB)
                        if data:
                            yield data
        except zlib.error as problem:
            raise TraceError.single(
                self.path, "", f"broken gzip data after {given:,} good bytes ({problem})"
            ) from None
        if not member.eof:
            raise TraceError.single(self.path, "", f"the gzip data is cut short after {given:,} bytes")

    def _refuse_foreign(self, first: bytes) -> None:
        if not first:
            raise TraceError.single(self.path, "", "the file is empty")
        if first.startswith(_GZIP):
            raise TraceError.single(self.path, "", "gzip inside gzip; unpack it once")
        if first.startswith(_OLD_WORKBOOK):
            wrong = "is an old workbook (.xls) or one with a password; save it as .xlsx"
            raise TraceError.single(self.path, "", wrong)
        kinds = [kind for mark, kind in _ARCHIVES.items() if first.startswith(mark)]
        if first[_TAR_MARK] == b"ustar":
            kinds.append("a tar archive")
        if kinds:
            raise TraceError.single(
                self.path, "", f"is {kinds[0]}; give the text file inside, plain or as .gz"
            )


def _utf16(first: bytes) -> str:
    """Name the UTF-16 encoding of a beginning, by its mark or since every other byte is zero; empty where it is none."""
    look = first[:_UTF16_LOOK]
    if look[:2] in _UTF16_BOMS:
        return _UTF16_BOMS[look[:2]]
    if len(look) < 4:
        return ""
    even, odd = look[::2], look[1::2]
    if not any(odd) and all(even):
        return "utf-16-le"
    return "utf-16-be" if not any(even) and all(odd) else ""


def _with_head(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if head:
        yield head
    yield from rest


def _joined(pieces: Iterator[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= BLOCK_BYTES:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


def _reason(problem: OSError | ValueError) -> str:
    return (problem.strerror if isinstance(problem, OSError) else None) or str(problem)


def _shown(name: str) -> str:
    return name.replace("\0", "\\0")
