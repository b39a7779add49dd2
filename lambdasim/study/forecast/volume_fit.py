"""Usage of paths that were not simulated, estimated from their volume by those that were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lambdasim.billing.usage import BY_TIME
from lambdasim.study.forecast.usage import COUNTERS, PathUsage

Volumes = Mapping[str, NDArray[np.float64]]
_TIMED = len(COUNTERS) - len(BY_TIME)


@dataclass(frozen=True, eq=False)
class VolumeFit:
    """A straight line from a day's volume to each counter of its usage, by function.

    Attributes
    ----------
    lines : dict of str to ndarray of float64, shape (2, n_counters)
        Counter at no volume, and its growth with one event; functions with a history only.
    """

    lines: dict[str, NDArray[np.float64]]

    @classmethod
    def of(cls, usages: Sequence[PathUsage], volumes: Sequence[Volumes]) -> VolumeFit:
        """Fit to the days of simulated paths, each weighing as much as counts of its volume are sure.

        Parameters
        ----------
        usages : sequence of PathUsage
        volumes : sequence of mapping of str to ndarray, shape (n_days,)
            Expected events of each path, by function.
        """
        lines = {}
        for place, row in enumerate(usages[0].rows):
            if row.function in volumes[0]:
                volume = np.concatenate([path[row.function] for path in volumes])
                counted = np.concatenate([usage.by_day[place] for usage in usages])
                weight = 1 / np.sqrt(volume + 1)
                design = np.column_stack([weight, volume * weight])
                lines[row.function] = np.linalg.lstsq(design, counted * weight[:, None], rcond=None)[0]
        return cls(lines)

    def usage(self, volumes: Volumes, like: PathUsage, like_volumes: Volumes | None = None) -> PathUsage:
        """Estimate the usage of a path.

        Parameters
        ----------
        volumes : mapping of str to ndarray, shape (n_days,)
        like : PathUsage
            Of a simulated path: gives what depends on time, and functions without a history.
        like_volumes : mapping of str to ndarray, optional
            Of that path: what its usage was above or below the lines is then taken over.
        """
        by_day = like.by_day.copy()
        for place, row in enumerate(like.rows):
            if row.function not in self.lines:
                continue
            told = self._told(row.function, volumes)
            if like_volumes is not None:
                lined = self._told(row.function, like_volumes).sum(axis=0)
                counted = like.by_day[place].sum(axis=0)
                told *= np.divide(counted, lined, out=np.ones_like(lined), where=lined > 0)
            by_day[place, :, :_TIMED] = told[:, :_TIMED]
        return replace(like, by_day=_allowed(np.rint(by_day)))

    def _told(self, function: str, volumes: Volumes) -> NDArray[np.float64]:
        start, growth = self.lines[function]
        told: NDArray[np.float64] = np.maximum(start + volumes[function][:, None] * growth, 0.0)
        return told


def _allowed(by_day: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keep parts at most as large as their wholes, which rounding might break."""
    for part, whole in (
        ("provisioned_requests", "requests"),
        ("provisioned_extra_requests", "extra_requests"),
        ("billed_ms_without_init", "billed_ms_with_init"),
    ):
        lower, upper = COUNTERS.index(part), COUNTERS.index(whole)
        by_day[..., lower] = np.minimum(by_day[..., lower], by_day[..., upper])
    return by_day
