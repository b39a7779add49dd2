"""How a run stands for a month: by what it is scaled, and whether it can be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from itertools import takewhile
from typing import Final

from lambdasim.billing import Usage, pool
from lambdasim.billing.usage import COUNTERS
from lambdasim.catalog import billing_rules
from lambdasim.errors import InputError
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.specs.traffic import TrafficSpec
from lambdasim.units import (
    US_PER_DAY,
    US_PER_HOUR,
    US_PER_S,
    format_duration,
    from_epoch_us,
    month_ends_us,
    to_epoch_us,
)
from lambdasim.wording import count, listed

MONTH_HOURS: Final = 730
_WEEK_US: Final = 7 * US_PER_DAY
_MONTH_US: Final = 28 * US_PER_DAY
_OF_NO_MATTER: Final = 1_000
"""Part of a run in which traffic may be missing without being traffic for a part of it."""


def month_factor(duration_us: int) -> Fraction:
    """Say how often a run fits into a month.

    Parameters
    ----------
    duration_us : int
        [µs].

    Returns
    -------
    Fraction
        1 for runs of 28 to 31 days, which are months; else 730 hours over the run's length.

    Examples
    --------
    >>> month_factor(30 * US_PER_DAY), month_factor(US_PER_HOUR)
    (Fraction(1, 1), Fraction(730, 1))
    """
    if _MONTH_US <= duration_us <= 31 * US_PER_DAY:
        return Fraction(1)
    return Fraction(MONTH_HOURS * US_PER_HOUR, duration_us)


def monthly_usage(usages: Iterable[Usage], factor: Fraction) -> tuple[Usage, ...]:
    """Return usage as if it had gone on for a month.

    Parameters
    ----------
    usages : iterable of Usage
    factor : Fraction
        See ``month_factor``. Counts are rounded to whole numbers.

    Returns
    -------
    tuple of Usage
        What is scaled is put into one month, that in which most of the run lies. At a factor of 1 usage stays in the
        months in which it was, as a bill of the run has it: each has free parts and tiers of its own. SnapStart's cache
        is kept all month, so the least time that it is billed for counts once, not as often as the run fits into it.
    """
    rows = list(usages)
    if factor == 1 or not rows:
        return pool(rows)
    lengths: defaultdict[str, int] = defaultdict(int)
    for usage in rows:
        lengths[usage.month] = max(lengths[usage.month], usage.elapsed_s)
    month = max(sorted(lengths), key=lengths.__getitem__)
    gathered = pool(replace(usage, month=month) for usage in rows)
    least_us = billing_rules(date.max).snapstart_cache_min_s * US_PER_S
    cached = min(factor, Fraction(MONTH_HOURS * US_PER_HOUR, least_us))
    scaled = {name: cached if name == "snapstart_cache_ms" else factor for name in COUNTERS}
    return tuple(
        replace(usage, **{name: round(getattr(usage, name) * scaled[name]) for name in COUNTERS})
        for usage in gathered
    )


@dataclass(frozen=True)
class MonthBasis:
    """How a run stands for a month.

    Attributes
    ----------
    duration_us : int
        The run's length [µs].
    factor : Fraction
        What scales the run to a month, see ``month_factor``.
    unlike : tuple of str
        Why the run is no sample of a month; empty where it is one.
    months : tuple of str
        Calendar months, ``YYYY-MM`` in UTC, in which the run lies.
    """

    duration_us: int
    factor: Fraction
    unlike: tuple[str, ...]
    months: tuple[str, ...] = ()

    @property
    def is_representative(self) -> bool:
        """Whether a figure of the run, scaled, may be called a month's."""
        return not self.unlike

    @property
    def doubt(self) -> str:
        """What stands before figures of a month that the run is no sample of, as one sentence; else empty."""
        if self.is_representative:
            return ""
        length, runs = format_duration(self.duration_us), count(float(self.factor))
        return (
            f"WARNING: a month here is {runs} runs like this one of {length}, which is no sample of a month: "
            f"{listed(self.unlike, last=' and ')}."
        )

    def text(self, per_month: bool | None = None) -> str:
        """Say what monthly figures rest on, in one sentence.

        Parameters
        ----------
        per_month : bool, optional
            Whether the figures are scaled to a month. Default: where the run is representative.
        """
        length = format_duration(self.duration_us)
        scaled = self.is_representative if per_month is None else per_month
        why = listed(self.unlike, last=" and ")
        if not scaled:
            told = f", which is no sample of a month: {why}" if why else ""
            return f"Figures are for this run of {length}{told}{self._across}."
        if self.factor == 1:
            return f"This run of {length} is a month{self._across}."
        doubt = f", although it is no sample of one: {why}" if why else ""
        return f"Monthly figures scale this run of {length} to {MONTH_HOURS} hours{doubt}."

    @property
    def _across(self) -> str:
        """Say that a run has parts of several months; empty where it lies in one."""
        if len(self.months) < 2:
            return ""
        return f"; it has parts of {count(len(self.months), 'calendar month')}, each with free parts and tiers of its own"


