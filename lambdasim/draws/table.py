"""One integer table turns random bits into values of any continuous law.

The 64 bits choose a side of the median, an octave of the distance to that side's end, one of 128 cells in the octave,
and a place in the cell. Octaves make both tails exact down to a probability of 2^-42; inside a cell the quantile
function is a straight line. The look-up is integer arithmetic throughout, so that every machine and every engine gives
the same value; only the construction uses floating point.

Notes
-----
Let ``s`` be the top bit and ``y`` the next 53. With ``s = 0`` the probability is ``y / 2^54`` from below, with
``s = 1`` it is ``y / 2^54`` from above. The straight line biases an exponential law's mean by less than 5e-6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from statistics import NormalDist
from typing import Any, Final, ParamSpec, TypeVar
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

LARGEST_VALUE: Final = 1 << 36
_CELL_BITS: Final = 7
_FRACTION_BITS: Final = 22
_SMALLEST_OCTAVE: Final = 12
_OCTAVES: Final = 53 - _SMALLEST_OCTAVE
_SIDE: Final = _OCTAVES << _CELL_BITS
_EXPONENT_BIAS: Final = 1023

Quantile = Callable[[NDArray[np.float64]], NDArray[np.float64]]
P = ParamSpec("P")
LawT = TypeVar("LawT")


def shared_while_used(make: Callable[P, LawT]) -> Callable[P, LawT]:
    """Let equal laws be one: what makes a law gives the one that it made of equal values, as long as somebody has it.

    A table takes 168 kB, and thousands of functions have the same few.

    Parameters
    ----------
    make : callable
        Its arguments can be hashed.

    Returns
    -------
    callable
    """
    made: WeakValueDictionary[Any, LawT] = WeakValueDictionary()

    @wraps(make)
    def found(*args: P.args, **kwargs: P.kwargs) -> LawT:
        key = (args, tuple(sorted(kwargs.items())))
        law = made.get(key)
        if law is None:
            law = made[key] = make(*args, **kwargs)
        return law

    return found


@cache
def _nodes() -> NDArray[np.float64]:
    """Give the probabilities at which the quantile function is tabulated, shape (octaves, cells + 1)."""
    octave = np.ldexp(1.0, np.arange(_SMALLEST_OCTAVE, 53))[:, None]
    within = 1.0 + np.arange((1 << _CELL_BITS) + 1) / (1 << _CELL_BITS)
    nodes: NDArray[np.float64] = np.ldexp(octave * within, -54)
    return nodes


@cache
def normal_quantile_nodes() -> NDArray[np.float64]:
    """Give standard normal quantiles of the table's lower nodes, shape (octaves, cells + 1)."""
    inverse = NormalDist().inv_cdf
    return np.array([inverse(p) for p in _nodes().ravel()]).reshape(_nodes().shape)


@dataclass(frozen=True, eq=False)
class DrawTable:
    """A continuous law as a table of straight pieces.

    Attributes
    ----------
    base, delta : ndarray of int64, shape (n_cells,)
        Value at the cell's start and its growth over the cell.
    """

    base: NDArray[np.int64]
    delta: NDArray[np.int64]

    @classmethod
    def from_quantiles(cls, lower: Quantile, upper: Quantile) -> DrawTable:
        """Tabulate a law.

        Parameters
        ----------
        lower : callable
            Value below which the given probability lies.
        upper : callable
            Value above which the given probability lies; exact where ``lower(1 - p)`` would lose digits.
        """
        return cls.from_nodes(lower(_nodes()), upper(_nodes()))

    @classmethod
    def from_nodes(cls, lower: NDArray[np.float64], upper: NDArray[np.float64]) -> DrawTable:
        """Build the table from values at its nodes, each of shape (octaves, cells + 1)."""
        values = np.stack([lower, upper])
        whole = np.rint(np.clip(values, 0, LARGEST_VALUE)).astype(np.int64)
        return cls(whole[..., :-1].ravel(), np.diff(whole, axis=-1).ravel())

    def values(self, bits: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Look up one value for each 64 random bits.

        Parameters
        ----------
        bits : ndarray of uint64, shape (n,)

        Returns
        -------
        ndarray of int64, shape (n,)
        """
        side = (bits >> np.uint64(63)).astype(np.int64) * _SIDE
        depth = np.maximum(
            (bits >> np.uint64(10)) & np.uint64((1 << 53) - 1), np.uint64(1 << _SMALLEST_OCTAVE)
        )
        # 53 bits fit a float exactly, whose own exponent and mantissa are the octave and the place in it.
        image = depth.astype(np.float64).view(np.int64)
        first = (_EXPONENT_BIAS + _SMALLEST_OCTAVE) << _CELL_BITS
        cell = side + (image >> (52 - _CELL_BITS)) - first
        place = (image >> (52 - _CELL_BITS - _FRACTION_BITS)) & ((1 << _FRACTION_BITS) - 1)
        half = 1 << (_FRACTION_BITS - 1)
        values: NDArray[np.int64] = self.base[cell] + ((self.delta[cell] * place + half) >> _FRACTION_BITS)
        return values

    def value(self, bits: int) -> int:
        """Look up the value of one word of 64 random bits, as `values` does."""
        depth = max((bits >> 10) & ((1 << 53) - 1), 1 << _SMALLEST_OCTAVE)
        octave = depth.bit_length() - 1
        mantissa = (depth << (52 - octave)) - (1 << 52)
        cell = (
            (bits >> 63) * _SIDE
            + ((octave - _SMALLEST_OCTAVE) << _CELL_BITS)
            + (mantissa >> (52 - _CELL_BITS))
        )
        place = (mantissa >> (52 - _CELL_BITS - _FRACTION_BITS)) & ((1 << _FRACTION_BITS) - 1)
        half = 1 << (_FRACTION_BITS - 1)
        return int(self.base[cell]) + ((int(self.delta[cell]) * place + half) >> _FRACTION_BITS)
