"""What every engine promises: inputs as arrays, a total order of events, one record for each attempt.

An engine is a deterministic function of a `Plan`. It draws nothing itself: every duration, failure and keep-alive
comes from the plan's draws, which belong to (seed, function, quantity, invocation, run). Two engines that keep this
contract return equal records.

Time is int64 microseconds from the scenario's start.

The order of events
-------------------
At one instant: completions, in order of admission; then changes of provisioned concurrency, by function; then retries,
by function and invocation or batch, and those of calls after them, in the order in which they were decided on; then wakes
of queues and streams, by function; then calls between functions, in the order in which they were made; then arrivals, by
function and invocation. Functions are ordered by name. An environment
whose keep-alive ends at an instant is already gone for an arrival of that instant.

Wakes of a queue: the return of messages, by batch; the end of a window; a step of the pollers. Wakes of a stream: a
batch that is tried again; a look at a lane, by lane. Batches are numbered by function in the order in which pollers took
them. A free poller takes what waits in the very step that freed the one or brought the other: after each completion,
return, end of a window, step and arrival.

Admission of an attempt, in this order
--------------------------------------
1. Payload: a request larger than the limit is refused and never retried. Then, behind a gateway, the throttle of its
   stage and that of the account's gateways; what passes both spends a token of each, whatever Lambda says then.
2. Request rate, synchronous only: ten times the function's reserved concurrency, or ten times the account's
   concurrency for all functions without.
3. An idle provisioned environment, within ten requests per second for each allocated one.
4. Concurrency of on-demand environments: the function's reserved concurrency less its provisioned; or the unreserved
   pool, which is the account's concurrency less all reserved and less the provisioned of functions without reserved.
5. An idle on-demand environment: most recently used first, least recently used first, or newest created first.
6. A new environment, if the function's scaling rate allows one more.

A refused attempt leaves no trace but its record. An admitted one spends a token of each rate that let it pass.

The life of an attempt
----------------------
Placement and INIT (cold only), then the handler and what follows its answer, both cut at the function's timeout. INIT
longer than its cap is cut there and run again inside the invocation, under the function's timeout. All is known at
admission, so the record is complete then. A crash, a timeout or running out of memory resets the environment: the next
invocation on it runs INIT again inside itself, under the function's timeout. Where that times out too it is reset again,
until its age or its keep-alive ends it. A plan may say otherwise, see `AfterFailure`. An environment draws its speed with
its first run.

Events
------
An event (what arrives) has one or more attempts and exactly one final outcome, set on its last attempt. Triggers decide
on retries, see `RetryPolicy`.

Queues and streams
------------------
What arrives at a function with a `SourcePlan` is an item (a message, a record). Engines call its source out in three
places: *what arrives* is put on a lane, and a poller may take it; *what follows a run or a refusal* is the source's to
decide (`Invoker.SOURCE`); *what a completion frees* goes to the next items. All else, from admission to billing, knows
nothing of it. A batch is an event: named by its first item, drawn for by it, with the handler times of its items added.
Each item has one record of its own when it ends, and at every moment as many were sent as have ended, wait, and are in
flight.

Several ways in
---------------
A function may have several entries in a plan, each with arrivals, draws, retries and a queue or stream of its own. All
but one name that one, whose environments they use: idle environments, reserved and provisioned concurrency, the scaling
rate and the request rate are there once. An environment draws its speed for the entry of its first run, and its
keep-alive for that of its last.

Calls
-----
A run makes its function's calls at the end of its own work, one after the other, and then ends as it was drawn to: a run
that fails has made its calls, and will make them again. A call that waits holds the run, which is billed meanwhile; only
then is a run's end not known at admission. Its completion, and the answers to calls, stand among the completions, each
by the moment at which it was decided on; a run goes on in the very step that brings it its last answer. After the
completions come the timeouts of runs that wait and the clients of such that give up, in order of admission; so an answer
at the very instant of the caller's timeout counts. A run's first calls, at the end of its own work, are made among the
calls. A caller whose
run has ended makes no further tries of a call, while runs that it began go on. What is called is an event, numbered and
drawn for by its caller's number, run, and place of the call. A chain is what arrives by traffic and all that follows
from it.

Calls beside queues and streams
-------------------------------
What is called through a queue or a stream is an item there: it is put on its lane in its turn among the calls, so after
the wakes of its instant and before what traffic brings. A batch makes the calls of each of its items, item by item, and
waits for each that waits before the next; its messages are seen again when their visibility ends, also while it waits.
When a run ends it leaves the chains of its items first, then its source takes back what it held. Of each item that ends
there, in that order, word is sent to who reads what was given up (a dead letter; a stream's batch, by its first item), to
be made among the calls of that instant, and then the item leaves its chain; only after that does a poller take more. A
message that an earlier run has deleted while a batch held it still makes its calls when that batch runs, in no chain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.callers import (
    NEVER,
    UNLIMITED,
    CallKind,
    CallMoment,
    CallPlan,
    CallRules,
    ClientPace,
    Invoker,
    RetryPolicy,
    RetryQuota,
    Throttle,
)
from lambdasim.engine.draws import FunctionDraws
from lambdasim.engine.lanes import SourcePlan
from lambdasim.engine.machines import MachinePlan
from lambdasim.engine.records import RECORD_COLUMNS, EventOutcome, Limit, Outcome, RecordChunk, StartType
from lambdasim.errors import InputError
from lambdasim.models.managed_instances import ManagedPlan

__all__ = [
    "NEVER",
    "RECORD_COLUMNS",
    "UNLIMITED",
    "ArrivalChunk",
    "Arrivals",
    "CallKind",
    "CallMoment",
    "CallPlan",
    "CallRules",
    "ClientPace",
    "Engine",
    "EventOutcome",
    "FunctionPlan",
    "Invoker",
    "Limit",
    "Outcome",
    "Plan",
    "ProvisionedChange",
    "RecordChunk",
    "RetryPolicy",
    "RetryQuota",
    "ReuseOrder",
    "StartType",
    "Throttle",
    "calls_of_plan",
    "names_of_chains",
    "owners_of_plan",
]


class ReuseOrder(IntEnum):
    """Which idle environment serves next."""

    MOST_RECENTLY_USED = 0
    LEAST_RECENTLY_USED = 1
    NEWEST_CREATED = 2


class AfterFailure(IntEnum):
    """What becomes of an environment after a crash, a timeout or running out of memory.

    INIT runs again inside its next run; or it goes on as if nothing had happened; or it ends with the run, and a
    provisioned one is at once replaced by another that is ready.
    """

    INIT_INSIDE = 0
    KEPT = 1
    REPLACED = 2


@dataclass(frozen=True)
class ProvisionedChange:
    """Provisioned concurrency of one function from an instant on.

    Attributes
    ----------
    time_us : int
    claimed : int
        Environments taken out of the function's reserved concurrency or the unreserved pool.
    ready : int
        Environments that can serve. None of an allocation is ready before all of it is.
    """

    time_us: int
    claimed: int
    ready: int


@dataclass(frozen=True, eq=False)
class FunctionPlan:
    """All that an engine needs to know of one function; whole numbers only.

    Attributes
    ----------
    name : str
    timeout_us, init_cap_us : int
    reserved : int or None
    provisioned : tuple of ProvisionedChange
        In order of time.
    max_lifetime_us : int
        Age at which an environment takes no more work; NEVER for no limit.
    scaling_burst, scaling_interval_us : int
        New environments at once, and the time in which as many come back.
    retry : RetryPolicy
    draws : FunctionDraws
    source : SourcePlan, optional
        The queue or stream whose pollers invoke the function; its `retry` then has invoker SOURCE.
    calls : tuple of CallPlan
        What it calls, in order.
    stops_loops : bool
        Whether loop detection ends chains that come back to it too often.
    throttle : Throttle, optional
        Of its gateway's stage, route or usage plan.
    behind_gateway : bool
        Whether API Gateway's rate for the account counts its requests.
    shares : str, optional
        The function that this is another way into: environments, concurrency, provisioned environments, scaling rate and
        request rate are that function's.
    managed : ManagedPlan, optional
        Of a function on managed instances: it runs in `engine.instances.managed`, beside the engines.

    Raises
    ------
    InputError
        When source and retries do not fit together.
    """

    name: str
    timeout_us: int
    init_cap_us: int
    reserved: int | None
    provisioned: tuple[ProvisionedChange, ...]
    max_lifetime_us: int
    scaling_burst: int
    scaling_interval_us: int
    retry: RetryPolicy
    draws: FunctionDraws
    source: SourcePlan | None = None
    calls: tuple[CallPlan, ...] = ()
    stops_loops: bool = True
    throttle: Throttle | None = None
    behind_gateway: bool = False
    shares: str | None = None
    managed: ManagedPlan | None = None

    def __post_init__(self) -> None:
        """Refuse, for every engine, a source without pollers' retries, or the other way round."""
        polled = self.retry.invoker is Invoker.SOURCE
        if polled != (self.source is not None) or (polled and self.retry.throttle_backoff_us < 1):
            raise InputError.single(
                "FunctionPlan", "source", "goes with the invoker SOURCE and a back-off of at least 1 µs"
            )

    @property
    def most_calls(self) -> int:
        """How many calls one run makes, at most; a batch makes those of each of its items."""
        items = self.source.batch if self.source is not None else 1
        return items * sum(call.count for call in self.calls)


