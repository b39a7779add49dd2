"""Files that a template names: followed inside its folder only, each read once, and not without end."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lambdasim.errors import LambdaSimError, TemplateError
from lambdasim.outputs import noted_input
from lambdasim.templates.documents import Document, read_document
from lambdasim.wording import clipped

_MOST_FILES: Final = 500
_MOST_BYTES: Final = 8_000_000


class NotFollowedError(LambdaSimError):
    """A path that is not followed; the text says why."""


class FolderFiles:
    """Reads what a template names.

    Parameters
    ----------
    root : Path
        Nothing outside of it is read.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._uploaded: dict[str, Path] = {}
        self._documents: dict[Path, Document] = {}
        self._count = 0

    def upload(self, name: str, path: Path) -> None:
        """Note under which name a found file is uploaded, so that an address that ends with it is followed."""
        self._uploaded[name] = path

    def path(self, beside: Path, location: str) -> Path:
        """Find a file.

        Parameters
        ----------
        beside : Path
            Folder of the file that names it.
        location : str
            As written.

        Raises
        ------
        NotFollowedError
            Where it is elsewhere, missing, or outside the folder.
        """
        if (uploaded := self._uploaded.get(location.rsplit("/", 1)[-1])) is not None:
            return uploaded
        if "://" in location or location.startswith(("s3:", "arn:")):
            raise NotFollowedError("lies elsewhere and was not followed")
        if (
            not location
            or "\0" in location
            or Path(location).is_absolute()
            or location.startswith(("~", "\\"))
        ):
            raise NotFollowedError("is no relative path")
        try:
            found = (beside / location).resolve()
            if not found.is_relative_to(self._root):
                raise NotFollowedError("leaves the template's folder and was not followed")
            if not found.is_file():
                raise NotFollowedError("is not in the folder")
        except (OSError, ValueError, RuntimeError):
            raise NotFollowedError("is no path that can be followed") from None
        return found

    def document(self, path: Path) -> Document:
        """Read a found file as YAML or JSON.

        Raises
        ------
        TemplateError
            Where it cannot be read, or too many files are.
        """
        if path not in self._documents:
            self._counted(path)
            self._documents[path] = read_document(path, self.shown(path))
        return self._documents[path]

    def text(self, path: Path) -> str:
        """Read a found file as text.

        Raises
        ------
        NotFollowedError
            Where it is no text, or too long.
        """
        self._counted(path)
        noted_input(path)
        try:
            noted_input(path)
            with path.open("rb") as stream:
                content = stream.read(_MOST_BYTES + 1)
            if len(content) > _MOST_BYTES:
                raise NotFollowedError(f"has more than {_MOST_BYTES:,} bytes")
            return content.decode("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            raise NotFollowedError("cannot be read as text") from None

    def _counted(self, path: Path) -> None:
        self._count += 1
        if self._count > _MOST_FILES:
            raise TemplateError.single(self.shown(path), "", f"more than {_MOST_FILES} files are included")

    def shown(self, path: Path) -> str:
        """Name a found file in messages, relative to the folder."""
        return clipped(path.relative_to(self._root).as_posix(), 160)
