"""Queues and streams on both engines, beside a bare SimPy loop; and 10^7 messages from arrivals to bill."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

import lambdasim as ls
from benchmarks.cases import PLENTY, Case, Mode, Traffic
from benchmarks.engines import attempts
from benchmarks.measure import Job, Row, beside, rates, say
from benchmarks.peers import bare_simpy
from lambdasim.engine.contract import Engine, Plan
from lambdasim.engine.kernel.engine import run_kernel
from lambdasim.engine.plan import plan_scenario
from lambdasim.engine.reference.engine import run_reference
from lambdasim.specs import load_scenario_text

ITEMS: Final = 2_000_000
SLOW_ITEMS: Final = 1 << 16
UNIT: Final = "items/s"
_BUSY: Final = "pollers: {first: 1250, most: 1250}"
# What triggers a function, how long it works for each item [ms], and the mean gap between items [µs].
CASES: Final = {
    "queue, 1,000 busy, single messages": (
        f"{{type: sqs, queue: {{batch_size: 1, visibility_timeout: 6m, {_BUSY}}}}}", 100, 100.0
    ),
    "stream, 100 shards": ("{type: kinesis, stream: {shards: 100, batch_size: 100}}", 5, 100.0),
}  # fmt: skip
# What a month of ten million comes through.
MONTHS: Final = {
    "messages in batches of 10": (
        "{type: sqs, queue: {batch_size: 10, batch_window: 5s, visibility_timeout: 6m, max_receives: 5}}"
    ),
    "records in 10 shards": (
        "{type: kinesis, stream: {shards: 10, batch_size: 100, batch_window: 5s, max_retries: 3, bisect: true}}"
    ),
}


def plan_of(trigger: str, work_ms: int, gap_us: float, items: int) -> Plan:
    """Make a function's plan, with arrivals made beforehand."""
    plan = plan_scenario(load_scenario_text(_scenario(trigger, work_ms, "constant: {rate_per_s: 0}")))
    return replace(plan, arrivals=Traffic.poisson(items, 1, gap_us))


def source_rows(rounds: int, quick: bool) -> Iterator[Row]:
    """Time both engines on queues and streams, and one whole call."""
    items = ITEMS // 4 if quick else ITEMS
    direct = Case(1_000, 1, Mode.SYNCHRONOUS).plan(items)
    attempts(run_kernel, direct, 1)  # compiles
    jobs = [
        Job("bare SimPy loop", bare_simpy),
        Job("compiled, 1,000 busy, called without a queue", partial(attempts, run_kernel, direct, items)),
    ]
    bare, kernel = rates("sources", UNIT, jobs, rounds)
    yield bare
    yield beside(kernel, bare=bare)
    for name, case in CASES.items():
        say(name)
        ended(run_kernel, plan_of(*case, 1_000))  # compiles
        jobs = [
            Job("bare SimPy loop", bare_simpy),
            Job(f"reference, {name}", partial(ended, run_reference, plan_of(*case, SLOW_ITEMS))),
            Job(f"compiled, {name}", partial(ended, run_kernel, plan_of(*case, items))),
        ]
        bare, reference, kernel = rates("sources", UNIT, jobs, rounds)
        yield beside(reference, bare=bare)
        yield beside(kernel, bare=bare, reference=reference)
    messages = 10**6 if quick else 10**7
    for name, source in MONTHS.items():
        job = Job(f"simulate, {messages:,} {name}", partial(_whole, messages, source))
        yield from rates("sources", UNIT, [job], min(rounds, 3), clock="wall")


def ended(engine: Engine, plan: Plan) -> int:
    """Run to the end and count the messages or records that ended."""
    return sum(len(chunk.items) for chunk in engine(plan) if chunk.items is not None)


def _whole(messages: int, trigger: str) -> int:
    """Simulate a month of messages or records, to the bill; failing ones come back."""
    traffic = f"poisson: {{rate_per_s: {messages / 2_592_000}}}"
    scenario = load_scenario_text(_scenario(trigger, 100, traffic, "720h", "0.01"))
    run = ls.simulate(scenario, keep_records=False)
    run.charges()
    return int(run.sources()["sent"].sum())


def _scenario(trigger: str, work_ms: int, traffic: str, duration: str = "1h", errors: str = "0") -> str:
    work = f"{{io_ms: {{exponential: {{mean: {work_ms}}}}}, error_probability: {errors}}}"
    return f"""
name: b
start: 2026-11-01T00:00:00Z
duration: {duration}
account: {{concurrency: {PLENTY}, scaling_burst: {PLENTY}}}
functions:
  - {{name: f, timeout: 60s, work: {work}, trigger: {trigger}, traffic: {{{traffic}}}}}
"""
