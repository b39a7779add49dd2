"""Lambda Managed Instances of one function: how they run it, and what it held on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ManagedPlan:
    """How Lambda Managed Instances run a function; whole numbers but for the vCPUs.

    Attributes
    ----------
    slots : int
        Requests that an environment serves at once.
    vcpus, parallel_fraction : float
        vCPUs of an environment, and the part of a request's CPU time that spreads over several of them.
    least, most : int
        Environments.
    headroom_percent : int
        Room that the scaler keeps, of what the last minute used.
    lag_us : int
        From the begin of the minute that the scaler looks at to environments that serve [µs].
    keep_us : int
        For how long less must have been asked for before environments end [µs].
    per_instance, least_instances : int
        Environments that an instance holds, and instances that are there anyway.
    ends_us : int
        The scenario's end, until which instances are paid for [µs].
    """

    slots: int
    vcpus: float
    parallel_fraction: float
    least: int
    most: int
    headroom_percent: int
    lag_us: int
    keep_us: int
    per_instance: int
    least_instances: int
    ends_us: int


@dataclass(frozen=True, eq=False)
class ManagedFleet:
    """What a function held on managed instances.

    Attributes
    ----------
    instance_us, environment_us : ndarray of int64, shape (n_minutes,)
        Time of instances and of environments, by minute of the scenario [µs].
    peak : int
        Most environments that were there together.
    """

    instance_us: NDArray[np.int64]
    environment_us: NDArray[np.int64]
    peak: int
