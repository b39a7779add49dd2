"""What a caller wants done with bad rows, checked."""

from __future__ import annotations

from lambdasim.errors import TraceError
from lambdasim.traffic.trace import BadRows


def checked_bad_rows(path: str, given: BadRows | str) -> BadRows:
    """Return what was asked for.

    Parameters
    ----------
    path : str
        Name of the file, for messages.
    given : BadRows or str

    Raises
    ------
    TraceError
        When it is not one of the two.
    """
    try:
        return BadRows(given)
    except ValueError:
        allowed = " or ".join(BadRows)
        raise TraceError.single(path, "on_bad_row", f"must be {allowed}, got {given!r:.40}") from None
