"""The arrays of the compiled engine: what their rows hold, and how a plan fills them.

Row 0 of slots and of events stands for none. Numbers of rows are unsigned, which spares the compiled code Python's
counting from the end. A row is 64 bytes or a multiple where it can be, as a line of the processor's cache.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.compiling import Int64
from lambdasim.draws.compiled import LawArrays, Laws, row_type, smallest
from lambdasim.draws.keys import DrawKey, Quantity
from lambdasim.draws.laws import Constant
from lambdasim.engine.contract import (
    NEVER,
    RECORD_COLUMNS,
    AfterFailure,
    CallPlan,
    ClientPace,
    EventOutcome,
    FunctionPlan,
    Limit,
    Outcome,
    Plan,
    RetryPolicy,
    ReuseOrder,
    StartType,
    Throttle,
    calls_of_plan,
    owners_of_plan,
)
from lambdasim.engine.draws import FunctionDraws
from lambdasim.engine.kernel.calendar import Queue, Rows, empty_queue, with_more_room
from lambdasim.engine.rates import NS_PER_US, RateLimit, per_second
from lambdasim.models.adaptive_rate import AdaptiveClient
from lambdasim.models.cpu_chain import HandlerQuota
from lambdasim.models.cpu_scaling import FixedPointFactor

# Records leave in blocks of so many rows. Not a power of two: columns 2^17 bytes apart would share one line of cache.
RECORDS_PER_CHUNK: Final = (1 << 14) + 8

NO_ENDS_US: Final = np.array([NEVER])
NO_PLACES: Final = np.zeros(1, dtype=np.uint32)

# Why the steps returned.
DONE, ARRIVALS_USED_UP, RECORDS_FULL, SLOTS_FULL, EVENTS_FULL, TOTALS_WAIT = range(6)

# The contract's words as plain integers, as compiled code wants them.
NO_LIMIT: Final = int(Limit.NONE)
PAYLOAD: Final = int(Limit.PAYLOAD)
REQUEST_RATE_LIMIT: Final = int(Limit.REQUEST_RATE)
RESERVED_CONCURRENCY: Final = int(Limit.RESERVED_CONCURRENCY)
ACCOUNT_CONCURRENCY: Final = int(Limit.ACCOUNT_CONCURRENCY)
SCALING_RATE: Final = int(Limit.SCALING_RATE)
GATEWAY_ROUTE: Final = int(Limit.GATEWAY_ROUTE)
GATEWAY_ACCOUNT: Final = int(Limit.GATEWAY_ACCOUNT)
LOOP: Final = int(Limit.LOOP)
NO_START: Final = int(StartType.NONE)
COLD: Final = int(StartType.COLD)
WARM: Final = int(StartType.WARM)
PROVISIONED: Final = int(StartType.PROVISIONED)
COMPLETED: Final = int(Outcome.COMPLETED)
FUNCTION_ERROR: Final = int(Outcome.FUNCTION_ERROR)
CRASH: Final = int(Outcome.CRASH)
TIMEOUT: Final = int(Outcome.TIMEOUT)
OUT_OF_MEMORY: Final = int(Outcome.OUT_OF_MEMORY)
THROTTLED: Final = int(Outcome.THROTTLED)
REJECTED: Final = int(Outcome.REJECTED)
PENDING: Final = int(EventOutcome.PENDING)
SUCCEEDED: Final = int(EventOutcome.SUCCEEDED)
FAILED: Final = int(EventOutcome.FAILED)
EVENT_THROTTLED: Final = int(EventOutcome.THROTTLED)
EXPIRED: Final = int(EventOutcome.EXPIRED)
CLIENT_TIMEOUT: Final = int(EventOutcome.CLIENT_TIMEOUT)
EVENT_REJECTED: Final = int(EventOutcome.REJECTED)
BATCH: Final = int(EventOutcome.BATCH)
LEAST_RECENTLY_USED: Final = int(ReuseOrder.LEAST_RECENTLY_USED)
NEWEST_CREATED: Final = int(ReuseOrder.NEWEST_CREATED)
INIT_INSIDE: Final = int(AfterFailure.INIT_INSIDE)
REPLACED: Final = int(AfterFailure.REPLACED)


# What belongs to no function. One row. ``counts`` is not 0 where attempts are counted and no records are written;
# ``next_end`` is the next of the ends that were sorted, ``first_place`` the place of the first arrival among ``served``.
ACCOUNT: Final = row_type(
    u4="free_slot free_event next_arrival next_change record records_room reuse after_failure has_calls counts "
    "next_end first_place",
    i8="pool_limit pool_in_use in_use environments_created admitted",
)
# A function's plan, and what changes about it. ``owner`` is the row whose environments, limits and rates hold for it.
# Each call of the plan has a row too: what is called is an event of that row, with the draws and environments of its
# ``rank``, the function that is called, and the retries of who calls; ``number`` is the call's, 0 for functions.
# ``alike_most_us`` is the longest handler of a first, warm run that is like most, see `plain.ends`; -1 where none is.
FUNCTION: Final = row_type(
    u4="first_law scaling_rate request_rate provisioned_rate idle_first idle_last provisioned_first synchronous "
    "owner jittered has_reserved can_fail has_payload has_post_response speeds_differ quota "
    "has_gates route_gate account_gate hears_answers repeats_failures repeats_throttles processes paces "
    "rank number first_call calls",
    i8="on_demand_in_use provisioned_idle provisioned_ready provisioned_in_use provisioned_claimed "
    "alike_most_us timeout_us init_cap_us max_lifetime_us reserved client_timeout_us repeats_timeouts timeout_backoff_us "
    "throttle_retries throttle_backoff_us throttle_backoff_cap_us max_event_age_us first_delay delays "
    "cpu_multiplier cpu_most_us error_below crash_below out_of_memory_below timeout_below "
    "memory_mb request_limit_kb response_limit_kb keep_alive_at_least_us "
    "first_client tokens throttle_cost timeout_cost failure_cost",
)
# A `HandlerQuota`. Row 0 stands for none.
QUOTA: Final = row_type(
    i8="quota_us first_check waits lead_us period_us tick_us slice_us charge_us resume_us"
)
# A `RateLimit`. Row 0 stands for none.
RATE: Final = row_type(i8="full_again_ns interval_ns slack_ns")
# A `ProvisionedChange`, and the rate that comes with it.
CHANGE: Final = row_type(i8="time_us function claimed ready interval_ns slack_ns")
# An `ExecutionEnvironment` and the run that it serves, or served last: ``time_us`` is its end, ``key`` counts admissions.
# ``next`` links it to the queue of completions, to its function's idle environments, or to free rows; idle environments
# in a heap are linked by ``next`` and ``key``. ``speed`` is CPU time over the mean's, times 2^20.
SLOT: Final = row_type(
    u4="function next runs speed",
    i4="number",
    u1="provisioned was_reset",
    u2="_",
    i8="time_us key retires_us warm_until_us invocation",
)
# An `AdaptiveClient`.
PACE: Final = row_type(
    i8="is_limited filled_us bin_now in_bin cut_us", f8="fill_per_s capacity tokens measured_per_s w_max k_s"
)
# An `Event` that waits for its retry, or for what it paid; ``key`` orders those of one instant.
EVENT: Final = row_type(
    u4="function next attempts runs refusals paid", i8="time_us key invocation arrival_us about"
)
# Which law of a function lies how far behind its first.
(
    CPU_TIME, IO_TIME, INIT, FIRST_RUN, PLACEMENT, KEEP_ALIVE, FAILURE, MEMORY, REQUEST_PAYLOAD, RESPONSE_PAYLOAD,
    CLIENT_BACKOFF, CPU_START_TICK, CPU_START_DELAY, CPU_START_CHARGE, POST_RESPONSE, ENVIRONMENT_SPEED, BATCH_OVERHEAD,
    LANE, POISON, FILTERED,
) = range(20)  # fmt: skip
_QUANTITIES: Final = (
    Quantity.CPU_TIME, Quantity.IO_TIME, Quantity.INIT, Quantity.FIRST_RUN, Quantity.PLACEMENT, Quantity.KEEP_ALIVE,
    Quantity.FAILURE,
    Quantity.MEMORY, Quantity.REQUEST_PAYLOAD, Quantity.RESPONSE_PAYLOAD, Quantity.CLIENT_BACKOFF,
    Quantity.CPU_START_TICK, Quantity.CPU_START_DELAY, Quantity.CPU_START_CHARGE, Quantity.POST_RESPONSE,
    Quantity.ENVIRONMENT_SPEED, Quantity.BATCH_OVERHEAD, Quantity.LANE, Quantity.POISON, Quantity.FILTERED,
)  # fmt: skip


class State(NamedTuple):
    """All arrays of a run.

    Attributes
    ----------
    account, functions, quotas, rates, changes : ndarray of the rows above
    laws : Laws
    delays : ndarray of int64
        Waits before retries after errors, function by function.
    tokens : ndarray of int64
        What each client process has left to repeat calls with, function by function.
    paces : ndarray of PACE
        How each of them slows itself down, if it does.
    completions : Queue
        Its table holds all execution environments.
    retries : Queue
        Its table holds all events that wait.
    time_us, function, invocation : ndarray of int64, shape (n_arrivals,)
        The present chunk of arrivals.
    ahead_us : ndarray of int64, shape (2 * n_arrivals,)
        Handler's time and fault of each arrival's first run, side by side.
    ends_us, ends_of : ndarray of int64, uint32
        Ends of first runs, if they are like most, sorted; and the places of these runs. The last never comes.
    served : ndarray of uint32
        By place, the environment of a run that ends where it was sorted to; 0 where none does.
    records : ndarray of int64, shape (n_columns * RECORDS_PER_CHUNK,)
        Column by column.
    """

    account: Rows
    functions: Rows
    quotas: Rows
    rates: Rows
    changes: Rows
    laws: Laws
    delays: NDArray[np.int64]
    tokens: NDArray[np.int64]
    paces: Rows
    completions: Queue
    retries: Queue
    time_us: NDArray[np.int64]
    function: NDArray[np.int64]
    invocation: NDArray[np.int64]
    ahead_us: NDArray[np.int64]
    ends_us: NDArray[np.int64]
    ends_of: NDArray[np.uint32]
    served: NDArray[np.uint32]
    records: NDArray[np.int64]


class Event(NamedTuple):
    """What arrived and must be served.

    ``row`` is its place in the present chunk, less than 0 for what was called; ``paid`` is what its last repeat cost, and
    ``about`` its row among the events of chains, 0 for others.
    """

    function: Int64
    invocation: Int64
    arrival_us: Int64
    attempts: Int64
    runs: Int64
    refusals: Int64
    row: Int64
    paid: Int64
    about: Int64


def first_state(plan: Plan, room: int, records_room: int = RECORDS_PER_CHUNK) -> State:
    """Fill the arrays for a plan's beginning.

    Parameters
    ----------
    plan : Plan
    room : int
        Number of environments, and of waiting events, for which there is room at first. A power of two.
    records_room : int
        Number of records after which the steps return.
    """
    account = np.zeros(1, dtype=ACCOUNT)
    account["pool_limit"] = plan.concurrency - sum(f.reserved or 0 for f in plan.functions)
    account["reuse"] = plan.reuse
    account["after_failure"] = plan.after_failure
    account["records_room"] = records_room
    laws = LawArrays()
    calls = [call for _, call in calls_of_plan(plan)]
    account["has_calls"] = bool(calls)
    functions = np.zeros(len(plan.functions) + len(calls), dtype=FUNCTION)
    quotas = np.zeros(1 + len(plan.functions), dtype=QUOTA)
    account_gate = 2 + 4 * len(plan.functions)
    rates = np.zeros(account_gate + 1, dtype=RATE)
    rates[account_gate] = _gate(plan.gateway)
    rates[1] = _rate(plan.concurrency * plan.requests_per_concurrency)
    delays: list[int] = []
    tokens: list[int] = []
    owners = owners_of_plan(plan)
    for rank, (row, function) in enumerate(zip(functions, plan.functions, strict=False)):
        _fill_function(row, function)
        row["rank"] = rank
        row["owner"] = owners[rank]
        first = 2 + 4 * rank
        _fill_rates(row, rates[first:], first, plan, function)
        if function.retry.synchronous:
            row["request_rate"] = 1 if plan.functions[owners[rank]].reserved is None else 4 + 4 * owners[rank]
        rates[first + 3] = _gate(function.throttle)
        row["route_gate"] = first + 3 if function.throttle is not None else 0
        row["account_gate"] = account_gate if function.behind_gateway and plan.gateway is not None else 0
        row["has_gates"] = bool(row["route_gate"] or row["account_gate"])
        row["first_client"] = len(tokens)
        tokens += _fill_quota(row, function.retry)
        row["first_delay"] = len(delays)
        delays += function.retry.error_delays_us
        _fill_draws(row, laws, function.draws)
        row["alike_most_us"] = _alike_most_us(row, rank, plan)
        if function.source is not None:
            row["has_payload"] = False  # what is too large was refused when it was sent
        if function.draws.quota is not None:
            row["quota"] = 1 + rank
            quotas[1 + rank] = _quota(function.draws.quota)
    _number_calls(functions, plan)
    for place, call in enumerate(calls, len(plan.functions)):
        functions[place] = functions[call.callee]
        row = functions[place]
        owner = int(row["owner"])
        _fill_call(row, call, 4 + 4 * owner if functions[owner]["has_reserved"] else 1, len(delays))
        delays += call.retry.error_delays_us
        _fill_draws(row, laws, call.draws)
    nothing = np.zeros(0, dtype=np.int64)
    state = State(
        account=account,
        functions=functions,
        quotas=quotas,
        rates=rates,
        changes=_changes(plan),
        laws=laws.arrays(),
        delays=np.array([*delays, 0], dtype=np.int64),
        tokens=np.array([*tokens, 0], dtype=np.int64),
        paces=_paces(len(tokens)),
        completions=empty_queue(SLOT),
        retries=empty_queue(EVENT),
        time_us=nothing,
        function=nothing,
        invocation=nothing,
        ahead_us=nothing,
        ends_us=NO_ENDS_US,
        ends_of=NO_PLACES,
        served=NO_PLACES,
        records=empty_records(),
    )
    return with_more_events(with_more_slots(state, room), room)


def empty_records() -> NDArray[np.int64]:
    """Make room for a chunk of records."""
    return np.empty(len(RECORD_COLUMNS) * RECORDS_PER_CHUNK, dtype=np.int64)


def with_more_slots(state: State, room: int) -> State:
    """Make room for so many environments, when the free slots are used up."""
    completions, state.account["free_slot"] = with_more_room(state.completions, room)
    return state._replace(completions=completions)


def with_more_events(state: State, room: int) -> State:
    """Make room for so many waiting events, when the free rows are used up, or nearly so."""
    left = int(state.account["free_event"][0])
    retries, state.account["free_event"] = with_more_room(state.retries, room)
    retries.table["next"][-1] = left
    return state._replace(retries=retries)


def _number_calls(functions: Rows, plan: Plan) -> None:
    """Give each function its calls, which are numbered from 1, function by function."""
    first = 0
    for row, function in zip(functions, plan.functions, strict=False):
        row["first_call"], row["calls"] = first, len(function.calls)
        first += len(function.calls)


def _fill_call(row: Any, call: CallPlan, request_rate: int, first_delay: int) -> None:
    """Make the row of a function that is called that of a call."""
    row["number"] = call.number
    row["has_gates"] = row["route_gate"] = row["account_gate"] = 0
    row["request_rate"] = request_rate if call.retry.synchronous else 0
    _fill_policy(row, call.retry)
    row["processes"] = row["paces"] = 0
    _fill_quota(row, call.retry)
    row["first_delay"] = first_delay


def _fill_function(row: Any, function: FunctionPlan) -> None:
    _fill_policy(row, function.retry)
    row["timeout_us"] = function.timeout_us
    row["init_cap_us"] = function.init_cap_us
    row["max_lifetime_us"] = function.max_lifetime_us
    row["has_reserved"] = function.reserved is not None
    row["reserved"] = function.reserved or 0


def _fill_policy(row: Any, policy: RetryPolicy) -> None:
    row["synchronous"] = policy.synchronous
    row["client_timeout_us"] = policy.client_timeout_us
    row["repeats_timeouts"] = policy.repeats_timeouts
    row["timeout_backoff_us"] = policy.timeout_backoff_us
    row["throttle_retries"] = policy.throttle_retries
    row["throttle_backoff_us"] = policy.throttle_backoff_us
    row["throttle_backoff_cap_us"] = policy.throttle_backoff_cap_us
    row["jittered"] = policy.jittered
    row["max_event_age_us"] = policy.max_event_age_us
    row["delays"] = len(policy.error_delays_us)


def _fill_quota(row: Any, policy: RetryPolicy) -> list[int]:
    """Note what clients answer with a repeat, and what it costs them; give what each process has at first."""
    row["repeats_failures"], row["repeats_throttles"] = policy.repeats_failures, policy.repeats_throttles
    row["hears_answers"] = policy.synchronous and (policy.repeats_failures or policy.quota is not None)
    quota = policy.quota
    if quota is None:
        return []
    row["processes"], row["tokens"] = quota.processes, quota.tokens
    row["paces"] = quota.pace is ClientPace.ADAPTIVE
    row["throttle_cost"] = quota.throttle_cost
    row["timeout_cost"], row["failure_cost"] = quota.timeout_cost, quota.failure_cost
    return [quota.tokens] * quota.processes


def _paces(clients: int) -> Rows:
    """Make clients that hold nothing back yet."""
    rows, fresh = np.zeros(clients + 1, dtype=PACE), AdaptiveClient()
    for name in rows.dtype.names or ():
        rows[name] = getattr(fresh, name)
    return rows


def _gate(throttle: Throttle | None) -> tuple[int, int, int]:
    if throttle is None:
        return 0, 0, 0
    gate = RateLimit(throttle.burst, throttle.interval_ns)
    return 0, gate.interval_ns, gate.slack_ns


def _fill_rates(row: Any, rates: Rows, first: int, plan: Plan, function: FunctionPlan) -> None:
    """Give a function its three rates, the last for requests; without reserved concurrency, row 1 is the account's."""
    row["scaling_rate"], row["provisioned_rate"] = first, first + 1
    interval_ns = function.scaling_interval_us * NS_PER_US // function.scaling_burst
    scaling = RateLimit(function.scaling_burst, interval_ns)
    rates[0] = (0, scaling.interval_ns, scaling.slack_ns)
    rates[1] = _rate(0)
    rates[2] = _rate((function.reserved or 0) * plan.requests_per_concurrency)


