"""What a comparison of scenarios found, as numbers: paired differences and a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isnan
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from lambdasim.results.intervals import Interval, paired_interval, t_interval
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.targets import LOST, Target
from lambdasim.wording import money

if TYPE_CHECKING:
    import pandas as pd

Key: TypeAlias = tuple[str, str, str]
ACCOUNT: Final = "account"
TOTAL: Final[Key] = ("money", ACCOUNT, "bill")
LISTED: Final[Key] = ("money", "without free tier", "bill")
EXECUTIONS: Final = ", executions"
"""Behind a state machine's name where its latency is that of whole executions."""
REFUSED: Final[Key] = ("limits", ACCOUNT, "refused")


def target_key(target: Target, function: str) -> Key:
    """Give the measure of a function that a target is of.

    Parameters
    ----------
    target : Target
    function : str

    Returns
    -------
    tuple of str
    """
    if target.is_of_sources:
        return "queues", function, target.measure
    return (
        ("limits", function, "not served")
        if target.measure == LOST
        else ("latency", function, target.measure)
    )


class Verdict(NamedTuple):
    """Whether a CI should stop.

    Attributes
    ----------
    failed : bool
    reasons : tuple of str
        One for each rule that was asked for and each scenario.
    """

    failed: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, eq=False, repr=False)
class ComparisonTables:
    """The scenarios, what each replication measured, and the paired differences.

    Attributes
    ----------
    scenarios : mapping of str to ScenarioSpec
        The first is what the others are compared with.
    results : mapping of str to tuple of dict
        Measures of each replication by scenario, see ``scenario_measures``.
    fail_above, fail_throttles : float or None
        Thresholds of the verdict.
    period : {"month", "run"}
        What money is of.
    targets : tuple of Target
        That the verdict asks of every scenario after the first.
    """

    scenarios: Mapping[str, ScenarioSpec]
    results: Mapping[str, tuple[dict[Key, float], ...]]
    fail_above: float | None = None
    fail_throttles: float | None = None
    period: str = "month"
    targets: tuple[Target, ...] = ()

    @property
    def per(self) -> str:
        """The period of the money, in words."""
        return "a month" if self.period == "month" else "a run"

    @property
    def has_free_tier(self) -> bool:
        """Whether the free tier is taken off some scenario's bill."""
        return any(spec.free_tier for spec in self.scenarios.values())

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the scenarios; the first is the base."""
        return tuple(self.scenarios)

    @property
    def replications(self) -> int:
        """How many seeds every scenario was simulated with."""
        return len(self.results[self.names[0]])

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row for each scenario, replication and measure: ``group``, ``scope``, ``measure``, ``value``."""
        import pandas as pd

        columns = ["scenario", "replication", "group", "scope", "measure", "value"]
        rows = [
            (name, number, *key, value)
            for name, runs in self.results.items()
            for number, run in enumerate(runs)
            for key, value in run.items()
        ]
        return pd.DataFrame(rows, columns=columns)

    @cached_property
    def differences(self) -> pd.DataFrame:
        """One row for each scenario but the first, and each measure.

        Returns
        -------
        DataFrame
            ``scenario``, ``group``, ``scope``, ``measure``; ``base`` and ``value``, means over replications;
            ``difference`` with ``low`` and ``high``, its 95 % interval from pairs; ``share`` of the base;
            ``certain``: the interval leaves zero out. Money in USD a period, latency in ms, limits as shares.
        """
        import pandas as pd

        base, *others = self.names
        rows = []
        for name in others:
            keys = dict.fromkeys(key for run in (*self.results[base], *self.results[name]) for key in run)
            for key in keys:
                level = t_interval(self._values(base, key)).mean
                found = self.difference(name, key)
                rows.append(
                    {
                        "scenario": name,
                        **dict(zip(("group", "scope", "measure"), key, strict=True)),
                        "base": level,
                        "value": t_interval(self._values(name, key)).mean,
                        "difference": found.mean,
                        "low": found.low,
                        "high": found.high,
                        "share": found.mean / level if level else float("nan"),
                        "certain": found.excludes_zero,
                    }
                )
        return pd.DataFrame(rows)

    def _measured(self, name: str, target: Target) -> list[str]:
        """Give the functions of a scenario that have a target's measure."""
        there = self.results[name][0]
        return [
            spec.name
            for spec in self.scenarios[name].functions
            if not isnan(there.get(target_key(target, spec.name), float("nan")))
        ]

    def difference(self, name: str, key: Key = TOTAL) -> Interval:
        """Return the paired difference of a measure between a scenario and the first."""
        return paired_interval(self._values(name, key), self._values(self.names[0], key))

    def _values(self, name: str, key: Key) -> list[float]:
        """Return a measure by replication; what has no line costs nothing, who is not there has no latency."""
        missing = float("nan") if key[0] in ("latency", "queues") else 0.0
        return [run.get(key, missing) for run in self.results[name]]

    @property
    def verdict(self) -> Verdict:
        """Whether a threshold is passed, with one reason for each rule and scenario."""
        base, *others = self.names
        failed, reasons = False, []
        for name in others:
            if self.fail_above is not None:
                level = t_interval(self._values(base, TOTAL)).mean
                found = self.difference(name)
                bad = found.mean > self.fail_above * level
                failed |= bad
                share = f"{found.mean / level:+.2%}" if level else money(found.mean, signed=True)
                low, high = found.low > self.fail_above * level, found.high > self.fail_above * level
                if self.has_free_tier and (was := t_interval(self._values(base, LISTED)).mean):
                    share += f" ({self.difference(name, LISTED).mean / was:+.2%} without the free tier)"
                sure = "" if low == high else ", but the interval holds both answers"
                reasons.append(
                    f"{'FAIL' if bad else 'pass'}: {name}: bill {share}, allowed {self.fail_above:+.2%}{sure}"
                )
            if self.fail_throttles is not None:
                refused = t_interval(self._values(name, REFUSED)).mean
                bad = refused > self.fail_throttles
                failed |= bad
                reasons.append(
                    f"{'FAIL' if bad else 'pass'}: {name}: {refused:.3%} of attempts refused, allowed "
                    f"{self.fail_throttles:.3%}"
                )
            for target in self.targets:
                for function in self._measured(name, target):
                    value = t_interval(self._values(name, target_key(target, function))).mean
                    bad = not value <= target.most
                    failed |= bad
                    was = t_interval(self._values(base, target_key(target, function))).mean
                    before = "" if isnan(was) else f"; {base}: {target.written(was)}"
                    reasons.append(
                        f"{'FAIL' if bad else 'pass'}: {name}: {target.measure} of {function} is "
                        f"{target.written(value)}, allowed {target.written(target.most)}{before}"
                    )
        return Verdict(failed, tuple(reasons))
