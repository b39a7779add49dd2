"""A log beside its twin: one table of what both took, cost and lost, with the sampling intervals of the log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import hypot, inf, isfinite, isnan, nan, sqrt
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lambdasim.billing import Usage, price
from lambdasim.calibration.data.statistics import Floats
from lambdasim.calibration.twin import Sample, logged, twin
from lambdasim.calibration.written import MB_MS_PER_GB_S, MONTH_H, share
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.units import US_PER_HOUR, US_PER_S
from lambdasim.views import Result
from lambdasim.wording import NONE, count, number, percent, wrapped

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.calibration.data.runs import Runs

_FAR: Final = 0.05
_Z: Final = 1.96
_LEVELS: Final = (0.5, 0.95, 0.99)
UNKNOWN: Final = "unknown"
"""What stands for a figure of which a log says nothing."""
_FAILED: Final = {
    "timeouts": "timeout",
    "errors": "error",
    "crashes": "crash",
    "out of memory": "out_of_memory",
}
_FEWEST_RUNS: Final = 5
_TIMED: Final = ("billed", "GB-s", "duration", "USD")


@dataclass(frozen=True)
class TripRow:
    """One measure of the log and of its twin.

    Attributes
    ----------
    measure : str
        With its unit.
    log, low, high : float
        As logged, and the 95 % interval within which another log of the same function would have it; NaN where the log
        does not say how runs ended.
    twin : float
        Mean over repetitions; a quantile is that of all of them together.
    reason : str
        Why it is marked: outside the interval, and more than 5 % off. Empty where it is not.
    """

    measure: str
    log: float
    low: float
    high: float
    twin: float
    reason: str = ""

    @property
    def difference(self) -> float:
        """Twin over log, less one; 0 where both are 0, NaN where the log does not say."""
        if self.is_unknown:
            return nan
        if self.twin == self.log:
            return 0.0
        return self.twin / self.log - 1 if self.log else inf

    @property
    def is_unknown(self) -> bool:
        """Whether the log does not say how many there were."""
        return isnan(self.low)

    @property
    def is_outside(self) -> bool:
        """Whether the twin lies outside the interval, or either has no number, unless the log does not say."""
        return not self.is_unknown and self._differs

    @property
    def _differs(self) -> bool:
        return isnan(self.log) or not self.low <= self.twin <= self.high

    @property
    def is_far(self) -> bool:
        """Whether the twin lies outside the interval and is not known to be less than 5 % off: what is NaN is far."""
        return self.is_outside and not abs(self.difference) <= _FAR


@dataclass(frozen=True, repr=False)
class RoundTrip(Result):
    """What a calibration's scenario makes of the log's own arrivals.

    Attributes
    ----------
    rows : tuple of TripRow
    times : int
        How often the twin ran, with another seed each.
    """

    rows: tuple[TripRow, ...]
    times: int

    @property
    def marked(self) -> tuple[TripRow, ...]:
        """Rows that lie outside their interval and more than 5 % off."""
        return tuple(row for row in self.rows if row.reason)

    def row(self, measure: str) -> TripRow:
        """Return the row of a measure.

        Parameters
        ----------
        measure : str
            As ``frame`` names it.

        Returns
        -------
        TripRow

        Raises
        ------
        KeyError
            When the table has none of that name.
        """
        for row in self.rows:
            if row.measure == measure:
                return row
        raise KeyError(measure)

    def frame(self) -> pd.DataFrame:
        """Return one row for each measure: log, its interval, twin, difference share, and why it is marked."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "measure": row.measure,
                    "log": row.log,
                    "low": row.low,
                    "high": row.high,
                    "twin": row.twin,
                    "difference_share": row.difference,
                    "marked": row.reason,
                }
                for row in self.rows
            ]
        )

    def as_rows(self) -> list[dict[str, Any]]:
        """Return the table as plain values, for JSON; what has no bound is null."""
        columns = ("measure", "log", "low", "high", "twin", "difference", "reason")
        return [
            {
                name: None
                if isinstance(value := getattr(row, name), float) and not isfinite(value)
                else value
                for name in columns
            }
            for row in self.rows
        ]

    def __repr__(self) -> str:
        """Return the answer in a sentence."""
        if not self.marked:
            return f"The written scenario repeats its log: {len(self.rows)} measures, none far off."
        names = ", ".join(row.measure for row in self.marked)
        return (
            f"The written scenario does not repeat its log in {count(len(self.marked), 'measure')}: {names}."
        )

    def text(self) -> str:
        """Write the table for a terminal of 80 columns, and the reasons under it."""
        cells = [("", "log", "its 95% interval", "twin", "off")]
        for row in self.rows:
            interval = "exact" if row.low == row.high else f"{_shown(row.low)} to {_shown(row.high)}"
            off = percent(row.difference, 1, signed=True) if row.difference < inf else NONE
            mark = " !" if row.reason else ""
            seen = (UNKNOWN, "") if row.is_unknown else (_shown(row.log), interval)
            cells.append((row.measure, *seen, _shown(row.twin), f"{off}{mark}"))
        widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
        lines = [
            "  ".join(
                cell.ljust(width) if not place else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in cells
        ]
        title = f"round trip: the written scenario on the log's own arrivals, {count(self.times, 'time')}"
        reasons = [wrapped(f"! {row.measure}: {row.reason}") for row in self.marked]
        return "\n".join([title, *lines, *reasons])


def round_trip(
    scenario: dict[str, Any],
    runs: Runs,
    times: int | None = None,
    *,
    speed_error: float = 0.0,
    worth: float = 1.0,
) -> RoundTrip:
    """Run a written scenario on the arrivals of its log, and hold both beside each other.

    Parameters
    ----------
    scenario : dict
        Of one function, as a YAML file has it.
    runs : Runs
    times : int, optional
        See ``twin``.
    speed_error : float
        Relative standard error of the log's mean from the speeds of its few environments, which widens intervals of
        durations and what follows from them.
    worth : float
        As how many independent runs one counts for quantiles of the duration.

    Returns
    -------
    RoundTrip
    """
    log, made = logged(runs), twin(scenario, runs, times)
    rows = [
        _whole("runs", len(log), len(made) / made.times),
        _total("billed [ms], with INIT", log.with_ms, made.with_ms.sum() / made.times),
        _total("billed [ms], without INIT", log.without_ms, made.without_ms.sum() / made.times),
        _total("GB-s, with INIT", _gb_s(log, log.with_ms), _gb_s(made, made.with_ms).sum() / made.times),
        _total(
            "GB-s, without INIT", _gb_s(log, log.without_ms), _gb_s(made, made.without_ms).sum() / made.times
        ),
        *(_quantile("duration", p, log.duration_ms, made.duration_ms, worth) for p in _LEVELS),
        _counted("cold starts", log.cold, made.cold.sum() / made.times),
    ]
    if log.cold.any():
        seen, had = log.init_ms[log.cold], made.init_ms[made.cold]
        rows += [_quantile("INIT", p, seen, had) for p in (0.5, 0.99)]
    rows += [
        TripRow(name, nan, nan, nan, float((made.outcome == kind).sum() / made.times))
        if kind in runs.unknown
        else _counted(name, log.outcome == kind, (made.outcome == kind).sum() / made.times)
        for name, kind in _FAILED.items()
    ]
    rows += _money(scenario, runs, log, made)
    if speed_error:
        rows = [_widened(row, _Z * speed_error) if row.measure.startswith(_TIMED) else row for row in rows]
    return RoundTrip(_explained(rows, runs), made.times)


def _widened(row: TripRow, error: float) -> TripRow:
    """Widen an interval by a relative error."""
    low = row.log - hypot(row.log - row.low, error * row.log)
    return replace(row, low=max(low, 0.0), high=row.log + hypot(row.high - row.log, error * row.log))


def _gb_s(sample: Sample, billed_ms: Floats) -> Floats:
    return np.asarray(billed_ms * sample.memory_mb / MB_MS_PER_GB_S)


def _whole(measure: str, log: float, made: float) -> TripRow:
    return TripRow(measure, log, log, log, float(made))


def _total(measure: str, values: Floats, made: float) -> TripRow:
    total = float(values.sum())
    error = _Z * float(values.std(ddof=1)) * sqrt(len(values)) if len(values) > 1 else inf
    return TripRow(measure, total, max(total - error, 0.0), total + error, float(made))


def _quantile(name: str, p: float, seen: Floats, had: Floats, worth: float = 1.0) -> TripRow:
    """Give a quantile with the order statistics that hold it in 95 % of cases, of as many runs as are independent."""
    from scipy.stats import binom

    ordered = np.sort(seen)
    apart = max(round(worth * len(ordered)), 1)
    low, high = (round(float(k) * len(ordered) / apart) for k in binom.ppf([0.025, 0.975], apart, p))
    least = float(ordered[low - 1]) if low > 0 else 0.0
    most = float(ordered[high]) if high < len(ordered) else inf
    made = float(np.quantile(had, p)) if len(had) else nan
    return TripRow(f"{name} p{round(100 * p)} [ms]", float(np.quantile(ordered, p)), least, most, made)


def _counted(measure: str, flags: Any, made: float) -> TripRow:
    found = share(int(flags.sum()), len(flags))
    return TripRow(measure, float(flags.sum()), found.low * len(flags), found.high * len(flags), float(made))


def _money(scenario: dict[str, Any], runs: Runs, log: Sample, made: Sample) -> list[TripRow]:
    """Price a month of 730 hours at the log's pace, without the free tier; nothing where the log has no span."""
    if not runs.has_times or len(runs) < _FEWEST_RUNS or runs.arrival_us[-1] == runs.arrival_us[0]:
        return []
    span_us = int(runs.arrival_us[-1] - runs.arrival_us[0]) * len(runs) / (len(runs) - 1)
    scale = MONTH_H * US_PER_HOUR / span_us
    (function,) = scenario["functions"]
    quiet = {**function, "traffic": {"constant": {"rate_per_s": 0}}}
    spec = ScenarioSpec.model_validate({**scenario, "duration": "1h", "functions": [quiet]})

    def usd(sample: Sample) -> float:
        month, usages = f"{spec.billing_day:%Y-%m}", []
        for memory_mb in np.unique(sample.memory_mb):
            here = sample.memory_mb == memory_mb
            one = spec.functions[0].model_copy(update={"memory_mb": int(memory_mb)})
            cold = int(sample.cold[here].sum() * scale / sample.times)
            snap = one.snap_start is not None
            bought = here & sample.provisioned
            demand = here & ~sample.provisioned
            held = max((step.count for step in one.provisioned_concurrency), default=0)
            usages.append(
                Usage.of_function(
                    one,
                    spec.region,
                    month,
                    requests=int(here.sum() * scale / sample.times),
                    billed_ms_with_init=int(sample.with_ms[demand].sum() * scale / sample.times),
                    billed_ms_without_init=int(sample.without_ms[demand].sum() * scale / sample.times),
                    provisioned_requests=int(bought.sum() * scale / sample.times),
                    provisioned_billed_ms=int(sample.without_ms[bought].sum() * scale / sample.times),
                    provisioned_allocated_s=held * MONTH_H * US_PER_HOUR // US_PER_S,
                    snapstart_restored_mb=cold * int(memory_mb) if snap else 0,
                    snapstart_cache_ms=MONTH_H * US_PER_HOUR // 1000 if snap else 0,
                )
            )
        return float(price(usages, free_tier=False).total)

    seen, had = usd(log), usd(made)
    whole = _total("", log.with_ms, 0.0)
    ratio = (whole.high / whole.log - 1) if whole.log else 0.0
    return [TripRow("USD a month", seen, max(seen * (1 - ratio), 0.0), seen * (1 + ratio), had)]


def _explained(rows: list[TripRow], runs: Runs) -> tuple[TripRow, ...]:
    """Say of each row that is far off why it may be."""
    far = [row.measure for row in rows if row.is_far]
    return tuple(
        replace(row, reason=_missing(row) or _reason(row, far, runs)) if row.is_far else row for row in rows
    )


def _missing(row: TripRow) -> str:
    """Say where there is no number at all."""
    missing = "log" if isnan(row.log) else "twin" if isnan(row.twin) else ""
    return missing and f"the {missing} has none"


def _reason(row: TripRow, far: list[str], runs: Runs) -> str:
    name = row.measure
    if name == "runs":
        return "limits of the account refuse some of the log's runs: raise account.concurrency"
    if name == "cold starts":
        if row.twin > row.log:
            return "environments lasted longer than the scenario's keep_alive, or were there before the log begins"
        return "environments ended sooner than the scenario's keep_alive: by deployments, or by Lambda itself"
    if name in _FAILED:
        return _other_failures(name, runs)
    sizes = len(np.unique(runs.memory_mb))
    if name.startswith(("duration", "INIT")):
        if sizes > 1:
            return f"one law of work for {sizes} memory sizes does not meet each of them"
        if "runs" in far or "cold starts" in far:
            return "follows from the number of cold starts"
        if runs.ended("timeout", "crash", "out_of_memory").any() and not runs.inside.any():
            return "the scenario runs INIT again inside the run after a failure; the log shows no such runs"
        if (runs.inside & ~runs.again).sum() > runs.cold.sum():
            return "INIT inside runs after failures takes other times than that of cold starts"
        if runs.cold.any():
            return "first runs after INIT vary more than the scenario's, which have one mean"
        return "the written law differs from the log's durations"
    others = [one for one in far if one.startswith(("duration", "INIT", "cold", "runs", *_FAILED))]
    if others:
        return f"follows from {', '.join(others)}"
    if runs.ended("timeout", "crash", "out_of_memory").any() and not runs.inside.any():
        return "the scenario runs INIT again inside the run after a failure; the log shows no such runs"
    return "first runs or the tail of durations weigh more or less than in the log"


def _other_failures(name: str, runs: Runs) -> str:
    unable = int((runs.init_failed & runs.again & runs.ended(_FAILED[name])).sum())
    if not unable:
        return "runs inside which INIT runs again fail more or less often than others"
    return (
        f"{count(unable, 'run')} of the log failed because INIT did, which a scenario's INIT never does: there they bill "
        "the same and are complete"
    )


def _shown(value: float) -> str:
    return NONE if isnan(value) else "more" if value == inf else number(value)
