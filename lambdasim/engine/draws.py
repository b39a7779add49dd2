"""What is drawn for a function's runs, from laws that belong to (seed, function, invocation, run)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from lambdasim.draws.keys import DrawKey, Quantity, happens, has_happened
from lambdasim.draws.laws import Constant, DrawLaw, Indexed, value_of, values_of
from lambdasim.engine.records import Outcome
from lambdasim.models.cpu_chain import HandlerQuota
from lambdasim.models.cpu_scaling import FIXED_POINT_BITS, FixedPointFactor, scale_by_speed, scale_cpu_time


@dataclass(frozen=True, eq=False)
class RunDraws:
    """What is drawn for runs of a function's invocations; each array has shape (n,).

    Attributes
    ----------
    handler_us : ndarray of int64
        Handler time at the function's memory size, before the timeout, in an environment of mean speed.
    post_response_us : ndarray of int64
        Work after the answer.
    speed : ndarray of int64
        CPU time over the mean's, times 2^20, of the environment whose first run this is.
    first_run_us : ndarray of int64
        Extra handler time when the run is the first in its environment.
    placement_us, init_us : ndarray of int64
        Used when the start is cold.
    fault : ndarray of int64
        ``Outcome`` of the handler if it is not cut by the timeout.
    keep_alive_us : ndarray of int64
        How long the environment stays warm after this run.
    too_large : ndarray of int64
        1 where the request's payload is above the limit.
    """

    handler_us: NDArray[np.int64]
    post_response_us: NDArray[np.int64]
    speed: NDArray[np.int64]
    first_run_us: NDArray[np.int64]
    placement_us: NDArray[np.int64]
    init_us: NDArray[np.int64]
    fault: NDArray[np.int64]
    keep_alive_us: NDArray[np.int64]
    too_large: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FunctionDraws:
    """Draws of one function's runs from its laws.

    Attributes
    ----------
    seed : int
    owner : str
        The function's name.
    laws : mapping of Quantity to DrawLaw
    cpu_factor : float
        Computing time relative to one full x86_64 vCPU; under a quota, CPU time relative to that on x86_64.
    error_probability, crash_probability, out_of_memory_probability, timeout_probability : float
        A run that times out so hangs until the function's timeout, whatever that is.
    memory_mb, payload_limit_kb, response_limit_kb : int
        A response above its limit is an error, after the run.
    quota : HandlerQuota, optional
        Where the scheduler's quota stretches CPU time; `laws` then has those of its starts.
    poison_probability : float
        Share of items of a queue or stream whose run fails however often it is tried.
    filtered_probability : float
        Share of items that fit no filter, and are passed over.
    """

    seed: int
    owner: str
    laws: dict[Quantity, DrawLaw]
    cpu_factor: float
    error_probability: float
    crash_probability: float
    memory_mb: int
    payload_limit_kb: int
    response_limit_kb: int
    quota: HandlerQuota | None = None
    out_of_memory_probability: float = 0.0
    timeout_probability: float = 0.0
    poison_probability: float = 0.0
    filtered_probability: float = 0.0

    def draw(self, invocation: NDArray[np.int64], run: int) -> RunDraws:
        """Draw for the given invocations, each of which has run ``run`` times before."""
        value = partial(self._values, invocation, run)
        luck = self._key(Quantity.FAILURE).bits(invocation, run)
        fault = np.full(len(invocation), int(Outcome.COMPLETED), dtype=np.int64)
        for kind, share in reversed(self.fault_shares()):
            fault[happens(luck, share)] = kind
        if self.poison_probability:
            fault[self.poisoned(invocation)] = Outcome.FUNCTION_ERROR
        fault[self.payload_kb(Quantity.RESPONSE_PAYLOAD, invocation) > self.response_limit_kb] = (
            Outcome.FUNCTION_ERROR
        )
        fault[value(Quantity.MEMORY) > self.memory_mb] = Outcome.OUT_OF_MEMORY
        return RunDraws(
            handler_us=self.handler_us(invocation, run),
            post_response_us=value(Quantity.POST_RESPONSE),
            speed=value(Quantity.ENVIRONMENT_SPEED),
            first_run_us=value(Quantity.FIRST_RUN),
            placement_us=value(Quantity.PLACEMENT),
            init_us=value(Quantity.INIT),
            fault=fault,
            keep_alive_us=value(Quantity.KEEP_ALIVE),
            too_large=(self.payload_kb(Quantity.REQUEST_PAYLOAD, invocation) > self.payload_limit_kb).astype(
                np.int64
            ),
        )

    def draw_one(self, invocation: int, run: int) -> tuple[int, ...]:
        """Draw for one invocation what `draw` draws for many, in the order of `RunDraws`."""
        given = self._given

        def value(quantity: Quantity, attempt: int = run) -> int:
            constant = given.get(quantity)
            if constant is not None:
                return constant
            return value_of(self.laws[quantity], self._key(quantity), invocation, attempt)

        if self.quota is None and not self.speeds_differ:
            multiplier, most_us = FixedPointFactor.of(self.cpu_factor)
            cpu_us = min(value(Quantity.CPU_TIME), most_us) * multiplier + (1 << (FIXED_POINT_BITS - 1))
            handler_us = (cpu_us >> FIXED_POINT_BITS) + value(Quantity.IO_TIME)
        else:
            handler_us = int(self.handler_us(np.array([invocation]), run)[0])
        return (
            handler_us,
            value(Quantity.POST_RESPONSE),
            value(Quantity.ENVIRONMENT_SPEED),
            value(Quantity.FIRST_RUN),
            value(Quantity.PLACEMENT),
            value(Quantity.INIT),
            self._fault_of_one(invocation, run, value),
            value(Quantity.KEEP_ALIVE),
            int(value(Quantity.REQUEST_PAYLOAD, 0) > self.payload_limit_kb),
        )

    @cached_property
    def _given(self) -> dict[Quantity, int]:
        """What needs no draw: most laws of most functions."""
        return {quantity: law.value for quantity, law in self.laws.items() if isinstance(law, Constant)}

    def _fault_of_one(self, invocation: int, run: int, value: Callable[..., int]) -> int:
        if value(Quantity.MEMORY) > self.memory_mb:
            return int(Outcome.OUT_OF_MEMORY)
        if value(Quantity.RESPONSE_PAYLOAD, 0) > self.response_limit_kb:
            return int(Outcome.FUNCTION_ERROR)
        if self.poison_probability and self.poisoned(np.array([invocation]))[0]:
            return int(Outcome.FUNCTION_ERROR)
        shares = self._fault_shares
        if shares[-1][1]:
            bits = self._key(Quantity.FAILURE).bits_of(invocation, run)
            for kind, share in shares:
                if has_happened(bits, share):
                    return int(kind)
        return int(Outcome.COMPLETED)

    def fault_shares(self) -> tuple[tuple[Outcome, float], ...]:
        """Return what a run's luck decides, each with the share of runs that end so or as one before it."""
        kinds = (
            (Outcome.FUNCTION_ERROR, self.error_probability),
            (Outcome.CRASH, self.crash_probability),
            (Outcome.OUT_OF_MEMORY, self.out_of_memory_probability),
            (Outcome.TIMEOUT, self.timeout_probability),
        )
        return tuple(zip((kind for kind, _ in kinds), accumulate(share for _, share in kinds), strict=True))

    @cached_property
    def _fault_shares(self) -> tuple[tuple[Outcome, float], ...]:
        return self.fault_shares()

    @cached_property
    def speeds_differ(self) -> bool:
        """Whether environments differ in speed."""
        return self.laws[Quantity.ENVIRONMENT_SPEED] != Constant(1 << FIXED_POINT_BITS)

    def handler_us(
        self, invocation: NDArray[np.int64], run: int, speed: int = 1 << FIXED_POINT_BITS
    ) -> NDArray[np.int64]:
        """Draw the handler's time in environments of a speed: CPU time over the mean's, times 2^20, shape (n,) [µs]."""
        value = partial(self._values, invocation, run)
        cpu_us, io_us = scale_cpu_time(value(Quantity.CPU_TIME), self.cpu_factor), value(Quantity.IO_TIME)
        if self.speeds_differ:
            cpu_us = scale_by_speed(cpu_us, speed)
        if self.quota is None:
            return cpu_us + io_us
        start = self.quota.starts.begun(
            value(Quantity.CPU_START_TICK), value(Quantity.CPU_START_DELAY), value(Quantity.CPU_START_CHARGE),
            self.quota.quota_us, self.quota.rules,
        )  # fmt: skip
        return self.quota.durations(cpu_us, io_us, start)

    def work_us(self, invocation: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Draw what first runs need anywhere: CPU time on one whole vCPU of x86_64, and waiting, shape (n,) each [µs].

        Waiting holds what follows the answer and what a batch takes beyond its items.
        """
        value = partial(self._values, invocation, 0)
        overhead = values_of(
            self.laws.get(Quantity.BATCH_OVERHEAD, Constant(0)),
            self._key(Quantity.BATCH_OVERHEAD),
            invocation,
        )
        return value(Quantity.CPU_TIME), value(Quantity.IO_TIME) + value(Quantity.POST_RESPONSE) + overhead

    def used_mb(self, invocation: NDArray[np.int64]) -> NDArray[np.int64]:
        """Draw the memory that first runs use, 0 where nothing is known of it, shape (n,) [MB]."""
        return self._values(invocation, 0, Quantity.MEMORY)

    def hangs(self, invocation: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which first runs hang until their timeout, shape (n,)."""
        if not self.timeout_probability:
            return np.zeros(len(invocation), dtype=np.bool_)
        found: NDArray[np.bool_] = self.draw(invocation, 0).fault == Outcome.TIMEOUT
        return found

    def backoff_us(self, invocation: int, retry: int, ceiling_us: int) -> int:
        """Draw a client's waiting time, uniform between 0 and the ceiling [µs]."""
        return (self._key(Quantity.CLIENT_BACKOFF).bits_of(invocation, retry) >> 32) * ceiling_us >> 32

    def backoffs_us(self, invocation: NDArray[np.int64], retry: int, ceiling_us: int) -> NDArray[np.int64]:
        """Draw what ``backoff_us`` does for many invocations, shape (n,) [µs]."""
        bits = self._key(Quantity.CLIENT_BACKOFF).bits(invocation, retry)
        return ((bits >> np.uint64(32)) * np.uint64(ceiling_us) >> np.uint64(32)).astype(np.int64)

    def lanes(self, invocation: NDArray[np.int64]) -> NDArray[np.int64]:
        """Draw the lanes on which items of a queue or stream arrive, shape (n,)."""
        return values_of(self.laws.get(Quantity.LANE, Constant(0)), self._key(Quantity.LANE), invocation)

    def filtered(self, invocation: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which items of a queue or stream fit no filter, shape (n,)."""
        if not self.filtered_probability:
            return np.zeros(len(invocation), dtype=np.bool_)
        return happens(self._key(Quantity.FILTERED).bits(invocation), self.filtered_probability)

    def poisoned(self, invocation: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which items of a queue or stream fail however often they are tried, shape (n,)."""
        if not self.poison_probability:
            return np.zeros(len(invocation), dtype=np.bool_)
        return happens(self._key(Quantity.POISON).bits(invocation), self.poison_probability)

    def batch_overhead_us(self, invocation: int, run: int) -> int:
        """Draw what a batch takes beyond its items, by its first item [µs]."""
        law = self.laws.get(Quantity.BATCH_OVERHEAD, Constant(0))
        if isinstance(law, Constant):
            return law.value
        return int(values_of(law, self._key(Quantity.BATCH_OVERHEAD), np.array([invocation]), run)[0])

    def payload_kb(self, quantity: Quantity, invocation: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the size of requests or responses, which keep it when they are tried again, shape (n,) [KB]."""
        return self._values(invocation, 0, quantity)

    def has_payloads(self) -> bool:
        """Return whether any request or response has a size."""
        quantities = (Quantity.REQUEST_PAYLOAD, Quantity.RESPONSE_PAYLOAD)
        return any(self.laws[quantity] != Constant(0) for quantity in quantities)

    def provisioned_init_us(self, environment: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the INIT of provisioned environments, numbered from 0 in order of allocation, shape (n,) [µs].

        Where INIT was given for each invocation, environment k takes value k, over and over.
        """
        law = self.laws[Quantity.INIT]
        if isinstance(law, Indexed):
            environment = environment % max(len(law.given), 1)
        return values_of(self.laws[Quantity.INIT], self._key(Quantity.PROVISIONED_INIT), environment)

    def _key(self, quantity: Quantity) -> DrawKey:
        return _key_of(self.seed, self.owner, quantity)

    def _values(self, invocation: NDArray[np.int64], run: int, quantity: Quantity) -> NDArray[np.int64]:
        return values_of(self.laws[quantity], self._key(quantity), invocation, run)


@lru_cache(maxsize=1 << 14)
def _key_of(seed: int, owner: str, quantity: Quantity) -> DrawKey:
    return DrawKey.of(seed, owner, quantity)
