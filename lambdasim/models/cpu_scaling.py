"""From memory size to CPU time: how much longer a handler computes than on one full vCPU.

The straight law is here: CPU time is granted in proportion to memory, one vCPU at 1,769 MB. The law of the scheduler's
20 ms quota, which short functions follow in steps, is in `cpu_quota`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.catalog import limit

FIXED_POINT_BITS: Final = 20
PRODUCT_BITS: Final = 62


class FixedPointFactor(NamedTuple):
    """A factor on CPU time in integer arithmetic.

    Attributes
    ----------
    multiplier : int
        The factor times 2^20.
    most_us : int
        CPU time beyond which nothing grows, since the product would not fit [µs]; the result is a month or more then.
    """

    multiplier: int
    most_us: int

    @classmethod
    def of(cls, factor: float) -> FixedPointFactor:
        """Return the factor in fixed point."""
        multiplier = round(factor * (1 << FIXED_POINT_BITS))
        return cls(multiplier, (1 << PRODUCT_BITS) // max(multiplier, 1))


def vcpus(memory_mb: int, memory_per_vcpu_mb: int | None = None) -> float:
    """Give the share of CPU time that a memory size is granted.

    Parameters
    ----------
    memory_mb : int
        Configured memory [MB].
    memory_per_vcpu_mb : int, optional
        Memory from which a thread has one whole vCPU [MB]; by default what AWS documents, 1,769.

    Returns
    -------
    float
        vCPUs; 1.0 at 1,769 MB, at most 6.

    References
    ----------
    AWS Lambda Developer Guide, "Lambda quotas" and "Configure Lambda function memory", see the catalog's limits for
    page and date.

    Examples
    --------
    >>> vcpus(1769), round(vcpus(128), 4)
    (1.0, 0.0724)
    """
    share = memory_mb / (memory_per_vcpu_mb or limit("memory_per_vcpu_mb").value)
    return float(min(share, int(limit("vcpus_max").value)))


def cpu_time_factor(
    memory_mb: int,
    parallel_fraction: float,
    memory_per_vcpu_mb: int | None = None,
    threads: int | None = None,
) -> float:
    """Give the handler's computing time relative to one full vCPU.

    Parameters
    ----------
    memory_mb : int
        Configured memory [MB].
    parallel_fraction : float
        Part of the CPU time that can use several vCPUs, 0 to 1. No public measurement validates a value.
    memory_per_vcpu_mb : int, optional
        As for `vcpus`.
    threads : int, optional
        Threads among which the parallel part is shared; by default as many as there are vCPUs.

    Returns
    -------
    float
        Factor on the CPU time.

    Notes
    -----
    Below one vCPU the factor is ``1 / vcpus``; above it is Amdahl's ``(1 - f) + f / min(vcpus, threads)``, so serial
    work stops gaining at one whole vCPU, and parallel work at as many as it has threads.

    Examples
    --------
    >>> cpu_time_factor(3538, 0.0), cpu_time_factor(3538, 1.0)
    (1.0, 0.5)
    >>> cpu_time_factor(4 * 1769, 1.0, threads=2), cpu_time_factor(4 * 1769, 1.0, threads=1)
    (0.5, 1.0)
    """
    share = vcpus(memory_mb, memory_per_vcpu_mb)
    if share <= 1:
        return 1 / share
    share = share if threads is None else min(share, threads)
    return (1 - parallel_fraction) + parallel_fraction / share


def scale_by_speed(cpu_us: NDArray[np.int64], speed: int) -> NDArray[np.int64]:
    """Stretch CPU times by the speed of an environment: its CPU time over the mean's, times 2^20, shape (n,) [µs]."""
    most_us = (1 << PRODUCT_BITS) // max(speed, 1)
    return (np.minimum(cpu_us, most_us) * speed + (1 << (FIXED_POINT_BITS - 1))) >> FIXED_POINT_BITS


def scale_cpu_time(cpu_us: NDArray[np.int64], factor: float) -> NDArray[np.int64]:
    """Stretch CPU times by a factor, in integer arithmetic.

    Parameters
    ----------
    cpu_us : ndarray of int64, shape (n,)
        CPU time on one full vCPU [µs].
    factor : float

    Returns
    -------
    ndarray of int64, shape (n,)
        Rounded to the nearest microsecond.
    """
    multiplier, most_us = FixedPointFactor.of(factor)
    return (np.minimum(cpu_us, most_us) * multiplier + (1 << (FIXED_POINT_BITS - 1))) >> FIXED_POINT_BITS
