"""Traffic as a person says it: 3M/month, 40/s, 200k/day."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from lambdasim.errors import InputError
from lambdasim.results.usage.as_month import MONTH_HOURS
from lambdasim.wording import clipped

_VOLUME: Final = re.compile(
    r"\s*([0-9][0-9_,]*(?:\.[0-9]+)?|\.[0-9]+)\s*([kKmMbBgG]?)\s*(?:/|per\s+)?\s*([A-Za-z]*)\s*"
)
_FACTORS: Final = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "g": 10**9}
_SECONDS: Final = {
    "s": 1, "sec": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hour": 3600, "d": 86_400, "day": 86_400,
    "w": 604_800, "week": 604_800, "mo": MONTH_HOURS * 3600, "month": MONTH_HOURS * 3600, "year": 12 * MONTH_HOURS * 3600,
}  # fmt: skip
FORM: Final = "a count and a time, such as 3M/month, 40/s or 200k/day"
_MOST: Final = 10_000_000


def per_second(text: str, option: str = "--requests") -> float:
    """Read a volume of traffic.

    Parameters
    ----------
    text : str
        A month has 730 hours, as in AWS's calculators; a count alone is of a month.
    option : str
        For messages.

    Returns
    -------
    float
        [events/s].

    Raises
    ------
    InputError
        Saying what is allowed.

    Examples
    --------
    >>> per_second("40/s"), per_second("200k/day"), round(per_second("3M/month"), 4), per_second("1.5B") > 570
    (40.0, 2.314814814814815, 1.1416, True)
    """
    match = _VOLUME.fullmatch(text)
    unit = match[3].lower() if match else "?"
    seconds = _SECONDS.get(unit) or _SECONDS.get(unit.removesuffix("s")) if unit else _SECONDS["month"]
    if match is None or seconds is None:
        raise InputError.single("lambdasim", option, f"must be {FORM}, got {clipped(text, 40)}")
    count = Decimal(match[1].replace(",", "").replace("_", "")) * _FACTORS[match[2].lower()]
    rate = float(count / seconds)
    if not 0 < rate <= _MOST:
        told = f"must be above 0 and at most {_MOST:,} a second, got {clipped(text, 40)}"
        raise InputError.single("lambdasim", option, told)
    return rate


def volumes(texts: Iterable[str], option: str = "--requests") -> tuple[float | None, dict[str, float]]:
    """Read a volume for all entry points, and those of functions named before an equals sign.

    Returns
    -------
    tuple of (float or None, dict)
        Events per second of all together, and of each named function.

    Examples
    --------
    >>> volumes(["Api=2/s", "86400/day"])
    (1.0, {'Api': 2.0})
    """
    together: float | None = None
    named: dict[str, float] = {}
    for text in texts:
        name, sign, volume = text.rpartition("=")
        if sign:
            named[name.strip()] = per_second(volume, option)
        elif together is not None:
            raise InputError.single(
                "lambdasim", option, "gives a volume for all functions twice; name functions: F=3M/month"
            )
        else:
            together = per_second(text, option)
    return together, named


def per_month(rate_per_s: float) -> float:
    """Return events of a month of 730 hours."""
    return rate_per_s * MONTH_HOURS * 3600
