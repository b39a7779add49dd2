"""Deliberate faults: pieces of the compiled engine exchanged for others, and the engine with one of them as plain Python.

A fault is a piece of Python and what stands there instead. It is looked for by its form: all that has the same structure
and the same constants is a place for it, whatever the names, and the one that shares most names is meant. So a fault
outlives a new name of a variable, field or function, other formatting, and a move to another module; where its rule was
written anew, or two places fit equally well, it is an error. `...` in a pattern is any block.
"""

from __future__ import annotations

import ast
import builtins
import copy
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple

import numba
import numpy as np
import pytest
from families import Family, plans
from hypothesis import HealthCheck, Phase, given, seed, settings
from test_equality import Records, in_pieces, together

import lambdasim.compiling
import lambdasim.draws.compiled
import lambdasim.engine.kernel.batches
import lambdasim.engine.kernel.calendar
import lambdasim.engine.kernel.callouts
import lambdasim.engine.kernel.calls.loop
import lambdasim.engine.kernel.calls.turns
import lambdasim.engine.kernel.chains.events
import lambdasim.engine.kernel.chains.items
import lambdasim.engine.kernel.draws
import lambdasim.engine.kernel.groups
import lambdasim.engine.kernel.messages
import lambdasim.engine.kernel.mixed.loop
import lambdasim.engine.kernel.plain.advance
import lambdasim.engine.kernel.plain.ends
import lambdasim.engine.kernel.retries
import lambdasim.engine.kernel.sourced
import lambdasim.engine.kernel.steps
import lambdasim.engine.kernel.streams
import lambdasim.engine.rates
import lambdasim.engine.totals.counting.alike
import lambdasim.engine.totals.counting.attempts
import lambdasim.models.adaptive_rate
import lambdasim.models.cpu_steps
import lambdasim.models.polling
from lambdasim.engine.contract import Plan
from lambdasim.engine.kernel import engine as kernel
from lambdasim.engine.kernel.calls.run import CallingRun
from lambdasim.engine.kernel.mixed.run import MixedRun
from lambdasim.engine.kernel.run import KernelRun
from lambdasim.engine.kernel.sourced_run import SourcedRun
from lambdasim.engine.reference.engine import run_reference
from lambdasim.errors import ConservationError

MODULES = (
    lambdasim.compiling,
    lambdasim.draws.compiled,
    lambdasim.engine.kernel.calendar,
    lambdasim.models.adaptive_rate,
    lambdasim.models.cpu_steps,
    lambdasim.models.polling,
    lambdasim.engine.rates,
    lambdasim.engine.totals.counting.attempts,
    lambdasim.engine.totals.counting.alike,
    lambdasim.engine.kernel.draws,
    lambdasim.engine.kernel.batches,
    lambdasim.engine.kernel.groups,
    lambdasim.engine.kernel.messages,
    lambdasim.engine.kernel.streams,
    lambdasim.engine.kernel.callouts,
    lambdasim.engine.kernel.retries,
    lambdasim.engine.kernel.chains.events,
    lambdasim.engine.kernel.chains.items,
    lambdasim.engine.kernel.steps,
    lambdasim.engine.kernel.plain.ends,
    lambdasim.engine.kernel.plain.advance,
    lambdasim.engine.kernel.sourced,
    lambdasim.engine.kernel.calls.turns,
    lambdasim.engine.kernel.calls.loop,
    lambdasim.engine.kernel.mixed.loop,
)
TREES = {
    module.__name__: ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")) for module in MODULES
}

Fault = tuple[str, str]
Name = tuple[str, str]
_FIXED = {*dir(builtins), "np"}
_NAMES = {ast.Name: "id", ast.Attribute: "attr", ast.FunctionDef: "name", ast.arg: "arg", ast.keyword: "arg"}
_BATCHES = 18
_RECORDS_ROOM = 20
_WITHOUT_MEANING = {"ctx", "kind", "type_comment", "type_ignores"}


class Place(NamedTuple):
    """Where a fault could be: statements of a block, or one expression, and the names that stand there for its own."""

    module: str
    block: list[ast.stmt] | None
    first: int
    node: ast.AST
    names: dict[Name, str]
    blocks: list[list[ast.stmt]]

    def shared(self, new_names: Mapping[Name, str]) -> int:
        """Count the names that are the fault's own, where some have been given new ones meanwhile."""
        return sum(new_names.get((kind, found), found) == own for (kind, own), found in self.names.items())


def _pattern(text: str) -> list[ast.stmt] | ast.expr:
    statements = ast.parse(text).body
    if len(statements) == 1 and isinstance(statements[0], ast.Expr):
        return statements[0].value
    return statements


