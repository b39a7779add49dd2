"""The files of one export: a file, the parts in a folder with their manifest, or what a zip archive holds."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Final, NamedTuple

from lambdasim.errors import Fault, InputError
from lambdasim.finance.reading import json_object
from lambdasim.outputs import noted_input

MOST_PARTS: Final = 1_000
_MOST_BYTES: Final = 4 << 30
_MOST_RATIO: Final = 200
_FREE_BYTES: Final = 64 << 20
_TABLES: Final = (".csv", ".csv.gz", ".parquet", ".zip")
_ZIP: Final = b"PK\x03\x04"
_MANIFEST: Final = "manifest.json"
_LISTS: Final = ("reportKeys", "dataFiles")
"""What a manifest of a legacy CUR, and of Data Exports, calls its list of files."""
_STEP: Final = 1 << 20


class Part(NamedTuple):
    """A file of an export.

    Attributes
    ----------
    name : str
        As messages show it.
    path : Path
    """

    name: str
    path: Path

    def told(self, error: InputError) -> InputError:
        """Return an error that shows the part's name in the place of its path."""
        where = str(self.path)
        return InputError(
            Fault(fault.where.replace(where, self.name), fault.field, fault.message) for fault in error.faults
        )


@contextmanager
def parts_of(path: str | os.PathLike[str]) -> Iterator[tuple[Part, ...]]:
    """Find the files of an export; what a zip archive holds is unpacked until the end of the block.

    Parameters
    ----------
    path : path-like
        A file; a folder with CSV, gzip, Parquet or zip files, of which its manifest names those that count; or a zip
        archive of CSV files.

    Yields
    ------
    tuple of Part
        In order of their names.

    Raises
    ------
    InputError
        When a folder or an archive holds no table, or too much.
    """
    place = Path(path)
    files = _of_folder(place) if place.is_dir() else [Part(os.fspath(path), place)]
    with TemporaryDirectory() as unpacked:
        found: list[Part] = []
        for number, part in enumerate(files):
            if _is_zip(part.path):
                found += _unpacked(part, Path(unpacked) / str(number))
            else:
                found.append(part)
        yield tuple(found)


def _of_folder(folder: Path) -> list[Part]:
    names = sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.is_file() and entry.name.lower().endswith(_TABLES) and not entry.name.startswith((".", "_"))
    )
    listed = _of_manifest(folder)
    if listed is not None:
        missing = sorted(listed - set(names))
        if missing:
            raise InputError.single(str(folder), missing[0], "is missing, and the manifest names it")
        names = [name for name in names if name in listed]
    if not names:
        raise InputError.single(str(folder), "", f"holds no file of an export: {', '.join(_TABLES)}")
    if len(names) > MOST_PARTS:
        raise InputError.single(
            str(folder), "", f"must hold at most {MOST_PARTS:,} parts, holds {len(names):,}"
        )
    return [Part(str(folder / name), folder / name) for name in names]


def _of_manifest(folder: Path) -> set[str] | None:
    """Read which files an export's manifest names; None where there is none, or it names none."""
    manifests = sorted(entry for entry in folder.iterdir() if entry.name.lower().endswith(_MANIFEST))
    if len(manifests) > 1:
        raise InputError.single(
            str(folder), manifests[1].name, "is a second manifest: give the folder of one export"
        )
    if not manifests:
        return None
    manifest = json_object(manifests[0])
    keys = next((manifest[name] for name in _LISTS if manifest.get(name)), None)
    if not isinstance(keys, list):
        return None
    return {str(key).rsplit("/", 1)[-1] for key in keys}


def _is_zip(path: Path) -> bool:
    noted_input(path)
    try:
        with path.open("rb") as stream:
            return stream.read(len(_ZIP)) == _ZIP
    except OSError:
        return False


def _unpacked(part: Part, folder: Path) -> list[Part]:
    folder.mkdir()
    found = []
    try:
        with zipfile.ZipFile(part.path) as archive:
            members = [
                one for one in archive.infolist() if one.filename.lower().endswith((".csv", ".csv.gz"))
            ]
            if not members:
                raise InputError.single(part.name, "", "is a zip archive without a CSV file")
            size = sum(member.file_size for member in members)
            allowed = max(_FREE_BYTES, part.path.stat().st_size * _MOST_RATIO)
            if len(members) > MOST_PARTS or size > min(allowed, _MOST_BYTES):
                raise InputError.single(part.name, "", "unpacks to more than is read: unpack it yourself")
            for number, member in enumerate(sorted(members, key=lambda one: one.filename)):
                suffix = ".csv.gz" if member.filename.lower().endswith(".gz") else ".csv"
                target = folder / f"{number}{suffix}"
                with archive.open(member) as stream, target.open("wb") as written:
                    _copy(stream, written, member.file_size)
                found.append(Part(f"{part.name}/{member.filename[-100:]}", target))
    except (
        zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError, EOFError, ValueError,
    ) as problem:  # fmt: skip
        if isinstance(problem, InputError):
            raise
        raise InputError.single(part.name, "", "is a zip archive that cannot be unpacked") from None
    return found


def _copy(stream: IO[bytes], written: IO[bytes], most: int) -> None:
    """Copy a stream, and no more than an archive's directory promised."""
    left = most
    while content := stream.read(_STEP):
        left -= len(content)
        if left < 0:
            raise ValueError("more than promised")
        written.write(content)
