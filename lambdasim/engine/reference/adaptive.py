"""An SDK's adaptive mode: a client that was throttled slows its own calls down, and speeds up again as a cubic.

Notes
-----
The rate of calls is measured in half seconds, smoothed. A throttle cuts the allowed rate to 0.7 of what was measured or
allowed, whichever is less; an answer lets it grow by CUBIC, at most to twice what is measured. Calls above it wait their
turn. Rates are floating-point numbers of one process, so two machines may differ in the last microsecond of a wait.

References
----------
botocore 1.44, ``retries/adaptive.py``, ``retries/throttling.py`` and ``retries/bucket.py``.
"""

from __future__ import annotations

from math import cbrt
from typing import Final

from lambdasim.units import US_PER_S

_CUT: Final = 0.7
_SCALE: Final = 0.4
_SMOOTHING: Final = 0.8
_BIN_US: Final = US_PER_S // 2
_LEAST_PER_S: Final = 0.5
_MOST_OVER_MEASURED: Final = 2.0


class AdaptiveClient:
    """The rate of one client process; it holds nothing back until the first throttle."""

    def __init__(self) -> None:
        self._is_limited = False
        self._fill_per_s = _LEAST_PER_S
        self._capacity = 1.0
        self._tokens = 0.0
        self._filled_us = 0
        self._measured_per_s = 0.0
        self._bin = 0
        self._in_bin = 0
        self._w_max = 0.0
        self._k_s = 0.0
        self._cut_us = 0

    @property
    def rate_per_s(self) -> float | None:
        """Calls that it allows itself a second; None where it holds nothing back."""
        return self._fill_per_s if self._is_limited else None

    def wait_us(self, now_us: int) -> int:
        """Give how long the next call waits for its turn [µs]."""
        if not self._is_limited:
            return 0
        self._fill(now_us)
        self._tokens -= 1
        return max(round(-self._tokens / self._fill_per_s * US_PER_S), 0)

    def heard(self, now_us: int, throttled: bool) -> None:
        """Take note of an answer."""
        measured = self._measure(now_us)
        if throttled:
            rate = min(measured, self._fill_per_s) if self._is_limited else measured
            self._w_max, self._cut_us = rate, now_us
            self._k_s = cbrt(rate * (1 - _CUT) / _SCALE)
            rate *= _CUT
            if not self._is_limited:
                self._is_limited, self._filled_us = True, now_us
        else:
            rate = _SCALE * ((now_us - self._cut_us) / US_PER_S - self._k_s) ** 3 + self._w_max
        rate = min(rate, _MOST_OVER_MEASURED * measured)
        self._fill(now_us)
        self._fill_per_s, self._capacity = max(rate, _LEAST_PER_S), max(rate, 1.0)
        self._tokens = min(self._tokens, self._capacity)

    def _fill(self, now_us: int) -> None:
        grown = (now_us - self._filled_us) / US_PER_S * self._fill_per_s
        self._tokens, self._filled_us = min(self._tokens + grown, self._capacity), now_us

    def _measure(self, now_us: int) -> float:
        """Count an answer, and give the smoothed rate of answers a second."""
        self._in_bin += 1
        bin_now = now_us // _BIN_US
        if bin_now > self._bin:
            rate = self._in_bin / ((bin_now - self._bin) * _BIN_US / US_PER_S)
            self._measured_per_s = rate * _SMOOTHING + self._measured_per_s * (1 - _SMOOTHING)
            self._in_bin, self._bin = 0, bin_now
        return self._measured_per_s
