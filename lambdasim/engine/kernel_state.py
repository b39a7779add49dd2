"""The arrays of the compiled engine: what their columns mean, and how a plan fills them."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.draws.compiled import Int64, LawArrays, Laws, can_compile
from lambdasim.draws.keys import DrawKey, Stream
from lambdasim.draws.laws import Constant
from lambdasim.engine.contract import NEVER, RECORD_COLUMNS, FunctionPlan, Plan, ReuseOrder
from lambdasim.engine.plan import FunctionDraws
from lambdasim.engine.reference import per_second
from lambdasim.models.cpu_scaling import FIXED_POINT_BITS

_NS_PER_US: Final = 1_000

# Why `advance` returned.
DONE, ARRIVALS_USED_UP, RECORDS_FULL, SLOTS_FULL, EVENTS_FULL, NEEDS_DRAW, NEEDS_BACKOFF = range(7)

# Columns of `account`, which has one row of everything that belongs to no function.
(
    POOL_LIMIT, POOL_IN_USE, ENVIRONMENTS_CREATED, ADMITTED, LEAST_RECENT, NEXT_ARRIVAL, NEXT_CHANGE, RECORD, FREE_SLOT,
    FREE_EVENT, WAITING, DRAWN, BACKOFF_DRAWN, BACKOFF_US, ASKED_FUNCTION, ASKED_INVOCATION, ASKED_NUMBER, ASKED_CEILING,
    WORKING, NEXT_END, FIRST_END, IN_CALENDAR, WIDTH, BUCKETS, TUNED_US, TUNED_ADMITTED, TUNE_ADMITTED, TUNE_WORKING,
    ACCOUNT_COLUMNS,
) = range(29)  # fmt: skip

# Columns of `functions`: what the plan says, then what changes.
(
    TIMEOUT_US, INIT_CAP_US, LIFETIME_US, RESERVED, SYNCHRONOUS, CLIENT_TIMEOUT_US, THROTTLE_RETRIES, BACKOFF,
    BACKOFF_CAP, JITTERED, MAX_EVENT_AGE, FIRST_DELAY, DELAYS, SCALING, REQUEST_RATE, PROVISIONED_RATE, GIVEN,
    CPU_MULTIPLIER, ERROR_BELOW, CRASH_BELOW, MEMORY_MB, REQUEST_LIMIT, RESPONSE_LIMIT, IDLE_FIRST, IDLE_LAST, IN_USE,
    PROVISIONED_IDLE, PROVISIONED_FIRST, PROVISIONED_READY, PROVISIONED_IN_USE, PROVISIONED_CLAIMED, FUNCTION_COLUMNS,
) = range(32)  # fmt: skip

# Columns of `rates`: a `RateLimit`.
FULL_AGAIN_NS, INTERVAL_NS, SLACK_NS, RATE_COLUMNS = range(4)

# Columns of `slots`: an `ExecutionEnvironment`, and what it is linked to.
FUNCTION, NUMBER, IS_PROVISIONED, RETIRES, WARM_UNTIL, NEXT, ENDS, ADMISSION, SLOT_COLUMNS = range(9)

# Columns of `events`: an `Event` that waits for its retry.
EV_FUNCTION, EV_INVOCATION, EV_ARRIVAL, EV_ATTEMPTS, EV_RUNS, EV_REFUSALS, EV_NEXT, EVENT_COLUMNS = range(8)

# The calendar of completions marks so many buckets in one word; it has room for as many for each slot.
BUCKETS_PER_WORD: Final = 32

# Columns of the heaps `completions` and `retries`.
TIME, KEY, ITEM, HEAP_COLUMNS = range(4)

# Columns of `changes`: a `ProvisionedChange` and the rate that comes with it.
CH_TIME, CH_FUNCTION, CH_CLAIMED, CH_READY, CH_INTERVAL_NS, CH_SLACK_NS, CHANGE_COLUMNS = range(7)

# Rows of laws that each function has, and columns of draws that are given from outside.
(
    CPU_TIME, IO_TIME, INIT, FIRST_RUN, PLACEMENT, KEEP_ALIVE, FAILURE, MEMORY, REQUEST_PAYLOAD, RESPONSE_PAYLOAD,
    CLIENT_BACKOFF, LAWS_PER_FUNCTION,
) = range(12)  # fmt: skip
G_HANDLER, G_FIRST_RUN, G_PLACEMENT, G_INIT, G_FAULT, G_KEEP_ALIVE, G_TOO_LARGE, GIVEN_COLUMNS = range(8)


class State(NamedTuple):
    """All arrays of a run; integers throughout. The columns are named above."""

    account: NDArray[np.int64]
    functions: NDArray[np.int64]
    rates: NDArray[np.int64]
    delays: NDArray[np.int64]
    changes: NDArray[np.int64]
    laws: Laws
    slots: NDArray[np.int64]
    buckets: NDArray[np.int64]
    occupied: NDArray[np.int64]
    completions: NDArray[np.int64]
    events: NDArray[np.int64]
    retries: NDArray[np.int64]
    time_us: NDArray[np.int64]
    function: NDArray[np.int64]
    invocation: NDArray[np.int64]
    given: NDArray[np.int64]
    records: NDArray[np.int64]


class Event(NamedTuple):
    """What arrived and must be served; ``given`` is its row among the draws given from outside."""

    function: Int64
    invocation: Int64
    arrival_us: Int64
    attempts: Int64
    runs: Int64
    refusals: Int64
    given: Int64


# The laws of a function, in the order of their rows.
_STREAMS: Final = (
    Stream.CPU_TIME, Stream.IO_TIME, Stream.INIT, Stream.FIRST_RUN, Stream.PLACEMENT, Stream.KEEP_ALIVE, Stream.FAILURE,
    Stream.MEMORY, Stream.REQUEST_PAYLOAD, Stream.RESPONSE_PAYLOAD, Stream.CLIENT_BACKOFF,
)  # fmt: skip


def first_state(plan: Plan, rows: int, records: int) -> State:
    """Fill the arrays for a plan's beginning.

    Parameters
    ----------
    plan : Plan
    rows : int
        For how many environments, and waiting events, there is room at first.
    records : int
        For how many records there is room.
    """
    account = np.zeros(ACCOUNT_COLUMNS, dtype=np.int64)
    account[POOL_LIMIT] = plan.concurrency - sum(f.reserved or 0 for f in plan.functions)
    account[LEAST_RECENT] = plan.reuse is ReuseOrder.LEAST_RECENTLY_USED
    account[NEXT_END] = account[FIRST_END] = NEVER
    account[BUCKETS] = BUCKETS_PER_WORD
    laws = LawArrays(len(plan.functions) * LAWS_PER_FUNCTION)
    functions = np.zeros((len(plan.functions), FUNCTION_COLUMNS), dtype=np.int64)
    rates = np.zeros((1 + 3 * len(plan.functions), RATE_COLUMNS), dtype=np.int64)
    rates[0] = _rate(plan.concurrency * plan.requests_per_concurrency)
    delays: list[int] = []
    for rank, function in enumerate(plan.functions):
        row = functions[rank]
        _fill_function(row, function)
        row[FIRST_DELAY] = len(delays)
        delays += function.retry.error_delays_us
        _fill_rates(row, rates, rank, plan)
        if isinstance(function.draws, FunctionDraws) and all(map(can_compile, function.draws.laws.values())):
            _fill_draws(row, laws, rank, function.draws)
        else:
            row[GIVEN] = 1
    slots = np.zeros((rows, SLOT_COLUMNS), dtype=np.int64)
    events = np.zeros((rows, EVENT_COLUMNS), dtype=np.int64)
    chain(slots, 0, NEXT)
    chain(events, 0, EV_NEXT)
    nothing = np.zeros(0, dtype=np.int64)
    return State(
        account=account,
        functions=functions,
        rates=rates,
        delays=np.array([*delays, 0], dtype=np.int64),
        changes=_changes(plan),
        laws=laws.arrays(),
        slots=slots,
        buckets=np.full(BUCKETS_PER_WORD * rows, -1, dtype=np.int64),
        occupied=np.zeros(rows, dtype=np.int64),
        completions=np.zeros((rows, HEAP_COLUMNS), dtype=np.int64),
        events=events,
        retries=np.zeros((rows, HEAP_COLUMNS), dtype=np.int64),
        time_us=nothing,
        function=nothing,
        invocation=nothing,
        given=np.zeros((1, GIVEN_COLUMNS), dtype=np.int64),
        records=np.empty((len(RECORD_COLUMNS), records), dtype=np.int64),
    )


def _fill_function(row: NDArray[np.int64], function: FunctionPlan) -> None:
    policy = function.retry
    row[TIMEOUT_US] = function.timeout_us
    row[INIT_CAP_US] = function.init_cap_us
    row[LIFETIME_US] = function.max_lifetime_us
    row[RESERVED] = -1 if function.reserved is None else function.reserved
    row[SYNCHRONOUS] = policy.synchronous
    row[CLIENT_TIMEOUT_US] = policy.client_timeout_us
    row[THROTTLE_RETRIES] = policy.throttle_retries
    row[BACKOFF] = policy.throttle_backoff_us
    row[BACKOFF_CAP] = policy.throttle_backoff_cap_us
    row[JITTERED] = policy.jittered
    row[MAX_EVENT_AGE] = policy.max_event_age_us
    row[DELAYS] = len(policy.error_delays_us)
    row[IDLE_FIRST] = row[IDLE_LAST] = row[PROVISIONED_FIRST] = -1


def _fill_rates(row: NDArray[np.int64], rates: NDArray[np.int64], rank: int, plan: Plan) -> None:
    """Give a function its rates: row 0 is the account's, then three for each function."""
    function = plan.functions[rank]
    first = 1 + 3 * rank
    row[SCALING], row[PROVISIONED_RATE] = first, first + 1
    interval_ns = function.scaling_interval_us * _NS_PER_US // function.scaling_burst
    rates[first] = (0, interval_ns, (function.scaling_burst - 1) * interval_ns)
    rates[first + 1] = _rate(0)
    if not function.retry.synchronous:
        row[REQUEST_RATE] = -1
    elif function.reserved is None:
        row[REQUEST_RATE] = 0
    else:
        row[REQUEST_RATE] = first + 2
        rates[first + 2] = _rate(function.reserved * plan.requests_per_concurrency)


