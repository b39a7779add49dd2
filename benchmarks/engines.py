"""Both engines with records written, beside a bare SimPy loop, over all cases; with totals; and beside SimFaaS.

Arrivals are made beforehand, so what is timed is the engine with its draws and its records. Every job stops after so many
attempts. The reference runs fewer of them, and in the overloaded cases ends before the backlog is large.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import lambdasim as ls
from benchmarks import peers
from benchmarks.cases import CHUNK, Case, Mode
from benchmarks.measure import Job, Row, beside, rates, say
from lambdasim.engine.contract import Engine, Plan
from lambdasim.engine.kernel.engine import count_with_kernel, run_kernel
from lambdasim.engine.plan import plan_scenario
from lambdasim.engine.reference.engine import run_reference
from lambdasim.engine.totals.aggregate import Aggregate
from lambdasim.specs import ScenarioSpec, load_scenario_text

ATTEMPTS: Final = 2_000_000
SLOW_ATTEMPTS: Final = 1 << 16
BARE: Final = "bare SimPy loop"
UNIT: Final = "attempts/s"
_START_US: Final = 1_793_491_200_000_000
_LONG_US: Final = 3_600_000_000


def attempts(engine: Engine, plan: Plan, most: int) -> int:
    """Run until so many attempts are recorded, or to the end, and count them."""
    done = 0
    for chunk in engine(plan):
        done += len(chunk)
        if done >= most:
            break
    return done


def summed(plan: Plan, most: int) -> int:
    """Run until so many arrivals have come, or to the end, as a run does that keeps no records; count the attempts."""
    totals, arrived = Aggregate(plan, _START_US, _LONG_US), 0
    for _ in count_with_kernel(plan, totals):
        arrived += CHUNK
        if arrived >= most:
            break
    attempted = totals.attempts
    return attempted if totals.functions else 0


def summed_records(plan: Plan, most: int) -> int:
    """Run until so many attempts are recorded, or to the end, and sum their records up; count them."""
    totals, done = Aggregate(plan, _START_US, _LONG_US), 0
    for chunk in run_kernel(plan):
        totals.add(chunk)
        done += len(chunk)
        if done >= most:
            break
    return done if totals.functions else 0


def totals_rows(cases: Sequence[Case], rounds: int, most: int = ATTEMPTS) -> Iterator[Row]:
    """Time the compiled engine with totals: counted in its steps, and from records."""
    summed(Case(10, 1, cases[0].mode).plan(1), 1)  # compiles
    summed_records(Case(10, 1, cases[0].mode).plan(1), 1)
    for case in cases:
        say(case.name)
        plan = case.plan(most)
        jobs = [
            Job(BARE, peers.bare_simpy),
            Job(f"from records, {case.name}", partial(summed_records, plan, most)),
            Job(f"in the steps, {case.name}", partial(summed, plan, _arrivals(case, most))),
        ]
        bare, records, steps = rates("totals", UNIT, jobs, rounds)
        yield beside(records, bare=bare)
        yield beside(steps, bare=bare, records=records)


def engine_rows(cases: Sequence[Case], rounds: int, most: int = ATTEMPTS) -> Iterator[Row]:
    """Time both engines on every case, with a bare loop in each round."""
    attempts(run_kernel, Case(10, 1, cases[0].mode).plan(1), 1)  # compiles
    bare_shown = False
    for case in cases:
        say(case.name)
        fast, slow = case.plan(most), case.plan(max(SLOW_ATTEMPTS, 5 * case.busy))
        jobs = [
            Job(BARE, peers.bare_simpy),
            Job(f"reference, {case.name}", partial(attempts, run_reference, slow, SLOW_ATTEMPTS)),
            Job(f"compiled, {case.name}", partial(attempts, run_kernel, fast, most)),
        ]
        bare, reference, kernel = rates("engines", UNIT, jobs, rounds)
        if not bare_shown:
            yield bare
            bare_shown = True
        yield beside(reference, bare=bare)
        yield beside(kernel, bare=bare, reference=reference)


def _arrivals(case: Case, most: int) -> int:
    """Say after how many arrivals to stop: soon where each leads to several attempts, else after all have ended."""
    return most // 4 if case.mode is Mode.OVERLOAD else most + CHUNK


def simfaas_rows(rounds: int, quick: bool) -> Iterator[Row]:
    """Time SimFaaS and the project on the same law of traffic, at about 8 and about 1,000 environments."""
    if not peers.has_simfaas():
        say("SimFaaS is not installed, so nothing is held against it: pip install '.[bench]'")
        return
    peers.simfaas(15.0, 100)  # imports
    _simulate(_scenario(15.0, 100))  # compiles
    for about, rate_per_s, invocations in ((8, 15.0, 20_000), (1_000, 9_000.0, 10_000)):
        say(f"SimFaaS, about {about:,} environments")
        # SimFaaS meets fewer environments while it starts; ours runs longer, so that a round can be timed.
        theirs = invocations // 2 if quick else invocations
        scenario = _scenario(rate_per_s, 500_000 if quick else 2_000_000)
        plan = plan_scenario(scenario)
        name = f"about {about:,} environments"
        jobs = [
            Job(f"SimFaaS, {name}", partial(peers.simfaas, rate_per_s, theirs)),
            Job(f"compiled, {name}", partial(attempts, run_kernel, plan, 1 << 60)),
            Job(f"simulate, {name}", partial(_simulate, scenario)),
        ]
        peer, engine, whole = rates("simfaas", "invocations/s", jobs, 1 if quick else rounds)
        yield peer
        yield beside(engine, simfaas=peer)
        yield beside(whole, simfaas=peer)


def _scenario(rate_per_s: float, invocations: int) -> ScenarioSpec:
    """Write the workload that SimFaaS simulates as a scenario, its arrivals drawn in the run as there."""
    return load_scenario_text(
        f"""
name: exponential
start: 2026-11-01T00:00:00Z
duration: {round(invocations / rate_per_s)}s
account: {{concurrency: 10000, scaling_burst: 100000}}
platform: {{keep_alive: {peers.KEEP_ALIVE_S:.0f}s, max_lifetime: null}}
functions:
  - name: f
    timeout: 900s
    work: {{io_ms: {{exponential: {{mean: {peers.HANDLER_S * 1000:.0f}}}}}}}
    init_ms: {{exponential: {{mean: {peers.INIT_S * 1000:.0f}}}}}
    trigger: {{type: function_url}}
    traffic: {{poisson: {{rate_per_s: {rate_per_s}}}}}
"""
    )


def _simulate(scenario: ScenarioSpec) -> int:
    return int(ls.simulate(scenario, keep_records=False).summary()["events"].sum())
