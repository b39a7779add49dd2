"""The truth of a what-if: settings, what a run of each came to, and the bill of each in several regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lambdasim.errors import InputError
from lambdasim.specs.faults import not_among

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.specs.scenario import ScenarioSpec

AS_GIVEN: Final = "as in the scenario"
"""Provisioned concurrency by the scenario's own steps."""


class Setting(NamedTuple):
    """What is changed of the function.

    Attributes
    ----------
    memory_mb : int
    architecture : str
    traffic : float
        Times the scenario's, of all functions.
    provisioned : str
        Environments allocated all the time, or ``AS_GIVEN``.
    """

    memory_mb: int
    architecture: str
    traffic: float
    provisioned: str


class Outcome(NamedTuple):
    """What a run of a setting came to.

    Attributes
    ----------
    usd : tuple of float
        Bill of all functions for the scenario's duration, by region, with its free tier where it has one [USD].
    full_usd : tuple of float
        The same without any free tier [USD].
    p50_ms, p95_ms, p99_ms : float
        Latency of the function's events [whole ms, rounded up].
    cold_share : float
        Of the function's started attempts.
    refused_share : float
        Of the function's attempts.
    lost_share : float
        Of the function's events, those that did not succeed.
    peak_concurrency : int
        Of the account.
    """

    usd: tuple[float, ...]
    full_usd: tuple[float, ...]
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cold_share: float
    refused_share: float
    lost_share: float
    peak_concurrency: int

    def in_region(self, place: int) -> dict[str, float]:
        """Return all of it, with the bills of one region."""
        return {**self._asdict(), "usd": self.usd[place], "full_usd": self.full_usd[place]}


@dataclass(frozen=True, eq=False)
class WhatIfTables:
    """Every setting and what a run of it came to.

    Attributes
    ----------
    scenario : ScenarioSpec
    function : str
        Whose settings are changed.
    given : Setting
        The scenario's own.
    regions : tuple of str
        In which each run is priced, the scenario's own first.
    outcomes : mapping of Setting to Outcome
        Each of one run with the scenario's seed.
    notes : tuple of str
        What the settings rest on.
    """

    scenario: ScenarioSpec
    function: str
    given: Setting
    regions: tuple[str, ...]
    outcomes: dict[Setting, Outcome]
    notes: tuple[str, ...] = ()

    def values(self, axis: str) -> list[int | float | str]:
        """Return the values of ``memory_mb``, ``architecture``, ``traffic`` or ``provisioned``, in order."""
        found = dict.fromkeys(getattr(setting, axis) for setting in self.outcomes)
        if axis != "provisioned":
            return sorted(found)
        return sorted(found, key=lambda value: (value == AS_GIVEN, int(value) if value != AS_GIVEN else 0))

    def frame(self) -> pd.DataFrame:
        """Return one row for each setting and region, with the columns of ``Setting`` and ``Outcome``."""
        import pandas as pd

        rows = [
            {**setting._asdict(), "region": region, **outcome.in_region(place)}
            for setting, outcome in self.outcomes.items()
            for place, region in enumerate(self.regions)
        ]
        return pd.DataFrame(rows)

    def at(
        self,
        memory_mb: int | None = None,
        architecture: str | None = None,
        traffic: float | None = None,
        provisioned: int | str | None = None,
        region: str | None = None,
    ) -> dict[str, float]:
        """Return what a run of one setting came to.

        Parameters
        ----------
        memory_mb, architecture, traffic, provisioned, region : optional
            Default: as the scenario says.

        Returns
        -------
        dict of str to float
            ``usd`` and ``full_usd`` in that region, and the other attributes of ``Outcome``.

        Raises
        ------
        InputError
            When a value is not one that was simulated; nothing is interpolated.
        """
        given: dict[str, Any] = {
            "memory_mb": memory_mb,
            "architecture": architecture,
            "traffic": traffic,
            "provisioned": None if provisioned is None else str(provisioned),
        }
        setting = self.given._replace(**{name: value for name, value in given.items() if value is not None})
        for name, value in setting._asdict().items():
            if value not in self.values(name):
                raise InputError.single("what if", name, not_among(value, map(str, self.values(name))))
        where = self.regions[0] if region is None else region
        if where not in self.regions:
            raise InputError.single("what if", "region", not_among(where, self.regions))
        return self.outcomes[setting].in_region(self.regions.index(where))
