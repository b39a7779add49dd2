"""From a definition in Amazon States Language to what engines run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import accumulate
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.catalog import limit, timing
from lambdasim.draws.laws import Constant, DrawLaw, compile_law
from lambdasim.engine.contract import (
    NEVER,
    CallKind,
    CallMoment,
    CallPlan,
    FunctionPlan,
    Invoker,
    RetryPolicy,
)
from lambdasim.engine.machines import MachinePlan, Retrier, Section, StateKind, StatePlan
from lambdasim.specs.callers.machine import MachineSpec, MachineType
from lambdasim.specs.callers.states import invoked_function, is_distributed, sections_of
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.specs.work.durable import machine_of
from lambdasim.traffic.arrivals import MachineArrivals
from lambdasim.units import US_PER_MS, US_PER_S

_KINDS: Final = {kind.name.capitalize(): kind for kind in StateKind}


def plan_machines(scenario: ScenarioSpec, functions: Sequence[FunctionPlan]) -> tuple[MachinePlan, ...]:
    """Make the plans of a scenario's state machines.

    Parameters
    ----------
    scenario : ScenarioSpec
    functions : sequence of FunctionPlan
        In the plan's order, with their calls.

    Returns
    -------
    tuple of MachinePlan
        Ordered by name; their calls are numbered after those of functions.
    """
    numbers = iter(range(1 + sum(len(function.calls) for function in functions), 1 << 30))
    machines = sorted(scenario.state_machines, key=lambda machine: machine.name)
    children = Children(len(machines))
    plans = [_machine(scenario, machine, functions, numbers, children) for machine in machines]
    for child in children.found:  # which grows while children have distributed maps of their own
        plans.append(_child(scenario, child, functions, numbers, children))
    return tuple(plans)


@dataclass(frozen=True)
class Child:
    """What a distributed map runs for each batch of its items."""

    machine: MachineSpec
    name: str
    section: Mapping[str, Any]


class Children:
    """Distributed maps that were met, each with a place in the plan behind the scenario's machines."""

    def __init__(self, first: int) -> None:
        self._first = first
        self.found: list[Child] = []

    def add(self, child: Child) -> int:
        """Note a distributed map; give its place in the plan."""
        self.found.append(child)
        return self._first + len(self.found) - 1


def _child(
    scenario: ScenarioSpec,
    child: Child,
    functions: Sequence[FunctionPlan],
    numbers: Iterator[int],
    children: Children,
) -> MachinePlan:
    """Make the machine that a distributed map's batches are executions of."""
    express = child.section.get("ProcessorConfig", {}).get("ExecutionType") == "EXPRESS"
    kind = MachineType.EXPRESS if express else MachineType.STANDARD
    machine = child.machine.model_copy(
        update={
            "name": f"{child.machine.name}/{child.name}",
            "type": kind,
            "definition": dict(child.section),
        }
    )
    return replace(
        _machine(scenario, machine, functions, numbers, children), arrivals=_no_arrivals, is_child=True
    )


def _no_arrivals() -> Iterator[NDArray[np.int64]]:
    return iter(())


def _machine(
    scenario: ScenarioSpec,
    machine: MachineSpec,
    functions: Sequence[FunctionPlan],
    numbers: Iterator[int],
    children: Children,
) -> MachinePlan:
    express = machine.type is MachineType.EXPRESS
    names = [machine_of(function.name) for function in functions]
    durable = names.index(machine.name) if machine.name in names else -1
    seed = f"{scenario.seed}\0state machine\0{machine.name}"
    return MachinePlan(
        name=machine.name,
        key=blake2b(seed.encode(), digest_size=16).digest(),
        arrivals=MachineArrivals(scenario, machine.name),
        section=_section(machine, machine.definition, seed, functions, numbers, children),
        most_us=min(
            _timeout_us(machine.definition), timing("step_functions_express_max_s").us if express else NEVER
        ),
        most_history=NEVER if express or durable >= 0 else limit("step_functions_history_max").value,
        events_of_a_task=limit("step_functions_task_events").value,
        memory_mb=machine.memory_mb if express else 0,
        durable=durable,
    )


def _section(
    machine: MachineSpec,
    definition: Mapping[str, Any],
    seed: str,
    functions: Sequence[FunctionPlan],
    numbers: Iterator[int],
    children: Children,
) -> Section:
    states = definition["States"]
    places = {name: place for place, name in enumerate(states)}
    return Section(
        tuple(
            _state(machine, name, state, places, seed, functions, numbers, children)
            for name, state in states.items()
        ),
        places[definition["StartAt"]],
    )


