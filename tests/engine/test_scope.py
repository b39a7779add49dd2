"""A plan with anything that the compiled engine does not follow goes to the reference, and says why."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from lambdasim.draws.keys import Quantity
from lambdasim.draws.laws import Constant
from lambdasim.engine import scope
from lambdasim.engine.contract import FunctionPlan, Plan, RetryPolicy
from lambdasim.engine.kernel.engine import run_kernel
from lambdasim.engine.plan import plan_scenario
from lambdasim.engine.run import EngineName
from lambdasim.engine.scope import beyond_the_kernel
from lambdasim.errors import InputError
from lambdasim.specs import load_scenario_text


@dataclass(frozen=True)
class NewRetryPolicy(RetryPolicy):
    """A policy of another type."""


@dataclass(frozen=True, eq=False)
class NewFunctionPlan(FunctionPlan):
    """A plan with a feature that nobody has told the compiled engine of."""

    feature: int = 0


def plan_of(function: FunctionPlan | None = None) -> Plan:
    plan = plan_scenario(
        load_scenario_text(
            "{name: t, start: '2026-11-01T00:00:00Z', duration: 1h, functions: [{name: f, runtime: python3.12,"
            " work: {io_ms: 20}, trigger: {type: alb}, traffic: {constant: {rate_per_s: 1}}}]}"
        )
    )
    return replace(plan, functions=(function,)) if function else plan


def with_feature(value: int) -> Plan:
    parts = {name: getattr(plan_of().functions[0], name) for name in FunctionPlan.__dataclass_fields__}
    return plan_of(NewFunctionPlan(**parts, feature=value))


def test_functions_without_anything_new_are_compiled() -> None:
    assert beyond_the_kernel(plan_of()) == ()
    assert EngineName.AUTO.chosen(plan_of()).engine is EngineName.KERNEL


def test_a_field_that_is_not_known_counts_only_where_it_says_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(scope._FIELDS, NewFunctionPlan, scope._FIELDS[FunctionPlan])
    assert beyond_the_kernel(with_feature(0)) == ()
    assert beyond_the_kernel(with_feature(1)) == ("f: feature",)


def test_a_part_of_a_new_type_is_not_known() -> None:
    old = plan_of().functions[0]
    new = NewRetryPolicy(**{name: getattr(old.retry, name) for name in RetryPolicy.__dataclass_fields__})
    assert beyond_the_kernel(plan_of(replace(old, retry=new))) == ("f: NewRetryPolicy",)


def test_a_draw_that_is_not_known_counts_only_where_it_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    function = plan_of().functions[0]
    monkeypatch.setattr(scope, "_QUANTITIES", frozenset(scope._QUANTITIES - {Quantity.LANE}))
    for law, found in ((Constant(0), ()), (Constant(1), ("f: lane",))):
        draws = replace(function.draws, laws={**function.draws.laws, Quantity.LANE: law})
        assert beyond_the_kernel(plan_of(replace(function, draws=draws))) == found


def test_poison_is_of_queues_and_streams_alone() -> None:
    function = plan_of().functions[0]
    poisoned = replace(function, draws=replace(function.draws, poison_probability=0.1))
    assert beyond_the_kernel(plan_of(poisoned)) == ("f: poison_probability without a queue or stream",)


def test_what_is_not_known_goes_to_the_reference_and_is_refused_by_name() -> None:
    plan = with_feature(1)
    choice = EngineName.AUTO.chosen(plan)
    assert choice.engine is EngineName.REFERENCE
    assert "NewFunctionPlan" in choice.why
    with pytest.raises(InputError, match="does not run f: NewFunctionPlan yet; use reference, or auto"):
        next(run_kernel(plan))
