"""What one run of the handler needs: CPU time, waiting, memory, and how often it fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, model_serializer

from lambdasim.specs.base import CrossFault, Spec
from lambdasim.specs.fields import Limited, Real, Share, Whole
from lambdasim.specs.laws import FixedLaw, Law
from lambdasim.specs.work.cpu_law import STRAIGHT, CpuLaw
from lambdasim.specs.work.first_run import FirstRun
from lambdasim.specs.work.plausible import Plausible

_FAILURES = ("error_probability", "crash_probability", "out_of_memory_probability", "timeout_probability")


class WorkSpec(Spec):
    """What one run of the handler needs."""

    cpu_ms: Law = FixedLaw(fixed=0)
    """CPU time of a run on one whole vCPU [ms]."""
    io_ms: Law = FixedLaw(fixed=0)
    """Time of a run spent waiting, whatever the memory [ms]."""
    cpu_law: CpuLaw = STRAIGHT
    """How CPU time is stretched below one vCPU: straight, in proportion to memory, or the scheduler's quota."""
    memory_per_vcpu_mb: Annotated[Whole, Limited("memory_min_mb", "memory_max_mb")] | None = None
    """Memory size at which one thread has a whole vCPU, on the function's architecture [MB]. Left out: 1,769."""
    parallel_fraction: Share = 0.0
    """Part of the CPU time that spreads over several vCPUs, by Amdahl's law; between 0 and 1."""
    threads: Annotated[Whole, Field(ge=1)] | None = None
    """Threads among which the parallel part is shared. Left out: one for each vCPU."""
    arm64_time_ratio: Annotated[Real, Field(gt=0, le=100)] = 1.0
    """CPU time on arm64 over CPU time on x86_64."""
    max_memory_mb: Law | None = None
    """Memory that a run uses at its peak [MB]; more than is configured fails. Left out: always enough."""
    first_run_ms: FirstRun = "catalog"
    """Extra handler time of the first run after INIT [ms], also by_memory; catalog: as measured for both."""
    error_probability: Share = 0.0
    """How often the handler returns an error."""
    crash_probability: Share = 0.0
    """How often the handler ends its process; the environment then initialises again."""
    out_of_memory_probability: Share = 0.0
    """How often a run is ended out of memory, whatever its size; beside max_memory_mb."""
    timeout_probability: Share = 0.0
    """How often a run hangs until the function's timeout."""
    post_response_ms: Law = FixedLaw(fixed=0)
    """Work after the answer, of extensions for instance: billed and busy, not waited for by a client [ms]."""
    environment_spread: Share | Literal["catalog"] = 0.0
    """Standard deviation of CPU time between execution environments over its mean; catalog: as measured."""
    plausible: Plausible = ()
    """Other settings of cpu_ms and io_ms that measurements leave possible; a sweep over memory sizes shows them too."""

    @model_serializer(mode="wrap")
    def _known_alone(self, handler: Any) -> Any:
        """Leave plausible out where there is none."""
        written = handler(self)
        if not self.plausible:
            del written["plausible"]
        return written

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want failures that leave room for success."""
        together = sum(getattr(self, name) for name in _FAILURES)
        if together > 1 + 1e-12:
            used = [name for name in _FAILURES if getattr(self, name)]
            *others, last = used
            yield CrossFault(
                (last,),
                f"must be at most 1 together with {', '.join(others)}, got {together:g}",
                tuple((name,) for name in others),
            )
