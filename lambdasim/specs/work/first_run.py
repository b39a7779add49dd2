"""Extra time of the first handler run after INIT: a law, the catalog's, or means by memory size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, Tag

from lambdasim.specs.base import CrossFault, Spec
from lambdasim.specs.fields import Limited, Real, Whole
from lambdasim.specs.laws import Law, as_mapping_or_catalog

_BY_MEMORY: Final = "by_memory"


class FirstRunPoint(Spec):
    """The mean at one memory size."""

    memory_mb: Annotated[Whole, Limited("memory_min_mb", "memory_max_mb")]
    """Configured memory [MB]."""
    mean_ms: Annotated[Real, Field(gt=0)]
    """Mean extra time there [ms]."""


class FirstRunByMemory(Spec):
    """Means at some memory sizes, in rising order; straight lines in the logarithms of memory and time between them."""

    by_memory: Annotated[tuple[FirstRunPoint, ...], Field(min_length=1)]
    """Sizes and means; outside them the nearest one's."""
    spread: Annotated[Real, Field(ge=0, le=10)] = 0.0
    """Standard deviation over the mean, at every size, of a lognormal law; 0 where every first run takes the mean."""

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want rising sizes."""
        for place, (one, other) in enumerate(pairwise(self.by_memory), start=1):
            if other.memory_mb <= one.memory_mb:
                found = f"must be above {one.memory_mb}, got {other.memory_mb}"
                yield CrossFault((_BY_MEMORY, place, "memory_mb"), found)


def _as_first_run(value: object) -> object:
    if isinstance(value, FirstRunByMemory) or (isinstance(value, Mapping) and _BY_MEMORY in value):
        return value
    return as_mapping_or_catalog(value)


def _kind(value: object) -> str:
    if isinstance(value, str):
        return value
    is_table = isinstance(value, FirstRunByMemory) or (isinstance(value, Mapping) and _BY_MEMORY in value)
    return _BY_MEMORY if is_table else "law"


FirstRun: TypeAlias = Annotated[
    Annotated[Law, Tag("law")]
    | Annotated[FirstRunByMemory, Tag(_BY_MEMORY)]
    | Annotated[Literal["catalog"], Tag("catalog")],
    Discriminator(_kind),
    BeforeValidator(_as_first_run),
]
