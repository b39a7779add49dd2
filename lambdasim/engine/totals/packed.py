"""Whole numbers kept in few bits, by fours: counts of thousands of functions are mostly small, and often zero.

A column is cut into planes of four bits. A plane that is all zero is not kept; where a quarter or more is zero, a bit for
each number says which are not. Columns are cut into groups of rows, each of which can be read without the others.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_BITS: Final = 4
_LOW: Final = 15
_NARROW: Final = (np.uint8, np.uint16, np.uint32, np.int64)


def narrow(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keep whole numbers from 0 in the fewest bytes; there must be at least one."""
    most = values.max()
    kept: NDArray[np.int64] = values.astype(next(kind for kind in _NARROW if most <= np.iinfo(kind).max))
    return kept


class _Plane(NamedTuple):
    """Four bits of each number.

    Attributes
    ----------
    shift : int
        Of the lowest of them.
    nibbles : ndarray of uint8, shape (n / 2,)
        Two to a byte; where there are bits, only those that are not zero.
    bits : ndarray of uint8, shape (n / 8,), or None
        Which are not zero.
    before : ndarray of int64, shape (n_groups + 1,), or None
        How many are not zero before each group.
    """

    shift: int
    nibbles: NDArray[np.uint8]
    bits: NDArray[np.uint8] | None
    before: NDArray[np.int64] | None

    @classmethod
    def of(cls, shift: int, values: NDArray[np.uint8], starts: NDArray[np.int64]) -> _Plane | None:
        """Keep values below 16; nothing where all are zero."""
        places = np.flatnonzero(values)
        if not len(places):
            return None
        if len(places) * 4 > len(values) * 3:
            return cls(shift, _paired(values), None, None)
        bits = np.packbits(values != 0)
        return cls(shift, _paired(values[places]), bits, narrow(np.searchsorted(places, starts)))

    def read(self, group: int, start: int, stop: int) -> NDArray[np.uint8]:
        """Return the values of a group, which has these rows."""
        if self.bits is None or self.before is None:
            return _single(self.nibbles, start, stop)
        first = start & ~7
        marked = np.unpackbits(self.bits[first >> 3 : (stop + 7) >> 3])[start - first : stop - first]
        kept = _single(self.nibbles, int(self.before[group]), int(self.before[group + 1]))
        values = np.zeros(stop - start, dtype=np.uint8)
        values[marked.astype(bool)] = kept
        return values


def _paired(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    pairs = np.append(values, np.uint8(0)) if len(values) & 1 else values
    paired: NDArray[np.uint8] = np.bitwise_or(pairs[::2], pairs[1::2] << np.uint8(_BITS))
    return paired


def _single(nibbles: NDArray[np.uint8], start: int, stop: int) -> NDArray[np.uint8]:
    part = nibbles[start >> 1 : (stop + 1) >> 1]
    values = np.empty(2 * len(part), dtype=np.uint8)
    values[::2] = part & _LOW
    values[1::2] = part >> _BITS
    return values[start & 1 : (start & 1) + stop - start]


class Packed(NamedTuple):
    """A column of whole numbers from 0.

    Attributes
    ----------
    planes : tuple of _Plane
    """

    planes: tuple[_Plane, ...]

    @classmethod
    def of(cls, values: NDArray[np.int64], starts: NDArray[np.int64]) -> Packed:
        """Keep a column.

        Parameters
        ----------
        values : ndarray of int64, shape (n,)
            At least one.
        starts : ndarray of int64, shape (n_groups + 1,)
            Where groups begin, rising; the last is n.

        Returns
        -------
        Packed
        """
        kept = narrow(values)
        cut = (
            _Plane.of(shift, (kept >> shift & _LOW).astype(np.uint8), starts)
            for shift in range(0, int(kept.max()).bit_length(), _BITS)
        )
        return cls(tuple(plane for plane in cut if plane is not None))

    def read(self, group: int, start: int, stop: int) -> NDArray[np.int64]:
        """Return a group's numbers.

        Parameters
        ----------
        group : int
        start, stop : int
            Its rows.

        Returns
        -------
        ndarray of int64, shape (stop - start,)
        """
        values = np.zeros(stop - start, dtype=np.int64)
        for plane in self.planes:
            values |= plane.read(group, start, stop).astype(np.int64) << plane.shift
        return values

    @property
    def nbytes(self) -> int:
        """Bytes taken."""
        return sum(part.nbytes for plane in self.planes for part in plane[1:] if part is not None)
