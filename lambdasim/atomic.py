"""Files written so that a kill leaves either the old or the new, and nothing outside their folder changes."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from lambdasim.errors import InputError
from lambdasim.wording import clipped

TEMPORARY: Final = (".lambdasim-", ".tmp")
"""How the name of an unfinished file begins and ends."""


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file beside its place, make sure that it is on the disk, and move it there.

    Parameters
    ----------
    path : Path
    write : callable
        Is given the open file.

    Raises
    ------
    OSError
        Naming `path`, not the file beside it.
    InputError
        When something other than a regular file stands in its place; see ``refuse_what_is_no_file``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    refuse_what_is_no_file(path)
    with named(path):
        name = staged(path, write)
        try:
            os.replace(name, path)
        except BaseException:
            name.unlink(missing_ok=True)
            raise


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Write a file of this content; see ``write_atomically``."""
    write_atomically(path, lambda stream: stream.write(content))


def staged(path: Path, write: Callable[[IO[bytes]], object]) -> Path:
    """Write a whole file beside its place, under a name that nobody can know before, and leave it there.

    Parameters
    ----------
    path : Path
        Where it is to go.
    write : callable
        Is given the open file.

    Returns
    -------
    Path
        Where it is; to be moved with ``os.replace``.
    """
    # mkstemp takes a random name with O_EXCL and O_NOFOLLOW: a link that waits there is never followed.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY[0], suffix=TEMPORARY[1])
    try:
        with os.fdopen(handle, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def refuse_what_is_no_file(path: Path) -> bool:
    """Refuse a place in which something stands that is no regular file, and say whether a file does.

    A link may lead out of the folder, and a device would be replaced by a file of its name.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bool

    Raises
    ------
    InputError
        When a link, a folder, a device or a pipe stands there.
    """
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    if stat.S_ISREG(mode):
        return True
    kinds = {stat.S_ISLNK: "a link", stat.S_ISDIR: "a folder"}
    what = next((name for asks, name in kinds.items() if asks(mode)), "no regular file")
    raise InputError.single(str(path), "", f"cannot be written: is {what}")


def refuse_linked_folder(path: Path) -> None:
    """Refuse a folder to write into that is a link; folders above it may be.

    Parameters
    ----------
    path : Path

    Raises
    ------
    InputError
        Naming where the link leads.
    """
    if path.is_symlink():
        leads = clipped(os.path.realpath(path), 200)
        raise InputError.single(
            str(path), "", f"cannot be written: is a link; name the folder itself, {leads}"
        )


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Let an error of writing name the file that is meant, and say its reason in the system's words."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(error.errno or errno.EIO, reason, str(path)) from None
