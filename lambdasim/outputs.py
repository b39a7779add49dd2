"""Where results may be written: no input and no file of others is replaced, and one process writes at a time."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Final, Self

from lambdasim.atomic import TEMPORARY, named, refuse_linked_folder, refuse_what_is_no_file, staged
from lambdasim.errors import InputError
from lambdasim.manifest import MANIFEST, Manifest, checksum, is_inside

try:
    import fcntl
except ImportError:  # no such locks there: two writers are not noticed
    fcntl = None  # type: ignore[assignment]

STUDY: Final = "study"
"""Kind of the files of a study, in the manifest of their folder."""
_PATIENCE_S: Final = 10.0
_LOOK_S: Final = 0.05
_OURS: Final = (".csv", ".json", ".png", ".html", ".parquet")
_BUSY: Final = (errno.EWOULDBLOCK, errno.EACCES)


@dataclass
class _Command:
    """What a command was allowed, and what it has read."""

    force: bool
    inputs: set[tuple[int, int]] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    claims: ExitStack = field(default_factory=ExitStack)


_COMMAND: ContextVar[_Command | None] = ContextVar("command", default=None)
_HELD: ContextVar[frozenset[tuple[int, int]]] = ContextVar("held", default=frozenset())


@contextmanager
def one_command(*, force: bool) -> Iterator[None]:
    """Keep inputs in mind, so that no output replaces one.

    Parameters
    ----------
    force : bool
        Whether files that lambdasim did not write, or has read, may be replaced.
    """
    command = _Command(force)
    token = _COMMAND.set(command)
    try:
        with command.claims:
            yield
    finally:
        _COMMAND.reset(token)


def forced() -> bool:
    """Say whether a command runs that may replace everything."""
    command = _COMMAND.get()
    return command is not None and command.force


def noted_input(path: str | os.PathLike[str]) -> None:
    """Keep in mind that a file is read, where a command runs; every reader of files calls this before it opens one.

    Raises
    ------
    InputError
        When it is a pipe or a device, see ``refuse_no_file``.
    """
    refuse_no_file(path)
    command = _COMMAND.get()
    if command is None:
        return
    command.places.add(os.path.realpath(path))
    with suppress(OSError, ValueError):
        found = os.stat(path)
        command.inputs.add((found.st_dev, found.st_ino))


def refuse_no_file(path: str | os.PathLike[str]) -> None:
    """Refuse to read from a pipe, which may wait without end, and from a device, which may never end.

    Parameters
    ----------
    path : path-like
        What is not there, or is a folder, is left to who reads it.

    Raises
    ------
    InputError
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        what = "a pipe" if stat.S_ISFIFO(mode) else "no regular file"
        raise InputError.single(
            str(path), "", f"must be a file, but is {what}; write what it gives to a file"
        )


