"""What functions on managed instances held, as a run's folder has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.records import RECORD_COLUMNS, RecordChunk
from lambdasim.models.managed_instances import ManagedFleet
from lambdasim.units import US_PER_MINUTE

if TYPE_CHECKING:
    from lambdasim.engine.contract import Plan
    from lambdasim.engine.totals.aggregate import Aggregate

FLEETS: Final = "managed.json"
_MOST_US: Final = 1 << 62


def fleets_text(aggregate: Aggregate) -> str:
    """Write what was held, by function, as JSON text; empty where no function is on managed instances.

    Parameters
    ----------
    aggregate : Aggregate

    Returns
    -------
    str
    """
    found = {
        name: {
            "peak_environments": totals.fleet.peak,
            "instance_us": totals.fleet.instance_us.tolist(),
            "environment_us": totals.fleet.environment_us.tolist(),
        }
        for name, totals in zip(aggregate.names, aggregate.functions, strict=True)
        if totals.fleet is not None
    }
    return json.dumps(found) + "\n" if found else ""


def fleets_chunk(content: Any, plan: Plan) -> RecordChunk:
    """Make the chunk of no attempts that has what was held.

    Parameters
    ----------
    content : object
        Decoded JSON.
    plan : Plan

    Returns
    -------
    RecordChunk

    Raises
    ------
    ValueError
        Naming what is not as it was written.
    """
    if not isinstance(content, Mapping):
        raise ValueError("functions")
    fleets = {}
    for rank, function in enumerate(plan.functions):
        if function.managed is not None:
            own = content.get(function.name)
            if not isinstance(own, Mapping):
                raise ValueError(function.name)
            minutes = -(-function.managed.ends_us // US_PER_MINUTE)
            peak = own.get("peak_environments")
            if type(peak) is not int or peak < 0:
                raise ValueError(f"{function.name}.peak_environments")
            fleets[rank] = ManagedFleet(
                _series(own, "instance_us", minutes), _series(own, "environment_us", minutes), peak
            )
    return RecordChunk({name: np.zeros(0, dtype=np.int64) for name in RECORD_COLUMNS}, fleets=fleets)


def _series(own: Mapping[str, Any], name: str, minutes: int) -> NDArray[np.int64]:
    values = own.get(name)
    if (
        not isinstance(values, list)
        or len(values) != minutes
        or not all(type(value) is int and 0 <= value < _MOST_US for value in values)
    ):
        raise ValueError(name)
    return np.array(values, dtype=np.int64)
