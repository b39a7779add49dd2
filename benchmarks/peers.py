"""What the project is held against: a SimPy loop that models nothing, and SimFaaS."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

import numpy as np
import simpy

BARE_ARRIVALS: Final = 50_000
KEEP_ALIVE_S: Final = 600.0
HANDLER_S: Final = 0.1
INIT_S: Final = 0.02


def bare_simpy() -> int:
    """Let arrivals pass and complete, with nothing modelled; return how many."""
    sim = simpy.Environment()
    gaps = np.random.default_rng(1).exponential(0.01, BARE_ARRIVALS).tolist()

    def arrivals() -> simpy.events.ProcessGenerator:
        for gap in gaps:
            yield sim.timeout(gap)
            sim.timeout(0.1)

    sim.process(arrivals())
    sim.run()
    return BARE_ARRIVALS


def has_simfaas() -> bool:
    """Return whether SimFaaS is installed."""
    return find_spec("simfaas") is not None


def simfaas(rate_per_s: float, invocations: int) -> int:
    """Simulate exponential gaps and handlers with SimFaaS; return how many requests it served."""
    from simfaas.ServerlessSimulator import ServerlessSimulator

    np.random.seed(1)  # SimFaaS draws from it
    simulator = ServerlessSimulator(
        arrival_rate=rate_per_s,
        warm_service_rate=1 / HANDLER_S,
        cold_service_rate=1 / (HANDLER_S + INIT_S),
        expiration_threshold=KEEP_ALIVE_S,
        max_time=invocations / rate_per_s,
        maximum_concurrency=10_000,
    )
    simulator.generate_trace()
    return int(simulator.total_req_count)
