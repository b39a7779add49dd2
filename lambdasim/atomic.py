"""Files written so that a kill leaves either the old or the new."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


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
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with named(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                write(stream)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Write a file of this content; see ``write_atomically``."""
    write_atomically(path, lambda stream: stream.write(content))


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Let an error of writing name the file that is meant, and say its reason in the system's words."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(error.errno or errno.EIO, reason, str(path)) from None