def _is_any_block(value: object) -> bool:
    return isinstance(value, list) and len(value) == 1 and isinstance(value[0], ast.Expr) and (
        isinstance(value[0].value, ast.Constant) and value[0].value.value is ...
    )  # fmt: skip


class _Match:
    """One try to lay a pattern over code."""

    def __init__(self) -> None:
        self.names: dict[Name, str] = {}
        self.owners: dict[Name, str] = {}
        self.blocks: list[list[ast.stmt]] = []

    def holds(self, own: object, found: object) -> bool:
        if _is_any_block(own):
            if not isinstance(found, list):
                return False
            self.blocks.append(found)
            return True
        if isinstance(own, list):
            return (
                isinstance(found, list)
                and len(own) == len(found)
                and all(self.holds(one, other) for one, other in zip(own, found, strict=True))
            )
        if not isinstance(own, ast.AST):
            return type(own) is type(found) and own == found
        if type(own) is not type(found):
            return False
        name = _NAMES.get(type(own))
        for field in own._fields:
            value, other = getattr(own, field), getattr(found, field)
            if field in _WITHOUT_MEANING or (field == "orelse" and value == []):
                continue
            if field == name:
                if not self._named("field" if field == "attr" else "name", value, other):
                    return False
            elif not self.holds(value, other):
                return False
        return True

    def _named(self, kind: str, own: str | None, found: str | None) -> bool:
        if own is None or found is None or own in _FIXED or found in _FIXED:
            return own == found
        return (
            self.names.setdefault((kind, own), found) == found
            and self.owners.setdefault((kind, found), own) == own
        )


def _blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        for _, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                yield value


@cache
def places(text: str) -> list[Place]:
    """Find all that has the form of a piece of code."""
    own = _pattern(text)
    found = []
    for module, tree in TREES.items():
        if isinstance(own, list):
            for block in _blocks(tree):
                for first in range(len(block) - len(own) + 1):
                    match = _Match()
                    if match.holds(own, block[first : first + len(own)]):
                        found.append(Place(module, block, first, block[first], match.names, match.blocks))
        else:
            for node in (node for node in ast.walk(tree) if type(node) is type(own)):
                match = _Match()
                if match.holds(own, node):
                    found.append(Place(module, None, 0, node, match.names, match.blocks))
    return found


def place_of(text: str, new_names: Mapping[Name, str] | None = None) -> Place:
    """Find the place that a fault means: of those with its form, the one that shares most of its names."""
    ranked = sorted(places(text), key=lambda place: -place.shared(new_names or {}))
    if not ranked:
        raise LookupError(f"nothing has the form of: {text}")
    if len(ranked) > 1 and ranked[0].shared(new_names or {}) == ranked[1].shared(new_names or {}):
        lines = [f"{place.module}:{place.node.lineno}" for place in ranked[:2]]  # type: ignore[attr-defined]
        raise LookupError(f"{' and '.join(lines)} fit equally well: {text}")
    return ranked[0]


class _InItsPlace(ast.NodeTransformer):
    """Writes what stands instead in the names and with the blocks of the place."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.blocks = iter(copy.deepcopy(place.blocks))

    def generic_visit(self, node: ast.AST) -> ast.AST:
        name = _NAMES.get(type(node))
        if name is not None and getattr(node, name) is not None:
            kind, own = "field" if name == "attr" else "name", getattr(node, name)
            setattr(node, name, self.place.names.get((kind, own), own))
        for field, value in ast.iter_fields(node):
            if _is_any_block(value):
                setattr(node, field, next(self.blocks))  # written in the place's own names
            elif isinstance(value, list):
                value[:] = [self.visit(one) if isinstance(one, ast.AST) else one for one in value]
            elif isinstance(value, ast.AST):
                setattr(node, field, self.visit(value))
        return node


def exchanged(fault: Fault) -> tuple[str, ast.Module]:
    """Give the name and the code of the module that has a fault, with it."""
    old, new = fault
    place = place_of(old)
    known: dict[int, object] = {}
    tree = copy.deepcopy(TREES[place.module], known)
    instead = _pattern(new)
    if place.block is not None:
        block, length = known[id(place.block)], len(ast.parse(old).body)
        assert isinstance(block, list)
        statements = instead if isinstance(instead, list) else [ast.Expr(instead)]
        wrapped = _InItsPlace(place).visit(ast.Module([*statements], []))
        # An `if` of which a pattern does not say what follows otherwise keeps that.
        last, was = wrapped.body[-1], block[place.first + length - 1]
        if isinstance(last, ast.If) and isinstance(was, ast.If) and not last.orelse:
            last.orelse = was.orelse
        block[place.first : place.first + length] = wrapped.body
    else:
        assert isinstance(instead, ast.expr)
        target, value = known[id(place.node)], _InItsPlace(place).visit(instead)
        for parent in ast.walk(tree):
            for field, child in ast.iter_fields(parent):
                if child is target:
                    setattr(parent, field, value)
                elif isinstance(child, list):
                    child[:] = [value if one is target else one for one in child]
    return place.module, ast.fix_missing_locations(tree)


@cache
def sound_code() -> dict[str, CodeType]:
    """Compile the modules without a fault, once for all of them."""
    return {name: compile(tree, name, "exec") for name, tree in TREES.items()}


def plain_engine(fault: Fault | None = None) -> dict[str, ModuleType]:
    """Load the compiled engine's steps as plain Python, with a fault if one is given; give its modules by name there."""
    faulty = {
        name: compile(tree, name, "exec") for name, tree in ([] if fault is None else [exchanged(fault)])
    }
    code = sound_code() | faulty
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba, "njit", lambda **_options: lambda step: step)
        modules = {name: ModuleType(name) for name in code}
        for name, compiled in code.items():
            patch.setitem(sys.modules, name, modules[name])
            exec(compiled, vars(modules[name]))  # noqa: S102
    return {name.removeprefix("lambdasim.engine.kernel."): module for name, module in modules.items()}


