"""Work that measurements leave possible beside the likeliest: another split of CPU time and waiting."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from lambdasim.specs.base import Spec
from lambdasim.specs.laws import Law
from lambdasim.specs.work.cpu_law import CpuLaw


class PlausibleWork(Spec):
    """One setting of work that the data do not rule out."""

    cpu_ms: Law
    """CPU time of a run on one whole vCPU [ms]."""
    io_ms: Law
    """Time of a run spent waiting, whatever the memory [ms]."""
    cpu_law: CpuLaw | None = None
    """How CPU time is stretched below one vCPU. Left out: as in work."""


Plausible: TypeAlias = Annotated[tuple[PlausibleWork, ...], Field(max_length=3)]