def _rate(per_second_: int) -> tuple[int, int, int]:
    limit = per_second(per_second_)
    return 0, limit.interval_ns, limit.slack_ns


def _fill_draws(row: Any, laws: LawArrays, draws: FunctionDraws) -> None:
    shares = [share for _, share in draws.fault_shares()]
    # Rounded as `keys.happens` does.
    below = np.rint(np.multiply(shares, 1 << 53))
    row["error_below"], row["crash_below"], row["out_of_memory_below"], row["timeout_below"] = below
    row["cpu_multiplier"], row["cpu_most_us"] = FixedPointFactor.of(draws.cpu_factor)
    row["can_fail"] = shares[-1] > 0 or any(
        draws.laws[quantity] != Constant(0) for quantity in (Quantity.MEMORY, Quantity.RESPONSE_PAYLOAD)
    )
    row["has_payload"] = draws.laws[Quantity.REQUEST_PAYLOAD] != Constant(0)
    row["has_post_response"] = draws.laws[Quantity.POST_RESPONSE] != Constant(0)
    row["speeds_differ"] = draws.speeds_differ
    row["memory_mb"] = draws.memory_mb
    row["request_limit_kb"] = draws.payload_limit_kb
    row["response_limit_kb"] = draws.response_limit_kb
    row["keep_alive_at_least_us"] = smallest(draws.laws[Quantity.KEEP_ALIVE])
    row["first_law"] = laws.add(
        [
            (DrawKey.of(draws.seed, draws.owner, quantity), draws.laws.get(quantity, Constant(0)))
            for quantity in _QUANTITIES
        ]
    )


