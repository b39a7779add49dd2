"""What a calibration found, as a report, as plain values, and as a function of a scenario."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from math import nan
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pydantic import TypeAdapter

from lambdasim.calibration.data.observations import Observations, counted_reasons
from lambdasim.calibration.data.statistics import Floats
from lambdasim.calibration.estimate import ColdFit, Estimate
from lambdasim.calibration.fit.first_run import FirstRunFit
from lambdasim.calibration.fit.init import InitFit
from lambdasim.calibration.fit.meet import met
from lambdasim.calibration.fit.shape import law_of_values
from lambdasim.calibration.fit.speed import (
    StreamSpeeds,
    full_speed_mb,
    is_of_cpus,
    speed_finding,
    stream_speeds,
)
from lambdasim.calibration.fit.work import WorkFit
from lambdasim.calibration.lasting import Lasting
from lambdasim.calibration.round_trip import RoundTrip
from lambdasim.calibration.written import FAILURES, Restores, log_findings, provisioned_findings
from lambdasim.catalog import limit
from lambdasim.models.cpu_scaling import cpu_time_factor
from lambdasim.specs.laws import Law
from lambdasim.views import Result
from lambdasim.wording import count, number, wrapped

if TYPE_CHECKING:
    import pandas as pd

RUNTIME: Final = "python3.13"
"""What stands in where neither a log nor the user names a runtime."""
_FIRST_RUN_SIZES_MB: Final = (128, 256, 512, 1024, 1769, 3008)
_LEAST_EXTRA_MS: Final = 0.01
_WEAK: Final = 20
_LEAST_SHARE: Final = 0.1
_WIDEST_SPREAD: Final = 0.5
_BEYOND: Final = 1.2
_ENDS: Final = 20
_SETTING: Final = ("cpu_ms", "io_ms", "cpu_law")


@dataclass(frozen=True, repr=False)
class Calibration(Result):
    """What data show of a function.

    Attributes
    ----------
    function : str
    work : WorkFit
    cold : ColdFit or None
        None where there was no cold start.
    memory_need_mb : Estimate or None
        Highest use seen; the interval goes from the median use to 10 % above the highest.
    failures : dict of str to Estimate
        Share of all runs that ended as ``error``, ``crash``, ``out_of_memory`` or ``timeout``, as far as logs say so.
    observations : Observations or None
    init : InitFit or None
        INIT as a law, held to the catalog where cold starts are few.
    first_run : FirstRunFit or None
        The first handler run after INIT by memory size; None where fewer than two were seen at every size.
    runtime : str
        As it was said, as the log names it, or supposed.
    notes : tuple of str
        What a reader must know of the source.
    snap_start : Restores or None
        None where the log has no restores.
    lasting : Lasting
        How long environments last, where the catalog does not have the log's cold starts.
    repeat : callable or None
        What holds the log beside its twin; see ``round_trip``.
    """

    function: str
    work: WorkFit
    cold: ColdFit | None = None
    memory_need_mb: Estimate | None = None
    failures: dict[str, Estimate] = field(default_factory=dict)
    observations: Observations | None = None
    init: InitFit | None = None
    first_run: FirstRunFit | None = None
    runtime: str = RUNTIME
    notes: tuple[str, ...] = ()
    snap_start: Restores | None = None
    lasting: Lasting = field(default_factory=Lasting)
    repeat: Callable[[Calibration], RoundTrip] | None = field(default=None, repr=False, compare=False)

    @cached_property
    def round_trip(self) -> RoundTrip | None:
        """The scenario on the log's own arrivals, beside the log; None without logs."""
        return None if self.repeat is None else self.repeat(self)

    @property
    def memory_mb(self) -> int:
        """The size with the most warm runs [MB]."""
        return max(self.work.sizes, key=lambda size: size.n).memory_mb

    @property
    def error_probability(self) -> Estimate | None:
        """Share of runs that ended as function errors; None without logs, or where they do not say."""
        return self.failures.get("error")

    def findings(self) -> list[str]:
        """Say in words what a reader must know: what was left out, and what is not known."""
        found = list(self.notes)
        data = self.observations
        if data is not None:
            found += data.notes
            found += [f"{one} left out" for one in counted_reasons(data.left_out)]
            found += log_findings(data, self.failures, self._durations_ms(data))
            found += provisioned_findings(data, self.memory_mb, self.work.architecture)
        if data is not None and self._computes:
            named = data.runs.environment
            seen = None if named is None else len(set(named))
            found.append(speed_finding(self._levels, self.work.architecture, seen))
        runs = sum(size.n - size.censored for size in self.work.sizes)
        if runs < _WEAK:
            found.append(f"weak fit: {runs} complete runs say little; read every number here as a guess")
        return [*found, *self._of_starts(), *self.work.findings(), *self._to_measure()]

    def _of_starts(self) -> list[str]:
        """Say how INIT is known where the log has few cold starts, or none."""
        found = []
        if self.init is not None and self.init.held_to and self.cold is not None:
            found.append(
                f"few cold starts ({self.cold.n:,}): INIT median {self.init.median_ms} ms; the catalog's "
                f"{self.init.held_to} counts for {self.init.prior_runs:.2g} of a cold start"
            )
        if self.lasting.is_longer:
            found.append(
                "environments grew older than Lambda lets them as a rule: written as an age of "
                f"{self.lasting.lifetime_s:,} s (platform.max_lifetime), at which the log's cold starts come out"
            )
        elif self.lasting.lifetime_s is not None:
            found.append(
                f"environments ended although they were busy, as deployments end them: written as an age of "
                f"{self.lasting.lifetime_s} s (platform.max_lifetime), at which the log's cold starts come out"
            )
        return found

    def _to_measure(self) -> list[str]:
        """Name the size at which the unknown split matters most, where the split is not identified."""
        if self.work.identified:
            return []
        seen = {size.memory_mb for size in self.work.sizes}
        need = 0 if self.memory_need_mb is None else self.memory_need_mb.value
        others = [size for size in _FIRST_RUN_SIZES_MB if size not in seen and size > need]
        if not others:
            return []
        ranges = {size: self.work.predict(size).mean_ms for size in others}
        telling = max(others, key=lambda size: ranges[size].high / ranges[size].low)
        return [
            "a sweep of the written scenario shows both ends of the split beside its middle; at "
            f"{telling} MB the mean could be "
            f"{number(ranges[telling].low)} to {number(ranges[telling].high)} ms: a measurement there helps most"
        ]

    def to_work(self) -> dict[str, Any]:
        """Return the ``work:`` mapping of a scenario."""
        return dict(self._work)

    @cached_property
    def _work(self) -> dict[str, Any]:
        speeds = self.speeds
        work = self._met(self.work.to_work())
        if speeds is not None:
            work["environment_spread"] = self._cpu_spread(work, speeds)
        data = self.observations
        if data is not None and data.runs.works_after_answer:
            after = data.runs.after_answer_ms()
            work["post_response_ms"] = law_of_values(after[~np.isnan(after)])
        if self.memory_need_mb is not None:
            work["max_memory_mb"] = round(self.memory_need_mb.value)
        work |= {FAILURES[kind]: round(one.value, 6) for kind, one in self.failures.items() if one.value > 0}
        if self.cold is not None and self.cold.first_run_extra_ms:
            work["first_run_ms"] = {"by_memory": self._first_run_points()}
            if self.cold.first_run_spread:
                work["first_run_ms"]["spread"] = round(self.cold.first_run_spread, 4)
        plausible = [
            self._met({"cpu_law": work["cpu_law"], **setting}, whole=False)
            for setting in self.work.plausible()
        ]
        return work | {"plausible": plausible} if plausible else work

    @property
    def speeds(self) -> StreamSpeeds | None:
        """How log streams differ in speed; None where they do not, work hardly computes, or CPUs do not differ so."""
        found = self._levels
        return found if found is not None and is_of_cpus(found, self.work.architecture) else None

    @cached_property
    def _levels(self) -> StreamSpeeds | None:
        """How log streams differ, whatever the cause."""
        data = self.observations
        if data is None or any(size.tail_timeouts for size in data.sizes):
            return None
        rows = (data.runs.memory_mb == self.memory_mb) & data.runs.warm()
        streams = data.runs.environment
        found = stream_speeds(data.runs.work_ms()[rows], None if streams is None else streams[rows])
        return found if self._computes else None

    @property
    def _computes(self) -> bool:
        """Whether CPU time is a part of the work that counts."""
        return self.work.cpu_ms.value >= _LEAST_SHARE * (
            self.work.cpu_ms.value + self.work.io_ms.value + 1e-9
        )

    def _cpu_spread(self, work: dict[str, Any], speeds: StreamSpeeds) -> float:
        """Give the spread of CPU time between environments that makes the one of durations."""
        mean_ms: float = TypeAdapter(Law).validate_python(work["cpu_ms"]).mean()
        factor = cpu_time_factor(self._on_x86_mb(self.memory_mb), 0.0)
        share = mean_ms * factor / float(speeds.within_ms.mean())
        return round(min(speeds.spread / max(share, _LEAST_SHARE), _WIDEST_SPREAD), 4)

    def _on_x86_mb(self, memory_mb: int) -> int:
        """Give the size on x86_64 that has the same share of a vCPU [MB]."""
        per_vcpu_mb = limit("memory_per_vcpu_mb").value
        return round(memory_mb * per_vcpu_mb / full_speed_mb(self.work.architecture))

    def _met(self, work: dict[str, Any], *, whole: bool = True) -> dict[str, Any]:
        """Bend work to the durations at the size with the most runs, where a log has them."""
        data = self.observations
        if data is None or not len(values := self._durations_ms(data)):
            return work
        values = values if self.speeds is None else self.speeds.within_ms
        setting = {name: work[name] for name in _SETTING}
        others = {
            self._on_x86_mb(size.memory_mb): size.centre_ms
            for size in self.work.sizes
            if size.memory_mb != self.memory_mb
        }
        most = 200 if whole else _ENDS
        found = met(setting, values, self._on_x86_mb(self.memory_mb), others=others, most=most)
        return {**work, **found} if whole else found

    def _durations_ms(self, data: Observations) -> Floats:
        """Give durations of all warm runs at the size with the most of them, whatever their outcome, shape (n,) [ms].

        Timeouts at the end of a tail stand in with what the fit has beyond the limit.
        """
        runs = data.runs
        here = runs.memory_mb == self.memory_mb
        (size,) = (one for one in data.sizes if one.memory_mb == self.memory_mb)
        rows = here & runs.warm()
        few = size.with_first or not rows.any()
        values = runs.work_ms()[here & ~runs.inside & ~runs.ended("timeout") if few else rows]
        if not size.tail_timeouts or size.cut_ms is None:
            return np.asarray(values)
        fitted = self.work.predict(self.memory_mb).durations_ms
        beyond = np.sort(fitted[fitted > size.cut_ms])
        if not len(beyond):
            beyond = np.array([size.cut_ms * _BEYOND])
        places = ((np.arange(size.tail_timeouts) + 0.5) / size.tail_timeouts * len(beyond)).astype(int)
        return np.concatenate([values, beyond[places]])

    def _first_run_points(self) -> list[dict[str, Any]]:
        """Give the mean extra time of the first run at the sizes seen, and as predicted at others."""
        assert self.cold is not None  # noqa: S101 - asked for where there were cold starts
        extras = {size: found.value for size, found in self.cold.first_run_extra_ms.items()}
        if self.first_run is not None:
            for size in _FIRST_RUN_SIZES_MB:
                if size not in extras:
                    warm = self.work.predict(size).mean_ms.value
                    extras[size] = self.first_run.predict_ms(size).value - warm
        return [
            {"memory_mb": size, "mean_ms": round(max(extra, _LEAST_EXTRA_MS), 3)}
            for size, extra in sorted(extras.items())
        ]

    def to_function(self) -> dict[str, Any]:
        """Return what a scenario says of the function, apart from its traffic: name, memory, work and INIT."""
        function: dict[str, Any] = {
            "name": self.function,
            "memory_mb": self.memory_mb,
            "architecture": self.work.architecture.value,
            "runtime": self.runtime,
            "work": self.to_work(),
        }
        if self.snap_start is not None:
            function["snap_start"] = self.snap_start.spec()
        elif self.init is not None:
            function["init_ms"] = self.init.law()
        bought = 0 if self.observations is None else self.observations.runs.most_provisioned()
        if bought and self.snap_start is None:
            function["provisioned_concurrency"] = [{"at": "0s", "count": bought}]
        if self.lasting.keep_alive_s is not None:
            function["keep_alive"] = f"{self.lasting.keep_alive_s}s"
        if self.observations is not None and self.observations.log_bytes is not None:
            function["uses"] = {"log_bytes": self.observations.log_bytes}
        return function

    def text(self) -> str:
        """Return the report in lines of at most 80 columns, with the round trip where there are logs."""
        lines = [wrapped(line) for line in str(self).splitlines()]
        return "\n".join(lines if self.round_trip is None else [*lines, "", self.round_trip.text()])

    def frame(self) -> pd.DataFrame:
        """Return what was found of the function.

        Returns
        -------
        DataFrame
            One row for each quantity: ``quantity``, ``value``, and ``low`` and ``high``, the ends of its 95 % interval.
            Failures of which the log says nothing have NaN.
        """
        import pandas as pd

        found: dict[str, Estimate | None] = {
            "CPU time on one vCPU [ms]": self.work.cpu_ms,
            "waiting [ms]": self.work.io_ms,
            "INIT, median [ms]": None if self.init is None else self.init.median_ms,
            "memory need [MB]": self.memory_need_mb,
        }
        unknown = Estimate(nan, nan, nan)
        if self.observations is not None:
            found |= {
                f"share of runs that end as {kind}": self.failures.get(kind, unknown) for kind in FAILURES
            }
        rows = [
            {"quantity": name, "value": one.value, "low": one.low, "high": one.high}
            for name, one in found.items()
            if one is not None
        ]
        return pd.DataFrame(rows)

    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Return the estimates, how the fit meets each size, and the round trip where there are logs."""
        import pandas as pd

        fit = pd.DataFrame(
            [
                {
                    "memory_mb": one.memory_mb,
                    "runs": one.n,
                    "observed_ms": one.observed_ms,
                    "fitted_ms": one.fitted_ms,
                    "error_share": one.error,
                }
                for one in self.work.goodness()
            ]
        )
        tables = {"estimates": self.frame(), "fit": fit}
        return tables if self.round_trip is None else {**tables, "round trip": self.round_trip.frame()}

    def headline(self) -> str:
        """Say what the function is fitted to, and its work."""
        sizes = ", ".join(
            f"{count(one.n, 'warm run')} at {count(one.memory_mb)} MB" for one in self.work.sizes
        )
        return (
            f"{self.function}: fitted to {sizes}; CPU time {self.work.cpu_ms} ms on one vCPU, waiting "
            f"{self.work.io_ms} ms."
        )

    def to_json(self) -> str:
        """Write what was found; see ``as_mapping``."""
        return json.dumps(self.as_mapping(), indent=1, ensure_ascii=False)

    def __repr__(self) -> str:
        """Say what the function is fitted to, and its work."""
        return wrapped(self.headline())

    def as_mapping(self) -> dict[str, Any]:
        """Return what was found as plain values, for JSON: estimates, fit by size, findings, and the function."""

        def plain(estimate: Estimate | None) -> dict[str, float] | None:
            return None if estimate is None else asdict(estimate)

        use = None if self.observations is None else self.observations.use
        return {
            "function": self.to_function(),
            "cpu_ms": plain(self.work.cpu_ms),
            "io_ms": plain(self.work.io_ms),
            "identified": self.work.identified,
            "styles": {str(style): weight for style, weight in self.work.style_weights.items()},
            "fit": [asdict(fit) for fit in self.work.goodness()],
            "cold_starts": 0 if self.observations is None else int(self.observations.runs.cold.sum()),
            "init_median_ms": plain(None if self.init is None else self.init.median_ms),
            "memory_need_mb": plain(self.memory_need_mb),
            "error_probability": plain(self.error_probability),
            "failures": {}
            if self.observations is None
            else {kind: plain(self.failures.get(kind)) for kind in FAILURES},
            "environments": None if use is None else asdict(use),
            "left_out": {} if self.observations is None else dict(self.observations.left_out),
            "findings": self.findings(),
            "round_trip": None if self.round_trip is None else self.round_trip.as_rows(),
        }

    def __str__(self) -> str:
        """Return a short report as lines of text."""
        work = self.work
        lines = [
            f"{self.function}: fitted to "
            + ", ".join(f"{s.n:,} warm runs at {s.memory_mb} MB" for s in work.sizes),
            f"CPU time {work.cpu_ms} ms on one vCPU, waiting {work.io_ms} ms",
            "style: "
            + "; ".join(f"{style} {weight:.0%}" for style, weight in list(work.style_weights.items())[:3]),
            *(
                f"at {fit.memory_mb} MB: {number(fit.observed_ms)} ms seen, the fit {fit.error:+.1%}"
                + "".join(f", p{round(100 * p)} {e:+.1%}" for p, e in fit.quantile_errors.items())
                for fit in work.goodness()
            ),
        ]
        if self.cold is not None and self.cold.n:
            seen = self.observations is None or self.observations.runs.cold.any()
            where = "INIT, cold starts seen" if seen else "INIT inside runs after failures, seen"
            lines.append(f"{where} {self.cold.n:,}: median {self.cold.init_ms[0.5]} ms")
        if self.snap_start is not None:
            load, restore = np.median(self.snap_start.load_ms), np.median(self.snap_start.restore_ms)
            lines.append(
                f"SnapStart, restores seen {len(self.snap_start.load_ms):,}: median {number(float(load))} ms of loading, "
                f"not billed, and {number(float(restore))} ms billed"
            )
        if self.first_run is not None:
            shown = sorted(size.memory_mb for size in self.first_run.sizes)
            told = ", ".join(f"{self.first_run.predict_ms(mb)} ms at {mb} MB" for mb in shown)
            lines.append(f"first run after INIT: {told}")
        if self.memory_need_mb is not None:
            lines.append(f"memory used at most: {self.memory_need_mb.value:.0f} MB")
        if self.observations is not None and self.observations.use is not None:
            lines += str(self.observations.use).splitlines()
        return "\n".join(lines + [f"note: {text}" for text in self.findings()])
