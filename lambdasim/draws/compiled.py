"""The draws of `keys`, `laws` and `table` once more, one at a time and compiled: the same bits.

Laws become rows of whole numbers (`LawArrays`), from which `draw` gives one value for (law, index, attempt), when it is
asked for and not before: INIT is drawn for cold starts only.

This module imports numba; import it where a compiled engine is wanted, never at start-up. With NUMBA_DISABLE_JIT=1 all
of it runs as plain Python.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.compiling import Int64, compiled
from lambdasim.draws import keys, table
from lambdasim.draws.keys import DrawKey
from lambdasim.draws.laws import Constant, DrawLaw, Indexed, Mixture, Resample
from lambdasim.draws.table import DrawTable


def row_type(**fields: str) -> np.dtype[np.void]:
    """Make the type of an array's rows from the names of its fields, by their type. Plain Python reads them alike."""
    described = [(name, kind) for kind, names in fields.items() for name in names.split()]
    for name, _ in described:
        if hasattr(np.record, name):
            raise ValueError(f"a field cannot be named {name}, which NumPy has taken")
    return np.dtype((np.record, np.dtype(described, align=True)))


_NO_KEY: Final = DrawKey(0, 0)  # a mixture's parts use bits made from the mixture's

# Constants as numba wants them: with a plain int, arithmetic on uint64 would turn into floating point.
_GAMMA: Final = np.uint64(keys._GAMMA)
_ATTEMPT: Final = np.uint64(keys._ATTEMPT)
_MULTIPLY_1: Final = np.uint64(keys._MULTIPLY_1)
_MULTIPLY_2: Final = np.uint64(keys._MULTIPLY_2)
_U10, _U27, _U30, _U31, _U32, _U63 = (np.uint64(shift) for shift in (10, 27, 30, 31, 32, 63))
_DEPTH_MASK: Final = np.uint64((1 << 53) - 1)
_SMALLEST_DEPTH: Final = 1 << table._SMALLEST_OCTAVE
_SIDE: Final = table._SIDE
_CELL_SHIFT: Final = 52 - table._CELL_BITS
_FIRST_CELL: Final = (table._EXPONENT_BIAS + table._SMALLEST_OCTAVE) << table._CELL_BITS
_PLACE_SHIFT: Final = _CELL_SHIFT - table._FRACTION_BITS
_PLACE_MASK: Final = (1 << table._FRACTION_BITS) - 1
_FRACTION_BITS: Final = table._FRACTION_BITS
_HALF: Final = 1 << (table._FRACTION_BITS - 1)

CONSTANT, INDEXED, TABLE, RESAMPLE, MIXTURE = range(5)
LAW: Final = row_type(i8="kind first count parts", u8="k0 k1")


class Laws(NamedTuple):
    """Laws as arrays.

    Attributes
    ----------
    rows : ndarray of LAW, shape (n_laws,)
        ``kind``; ``first``, the value of a constant or else a place among the numbers; ``count``, how many belong to it;
        ``parts``, the row of a mixture's first part; ``k0`` and ``k1``, the key of the quantity.
    numbers : ndarray of int64, shape (n_numbers,)
        Tables (base and growth of each cell side by side), observed values, thresholds.
    """

    rows: Any
    numbers: NDArray[np.int64]


