"""An SDK's adaptive mode: a client that was throttled slows its own calls down, and speeds up again as a cubic.

Notes
-----
The rate of calls is measured in half seconds, smoothed. A throttle cuts the allowed rate to 0.7 of what was measured or
allowed, whichever is less; an answer lets it grow by CUBIC, at most to twice what is measured. Calls above it wait their
turn. Rates are floating-point numbers of one process, so two machines may differ in the last microsecond of a wait. Both
engines use these functions, the compiled one on rows of an array, so they do the same operations in the same order.

References
----------
botocore 1.44, ``retries/adaptive.py``, ``retries/throttling.py`` and ``retries/bucket.py``.
"""

from __future__ import annotations

from typing import Any, Final

from lambdasim.units import US_PER_S

_CUT: Final = 0.7
_SCALE: Final = 0.4
_SMOOTHING: Final = 0.8
_BIN_US: Final = US_PER_S // 2
_LEAST_PER_S: Final = 0.5
_MOST_OVER_MEASURED: Final = 2.0


class AdaptiveClient:
    """The rate of one client process; it holds nothing back until the first throttle (``is_limited``)."""

    __slots__ = (
        "bin_now", "capacity", "cut_us", "fill_per_s", "filled_us", "in_bin", "is_limited", "k_s", "measured_per_s",
        "tokens", "w_max",
    )  # fmt: skip

    def __init__(self) -> None:
        self.is_limited = self.filled_us = self.bin_now = self.in_bin = self.cut_us = 0
        self.tokens = self.measured_per_s = self.w_max = self.k_s = 0.0
        self.fill_per_s, self.capacity = _LEAST_PER_S, 1.0

    @property
    def rate_per_s(self) -> float | None:
        """Calls that it allows itself a second; None where it holds nothing back."""
        return self.fill_per_s if self.is_limited else None


def turn_us(client: Any, now_us: int) -> int:
    """Give how long a client's next call waits for its turn.

    Parameters
    ----------
    client : AdaptiveClient
        Or a row with its fields.
    now_us : int

    Returns
    -------
    int
        [µs]
    """
    if not client.is_limited:
        return 0
    grown = (now_us - client.filled_us) / US_PER_S * client.fill_per_s
    client.tokens = min(client.tokens + grown, client.capacity) - 1.0
    client.filled_us = now_us
    wait_us: int = max(round(-client.tokens / client.fill_per_s * US_PER_S), 0)
    return wait_us


def heard(client: Any, now_us: int, throttled: bool) -> None:
    """Let a client take note of an answer.

    Parameters
    ----------
    client : AdaptiveClient
        Or a row with its fields.
    now_us : int
    throttled : bool
    """
    client.in_bin += 1
    bin_now = now_us // _BIN_US
    if bin_now > client.bin_now:
        counted = client.in_bin / ((bin_now - client.bin_now) * _BIN_US / US_PER_S)
        client.measured_per_s = counted * _SMOOTHING + client.measured_per_s * (1 - _SMOOTHING)
        client.in_bin = 0
        client.bin_now = bin_now
    measured = client.measured_per_s
    rate = measured
    if throttled:
        if client.is_limited:
            rate = min(measured, client.fill_per_s)
        client.w_max = rate
        client.cut_us = now_us
        client.k_s = (rate * (1 - _CUT) / _SCALE) ** (1 / 3)
        rate *= _CUT
        if not client.is_limited:
            client.is_limited = 1
            client.filled_us = now_us
    else:
        since_s = (now_us - client.cut_us) / US_PER_S - client.k_s
        rate = _SCALE * (since_s * since_s * since_s) + client.w_max
    rate = min(rate, _MOST_OVER_MEASURED * measured)
    grown = (now_us - client.filled_us) / US_PER_S * client.fill_per_s
    tokens = min(client.tokens + grown, client.capacity)
    client.filled_us = now_us
    client.fill_per_s = max(rate, _LEAST_PER_S)
    client.capacity = max(rate, 1.0)
    client.tokens = min(tokens, client.capacity)
