"""Runs that Lambda cannot have run: too long, billed for less than they took, or with more memory than they had."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from lambdasim.catalog import limit
from lambdasim.units import US_PER_MS, US_PER_S

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_SECOND_MS: Final = US_PER_S // US_PER_MS
_LATE_MS: Final = 1_000
_MOST_USED: Final = 1.1  # of the size: what ran out of memory is printed with a little more
_CLOCKS: Final = 1.2  # CPU time and duration are read from two clocks
_CPU_FREE_MS: Final = 240.0  # of CPU time, which is counted in ticks, and for the whole environment
_LEAST_BILLED: Final = 0.5  # of the duration; exports that were rounded by hand fall somewhat below it


@cache
def longest_ms() -> int:
    """Give the longest timeout that Lambda allows [ms]."""
    return limit("timeout_max_s").us // US_PER_MS


def impossible(
    duration_ms: float, billed_ms: int | None, init_ms: float | None = None, *, timed_out: bool = False
) -> tuple[str, str] | None:
    """Say what is impossible about a run.

    Parameters
    ----------
    duration_ms, init_ms : float
        Of the handler, and of INIT or the restore; None where it is not known [ms].
    billed_ms : int or None
        As AWS billed it [ms].
    timed_out : bool
        Whether it was cut off: logs print such a run somewhat later than the timeout at which it is billed.

    Returns
    -------
    (str, str) or None
        Column of a trace, and what is allowed; None where the run may have been.

    Examples
    --------
    >>> impossible(120.5, 20), impossible(120.5, 121)
    (('billed_ms', 'must not be below the Duration of 120.5 ms, got 20'), None)
    """
    most = longest_ms()
    cut = timed_out and billed_ms is not None and billed_ms > 0 and billed_ms % _SECOND_MS == 0
    for name, value, allowed in (
        ("duration_ms", duration_ms, most + _LATE_MS * cut),
        ("init_ms", init_ms or 0.0, most),
        ("billed_ms", billed_ms or 0, 2 * most),
    ):
        if value > allowed:
            return name, f"must be at most {allowed:,} ms, the longest that Lambda allows, got {value:,.10g}"
    if billed_ms is None or billed_ms >= _LEAST_BILLED * duration_ms - 1:
        return None
    if cut and duration_ms - billed_ms <= _LATE_MS:
        return None
    return "billed_ms", f"must not be below the Duration of {duration_ms:.10g} ms, got {billed_ms:,}"


def impossible_cpu(
    cpu_ms: float | None, duration_ms: float, init_ms: float | None = None
) -> tuple[str, str] | None:
    """Say what is impossible about the CPU time of a run, which counts on all of its virtual CPUs.

    Parameters
    ----------
    cpu_ms : float or None
        None where it is not known [ms].
    duration_ms, init_ms : float
        Of the handler, and of INIT; None where it is not known [ms].

    Returns
    -------
    (str, str) or None
        What it is called, and what is allowed; None where the run may have been. It is measured by another clock than the
        duration, in steps of 10 ms.

    Examples
    --------
    >>> impossible_cpu(6690, 45191), impossible_cpu(1e9, 100)
    (None, ('cpu_total_time', 'must be at most 960 ms in a run of 100 ms, got 1,000,000,000'))
    """
    if cpu_ms is None:
        return None
    most = int(limit("vcpus_max").value) * (duration_ms + (init_ms or 0.0)) * _CLOCKS + _CPU_FREE_MS
    if 0 <= cpu_ms <= most:
        return None
    return (
        "cpu_total_time",
        f"must be at most {most:,.10g} ms in a run of {duration_ms:.10g} ms, got {cpu_ms:,.10g}",
    )


def impossible_memory(memory_mb: int | None, used_mb: int | None) -> tuple[str, str] | None:
    """Say what is impossible about a run's memory; calibration leaves out sizes that Lambda does not sell.

    Parameters
    ----------
    memory_mb, used_mb : int or None
        Size of the function, and the most that was used; None where it is not known [MB].

    Returns
    -------
    (str, str) or None
        Column of a trace, and what is allowed; None where the run may have been. One that ran out of memory is printed
        with a little more than its size.

    Examples
    --------
    >>> impossible_memory(128, 600), impossible_memory(128, 129)
    (('max_memory_mb', 'must not be above the Memory Size of 128 MB, got 600 MB'), None)
    """
    if memory_mb is None:
        return None
    if used_mb is not None and used_mb > _MOST_USED * memory_mb:
        return "max_memory_mb", f"must not be above the Memory Size of {memory_mb:,} MB, got {used_mb:,} MB"
    return None


def impossible_row(values: Mapping[str, object]) -> tuple[str, str] | None:
    """Say what is impossible about a row of single invocations; None too where it has no duration."""
    sizes = (_known(values.get(name)) for name in ("memory_mb", "max_memory_mb"))
    if (wrong := impossible_memory(*sizes)) is not None:
        return wrong
    duration_ms = values.get("duration_ms")
    if not isinstance(duration_ms, float) or np.isnan(duration_ms):
        return None
    init_ms, billed_ms = values.get("init_ms"), values.get("billed_ms")
    known_init = init_ms if isinstance(init_ms, float) and not np.isnan(init_ms) else None
    timed_out = "status" not in values or "time" in str(values["status"]).lower()
    return impossible(duration_ms, cast("int | None", billed_ms), known_init, timed_out=timed_out)


def _known(value: object) -> int | None:
    """Give a whole number of a row; None where its cell is empty."""
    return int(value) if isinstance(value, int | np.integer) else None


def any_impossible(frame: pd.DataFrame) -> bool:
    """Say whether a table of single invocations may have an impossible row; it has none where this is false."""
    if "memory_mb" in frame and _odd_memory(frame):
        return True
    if "duration_ms" not in frame:
        return False
    duration_ms: NDArray[np.float64] = frame["duration_ms"].to_numpy()
    with np.errstate(invalid="ignore"):
        odd = bool(np.any(duration_ms > longest_ms()))
        if "init_ms" in frame:
            odd = odd or bool(np.any(frame["init_ms"].to_numpy() > longest_ms()))
        if "billed_ms" in frame:
            billed_ms = frame["billed_ms"].to_numpy(dtype=np.float64, na_value=np.nan)
            odd = odd or bool(
                np.any((billed_ms > 2 * longest_ms()) | (billed_ms < _LEAST_BILLED * duration_ms - 1))
            )
    return odd


def _odd_memory(frame: pd.DataFrame) -> bool:
    if "max_memory_mb" not in frame:
        return False
    sizes: NDArray[np.float64] = frame["memory_mb"].to_numpy(dtype=np.float64, na_value=np.nan)
    used = frame["max_memory_mb"].to_numpy(dtype=np.float64, na_value=np.nan)
    return bool(np.any(used > _MOST_USED * sizes))
