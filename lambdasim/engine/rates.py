"""Limits on rates: token buckets in whole nanoseconds."""

from __future__ import annotations

from typing import Any, Final

NS_PER_US: Final = 1_000
_NS_PER_S: Final = 1_000_000_000


def allows(rate: Any, now_us: int) -> bool:
    """Return whether a token is left: the one rule of both engines.

    Parameters
    ----------
    rate : RateLimit, or a row with its fields
    now_us : int

    Returns
    -------
    bool
    """
    allowed: bool = rate.full_again_ns - now_us * NS_PER_US <= rate.slack_ns
    return allowed


def spend(rate: Any, now_us: int) -> None:
    """Take a token.

    Parameters
    ----------
    rate : RateLimit, or a row with its fields
    now_us : int
    """
    rate.full_again_ns = max(rate.full_again_ns, now_us * NS_PER_US) + rate.interval_ns


class RateLimit:
    """A token bucket kept as one number (GCRA): the time at which it would be full again; see `allows` and `spend`.

    Parameters
    ----------
    burst : int
        Tokens when full.
    interval_ns : int
        Time in which one token comes back [ns].
    """

    __slots__ = ("full_again_ns", "interval_ns", "slack_ns")

    def __init__(self, burst: int, interval_ns: int) -> None:
        self.interval_ns = interval_ns
        self.slack_ns = (burst - 1) * interval_ns
        self.full_again_ns = 0


def per_second(rate: int) -> RateLimit:
    """Make a limit of ``rate`` a second that lets one second's worth pass at once.

    Where the rate is zero so is the concurrency that it comes from, which then refuses by its own name.
    """
    return RateLimit(max(rate, 1), _NS_PER_S // max(rate, 1))