def shared_period(scenarios: Iterable[ScenarioSpec], per: str | None = None) -> str:
    """Choose the period in which several scenarios' money is shown.

    Parameters
    ----------
    scenarios : iterable of ScenarioSpec
    per : {"month", "run"}, optional
        What was asked for.

    Returns
    -------
    str
        What was asked for; else ``run`` where a scenario is no sample of a month and all are equally long, else
        ``month``.

    Raises
    ------
    InputError
        When the period is neither, or runs of different lengths are to be shown by the run.
    """
    specs = list(scenarios)
    alike = len({spec.duration_us for spec in specs}) == 1
    if per is None:
        return "run" if alike and not all(month_basis(spec).is_representative for spec in specs) else "month"
    if per not in {"month", "run"}:
        raise InputError.single("money", "per", f"must be month or run, got {per[:40]!r}")
    if per == "run" and not alike:
        raise InputError.single("money", "per", "must be month where scenarios differ in length, got 'run'")
    return per


@dataclass(frozen=True)
class Period:
    """What a study's money is of: a month like the run, or the run as it is.

    Attributes
    ----------
    name : {"month", "run"}
    basis : MonthBasis
        How the run stands for a month.
    """

    name: str
    basis: MonthBasis

    @property
    def factor(self) -> Fraction:
        """What scales the run's counts to the period."""
        return self.basis.factor if self.name == "month" else Fraction(1)

    @property
    def hours(self) -> Fraction:
        """Length of the period [h]."""
        return Fraction(self.basis.duration_us, US_PER_HOUR) * self.factor

    @property
    def words(self) -> str:
        """What stands behind a figure of the period."""
        return "a month" if self.name == "month" else "in this run"

    @property
    def said(self) -> str:
        """What stands before figures of the period, as one sentence; empty where a month is a month."""
        if self.name == "month":
            return self.basis.doubt
        return self.basis.text(per_month=False)


def period_of(scenario: ScenarioSpec, per: str | None = None) -> Period:
    """Choose the period in which a scenario's money is shown.

    Parameters
    ----------
    scenario : ScenarioSpec
    per : {"month", "run"}, optional
        What was asked for. Default: a month, where the run is a sample of one.

    Returns
    -------
    Period

    Raises
    ------
    InputError
        When the period is neither.
    """
    return Period(shared_period((scenario,), per), month_basis(scenario))


def month_basis(scenario: ScenarioSpec) -> MonthBasis:
    """Say how a run of a scenario stands for a month.

    Parameters
    ----------
    scenario : ScenarioSpec

    Returns
    -------
    MonthBasis
        A run of less than 28 days is no sample of a month when its traffic has spikes or ramps or fills only a part of
        it, or when its length cuts a daily or weekly shape, or a trace, inside a day.

    Examples
    --------
    >>> from lambdasim.specs import load_scenario_text
    >>> text = '''
    ... name: black-friday
    ... start: 2026-11-27T08:00:00Z
    ... duration: 2h
    ... functions:
    ... - name: shop
    ...   traffic: {poisson: {rate_per_s: 100}, spikes: [{at: 1h, duration: 10min, factor: 20}]}
    ... '''
    >>> print(month_basis(load_scenario_text(text)).text())
    Figures are for this run of 2h, which is no sample of a month: shop has spikes.
    """
    length_us = scenario.duration_us
    reasons: list[str] = []
    if length_us < _MONTH_US:
        for function in scenario.functions:
            if why := listed(_unlike(function.traffic, length_us), last=" and "):
                reasons.append(f"{function.name} has {why}")
    kept = reasons[:3] + ([f"{len(reasons) - 3} more"] if len(reasons) > 3 else [])
    return MonthBasis(length_us, month_factor(length_us), tuple(kept), months_of(scenario))


def months_of(scenario: ScenarioSpec) -> tuple[str, ...]:
    """Return the calendar months in which a scenario lies, ``YYYY-MM`` in UTC.

    Parameters
    ----------
    scenario : ScenarioSpec
    """
    start_us = to_epoch_us(scenario.start)
    turns_us = takewhile(lambda turn_us: turn_us < start_us + scenario.duration_us, month_ends_us(start_us))
    return tuple(f"{from_epoch_us(begin_us):%Y-%m}" for begin_us in (start_us, *turns_us))


def _unlike(traffic: TrafficSpec, length_us: int) -> Iterator[str]:
    """Yield why a shorter run of such traffic is no sample of a month."""
    if traffic.spikes:
        yield "spikes"
    if traffic.ramps:
        yield "ramps"
    idle_us = traffic.start_us + (0 if traffic.stop_us is None else max(length_us - traffic.stop_us, 0))
    if idle_us > length_us // _OF_NO_MATTER:
        yield "traffic for a part of the run"
    part_of_day, part_of_week = length_us % US_PER_DAY, length_us % _WEEK_US
    if traffic.poisson is not None and traffic.poisson.daily is not None and part_of_day:
        yield "a daily shape that the run cuts"
    elif traffic.poisson is not None and traffic.poisson.weekly is not None and part_of_week:
        yield "a weekly shape that the run cuts"
    elif traffic.trace is not None and part_of_day:
        yield "a trace that the run cuts inside a day"
