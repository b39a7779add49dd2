"""A scenario: one account in one region, its functions, and the time to simulate."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from pydantic import Field, PrivateAttr, field_validator

from lambdasim.catalog import InvocationKind, billing_rules, limit, regions
from lambdasim.errors import CatalogError, InputError, ScenarioError
from lambdasim.specs.base import CrossFault, Spec, revised
from lambdasim.specs.base import fault as refusal
from lambdasim.specs.callers.alarms import AlarmSpec
from lambdasim.specs.callers.calls import CallHow, CallWhen
from lambdasim.specs.callers.machine import MachineSpec
from lambdasim.specs.faults import not_among
from lambdasim.specs.fields import Day, Flag, Moment, ScenarioLength, Text, Whole
from lambdasim.specs.function import NO_TRAFFIC, FunctionSpec
from lambdasim.specs.platform import AccountSpec, PlatformSpec
from lambdasim.specs.traffic import SOURCES, OnBadRow
from lambdasim.specs.ways_in import entry_faults, events_of_fault, given_up_fault, with_settings_of_shared
from lambdasim.specs.work.durable import machine_of
from lambdasim.specs.work.neighbours import NeighboursSpec, unpriced
from lambdasim.units import US_PER_S, format_duration
from lambdasim.views import Result
from lambdasim.wording import clipped, count, listed, wrapped

if TYPE_CHECKING:
    import pandas as pd

_MOST_FUNCTIONS: Final = 10_000


class ScenarioSpec(Spec, Result):
    """One account in one region, its functions, and the time to simulate."""

    name: Text
    """What the scenario is called."""
    region: Text = "us-east-1"
    """AWS region, for prices."""
    start: Moment
    """First moment, with an offset from UTC."""
    duration_us: ScenarioLength = Field(alias="duration")
    """How long events arrive, at most ten years; what has begun is simulated to its end."""
    seed: Annotated[Whole, Field(ge=0, lt=1 << 64)] = 0
    """Another seed gives another replication."""
    account: AccountSpec = AccountSpec()
    """Limits of the account."""
    platform: PlatformSpec = PlatformSpec()
    """What is assumed of the platform."""
    functions: Annotated[tuple[FunctionSpec, ...], Field(min_length=1, max_length=_MOST_FUNCTIONS)]
    """Functions that share the account."""
    state_machines: Annotated[tuple[MachineSpec, ...], Field(max_length=1_000)] = ()
    """State machines of Step Functions, whose tasks invoke the functions."""
    alarms: Annotated[tuple[AlarmSpec, ...], Field(max_length=1_000)] = ()
    """Budgets and alarms: when each would fire, and what had been spent by then."""
    free_tier: Flag = True
    """Whether this bill gets the account's free tier."""
    neighbours: NeighboursSpec = NeighboursSpec()
    """Lines of the services beside Lambda."""
    price_date: Day | None = None
    """Day whose rates and billing rules apply; default: the first day of each month."""

    is_all: ClassVar[bool] = True

    _base_dir: Path = PrivateAttr(default_factory=Path)

    @classmethod
    def prepared(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Give further ways into a function that function's settings.

        Parameters
        ----------
        data : dict
            As a file has it, or with functions that were checked before.

        Returns
        -------
        dict
            The same, with functions whose ``shares`` names another given what they have in common.
        """
        functions = data.get("functions")
        return (
            data | {"functions": with_settings_of_shared(functions)}
            if isinstance(functions, list | tuple) and len(functions) <= _MOST_FUNCTIONS
            else data
        )

    @field_validator("functions", mode="before")
    @classmethod
    def _few_enough(cls, functions: object) -> object:
        """Refuse too many before any of them is looked at."""
        if isinstance(functions, list | tuple) and len(functions) > _MOST_FUNCTIONS:
            raise refusal(f"must have at most {_MOST_FUNCTIONS} items, got {len(functions)}")
        return functions

    @property
    def base_dir(self) -> Path:
        """Folder that file names in the scenario are relative to."""
        return self._base_dir

    @property
    def billing_day(self) -> date:
        """Day whose rates and billing rules apply: ``price_date``, or the first day of the month of the start, UTC."""
        return self.price_date or self.start.astimezone(UTC).date().replace(day=1)

    @property
    def callers(self) -> list[str]:
        """Functions that call others, and state machines: what they make of traffic is no function's own."""
        calling = [function.name for function in self.functions if function.calls or function.durable]
        return calling + [machine.name for machine in self.state_machines]

    def require_on_demand(self, asker: str) -> None:
        """Refuse functions on managed instances, for what is worked out by Lambda's own limits and prices.

        Parameters
        ----------
        asker : str
            What refuses them.

        Raises
        ------
        InputError
        """
        managed = [function.name for function in self.functions if function.managed_instances is not None]
        if managed:
            raise InputError.single(
                asker,
                "functions",
                f"must not be on managed instances, as {listed(managed, most=3)} {'is' if len(managed) == 1 else 'are'}: "
                "simulate, bill and compare take them",
            )

    @cached_property
    def _named(self) -> tuple[tuple[FunctionSpec, ...], dict[str, FunctionSpec]]:
        """Functions, and each by its name."""
        return self.functions, {function.name: function for function in self.functions}

    def function(self, name: str) -> FunctionSpec:
        """Return the function of a name.

        Parameters
        ----------
        name : str

        Returns
        -------
        FunctionSpec

        Raises
        ------
        ScenarioError
            When there is none.
        """
        functions, by_name = self._named
        if functions is not self.functions:  # in a copy
            by_name = {function.name: function for function in self.functions}
        if (found := by_name.get(name)) is not None:
            return found
        names = [function.name for function in self.functions]
        raise ScenarioError.single(f"scenario {self.name[:40]}", "function", not_among(name, names))

    def unfolded(self) -> ScenarioSpec:
        """Return a copy in which executions of durable functions are state machines that invoke them.

        Returns
        -------
        ScenarioSpec
            This one where it has none.
        """
        if not any(function.durable for function in self.functions):
            return self
        machines = tuple(
            MachineSpec.model_construct(
                _fields_set={"name", "definition", "traffic"},
                name=machine_of(function.name),
                definition=function.durable.definition(function.name),
                traffic=function.traffic,
            )
            for function in self.functions
            if function.durable is not None
        )
        functions = tuple(
            function.model_copy(update={"traffic": NO_TRAFFIC}) if function.durable else function
            for function in self.functions
        )
        copy = self.model_copy(
            update={"functions": functions, "state_machines": (*self.state_machines, *machines)}
        )
        copy._base_dir = self._base_dir
        return copy

    def with_seed(self, seed: int) -> ScenarioSpec:
        """Return another replication of the scenario.

        Parameters
        ----------
        seed : int
            Seeds wrap around at 2**64, so ``scenario.seed + k`` is always one.

        Returns
        -------
        ScenarioSpec
        """
        return self.model_copy(update={"seed": seed % (1 << 64)})

    def anywhere(self) -> ScenarioSpec:
        """Return a copy that finds its files whatever the current folder."""
        copy = self.model_copy()
        copy._base_dir = self._base_dir.absolute()
        return copy

    def frame(self) -> pd.DataFrame:
        """Return the settings of each function that bear on cost and limits.

        Returns
        -------
        DataFrame
            One row for each function: ``function``, ``memory_mb``, ``architecture``, ``runtime``, ``timeout_s``,
            ``trigger``, ``traffic``, ``reserved`` and ``provisioned`` concurrency (the most that is asked for; missing
            where there is none), ``snap_start``.
        """
        import pandas as pd

        return pd.DataFrame([_settings(function) for function in self.functions]).astype(
            {"reserved": "Int64", "provisioned": "Int64"}
        )

    def headline(self) -> str:
        """Say what is simulated, when and where."""
        return (
            f"{self.name}: {count(len(self.functions), 'function')} in {self.region}, "
            f"{format_duration(self.duration_us)} from {self.start.astimezone(UTC):%Y-%m-%d %H:%M} UTC, seed {self.seed}."
        )

    def text(self) -> str:
        """Write the scenario and a line for each function, in 80 columns."""
        lines = [wrapped(self.headline())]
        for row in map(_settings, self.functions):
            lines.append(
                wrapped(
                    f"{clipped(row['function'])}: {row['memory_mb']:,} MB, {row['architecture']}, {row['runtime']}, "
                    f"timeout {row['timeout_s']:g} s, {row['trigger']}, traffic {row['traffic']}",
                    "  ",
                    "    ",
                )
            )
        return "\n".join(lines)

    def to_json(self) -> str:
        """Write the scenario as JSON, which ``load_scenario_text`` reads again."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1, ensure_ascii=False)

    def __repr__(self) -> str:
        """Say what is simulated, when and where."""
        return self.headline()

    def cross_checks(self) -> tuple[Iterator[CrossFault], ...]:
        """Want a known region and day, unique names, and limits that leave the unreserved minimum."""
        return (
            self._region_faults(),
            self._day_faults(),
            self._name_faults(),
            self._entry_faults(),
            self._pool_faults(),
            self._call_faults(),
            self._machine_faults(),
            self._alarm_faults(),
            self._price_faults(),
        )

    def _region_faults(self) -> Iterator[CrossFault]:
        if self.region not in regions():
            way = "simulate it elsewhere, and price that with `lambdasim bill --region REGION --price-sheet FILE`"
            yield CrossFault(("region",), f"{not_among(self.region, regions())}; for any other, {way}")

    def _day_faults(self) -> Iterator[CrossFault]:
        try:
            billing_rules(self.billing_day)
        except CatalogError as error:
            key = "start" if self.price_date is None else "price_date"
            yield CrossFault((key,), f"{error.faults[0].message}; price_date names the day whose rates apply")

    def _name_faults(self) -> Iterator[CrossFault]:
        names: set[str] = set()
        for place, name in enumerate(function.name for function in self.functions):
            if name in names:
                yield CrossFault(("functions", place, "name"), f"must be unique, got {name[:40]!r} again")
            names.add(name)

    def _entry_faults(self) -> Iterator[CrossFault]:
        """Want ways into functions that there are, without settings of their own."""
        if not self.lacks_items:
            yield from entry_faults(self.functions)

    def _price_faults(self) -> Iterator[CrossFault]:
        """Want prices of all that functions use of the services beside Lambda."""
        for place, function in enumerate(self.functions):
            for key, amounts in (
                ("per_run", function.uses.per_run),
                ("per_run_kb", function.uses.per_run_kb),
            ):
                for fault in unpriced(key, amounts, self.neighbours):
                    yield CrossFault(("functions", place, "uses", *fault.at), fault.text)

    def _pool_faults(self) -> Iterator[CrossFault]:
        """Find the function with which reserved and provisioned concurrency leave too little, in their order."""
        spare, taken = limit("unreserved_concurrency_min"), 0
        room = max(self.account.concurrency - spare.value, 0)
        for place, function in enumerate(self.functions):
            key, asked = "reserved_concurrency", function.reserved_concurrency
            if asked is None:
                key = "provisioned_concurrency"
                asked = max((step.count for step in function.provisioned_concurrency), default=0)
            if taken + asked > room:
                others = f", functions above have {taken}" if taken else ""
                yield CrossFault(
                    ("functions", place, key),
                    f"must be at most {room - taken}: of {self.account.concurrency} {spare.value} stay "
                    f"unreserved{others}; got {asked} ({spare.citation()})",
                    (("functions",), ("account",)),
                )
                return
            taken += asked

    def _call_faults(self) -> Iterator[CrossFault]:
        """Want calls of functions that there are, in ways that they can be called, and traffic or a caller for each."""
        if self.lacks_items:
            return
        by_name = {function.name: function for function in self.functions}
        called = {call.function for function in self.functions for call in function.calls}
        called |= {name for machine in self.state_machines for _, _, name in machine.tasks(by_name) if name}
        queued = {
            call.function
            for function in self.functions
            for call in function.calls
            if call.how is CallHow.ASYNCHRONOUS
        }
        for place, function in enumerate(self.functions):
            if wrong_text := events_of_fault(function, by_name):
                yield CrossFault(("functions", place, "trigger", "events_of"), wrong_text)
            for number, call in enumerate(function.calls):
                at: tuple[str | int, ...] = ("functions", place, "calls", number)
                callee = by_name.get(call.function)
                is_given_up = function.trigger.is_polled and call.when is CallWhen.FAILED
                wrong = given_up_fault(function.trigger, call, callee) if is_given_up else None
                if wrong is not None:
                    yield CrossFault((*at, wrong[0]), wrong[1])
                elif callee is None:
                    yield CrossFault((*at, "function"), not_among(call.function, sorted(by_name)))
                elif callee.durable is not None or callee.managed_instances is not None:
                    kind = (
                        "durable functions"
                        if callee.durable is not None
                        else "functions on managed instances"
                    )
                    text = f"must not be {clipped(callee.name)}: calls of {kind} are not modelled"
                    yield CrossFault((*at, "function"), text)
                elif call.how is CallHow.TRIGGER and callee.trigger.is_synchronous:
                    text = (
                        f"must be synchronous or asynchronous: the trigger of {clipped(callee.name)} is "
                        f"{callee.trigger.type.value}, which hands on no events"
                    )
                    yield CrossFault((*at, "how"), text)
                elif call.how is CallHow.TRIGGER and callee.trigger.delivery is not None:
                    text = f"must not be {clipped(callee.name)}: delivery is modelled for a trigger's own traffic alone"
                    yield CrossFault((*at, "function"), text)
                elif call.how is not CallHow.TRIGGER and callee.trigger.is_polled:
                    text = (
                        f"must be trigger: {clipped(callee.name)} is invoked by the pollers of its "
                        f"{callee.trigger.type.value} trigger, got {call.how.value}"
                    )
                    yield CrossFault((*at, "how"), text)
                asynchronous = function.trigger.kind is InvocationKind.ASYNCHRONOUS or function.name in queued
                if call.when is not CallWhen.EACH_RUN and not asynchronous and not is_given_up:
                    text = f"must be each_run: no events reach {clipped(function.name)} asynchronously"
                    yield CrossFault((*at, "when"), text)
            if "traffic" not in function.model_fields_set and function.name not in called:
                yield CrossFault(
                    ("functions", place, "traffic"), "is missing, and no function calls this one"
                )

    def _alarm_faults(self) -> Iterator[CrossFault]:
        """Want alarms of functions that there are."""
        names = [function.name for function in self.functions]
        for place, alarm in enumerate(self.alarms):
            if alarm.function is not None and alarm.function not in names and not self.lacks_items:
                yield CrossFault(("alarms", place, "function"), not_among(alarm.function, names))

    def _machine_faults(self) -> Iterator[CrossFault]:
        """Want machines with names of their own, whose tasks invoke functions that there are."""
        if self.lacks_items:
            return
        by_name = {function.name: function for function in self.functions}
        names = set(by_name)
        for place, machine in enumerate(self.state_machines):
            at: tuple[str | int, ...] = ("state_machines", place)
            if machine.name in names:
                yield CrossFault((*at, "name"), f"must be unique, got {machine.name[:40]!r} again")
            names.add(machine.name)
            for state, is_lambda, called in machine.tasks(by_name):
                if called is None and is_lambda:
                    text = f"lacks {clipped(state, 60)}: its task invokes a function that the scenario does not have"
                    yield CrossFault((*at, "functions"), text)
                elif called is not None and called not in by_name:
                    yield CrossFault((*at, "functions", state), not_among(called, sorted(by_name)))
                elif called is not None and (by_name[called].durable or by_name[called].managed_instances):
                    kind = (
                        "durable functions" if by_name[called].durable else "functions on managed instances"
                    )
                    text = f"must not invoke {clipped(called)}: calls of {kind} are not modelled"
                    yield CrossFault((*at, "functions"), text)
                elif called is not None and by_name[called].trigger.is_polled:
                    text = f"must be invoked directly: pollers invoke {clipped(called)}"
                    yield CrossFault((*at, "functions"), text)

    def skipping_bad_rows(self) -> ScenarioSpec:
        """Return a copy whose traces leave bad rows out, counted and listed."""

        def skipping(function: FunctionSpec) -> FunctionSpec:
            traffic = revised(function.traffic, {"on_bad_row": OnBadRow.SKIP})
            return revised(function, {"traffic": traffic})

        return revised(self, {"functions": tuple(map(skipping, self.functions))})

    def scenario_hash(self) -> str:
        """Return the SHA-256 of the scenario's content, the same for any spelling of it."""
        content = json.dumps(
            self.model_dump(mode="json", by_alias=True), sort_keys=True, separators=(",", ":")
        )
        return hashlib.sha256(content.encode()).hexdigest()


def _settings(function: FunctionSpec) -> dict[str, Any]:
    """Give the row of a function in ``ScenarioSpec.frame``."""
    source = next(name for name in SOURCES if getattr(function.traffic, name) is not None)
    most = max((step.count for step in function.provisioned_concurrency), default=None)
    return {
        "function": function.name,
        "memory_mb": function.memory_mb,
        "architecture": function.architecture.value,
        "runtime": function.runtime,
        "timeout_s": function.timeout_us / US_PER_S,
        "trigger": function.trigger.type.value,
        "traffic": function.traffic.trace or source,
        "reserved": function.reserved_concurrency,
        "provisioned": most,
        "snap_start": function.snap_start is not None,
    }
