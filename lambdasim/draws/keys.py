"""Counter-based draws: 64 random bits as a pure function of (seed, owner, quantity, index, attempt).

Two scenarios that differ only in memory size see the same customers, the same work and the same luck, so that their
differences are paired. No generator state exists: a chunk of draws is made from its indices, in any order, on any
worker. The bits do not depend on NumPy's generators, so results survive its upgrades.

Notes
-----
``bits(i) = finish(mix(k0 + i * GAMMA) ^ k1)`` with SplitMix64's mixing function and increment; ``k0`` and ``k1`` are
the BLAKE2b hash of seed, owner and quantity. An attempt after the first changes ``k0``.

References
----------
Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014 (the mixing function, variant 13 of
Stafford).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

_MASK: Final = (1 << 64) - 1
_GAMMA: Final = 0x9E3779B97F4A7C15
_ATTEMPT: Final = 0xD1342543DE82EF95
_MULTIPLY_1: Final = 0xBF58476D1CE4E5B9
_MULTIPLY_2: Final = 0x94D049BB133111EB


class Quantity(IntEnum):
    """What a draw decides. Numbers are part of every result: add new ones at the end, never reuse one."""

    ARRIVAL_GAP = 1
    CLOSING_GAP = 2
    COUNT_ROUNDING = 3
    MODULATION = 4
    CPU_TIME = 5
    IO_TIME = 6
    INIT = 7
    FIRST_RUN = 8
    PLACEMENT = 9
    KEEP_ALIVE = 10
    FAILURE = 11
    MEMORY = 12
    REQUEST_PAYLOAD = 13
    RESPONSE_PAYLOAD = 14
    CLIENT_BACKOFF = 15
    PROVISIONED_INIT = 16
    FORECAST_LEVEL = 17
    FORECAST_DRIFT = 18
    FORECAST_NOISE = 19
    FORECAST_DAY = 20
    CPU_START_TICK = 21
    CPU_START_DELAY = 22
    CPU_START_CHARGE = 23
    POST_RESPONSE = 24
    ENVIRONMENT_SPEED = 25
    BATCH_OVERHEAD = 26
    LANE = 27
    POISON = 28
    FILTERED = 29
    PLATFORM_START = 30


def mix(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64-bit words so that neighbouring inputs give unrelated outputs (SplitMix64).

    Parameters
    ----------
    bits : ndarray of uint64, shape (n,)

    Returns
    -------
    ndarray of uint64, shape (n,)
    """
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(_MULTIPLY_1)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(_MULTIPLY_2)
    return bits ^ (bits >> np.uint64(31))


@dataclass(frozen=True)
class DrawKey:
    """The identity of one quantity of draws.

    Attributes
    ----------
    k0, k1 : int
        64-bit words.
    """

    k0: int
    k1: int

    @classmethod
    def of(cls, seed: int, owner: str, quantity: Quantity) -> DrawKey:
        """Derive the key of a quantity.

        Parameters
        ----------
        seed : int
            The scenario's seed.
        owner : str
            Whose draws: a function's name. The order of functions in a file changes nothing.
        quantity : Quantity
            What the draws decide.
        """
        digest = hashlib.blake2b(f"{seed}\0{owner}\0{int(quantity)}".encode(), digest_size=16).digest()
        return cls(int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little"))

    def bits(self, index: NDArray[np.int64], attempt: int = 0) -> NDArray[np.uint64]:
        """Give 64 random bits for each index.

        Parameters
        ----------
        index : ndarray of int64, shape (n,)
            Which invocation (or interval, or gap) of the quantity.
        attempt : int
            How many times this invocation has run before.

        Returns
        -------
        ndarray of uint64, shape (n,)

        Examples
        --------
        >>> key = DrawKey.of(7, "resize", Quantity.CPU_TIME)
        >>> both = key.bits(np.arange(4))
        >>> bool((both[2:] == key.bits(np.array([2, 3]))).all())
        True
        """
        start = (self.k0 ^ (attempt * _ATTEMPT)) & _MASK
        mixed = mix(np.uint64(start) + index.astype(np.uint64) * np.uint64(_GAMMA))
        return mix(mixed ^ np.uint64(self.k1))

    def bits_of(self, index: int, attempt: int = 0) -> int:
        """Give the 64 random bits of one index, those of `bits`.

        Examples
        --------
        >>> key = DrawKey.of(7, "resize", Quantity.CPU_TIME)
        >>> key.bits_of(3, 1) == int(key.bits(np.array([3]), 1)[0])
        True
        """
        start = self.k0 ^ (attempt * _ATTEMPT & _MASK)
        return mix_one(mix_one((start + index * _GAMMA) & _MASK) ^ self.k1)


def mix_one(bits: int) -> int:
    """Scramble one 64-bit word, as `mix` does many.

    Examples
    --------
    >>> mix_one(5) == int(mix(np.array([5], dtype=np.uint64))[0])
    True
    """
    bits = (bits ^ (bits >> 30)) * _MULTIPLY_1 & _MASK
    bits = (bits ^ (bits >> 27)) * _MULTIPLY_2 & _MASK
    return bits ^ (bits >> 31)


def has_happened(bits: int, probability: float) -> bool:
    """Decide one event, as `happens` decides many.

    Parameters
    ----------
    bits : int
        64 random bits.
    probability : float
        Between 0 and 1; resolved to 2^-53.

    Returns
    -------
    bool

    Examples
    --------
    >>> has_happened(1 << 63, 0.5), has_happened((1 << 63) - 1, 0.5)
    (False, True)
    """
    return bits >> 11 < round(probability * (1 << 53))


def happens(bits: NDArray[np.uint64], probability: float | NDArray[np.float64]) -> NDArray[np.bool_]:
    """Decide events of given probability from random bits.

    Parameters
    ----------
    bits : ndarray of uint64, shape (n,)
    probability : float or ndarray of float64, shape (n,)
        Between 0 and 1; resolved to 2^-53.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    threshold = np.rint(np.multiply(probability, 1 << 53)).astype(np.uint64)
    return (bits >> np.uint64(11)) < threshold


def uniform(bits: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Turn random bits into numbers strictly between 0 and 1, the middles of 2^53 equal cells, shape (n,)."""
    return ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
