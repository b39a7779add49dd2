"""Why Power Tuning's cost of an invocation differs from ours, to the last digit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Final, NamedTuple

from lambdasim.billing.distribution import all_needed
from lambdasim.catalog import price_sheet
from lambdasim.study.memory.power_tuning import TunedPoint

if TYPE_CHECKING:
    import pandas as pd

# Power Tuning keeps its price of a millisecond with two digits, older versions with three or more.
_DIGITS_KEPT: Final = (2, 3, 4, 5)
# Until December 2020 Lambda billed in steps of 100 ms.
_STEPS_MS: Final = (1, 100)
# What the chart's Float32 keeps.
_FLOAT32: Final = Fraction(1, 10**6)
_UNIT_MB: Final = 128
_MS_PER_S: Final = 1000
_MB_PER_GB: Final = 1024


class ExplainedLine(NamedTuple):
    """One step from our cost to theirs.

    Attributes
    ----------
    usd : Fraction
        Exact [USD per invocation].
    what : str
    """

    usd: Fraction
    what: str


@dataclass(frozen=True)
class ExplainedCost:
    """The way from our cost of an invocation to Power Tuning's; lines sum to theirs exactly.

    Attributes
    ----------
    point : TunedPoint
    lines : tuple of ExplainedLine
        The first is our cost, request fee included; the last is what only rounding of floating point explains.
    is_explained : bool
        Whether that last line is as small as rounding of numbers as written makes it.
    billed_ms : int
        Billed duration that their cost stands for [ms].
    base_usd : Decimal
        Their price of a millisecond at 128 MB [USD].
    """

    point: TunedPoint
    lines: tuple[ExplainedLine, ...]
    is_explained: bool
    billed_ms: int
    base_usd: Decimal

    @property
    def ours(self) -> Fraction:
        """Our cost [USD per invocation]."""
        return self.lines[0].usd

    @property
    def theirs(self) -> Fraction:
        """Their cost, which the lines sum to [USD per invocation]."""
        return sum((line.usd for line in self.lines), Fraction(0))

    def frame(self) -> pd.DataFrame:
        """Return the lines as a table: ``what``, ``usd``, and ``sum_usd`` so far; floats for reading."""
        import pandas as pd

        sums, so_far = [], Fraction(0)
        for line in self.lines:
            so_far += line.usd
            sums.append(float(so_far))
        return pd.DataFrame(
            {
                "what": [line.what for line in self.lines],
                "usd": [float(line.usd) for line in self.lines],
                "sum_usd": sums,
            }
        )

    def text(self) -> str:
        """Write the lines, one each, in 80 columns."""
        head = f"{self.point.memory_mb:,} MB, {self.point.duration_ms:,.2f} ms: cost of one invocation [USD]"
        rows = [f"{float(line.usd):>+20.12e}  {line.what}" for line in self.lines]
        known = "" if self.is_explained else " (not explained: other region, architecture or version?)"
        return "\n".join([head, *rows, f"{float(self.theirs):>+20.12e}  theirs{known}"])


def explain_cost(
    point: TunedPoint, region: str = "us-east-1", architecture: str = "x86_64", on: date | None = None
) -> ExplainedCost:
    """Explain Power Tuning's cost of an invocation against ours.

    Parameters
    ----------
    point : TunedPoint
    region, architecture : str
        Where it was measured; the output does not say.
    on : date, optional
        Day whose rates are ours.

    Returns
    -------
    ExplainedCost

    Notes
    -----
    Theirs is ``ceil(mean ms) × base × memory / 128`` with the base price of a millisecond rounded to a few digits, and
    without the request fee. The mean is trimmed by 20 % at both ends; of billed durations in newer versions, so the
    ceiling may lie some ms above the mean that is shown.

    Examples
    --------
    >>> found = explain_cost(TunedPoint(256, 10.9, Decimal("5.04e-8")))
    >>> [(f"{float(line.usd):.8e}", line.what) for line in found.lines[:3]]
    [('2.45833425e-07', 'ours: 11 ms billed, with the request fee'), ('-2.00000000e-07', 'request fee left out'),
     ('4.16667500e-09', 'billed as 12 ms')]
    >>> found.theirs == Decimal("5.04e-8"), str(found.base_usd)
    (True, '2.1E-9')
    """
    sheet = price_sheet(region, on)
    rates = sheet.rates(architecture)
    usd = all_needed({"request": rates.request, "duration": rates.tiers[0].rate}, sheet)
    fee = Fraction(usd["request"])
    exact = Fraction(usd["duration"]) * _UNIT_MB / _MB_PER_GB / _MS_PER_S
    units = Fraction(point.memory_mb, _UNIT_MB)
    theirs = Fraction(point.cost_usd)
    ours_ms = ceil(point.duration_ms)
    best = min(_readings(theirs, units, exact, ours_ms))
    rest = theirs - best.billed_ms * units * Fraction(best.base)
    lines = (
        ExplainedLine(fee + ours_ms * units * exact, f"ours: {ours_ms:,} ms billed, with the request fee"),
        ExplainedLine(-fee, "request fee left out"),
        ExplainedLine((best.billed_ms - ours_ms) * units * exact, f"billed as {best.billed_ms:,} ms"),
        ExplainedLine(
            best.billed_ms * units * (Fraction(best.base) - exact),
            f"price of 1 ms at 128 MB rounded to {best.base:.4g}",
        ),
        ExplainedLine(rest, "rounding of floating point"),
    )
    return ExplainedCost(point, lines, best.misfit == 0, best.billed_ms, best.base)


class _Reading(NamedTuple):
    """One way to read their cost; the best is the least."""

    misfit: Fraction
    digits: int
    step_ms: int
    billed_ms: int
    base: Decimal


def _readings(theirs: Fraction, units: Fraction, exact: Fraction, ours_ms: int) -> Iterator[_Reading]:
    """Give every reading: digits kept of the price, and the step of billing."""
    for digits in _DIGITS_KEPT:
        base = Context(prec=digits).divide(Decimal(exact.numerator), Decimal(exact.denominator))
        for step_ms in _STEPS_MS:
            a_step = units * Fraction(base) * step_ms
            billed_ms = round(theirs / a_step) * step_ms
            rest = abs(theirs - billed_ms * units * Fraction(base)) / max(theirs, Fraction(1, 10**15))
            more_ms = billed_ms - ours_ms
            fits = rest <= _FLOAT32 and 0 <= more_ms <= step_ms
            yield _Reading(Fraction(0) if fits else rest + 1, digits, step_ms, billed_ms, base)