def generated(family: Family, number: int, batch: int) -> list[Plan]:
    """Generate the same scenarios of a family each time."""
    kept: list[Plan] = []

    @seed(batch)
    @settings(
        max_examples=number, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(plan=plans(family))
    def keep(plan: Plan) -> None:
        kept.append(plan)

    keep()
    return kept


def in_turn(families: Sequence[Family], number: int, batch: int) -> list[tuple[Plan, Records]]:
    """Generate scenarios, the families in turn, with the reference's records."""
    found = [generated(family, number, batch) for family in families]
    assert sum(map(len, found)) > number * len(families) // 2
    ordered = [kept[turn] for turn in range(number) for kept in found if turn < len(kept)]
    return [(plan, together(run_reference(plan))) for plan in ordered]


def differs(modules: dict[str, ModuleType], plan: Plan, expected: Records) -> bool:
    """Return whether a faulty engine gives anything else than the reference, or loses what it works on."""
    run = kernel.prepared(in_pieces(plan), room=1, records_room=_RECORDS_ROOM)
    exchange_steps(run, modules)
    if isinstance(run, SourcedRun):
        run._advance_sourced = modules["sourced"].advance_with_sources
    if isinstance(run, CallingRun):
        run._advance_calling = modules["calls.loop"].advance_with_calls
    if isinstance(run, MixedRun):
        run._advance_both = modules["mixed.loop"].advance_with_both
    try:
        found = _all_of(run, len(expected["function"]))
    except (AssertionError, ConservationError, IndexError, RuntimeWarning):
        return True
    return found is None or not all(np.array_equal(found[name], expected[name]) for name in expected)


def exchange_steps(run: KernelRun, modules: Mapping[str, ModuleType]) -> None:
    """Let a run use other steps than the compiled ones."""
    run._advance, run._draw_first_runs = modules["plain.advance"].advance, modules["draws"].draw_first_runs
    if run._sorter is not None:
        run._sorter.sort = modules["plain.ends"].sort_ends


def _all_of(run: KernelRun, most: int) -> Records | None:
    """Run to the end, or to more records than there are, which gives None."""
    seen = 0
    chunks = []
    for chunk in run.run():
        chunks.append(chunk)
        seen += len(chunk)
        if seen > most:
            return None
    return together(chunks)


def _is_seen(fault: Fault, known: list[tuple[Plan, Records]]) -> bool:
    """Return whether a scenario shows a fault; the one that does is tried first with the next fault."""
    faulty = plain_engine(fault)
    for place, (plan, expected) in enumerate(known):
        if differs(faulty, plan, expected):
            known.insert(0, known.pop(place))
            return True
    return False


def assert_all_seen(faults: Mapping[str, Fault], families: Sequence[Family], number: int) -> None:
    """Make sure that the engine without faults passes, and that each fault shows in some scenario.

    What no scenario of a batch has shown is looked for in further ones, since a fault may need a rare coincidence.
    """
    sound, unseen = plain_engine(), [*faults]
    for batch in range(_BATCHES):
        known = in_turn(families, number, batch)
        assert not any(differs(sound, plan, expected) for plan, expected in known)
        unseen = [name for name in unseen if not _is_seen(faults[name], known)]
        if not unseen:
            return
    raise AssertionError(f"not seen: {', '.join(unseen)}")
