"""What engines write: one record for each attempt, and the words in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.chains import ChainChunk, ExecutionChunk
from lambdasim.engine.columns import Columns
from lambdasim.engine.items import ItemChunk
from lambdasim.models.managed_instances import ManagedFleet


class StartType(IntEnum):
    """How an attempt found its execution environment."""

    NONE = 0
    COLD = 1
    WARM = 2
    PROVISIONED = 3


class Outcome(IntEnum):
    """How an attempt ended."""

    COMPLETED = 0
    FUNCTION_ERROR = 1
    CRASH = 2
    TIMEOUT = 3
    OUT_OF_MEMORY = 4
    THROTTLED = 5
    REJECTED = 6


class Limit(IntEnum):
    """Which limit refused an attempt."""

    NONE = 0
    PAYLOAD = 1
    REQUEST_RATE = 2
    RESERVED_CONCURRENCY = 3
    ACCOUNT_CONCURRENCY = 4
    SCALING_RATE = 5
    GATEWAY_ROUTE = 6
    """A stage, a route or a usage plan of API Gateway."""
    GATEWAY_ACCOUNT = 7
    """API Gateway's rate for the whole account."""
    MANAGED_INSTANCES = 8
    """All environments on managed instances were full."""
    LOOP = 9
    """Recursive loop detection stopped the call."""


class EventOutcome(IntEnum):
    """How an event ended; PENDING on every attempt but its last."""

    PENDING = 0
    SUCCEEDED = 1
    FAILED = 2
    THROTTLED = 3
    EXPIRED = 4
    CLIENT_TIMEOUT = 5
    REJECTED = 6
    BATCH = 7
    """Of a batch from a queue or stream: how its items ended is theirs to say, see ``ItemOutcome``."""


RECORD_COLUMNS: Final[dict[str, str]] = {
    "function": "index of the function in the plan, which is ordered by name",
    "invocation": "number of the event within its function, from 0, in order of arrival; of a batch, its first item's; "
    "of an event that a function called, made from its caller's number",
    "attempt": "number of the attempt within the event or batch, from 0, refused ones included",
    "arrival_us": "when the event arrived, or the batch was complete [µs since the scenario's start]",
    "start_us": "when the attempt was admitted or refused [µs since the scenario's start]",
    "placement_us": "finding a place and fetching the code, not billed [µs]",
    "init_us": "INIT or restore before the handler [µs]",
    "duration_us": "handler, as REPORT's Duration; the next two are parts of it [µs]",
    "init_again_us": "INIT inside the invocation: above its cap, or after the environment was reset [µs]",
    "post_response_us": "work after the answer, for which the client does not wait [µs]",
    "start_type": "see StartType",
    "outcome": "see Outcome",
    "limit": "see Limit",
    "exec_env": "execution environment, numbered from 0 in order of creation; -1 where none",
    "event_outcome": "see EventOutcome",
    "concurrency": "executions of the function in progress, the attempt itself included if it was admitted",
    "provisioned_concurrency": "those of them on provisioned environments",
    "account_concurrency": "executions of the account in progress, likewise",
    "unreserved_concurrency": "those of them that count against the unreserved pool, provisioned ones left out",
    "caller": "number of the call in the plan that brought the event, from 1; 0 where traffic or pollers did",
}


@dataclass(frozen=True, eq=False)
class RecordChunk(Columns):
    """Records of consecutive attempts, in the order in which they were admitted or refused.

    Attributes
    ----------
    columns : mapping of str to ndarray of int64, each of shape (n_attempts,)
        Keys and meanings are those of ``RECORD_COLUMNS``.
    items : ItemChunk or None
        Messages and records that ended meanwhile, where some function has a queue or a stream.
    chains : ChainChunk or None
        Chains of calls that ended meanwhile, where functions call each other.
    executions : ExecutionChunk or None
        Executions of state machines that ended meanwhile, where there are any.
    fleets : mapping of int to ManagedFleet
        What functions on managed instances held, by index; in the last chunk.
    """

    items: ItemChunk | None = None
    chains: ChainChunk | None = None
    executions: ExecutionChunk | None = None
    fleets: Mapping[int, ManagedFleet] = field(default_factory=dict)

    def end_us(self) -> NDArray[np.int64]:
        """Return when each attempt ended [µs since the scenario's start], shape (n_attempts,)."""
        return self["start_us"] + self["placement_us"] + self["init_us"] + self["duration_us"]
