"""Whether the sizes measured settle what the others take, and which further size would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from lambdasim.calibration.data.statistics import Floats
from lambdasim.calibration.fit.weighted import weighted_quantiles
from lambdasim.catalog import limit

_SETTLED: Final = 0.06
_STEP_MB: Final = 64


@dataclass(frozen=True)
class Separation:
    """How far guesses that fit alike differ at sizes that were not measured.

    Attributes
    ----------
    expected_error : float
        Mean over sizes of how far a guess is from the middle one, relative: what a prediction is expected to miss by
        because styles, CPU time and waiting are not settled.
    telling_mb : int
        Size at which guesses differ most: a measurement there settles most [MB].
    """

    expected_error: float
    telling_mb: int

    @property
    def settled(self) -> bool:
        """Whether the guesses agree well enough to predict."""
        return self.expected_error <= _SETTLED


def sizes_asked() -> tuple[int, ...]:
    """Give the sizes at which guesses are compared: every 64 MB below one vCPU, and one vCPU [MB].

    Examples
    --------
    >>> sizes_asked()[:3], sizes_asked()[-1]
    ((128, 192, 256), 1769)
    """
    least, most = limit("memory_min_mb").value, limit("memory_per_vcpu_mb").value
    return (*range(least, most, _STEP_MB), most)


def separation(
    means_at: Callable[[int], Floats], weights: Floats, sizes_mb: Sequence[int] | None = None
) -> Separation:
    """Compare guesses at many sizes.

    Parameters
    ----------
    means_at : callable
        From a memory size [MB] to the mean duration of each guess, shape (n,) [ms].
    weights : ndarray, shape (n,)
        How likely each guess is; sum to one.
    sizes_mb : sequence of int, optional
        By default `sizes_asked`.

    Examples
    --------
    >>> steep = separation(lambda size: np.array([1e6 / size, 1000.0]), np.array([0.5, 0.5]))
    >>> steep.settled, steep.telling_mb
    (False, 128)
    """
    sizes = sizes_asked() if sizes_mb is None else sizes_mb
    missed = []
    for size in sizes:
        logs = np.log(means_at(size))
        middle = weighted_quantiles(logs, weights, (0.5,))
        missed.append(float(weights @ np.abs(np.expm1(np.abs(logs - middle)))))
    return Separation(float(np.mean(missed)), sizes[int(np.argmax(missed))])