def _rate(per_second_: int) -> tuple[int, int, int]:
    limit = per_second(per_second_)
    return 0, limit._interval_ns, limit._slack_ns


def _fill_draws(row: NDArray[np.int64], laws: LawArrays, rank: int, draws: FunctionDraws) -> None:
    errors, crashes = draws.error_probability, draws.crash_probability
    # Sum and rounding are those of `FunctionDraws.draw` and `keys.happens`.
    below = np.rint(np.multiply([errors, errors + crashes], 1 << 53)).astype(np.int64)
    row[ERROR_BELOW], row[CRASH_BELOW] = below
    row[CPU_MULTIPLIER] = round(draws.cpu_factor * (1 << FIXED_POINT_BITS))
    row[MEMORY_MB] = draws.memory_mb
    row[REQUEST_LIMIT] = draws.payload_limit_kb
    row[RESPONSE_LIMIT] = draws.response_limit_kb
    for place, stream in enumerate(_STREAMS):
        key = DrawKey.of(draws.seed, draws.owner, stream)
        laws.set(rank * LAWS_PER_FUNCTION + place, key, draws.laws.get(stream, Constant(0)))


def _changes(plan: Plan) -> NDArray[np.int64]:
    """Lay out all changes of provisioned concurrency in the order of events; the last row never comes."""
    per_environment = plan.requests_per_concurrency
    rows = [
        (change.time_us, rank, change.claimed, change.ready, *_rate(change.ready * per_environment)[1:])
        for rank, function in enumerate(plan.functions)
        for change in function.provisioned
    ]
    rows.sort(key=lambda row: row[:2])
    rows.append((NEVER, 0, 0, 0, 0, 0))
    return np.array(rows, dtype=np.int64)


def chain(rows: NDArray[np.int64], first: int, column: int) -> None:
    """Link the rows from the given one on into a list of free ones."""
    rows[first:, column] = np.arange(first + 1, len(rows) + 1)
    rows[-1, column] = -1