class OutputFolder:
    """A folder that is being written: files are finished beside their places, and all moved there in the end.

    Parameters
    ----------
    path : path-like
        Made where it is missing.
    kind : str
        What the files belong to, such as ``run``; only files of the same kind are replaced.
    whole : bool
        Whether the files are all there is of their kind. Then files of an earlier writing that are not written anew go,
        and another process that writes meanwhile is refused; else it is waited for.
    known : sequence of str
        Files that the caller has made sure of: they are its own, or as it is to write them.
    asked : bool
        Whether the user names the folder itself, and not a file in it. Then it must be no link: what is written would
        land in a folder that has another name.

    Raises
    ------
    InputError
        When another process writes into the folder, something in a file's place is no regular file, was not written by
        lambdasim or was changed since, or is an input of the command.
    OSError
        When the folder cannot be made or written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        kind: str,
        *,
        whole: bool = True,
        known: Sequence[str] = (),
        asked: bool = True,
    ) -> None:
        self.path = Path(path)
        self._kind = kind
        self._whole = whole
        self._known = frozenset(known)
        self._asked = asked
        self._staged: dict[str, Path] = {}
        self._dropped: set[str] = set()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Make the folder, and keep other writers out."""
        if self._asked:
            refuse_linked_folder(self.path)
        self.path.mkdir(parents=True, exist_ok=True)
        self._stack.enter_context(claimed(self.path, 0.0 if self._whole else _PATIENCE_S))
        return self

    def check(self, names: Iterable[str]) -> None:
        """Refuse names that could not be written in the end, before any work is done."""
        manifest = Manifest.of(self.path)
        for name in (*names, MANIFEST):
            self._check(manifest, name, "")

    @contextmanager
    def stream(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file that is written over time; it goes to its place with the others."""
        place = self.path / name
        with named(place):
            handle, temporary = tempfile.mkstemp(dir=self.path, prefix=TEMPORARY[0], suffix=TEMPORARY[1])
        self._keep(name, Path(temporary))
        with os.fdopen(handle, "wb") as opened:
            yield opened
            with named(place):
                opened.flush()
                os.fsync(opened.fileno())
                os.chmod(temporary, 0o644)

    def add(self, name: str, content: bytes) -> None:
        """Write a file; it goes to its place with the others."""
        with named(self.path / name):
            self._keep(name, staged(self.path / MANIFEST, partial(_put, content)))

    def drop(self, name: str) -> None:
        """Let a file go, also one of an earlier writing."""
        if name in self._staged:
            self._staged.pop(name).unlink(missing_ok=True)
        self._dropped.add(name)

    def _keep(self, name: str, temporary: Path) -> None:
        assert is_inside(name)  # noqa: S101 - in this folder or below it
        if name in self._staged:
            self._staged[name].unlink(missing_ok=True)
        self._staged[name] = temporary

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Move the files to their places, or remove them after an error."""
        try:
            if kind is None and (self._staged or self._dropped):
                self._finish()
        finally:
            for temporary in self._staged.values():
                temporary.unlink(missing_ok=True)
            self._stack.close()

    def _finish(self) -> None:
        """Check all, then say in the manifest what is about to be replaced, replace it, and say that it is done."""
        manifest = Manifest.of(self.path)
        new = {name: checksum(temporary) for name, temporary in self._staged.items()}
        for name in (*new, *self._dropped):
            self._check(manifest, name, new.get(name, ""))
        self._check(manifest, MANIFEST, "")
        before = manifest or Manifest()
        gone = self._stale(before, set(new)) | {name for name in self._dropped if name not in new}
        done = Manifest(dict(before.kinds), dict(before.checksums), before.unfinished - {self._kind})
        for name in gone:
            done.kinds.pop(name, None)
            done.checksums.pop(name, None)
        for name, digest in new.items():
            done.kinds[name], done.checksums[name] = self._kind, (digest,)
        during = Manifest(before.kinds | done.kinds, {}, before.unfinished | {self._kind})
        for name in during.kinds:
            known = before.checksums.get(name, ()), done.checksums.get(name, ())
            during.checksums[name] = tuple(dict.fromkeys(known[0] + known[1]))
        # Both manifests are on the disk before anything is moved: after this no room is needed.
        place = self.path / MANIFEST
        parts = dict(self._staged)
        with named(place):
            for number, each in enumerate((during, done)):
                self._staged[f"{MANIFEST} {number}"] = staged(place, partial(_put, each.content()))
        os.replace(self._staged.pop(f"{MANIFEST} 0"), place)
        for name in sorted(parts):
            with named(self.path / name):
                (self.path / name).parent.mkdir(parents=True, exist_ok=True)
                os.replace(self._staged.pop(name), self.path / name)
        for name in gone:
            (self.path / name).unlink(missing_ok=True)
        os.replace(self._staged.pop(f"{MANIFEST} 1"), place)

    def _stale(self, before: Manifest, new: set[str]) -> set[str]:
        """Name files that an earlier writing of the same kind left, as it left them, and that this one has not."""
        if not self._whole:
            return set()
        left = {name for name, kind in before.kinds.items() if kind == self._kind and name not in new}
        return {
            name
            for name in left
            if name.endswith(_OURS) and (not os.path.lexists(self.path / name) or self._is_ours(before, name))
        }

    def _is_ours(self, manifest: Manifest | None, name: str) -> bool:
        if manifest is None or manifest.kinds.get(name) != self._kind:
            return False
        try:
            return checksum(self.path / name) in manifest.checksums[name]
        except OSError:
            return False

    def _check(self, manifest: Manifest | None, name: str, new: str) -> None:
        """Refuse to replace a file that is an input, or not ours."""
        path, command = self.path / name, _COMMAND.get()
        for above in path.relative_to(self.path).parents[-2::-1]:
            if (self.path / above).is_symlink():
                raise InputError.single(str(self.path / above), "", "cannot be written into: is a link")
        if not refuse_what_is_no_file(path):
            return
        if command is not None and command.force:
            return
        if command is not None:
            found = os.stat(path)
            if (found.st_dev, found.st_ino) in command.inputs or os.path.realpath(path) in command.places:
                raise InputError.single(
                    str(path), "", "is an input of this command; write elsewhere, or use --force"
                )
        if name == MANIFEST:
            if manifest is None:
                raise InputError.single(str(path), "", _foreign("a manifest that lambdasim did not write"))
            return
        if name in self._known or self._is_ours(manifest, name) or (new and checksum(path) == new):
            return
        owner = manifest.kinds.get(name) if manifest is not None else None
        if owner is None:
            what = "a file that lambdasim did not write"
        elif owner != self._kind:
            what = f"part of another result ({owner})"
        else:
            what = "changed since lambdasim wrote it"
        raise InputError.single(str(path), "", _foreign(what))


def _put(content: bytes, stream: IO[bytes]) -> None:
    stream.write(content)


def _foreign(what: str) -> str:
    return f"is {what}; write elsewhere, remove it, or use --force"


def write_output(path: str | os.PathLike[str], content: bytes, kind: str) -> None:
    """Write one file of a result.

    Parameters
    ----------
    path : path-like
    content : bytes
    kind : str
        What it is, such as ``focus``; only files of the same kind are replaced.

    Raises
    ------
    InputError, OSError
        As ``OutputFolder``.
    """
    write_outputs({Path(path): content}, kind)


def check_output(path: str | os.PathLike[str], kind: str) -> None:
    """Refuse a place for one file before any work is done; see ``write_output``."""
    place = Path(path)
    with OutputFolder(place.parent, kind, whole=False, asked=False) as folder:
        folder.check((place.name,))


def write_outputs(files: dict[Path, bytes], kind: str) -> None:
    """Write some files of one result, all in one folder; see ``write_output``."""
    folder = next(iter(files)).parent
    with OutputFolder(folder, kind, whole=False, asked=False) as place:
        for path, content in files.items():
            place.add(path.name, content)


@contextmanager
def claimed(folder: Path, patience_s: float = 0.0) -> Iterator[None]:
    """Keep other processes from writing into a folder; again in the same process, nothing happens.

    The lock is the system's own, on the folder itself: it ends with the process, however that ends, and leaves no file.
    File systems without such locks are written without.

    Parameters
    ----------
    folder : Path
    patience_s : float
        How long to wait for another writer [s].

    Raises
    ------
    InputError
        When another process writes there.
    OSError
        When nothing may be written there.
    """
    found = os.stat(folder)
    me = (found.st_dev, found.st_ino)
    if fcntl is None or me in _HELD.get():
        yield
        return
    try:
        handle = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except PermissionError:  # a folder that takes files and does not list them
        yield
        return
    try:
        locked = _lock(handle, folder, patience_s)
        if locked:
            _sweep(folder)
        token = _HELD.set(_HELD.get() | {me})
        try:
            yield
        finally:
            _HELD.reset(token)
    finally:
        os.close(handle)


def claimed_to_the_end(folder: Path) -> None:
    """Keep other processes from writing into a folder until the command ends; see ``claimed``."""
    command = _COMMAND.get()
    if command is not None:
        command.claims.enter_context(claimed(folder))


def _lock(handle: int, folder: Path, patience_s: float) -> bool:
    until = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _BUSY:
                return False
            if time.monotonic() >= until:
                raise InputError.single(
                    str(folder), "", "is being written by another lambdasim; wait, or write elsewhere"
                ) from None
            time.sleep(_LOOK_S)
        else:
            return True


def _sweep(folder: Path) -> None:
    """Remove what a killed writer left unfinished; nobody else writes here now."""
    for entry in os.scandir(folder):
        if entry.name.startswith(TEMPORARY[0]) and entry.name.endswith(TEMPORARY[1]):
            with suppress(OSError):
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.path)
