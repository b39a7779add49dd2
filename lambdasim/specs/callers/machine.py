"""State machines of Step Functions: a definition in Amazon's States Language, and what it does not say."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, ValidationInfo

from lambdasim.outputs import noted_input
from lambdasim.specs.base import CrossFault, Spec, fault
from lambdasim.specs.callers.states import (
    UnclearError,
    all_states,
    check_definition,
    invoked_function,
    is_distributed,
    looks_like_lambda,
)
from lambdasim.specs.faults import shown
from lambdasim.specs.fields import Share, Text, Whole
from lambdasim.specs.files import FileReader, resolved
from lambdasim.specs.laws import Law
from lambdasim.specs.traffic import TrafficSpec
from lambdasim.wording import clipped

_MOST_BYTES: Final = 1_048_576
"""Of a definition, as AWS takes it."""
_MOST_MB: Final = 10_240


class MachineType(StrEnum):
    """How a state machine runs and is billed."""

    STANDARD = "standard"
    """By state transition; up to a year and 25,000 events of history."""
    EXPRESS = "express"
    """By request and by duration times memory; up to 5 minutes."""


def _definition(value: object, info: ValidationInfo) -> object:
    """Read the file of a definition; a mapping is one as it stands."""
    if isinstance(value, Mapping):
        return dict(value)
    if not isinstance(value, str):
        raise fault(f"must be a file in Amazon States Language, or the definition itself, got {shown(value)}")
    files = FileReader.of(info)
    path = resolved(files.base_dir if files is not None else Path(), value)
    noted_input(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise fault(f"{path.name} cannot be read: {error.strerror}") from None
    if len(content) > _MOST_BYTES:
        raise fault(f"{path.name} must have at most {_MOST_BYTES} bytes")
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise fault(f"{path.name} must be UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise fault(f"{path.name} must be JSON: {str(error)[:80]}") from None
    if not isinstance(found, dict):
        raise fault(f"{path.name} must be a JSON object with StartAt and States")
    return found


Definition = Annotated[
    dict[str, Any], BeforeValidator(_definition, json_schema_input_type=str | dict[str, Any])
]


class MachineSpec(Spec):
    """One state machine of Step Functions."""

    name: Text
    """What it is called."""
    definition: Definition
    """File in Amazon States Language (JSON), relative to the scenario file, or the definition itself."""
    type: MachineType = MachineType.STANDARD
    """standard or express."""
    memory_mb: Annotated[Whole, Field(ge=1, le=_MOST_MB)] = 64
    """Memory of an express execution, billed in steps of 64 MB."""
    traffic: TrafficSpec
    """How executions are started."""
    functions: dict[Text, Text] = Field(default_factory=dict)
    """Function that a task invokes, by the state's name, where its Resource does not say so."""
    choices: dict[Text, dict[Text, Share]] = Field(default_factory=dict)
    """Of each Choice state, the share of executions that go on to each state: {Paid: {Ship: 0.9, Remind: 0.1}}."""
    items: dict[Text, Annotated[Whole, Field(ge=0, le=100_000)]] = Field(default_factory=dict)
    """Of each Map state, how many items it works on."""
    task_ms: dict[Text, Law] = Field(default_factory=dict)
    """Time of tasks that invoke no function, by the state's name [ms]; default 0."""
    wait_ms: dict[Text, Law] = Field(default_factory=dict)
    """Time of Wait states that take it from their input (SecondsPath, Timestamp), by the state's name [ms]."""

    def tasks(self, known: Collection[str]) -> Iterator[tuple[str, bool, str | None]]:
        """Give each task with whether it is one of Lambda's, and the function that it invokes, as far as that is known.

        Parameters
        ----------
        known : collection of str
            The scenario's functions.

        Yields
        ------
        tuple of str, bool, and str or None
        """
        for name, state in all_states(self.definition):
            if state["Type"] == "Task":
                yield name, looks_like_lambda(state), invoked_function(self.functions, name, state, known)

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want a definition of which every state is there and can be reached."""
        try:
            check_definition(self.definition, self.choices, self.items, self.wait_ms)
        except UnclearError as wrong:
            yield CrossFault((wrong.key,), wrong.text)
            return
        maps = [name for name, state in all_states(self.definition) if is_distributed(state)]
        if self.type is MachineType.EXPRESS and maps:
            text = f"must be standard: {clipped(maps[0], 60)} is a distributed Map, which express machines do not have"
            yield CrossFault(("type",), text, (("definition",),))