class LawArrays:
    """Collects laws and lays them out as `Laws`. Numbers that several laws share are kept once."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, ...]] = []
        self._numbers: list[NDArray[np.int64]] = []
        self._places: dict[bytes, int] = {}
        self._tables: dict[int, tuple[DrawTable, int]] = {}
        self._length = 0

    def add(self, laws: Sequence[tuple[DrawKey, DrawLaw]]) -> int:
        """Add laws, each with its key, in neighbouring rows; give the first row."""
        first = len(self._rows)
        self._rows += [()] * len(laws)
        for row, (key, law) in enumerate(laws, first):
            self._rows[row] = (*self._described(law), key.k0, key.k1)
        return first

    def _described(self, law: DrawLaw) -> tuple[int, int, int, int]:
        match law:
            case Constant():
                return CONSTANT, law.value, 0, 0
            case Indexed():
                return INDEXED, self._keep(law.given), len(law.given), 0
            case DrawTable():
                if id(law) not in self._tables:
                    self._tables[id(law)] = law, self._keep(np.stack([law.base, law.delta], axis=1).ravel())
                return TABLE, self._tables[id(law)][1], len(law.base), 0
            case Resample():
                return RESAMPLE, self._keep(law.observed), len(law.observed), 0
            case Mixture():
                parts = self.add([(_NO_KEY, part) for part in law.parts])
                return MIXTURE, self._keep(law.thresholds.astype(np.int64)), len(law.thresholds), parts
            case _:
                raise TypeError(f"{type(law).__name__} cannot be drawn by compiled code")

    def _keep(self, numbers: NDArray[np.int64]) -> int:
        content = hashlib.blake2b(numbers.tobytes(), digest_size=16).digest()
        if content not in self._places:
            self._places[content] = self._length
            self._numbers.append(numbers)
            self._length += len(numbers)
        return self._places[content]

    def arrays(self) -> Laws:
        """Lay out what has been collected."""
        return Laws(
            np.array([*self._rows, (0,) * 6], dtype=LAW),
            np.concatenate([*self._numbers, np.zeros(1, dtype=np.int64)]),
        )


def smallest(law: DrawLaw) -> int:
    """Give a value that no draw of a law lies below."""
    match law:
        case Constant():
            return law.value
        case Indexed():
            return int(law.given.min(initial=0))
        case DrawTable():
            return int(min(law.base.min(), (law.base + law.delta).min()))
        case Resample():
            return int(law.observed[0])
        case Mixture():
            return min(map(smallest, law.parts))
        case _:
            return 0


@compiled
def mix(bits: Any) -> Any:
    """Scramble one 64-bit word, as `keys.mix` does."""
    bits = (bits ^ (bits >> _U30)) * _MULTIPLY_1
    bits = (bits ^ (bits >> _U27)) * _MULTIPLY_2
    return bits ^ (bits >> _U31)


@compiled
def random_bits(k0: Any, k1: Any, index: Int64, attempt: Int64) -> Any:
    """Give 64 random bits, as `keys.DrawKey.bits` does."""
    start = k0 ^ (np.uint64(attempt) * _ATTEMPT)
    return mix(mix(start + np.uint64(index) * _GAMMA) ^ k1)


@compiled
def draw(laws: Laws, law: Int64, index: Int64, attempt: Int64) -> Int64:
    """Draw one value of the law in a row."""
    row = laws.rows[law]
    if row.kind <= INDEXED:
        return row.first if row.kind == CONSTANT else laws.numbers[row.first + index]
    bits = random_bits(row.k0, row.k1, index, attempt)
    while row.kind == MIXTURE:
        row = laws.rows[row.parts + _part(laws.numbers, row.first, row.count, np.int64(bits >> _U32))]
        bits = mix(~bits)
    if row.kind == TABLE:
        return look_up(laws.numbers, row.first, bits)
    if row.kind == RESAMPLE:
        chosen = ((bits >> _U32) * np.uint64(row.count)) >> _U32
        return laws.numbers[row.first + np.int64(chosen)]
    return row.first


@compiled
def draw_many(
    laws: Laws, law: Int64, first: Int64, values: NDArray[np.int64], begin: Int64, stop: Int64
) -> None:
    """Draw from a law that is a table, for neighbouring indices, into ``values[begin:stop]``.

    Notes
    -----
    All bits first and then all look-ups: bits alone are made several at a time. Some 5 ns a value instead of 8.
    """
    row = laws.rows[law]
    for place in range(begin, stop):
        values[place] = np.int64(random_bits(row.k0, row.k1, first + place - begin, 0))
    for place in range(begin, stop):
        values[place] = look_up(laws.numbers, row.first, np.uint64(values[place]))


@compiled
def _part(numbers: NDArray[np.int64], first: Int64, size: Int64, choice: Int64) -> Int64:
    """Count the thresholds up to the choice, by halving."""
    low, high = np.int64(0), np.int64(size)
    while low < high:
        middle = (low + high) >> 1
        if numbers[first + middle] <= choice:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def look_up(numbers: NDArray[np.int64], first: Int64, bits: Any) -> Int64:
    """Look a value up, as `table.DrawTable.values` does."""
    depth = max(np.int64((bits >> _U10) & _DEPTH_MASK), np.int64(_SMALLEST_DEPTH))
    # 53 bits fit a float exactly, whose own exponent and mantissa are the octave and the place in it.
    image = np.float64(depth).view(np.int64)
    cell = np.int64(bits >> _U63) * _SIDE + (image >> _CELL_SHIFT) - _FIRST_CELL
    place = (image >> _PLACE_SHIFT) & _PLACE_MASK
    at = first + 2 * cell
    return numbers[at] + ((numbers[at + 1] * place + _HALF) >> _FRACTION_BITS)
