"""The list of what lambdasim has written into a folder, with checksums: tells ours from others', and whole from half."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lambdasim.errors import InputError

MANIFEST: Final = "lambdasim-manifest.json"
_MOST_BYTES: Final = 1 << 24
_WRITER: Final = "lambdasim"


@dataclass
class Manifest:
    """What lambdasim has written into a folder.

    Attributes
    ----------
    kinds : dict of str to str
        What each file belongs to, such as ``run``, by its name.
    checksums : dict of str to tuple of str
        SHA-256 of each file, by its name; two while it is being replaced.
    unfinished : set of str
        Kinds whose files are being replaced; one that stays so was killed meanwhile.
    """

    kinds: dict[str, str] = field(default_factory=dict)
    checksums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unfinished: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, folder: Path) -> Manifest | None:
        """Read the manifest of a folder; None where there is none, or one that lambdasim did not write."""
        path = folder / MANIFEST
        try:
            if path.is_symlink() or not path.is_file():
                return None
            with path.open("rb") as stream:
                content = json.loads(stream.read(_MOST_BYTES))
            return cls._of_content(content)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    @classmethod
    def _of_content(cls, content: Any) -> Manifest:
        if content["written_by"] != _WRITER:
            raise ValueError
        found = cls(unfinished={str(kind) for kind in content["unfinished"]})
        for name, row in content["files"].items():
            if name == MANIFEST or not is_inside(name):
                raise ValueError  # a manifest speaks of its own folder alone
            found.kinds[name] = str(row["part_of"])
            found.checksums[name] = tuple(str(one) for one in row["sha256"])
        return found

    def content(self) -> bytes:
        """Return the manifest as JSON."""
        files = {
            name: {"part_of": self.kinds[name], "sha256": list(self.checksums[name])}
            for name in sorted(self.kinds)
        }
        content = {"written_by": _WRITER, "unfinished": sorted(self.unfinished), "files": files}
        return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def is_inside(name: str) -> bool:
    """Say whether a relative name leads to a file in a folder or below it, and nowhere else."""
    return all(part not in ("", ".", "..") and Path(part).name == part for part in name.split("/"))


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file, and of no link, pipe or device."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "is no file", os.fspath(path))
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_parts(folder: Path, kind: str, names: Iterable[str], by: str) -> None:
    """Make sure that the files of a folder were written together, and are as they were written.

    Parameters
    ----------
    folder : Path
    kind : str
        What they belong to.
    names : iterable of str
        Files that are read; those that are not there are left to who reads them.
    by : str
        The command that writes such a folder.

    Raises
    ------
    InputError
        When the folder has no manifest, its writing was cut short, or a file is not the one that was written.
    """
    if not folder.is_dir():
        raise InputError.single(str(folder), "", f"must be a folder that `{by}` wrote")
    present = [name for name in names if os.path.lexists(folder / name)]
    manifest = Manifest.of(folder)
    if manifest is None:
        if not present:
            return
        raise InputError.single(
            str(folder / MANIFEST),
            "",
            f"is missing: cannot tell whether the files belong together; `{by}` writes it",
        )
    if kind in manifest.unfinished:
        raise InputError.single(str(folder), "", f"was not written to its end; run `{by}` again")
    for name in present:
        path = folder / name
        if manifest.kinds.get(name) != kind:
            raise InputError.single(str(path), "", f"is not of the run in this folder; run `{by}` again")
        try:
            same = (checksum(path),) == manifest.checksums[name]
        except OSError as error:
            raise InputError.single(str(path), "", f"cannot be read: {error.strerror}") from None
        if not same:
            wrong = f"is not as it was written: another run's, or changed since; run `{by}` again"
            raise InputError.single(str(path), "", wrong)