def _alike_most_us(row: Any, rank: int, plan: Plan) -> int:
    """Say how long a handler may take whose end is known as soon as it is drawn, if its environment is warm."""
    differs = ("has_gates", "paces", "has_payload", "has_post_response", "speeds_differ", "hears_answers")
    if (
        any(row[name] for name in differs)
        or row["owner"] != rank
        or plan.reuse != ReuseOrder.MOST_RECENTLY_USED
    ):
        return -1
    return int(min(row["timeout_us"], row["client_timeout_us"]) if row["synchronous"] else row["timeout_us"])


def _quota(quota: HandlerQuota) -> tuple[int, ...]:
    rules = quota.rules
    return (
        quota.quota_us, quota.check, quota.waits, quota.starts.lead_us,
        rules.period_us, rules.tick_us, rules.slice_us, rules.charge_us, rules.resume_us,
    )  # fmt: skip


def _changes(plan: Plan) -> Rows:
    """Lay out all changes of provisioned concurrency in the order of events; the last row never comes."""
    per_environment = plan.requests_per_concurrency
    rows = [
        (change.time_us, rank, change.claimed, change.ready, *_rate(change.ready * per_environment)[1:])
        for rank, function in enumerate(plan.functions)
        for change in function.provisioned
    ]
    rows.sort(key=lambda row: row[:2])
    return np.array([*rows, (NEVER, 0, 0, 0, 0, 0)], dtype=CHANGE)
