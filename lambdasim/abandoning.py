"""Long work in a thread of its own hears that nobody waits for it any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import local
from typing import Protocol

_HERE = local()


class End(Protocol):
    """What tells whether work has to end, as ``threading.Event`` does."""

    def is_set(self) -> bool:
        """Whether it has."""
        ...


class AbandonedError(Exception):
    """Ends work in a thread whose result nobody takes; it never reaches a user."""


def works_until(*ends: End) -> None:
    """Say in a thread which events end its work.

    Parameters
    ----------
    *ends : End
        Set by whoever stops waiting.
    """
    _HERE.ends = ends


@contextmanager
def also_until(end: End) -> Iterator[None]:
    """Let what else ends the work of this thread count for a while.

    Parameters
    ----------
    end : End
    """
    before = getattr(_HERE, "ends", ())
    works_until(*before, end)
    try:
        yield
    finally:
        works_until(*before)


def go_on() -> None:
    """Return where somebody still waits for the work of this thread; long loops call this now and then.

    Raises
    ------
    AbandonedError
        Where nobody does.
    """
    if any(end.is_set() for end in getattr(_HERE, "ends", ())):
        raise AbandonedError