def _state(
    machine: MachineSpec,
    name: str,
    state: Mapping[str, Any],
    places: Mapping[str, int],
    seed: str,
    functions: Sequence[FunctionPlan],
    numbers: Iterator[int],
    children: Children,
) -> StatePlan:
    kind = _KINDS[state["Type"]]
    plan = StatePlan(
        name=name,
        kind=kind,
        following=places[state["Next"]] if "Next" in state else -1,
        retriers=tuple(map(_retrier, state.get("Retry", []))),
        catchers=tuple(
            (frozenset(map(str, rule["ErrorEquals"])), places[rule["Next"]])
            for rule in state.get("Catch", [])
        ),
        error=str(state.get("Error", "States.Failed")),
        items=machine.items.get(name, 0),
    )
    match kind:
        case StateKind.TASK:
            ranks = {function.name: rank for rank, function in enumerate(functions)}
            called = invoked_function(machine.functions, name, state, ranks)
            if called is not None:
                call = _call(name, state, seed, functions[ranks[called]], ranks[called], next(numbers))
                return replace(plan, call=call)
            return replace(plan, law=_law(machine.task_ms.get(name)), timeout_us=_timeout_us(state))
        case StateKind.WAIT:
            given = machine.wait_ms.get(name)
            fixed = Constant(round(float(state.get("Seconds", 0)) * US_PER_S))
            return replace(plan, law=fixed if given is None else _law(given))
        case StateKind.CHOICE:
            shares = {target: share for target, share in machine.choices[name].items() if share > 0}
            reached = accumulate(shares.values())
            pairs = zip(reached, (places[target] for target in shares), strict=True)
            return replace(plan, targets=tuple(pairs))
        case StateKind.MAP if is_distributed(state):
            child = children.add(Child(machine, name, sections_of(state)[0]))
            return _distributed(plan, state, child)
        case StateKind.PARALLEL | StateKind.MAP:
            inner = (_section(machine, one, seed, functions, numbers, children) for one in sections_of(state))
            most = _at_once(state, "step_functions_inline_map_max") if kind is StateKind.MAP else 1
            return replace(plan, sections=tuple(inner), most_at_once=most)
        case _:
            return plan


def _distributed(plan: StatePlan, state: Mapping[str, Any], child: int) -> StatePlan:
    """Make the plan of a distributed map: how many executions it starts, so many at once, and how many may fail."""
    batch = int(state.get("ItemBatcher", {}).get("MaxItemsPerBatch", 1))
    executions = -(-plan.items // batch)
    share = float(state.get("ToleratedFailurePercentage", 0)) / 100
    return replace(
        plan,
        items=executions,
        most_at_once=_at_once(state, "step_functions_distributed_map_max"),
        child=child,
        tolerated=max(int(state.get("ToleratedFailureCount", 0)), int(share * executions + 1e-9)),
    )


def _at_once(state: Mapping[str, Any], most: str) -> int:
    """Give how many items of a map are worked on at once: as it says, within what AWS allows."""
    return min(int(state.get("MaxConcurrency", 0)) or NEVER, limit(most).value)


def _law(law: Any) -> DrawLaw:
    return Constant(0) if law is None else compile_law(law, US_PER_MS)


def _retrier(rule: Mapping[str, Any]) -> Retrier:
    """Read a rule of Retry, with the defaults that the language has."""
    return Retrier(
        errors=frozenset(map(str, rule["ErrorEquals"])),
        first_us=round(float(rule.get("IntervalSeconds", 1)) * US_PER_S),
        most_us=round(float(rule["MaxDelaySeconds"]) * US_PER_S) if "MaxDelaySeconds" in rule else NEVER,
        attempts=int(rule.get("MaxAttempts", 3)),
        rate=float(rule.get("BackoffRate", 2.0)),
        jittered=rule.get("JitterStrategy") == "FULL",
    )


def _call(
    name: str, state: Mapping[str, Any], seed: str, callee: FunctionPlan, rank: int, number: int
) -> CallPlan:
    return CallPlan(
        number=number,
        key=blake2b(f"{seed}\0{name}".encode(), digest_size=16).digest(),
        callee=rank,
        kind=CallKind.WAITING,
        moment=CallMoment.RUN,
        probability=1.0,
        count=1,
        at_once=False,
        fails_run=True,
        delay_us=0,
        retry=RetryPolicy(Invoker.CLIENT, client_timeout_us=_timeout_us(state)),
        draws=replace(callee.draws, payload_limit_kb=limit("step_functions_payload_max_kb").value),
        is_traced=False,
        is_endless=False,
    )


def _timeout_us(state: Mapping[str, Any]) -> int:
    """Give the time that a task, or a whole execution, may take [µs]; NEVER without TimeoutSeconds."""
    seconds = state.get("TimeoutSeconds", 0)
    return round(float(seconds) * US_PER_S) if seconds else NEVER
