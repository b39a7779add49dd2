"""How CPU time becomes time on the clock below one vCPU: in proportion to memory, or by the scheduler's quota."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, Tag

from lambdasim.specs.base import Spec, fault
from lambdasim.specs.faults import shown
from lambdasim.specs.fields import Whole

STRAIGHT: Final = "straight"
_FORM: Final = "straight, or {quota: {first_check: fourth_tick, waits: 0}}"


class FirstCheck(StrEnum):
    """Which timer tick of a stretch on the CPU is the first that can stop it."""

    EVERY_TICK = "every_tick"
    """The first after the credit is used up, as a spinning process is stopped."""
    FOURTH_TICK = "fourth_tick"
    """The fourth, as freshly invoked handlers were seen to be."""


class QuotaShape(Spec):
    """How a function meets the scheduler."""

    first_check: FirstCheck = FirstCheck.FOURTH_TICK
    """First timer tick of a stretch on the CPU that can stop it: every_tick or fourth_tick."""
    waits: Annotated[Whole, Field(ge=0, le=100)] = 0
    """Equal waits that io_ms is cut into, between equal stretches of cpu_ms; with 0 all waiting comes after the work."""


class QuotaLaw(Spec):
    """Linux CFS bandwidth control: a quota for each 20 ms, looked at every 4 ms; short handlers move in steps."""

    quota: QuotaShape
    """First check and waits, which belong to the function; {} for those of a handler that only computes."""


def _as_law(value: object) -> object:
    """Refuse what is neither law."""
    if value == STRAIGHT or isinstance(value, QuotaLaw):
        return value
    if isinstance(value, Mapping) and list(value) == ["quota"]:
        return value
    raise fault(f"must be {_FORM}, got {shown(value)}")


def _kind(value: object) -> str:
    return STRAIGHT if value == STRAIGHT else "quota"


CpuLaw: TypeAlias = Annotated[
    Annotated[QuotaLaw, Tag("quota")] | Annotated[Literal["straight"], Tag(STRAIGHT)],
    Discriminator(_kind),
    BeforeValidator(_as_law),
]
