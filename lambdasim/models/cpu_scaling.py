"""From memory size to CPU time: how much longer a handler computes than on one full vCPU.

The straight law is here: CPU time is granted in proportion to memory, one vCPU at 1,769 MB. The law of the scheduler's
20 ms quota, which short functions follow in steps, is in `cpu_quota`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.catalog import limit

FIXED_POINT_BITS: Final = 20


def vcpus(memory_mb: int) -> float:
    """Give the share of CPU time that a memory size is granted.

    Parameters
    ----------
    memory_mb : int
        Configured memory [MB].

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
    share = memory_mb / int(limit("memory_per_vcpu_mb").value)
    return float(min(share, int(limit("vcpus_max").value)))


def cpu_time_factor(memory_mb: int, parallel_fraction: float) -> float:
    """Give the handler's computing time relative to one full vCPU.

    Parameters
    ----------
    memory_mb : int
        Configured memory [MB].
    parallel_fraction : float
        Part of the CPU time that can use several vCPUs, 0 to 1. No public measurement validates a value.

    Returns
    -------
    float
        Factor on the CPU time.

    Notes
    -----
    Below one vCPU the factor is ``1 / vcpus``; above it is Amdahl's ``(1 - f) + f / vcpus``, so serial work stops
    gaining at 1,769 MB.

    Examples
    --------
    >>> cpu_time_factor(3538, 0.0), cpu_time_factor(3538, 1.0)
    (1.0, 0.5)
    """
    share = vcpus(memory_mb)
    if share <= 1:
        return 1 / share
    return (1 - parallel_fraction) + parallel_fraction / share


def scale_cpu_time(cpu_us: NDArray[np.int64], factor: float) -> NDArray[np.int64]:
    """Stretch CPU times by a factor, in integer arithmetic.

    Parameters
    ----------
    cpu_us : ndarray of int64, shape (n,)
        CPU time on one full vCPU [µs], at most 2^36.
    factor : float
        At most 2^6.

    Returns
    -------
    ndarray of int64, shape (n,)
        Rounded to the nearest microsecond.
    """
    multiplier = round(factor * (1 << FIXED_POINT_BITS))
    return (cpu_us * multiplier + (1 << (FIXED_POINT_BITS - 1))) >> FIXED_POINT_BITS
