"""A part of a page."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_TAG: Final = re.compile(r"<[^>]*>")
_BREAK: Final = re.compile(r"</(p|h\d|li|tr|dt|dd|div)>|<br>")


@dataclass(frozen=True, repr=False)
class Section:
    """A part of a page, which a notebook shows as it stands.

    Attributes
    ----------
    html : str
        What came from outside is escaped in it.
    """

    html: str

    @classmethod
    def of(cls, parts: Iterable[str]) -> Section:
        """Join pieces of HTML."""
        return cls("".join(parts))

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        """Return the words of the section."""
        words = html.unescape(_TAG.sub(" ", _BREAK.sub("\n", self.html)))
        return "\n".join(line for line in (" ".join(part.split()) for part in words.splitlines()) if line)