@dataclass(frozen=True, eq=False)
class ArrivalChunk:
    """Arrivals of all functions in the order of events; each array has shape (n,).

    Attributes
    ----------
    time_us : ndarray of int64
    function : ndarray of int64
        Index in the plan.
    invocation : ndarray of int64
        Number within the function.
    """

    time_us: NDArray[np.int64]
    function: NDArray[np.int64]
    invocation: NDArray[np.int64]


class Arrivals(Protocol):
    """Gives the arrivals of a plan, chunk by chunk; each call starts from the beginning."""

    def __call__(self) -> Iterator[ArrivalChunk]:
        """Iterate over the chunks."""
        ...


@dataclass(frozen=True, eq=False)
class Plan:
    """One account in one region, ready to simulate.

    Attributes
    ----------
    functions : tuple of FunctionPlan
        Ordered by name.
    arrivals : Arrivals
    concurrency : int
        The account's limit on concurrent executions.
    requests_per_concurrency : int
        Synchronous requests per second for each unit of concurrency.
    reuse : ReuseOrder
    requests_per_environment : int
        Requests that one environment serves at once. Event functions have 1, and so far no engine takes more.
    after_failure : AfterFailure
    calls : CallRules, optional
        Where functions call each other.
    gateway : Throttle, optional
        Of API Gateway, for the whole account.
    machines : tuple of MachinePlan
        State machines, ordered by name.

    Raises
    ------
    InputError
        When an environment is to serve more than one request at once.
    """

    functions: tuple[FunctionPlan, ...]
    arrivals: Arrivals
    concurrency: int
    requests_per_concurrency: int
    reuse: ReuseOrder = ReuseOrder.MOST_RECENTLY_USED
    requests_per_environment: int = 1
    after_failure: AfterFailure = AfterFailure.INIT_INSIDE
    calls: CallRules | None = None
    gateway: Throttle | None = None
    machines: tuple[MachinePlan, ...] = ()

    def __post_init__(self) -> None:
        """Refuse, for every engine, what none models."""
        owners = {function.name for function in self.functions if function.shares is None}
        for function in self.functions:
            if function.shares is not None and (
                function.shares not in owners or function.reserved is not None or function.provisioned
            ):
                text = f"of {function.name} must be a function with environments and limits of its own"
                raise InputError.single("Plan", "shares", text)
        if self.requests_per_environment != 1:
            raise InputError.single(
                "Plan",
                "requests_per_environment",
                f"must be 1, got {self.requests_per_environment}; no engine models more than one at once",
            )


def owners_of_plan(plan: Plan) -> list[int]:
    """Give for each function of a plan the index of the one whose environments it uses: its own, or what it shares.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    list of int
    """
    ranks = {function.name: rank for rank, function in enumerate(plan.functions)}
    return [ranks[function.shares or function.name] for function in plan.functions]


def calls_of_plan(plan: Plan) -> list[tuple[str, CallPlan]]:
    """Give all calls of a plan with the name of their caller, a function or a state machine, in order of their numbers.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    list of tuple of str and CallPlan
    """
    found = [(function.name, call) for function in plan.functions for call in function.calls]
    return found + [(machine.name, call) for machine in plan.machines for call in machine.section.calls()]


def names_of_chains(plan: Plan) -> list[str]:
    """Give the names of what chains of calls begin with, by the index that they have in records: functions, machines.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    list of str
    """
    return [function.name for function in plan.functions] + [machine.name for machine in plan.machines]


class Engine(Protocol):
    """A way to run a plan."""

    def __call__(self, plan: Plan) -> Iterator[RecordChunk]:
        """Run the plan to the end of its last event and give its records, chunk by chunk."""
        ...
