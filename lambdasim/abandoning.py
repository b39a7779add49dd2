"""Long work in a thread of its own hears that nobody waits for it any more."""

from __future__ import annotations

from threading import Event, local

_HERE = local()


class AbandonedError(Exception):
    """Ends work in a thread whose result nobody takes; it never reaches a user."""


def works_until(*ends: Event) -> None:
    """Say in a thread which events end its work.

    Parameters
    ----------
    *ends : threading.Event
        Set by whoever stops waiting.
    """
    _HERE.ends = ends


def go_on() -> None:
    """Return where somebody still waits for the work of this thread; long loops call this now and then.

    Raises
    ------
    AbandonedError
        Where nobody does.
    """
    if any(end.is_set() for end in getattr(_HERE, "ends", ())):
        raise AbandonedError
