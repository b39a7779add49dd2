"""Levels of provisioned concurrency at moments of a run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.contract import FunctionPlan


def ready_at(plan: FunctionPlan, time_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many provisioned environments are ready at each moment, shape (n,)."""
    return _level_at(plan, [change.ready for change in plan.provisioned], time_us)


def claimed_at(plan: FunctionPlan, time_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many environments provisioned concurrency claims at each moment, shape (n,)."""
    return _level_at(plan, [change.claimed for change in plan.provisioned], time_us)


def _level_at(plan: FunctionPlan, levels: list[int], time_us: NDArray[np.int64]) -> NDArray[np.int64]:
    changes_us = [change.time_us for change in plan.provisioned]
    after: NDArray[np.int64] = np.array([0, *levels])[np.searchsorted(changes_us, time_us, side="right")]
    return after
