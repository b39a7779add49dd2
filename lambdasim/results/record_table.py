"""Records as a table that people read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lambdasim.engine.contract import EventOutcome, Limit, Outcome, RecordChunk, StartType
from lambdasim.units import US_PER_MS, US_PER_S

if TYPE_CHECKING:
    import pandas as pd

_IN_PROGRESS: Final = (
    "concurrency", "provisioned_concurrency", "account_concurrency", "unreserved_concurrency",
)  # fmt: skip


def records_frame(chunks: tuple[RecordChunk, ...], names: tuple[str, ...]) -> pd.DataFrame:
    """Lay records out for people.

    Parameters
    ----------
    chunks : tuple of RecordChunk
    names : tuple of str
        Functions, in the plan's order.

    Returns
    -------
    DataFrame
        One row for each attempt: ``function``, ``invocation``, ``attempt``, ``arrival_s``, ``start_s``,
        ``placement_ms``, ``init_ms``, ``duration_ms``, ``end_s``, ``start_type``, ``outcome``, ``limit``,
        ``exec_env``, ``event_outcome``, and the executions in progress: ``concurrency``, ``provisioned_concurrency``,
        ``account_concurrency``, ``unreserved_concurrency``.
    """
    import pandas as pd

    def column(name: str) -> np.ndarray[Any, np.dtype[np.int64]]:
        parts = [chunk[name] for chunk in chunks]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)

    def words(name: str, choices: list[str]) -> pd.Categorical[str]:
        return pd.Categorical.from_codes(column(name), categories=pd.Index(choices))

    end_us = sum(column(name) for name in ("start_us", "placement_us", "init_us", "duration_us"))
    return pd.DataFrame(
        {
            "function": words("function", list(names)),
            "invocation": column("invocation"),
            "attempt": column("attempt"),
            "arrival_s": column("arrival_us") / US_PER_S,
            "start_s": column("start_us") / US_PER_S,
            "placement_ms": column("placement_us") / US_PER_MS,
            "init_ms": column("init_us") / US_PER_MS,
            "duration_ms": column("duration_us") / US_PER_MS,
            "init_again_ms": column("init_again_us") / US_PER_MS,
            "post_response_ms": column("post_response_us") / US_PER_MS,
            "end_s": end_us / US_PER_S,
            "start_type": words("start_type", [kind.name.lower() for kind in StartType]),
            "outcome": words("outcome", [kind.name.lower() for kind in Outcome]),
            "limit": words("limit", [kind.name.lower() for kind in Limit]),
            "exec_env": column("exec_env"),
            "event_outcome": words("event_outcome", [kind.name.lower() for kind in EventOutcome]),
            **{name: column(name) for name in _IN_PROGRESS},
        }
    )
