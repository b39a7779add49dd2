"""A fitted setting of work bent until its durations are those of the log at one memory size, mean and quantiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import log, sqrt
from statistics import NormalDist
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from pydantic import TypeAdapter

from lambdasim.calibration.data.statistics import Floats
from lambdasim.calibration.fit.nodes import luck
from lambdasim.calibration.fit.shape import law_of_values, lognormal
from lambdasim.models.cpu_chain import CpuStyle, handler_durations
from lambdasim.models.cpu_scaling import cpu_time_factor
from lambdasim.specs.work import cpu_law as said
from lambdasim.units import US_PER_MS

_N: Final = 2048
_ROUNDS: Final = 30
_STEP: Final = 0.7
_MEAN_CLOSE: Final = 0.002
_CLOSE: Final = {0.05: 0.03, 0.25: 0.02, 0.5: 0.01, 0.75: 0.02, 0.95: 0.01, 0.99: 0.01}
_ELSEWHERE: Final = 0.02
_LOW: Final = 0.01
_ROOM: Final = 0.98
_Z95: Final = NormalDist().inv_cdf(0.95)


@dataclass(frozen=True)
class _Tables:
    """CPU time and waiting as equally likely values in order [ms], and how CPU time is stretched."""

    cpu_ms: Floats
    io_ms: Floats
    style: CpuStyle

    def durations_ms(self, memory_mb: int) -> Floats:
        """Give durations under evenly spread luck, in order, shape (n,) [ms]."""
        chance = luck(_N)
        cpu = self.cpu_ms[_rank(chance.cpu_scores)]
        io = self.io_ms[_rank(chance.io_scores)]
        took_us = handler_durations(
            np.rint(cpu * US_PER_MS).astype(np.int64),
            np.rint(io * US_PER_MS).astype(np.int64),
            memory_mb,
            self.style,
            chance.starts,
        )
        return np.sort(took_us) / US_PER_MS


def met(
    setting: dict[str, Any],
    values_ms: Floats,
    memory_mb: int,
    *,
    others: Mapping[int, float] = MappingProxyType({}),
    most: int = 200,
) -> dict[str, Any]:
    """Bend a setting of work to durations at one memory size.

    Parameters
    ----------
    setting : dict
        ``cpu_ms``, ``io_ms``, numbers or lognormal laws, and ``cpu_law``.
    values_ms : ndarray, shape (n,)
        Durations of runs in warm environments [ms].
    memory_mb : int
        The size on x86_64 that has the same share of a vCPU.
    others : mapping of int to float
        Mean durations at other sizes [ms], which have their say in what carries the differences.
    most : int
        Length of the longest table of quantiles.

    Returns
    -------
    dict
        The setting itself where it has the mean and the quantiles of the values, to within 1 % or half their sampling
        error. Else one of CPU time and waiting carries what differs from run to run, the larger first, under the
        same law of CPU time if it can, and under the straight law if the steps of the scheduler are wider than what was
        measured.
    """
    ordered = np.sort(values_ms)
    mean_ms, target = float(ordered.mean()), ordered[((np.arange(_N) + 0.5) / _N * len(ordered)).astype(int)]
    allowed = _allowed(ordered)
    first = _tables(setting)
    scale = mean_ms / float(first.durations_ms(memory_mb).mean())
    scaled = replace(first, cpu_ms=first.cpu_ms * scale, io_ms=first.io_ms * scale)
    near = max(1.0, _elsewhere(first, others))
    if max(_misses(scaled.durations_ms(memory_mb), target, allowed), _elsewhere(scaled, others) / near) <= 1:
        return _scaled(setting, scale)
    best: tuple[float, _Tables, str] | None = None
    for tables, carrier in _candidates(first, target, memory_mb):
        misses, bent = _bent(tables, carrier, target, memory_mb, allowed)
        misses = max(misses, _elsewhere(bent, others) / near)
        if best is None or misses < best[0]:
            best = (misses, bent, carrier)
        if best[0] <= 1:
            break
    assert best is not None  # noqa: S101 - there is always a candidate
    _, tables, carrier = best
    law = tables.style.spec()
    factor = cpu_time_factor(memory_mb, 0.0)
    other = "io_ms" if carrier == "cpu_ms" else "cpu_ms"
    rest = getattr(tables, other)
    if tables.style == CpuStyle():
        carried = ordered - rest.mean() * (factor if other == "cpu_ms" else 1.0)
        carried = np.maximum(carried, 0.0) / (factor if carrier == "cpu_ms" else 1.0)
    else:
        carried = getattr(tables, carrier)
        missing = (mean_ms - float(tables.durations_ms(memory_mb).mean())) / (
            factor if carrier == "cpu_ms" else 1.0
        )
        carried = carried * (1 + missing / max(float(carried.mean()), 1e-6))
    return {
        "cpu_ms": 0.0,
        "io_ms": 0.0,
        "cpu_law": law if isinstance(law, str) else law.model_dump(mode="json"),
        carrier: law_of_values(carried, most),
        other: law_of_values(rest),
    }


def _elsewhere(tables: _Tables, others: Mapping[int, float]) -> float:
    """Give the largest error of the mean at other sizes, in units of what is allowed there."""
    means = {size: float(tables.durations_ms(size).mean()) for size in others}
    return max((abs(means[size] / mean - 1) / _ELSEWHERE for size, mean in others.items()), default=0.0)


def _candidates(first: _Tables, target: Floats, memory_mb: int) -> list[tuple[_Tables, str]]:
    """Name what may carry the differences between runs, the likeliest first; the straight law comes last."""
    factor = cpu_time_factor(memory_mb, 0.0)
    cpu, io = float(first.cpu_ms.mean()), float(first.io_ms.mean())
    larger = "cpu_ms" if cpu * factor >= io else "io_ms"
    order = [larger, "io_ms" if larger == "cpu_ms" else "cpu_ms"]
    styles = [first.style] if first.style == CpuStyle() else [first.style, CpuStyle()]
    share = cpu * factor / max(cpu * factor + io, 1e-9)
    floor = _ROOM * float(target[int(_LOW * _N)])
    found = []
    for style in styles:
        for carrier in order:
            rest = (1 - share) if carrier == "cpu_ms" else share
            mean = float(target.mean()) * rest
            kept = mean if mean < floor else floor * rest
            carried = np.maximum(target - kept, 0.0)
            if carrier == "cpu_ms":
                tables = _Tables(carried / factor, np.full(_N, kept), style)
            else:
                tables = _Tables(np.full(_N, kept / factor), carried, style)
            found.append((tables, carrier))
    return found


def _bent(
    tables: _Tables, carrier: str, target: Floats, memory_mb: int, allowed: dict[float, float]
) -> tuple[float, _Tables]:
    """Move the carrier's quantiles until durations have the target's; give the least misses on the way."""
    factor = cpu_time_factor(memory_mb, 0.0) if carrier == "cpu_ms" else 1.0
    best: tuple[float, _Tables] | None = None
    for _ in range(_ROUNDS):
        durations = tables.durations_ms(memory_mb)
        misses = _misses(durations, target, allowed)
        if best is None or misses < best[0]:
            best = (misses, tables)
        if misses <= 1 / 2:
            break
        values = getattr(tables, carrier)
        moved = np.sort(np.maximum(values + _STEP * (target - durations) / factor, 0.0))
        tables = replace(tables, cpu_ms=moved) if carrier == "cpu_ms" else replace(tables, io_ms=moved)
    assert best is not None  # noqa: S101 - there is at least one round
    return best


def _misses(durations: Floats, target: Floats, allowed: dict[float, float]) -> float:
    """Give the largest error of the mean and of quantiles, in units of what is allowed."""
    mean = float(abs(durations.mean() / target.mean() - 1)) / _MEAN_CLOSE
    levels = list(allowed)
    errors = np.abs(np.quantile(durations, levels) / np.maximum(np.quantile(target, levels), 1e-6) - 1)
    return float(max([mean, *(errors / np.array(list(allowed.values()))).tolist()]))


def _allowed(ordered: Floats) -> dict[float, float]:
    """Give the relative error that each quantile may have: 1 to 3 %, or half its sampling error."""
    n, found = len(ordered), {}
    for p, close in _CLOSE.items():
        step = sqrt(p * (1 - p) / n)
        low, high = np.maximum(np.quantile(ordered, (max(p - step, 0.0), min(p + step, 1.0))), 1e-6)
        found[p] = max(close, log(high / low) / 4)
    return found


def _rank(scores: Floats) -> Any:
    return np.argsort(np.argsort(scores, kind="stable"), kind="stable")


def _tables(setting: dict[str, Any]) -> _Tables:
    style = CpuStyle.of(TypeAdapter(said.CpuLaw).validate_python(setting["cpu_law"]))
    return _Tables(_table(setting["cpu_ms"]), _table(setting["io_ms"]), style)


def _table(law: Any) -> Floats:
    """Give equally likely values of a number or a lognormal law, in order, shape (n,)."""
    if isinstance(law, int | float):
        return np.full(_N, float(law))
    shape = law["lognormal"]
    scores = np.sort(luck(_N).cpu_scores)
    return np.asarray(shape["p50"] * np.exp(log(shape["p95"] / shape["p50"]) / _Z95 * scores))


def _scaled(setting: dict[str, Any], scale: float) -> dict[str, Any]:
    """Multiply CPU time and waiting."""

    def times(law: Any) -> Any:
        if isinstance(law, int | float):
            return round(law * scale, 4)
        return lognormal(*(scale * law["lognormal"][name] for name in ("p50", "p95")))

    return {**setting, "cpu_ms": times(setting["cpu_ms"]), "io_ms": times(setting["io_ms"])}
