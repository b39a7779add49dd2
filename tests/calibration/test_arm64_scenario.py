"""What was fitted to arm64's durations is what a scenario runs, at a whole vCPU and above too."""

from __future__ import annotations

import json

import pytest

import lambdasim as ls
from lambdasim.calibration.data.statistics import from_summary
from lambdasim.calibration.fit.speed import full_speed_mb
from lambdasim.calibration.fit.work import fit_work
from lambdasim.models.cpu_chain import CpuStyle
from lambdasim.specs.function import Architecture

CPU_MS = 400.0


@pytest.mark.parametrize("architecture", Architecture)
@pytest.mark.parametrize("memory_mb", [128, 512, 1769, 2048, 4096])
def test_a_fits_scenario_runs_as_the_fit_predicts(architecture: Architecture, memory_mb: int) -> None:
    """Of one style nothing is averaged, so run and prediction differ by four figures' rounding and the share's."""
    whole_mb = full_speed_mb(architecture)
    sizes = [from_summary(size, 50, CPU_MS * whole_mb / size) for size in (256, 1024)]
    fit = fit_work(sizes, styles=[CpuStyle()], law_error=0, architecture=architecture)
    work = fit.to_work()
    assert work.get("memory_per_vcpu_mb", 1769) == whole_mb
    work |= {"cpu_ms": fit.cpu_ms.value, "io_ms": fit.io_ms.value, "first_run_ms": 0}
    run = ls.simulate(
        ls.load_scenario_text(
            "name: t\nstart: 2026-11-02T00:00:00Z\nduration: 1min\nfunctions:\n"
            f"- {{name: f, memory_mb: {memory_mb}, architecture: {architecture.value}, init_ms: 0, timeout: 60s,\n"
            f"   work: {json.dumps(work)},\n"
            "   traffic: {constant: {rate_per_s: 1}}}\n"
        )
    )
    mean = run.records["duration_ms"].mean()
    assert mean == pytest.approx(fit.predict(memory_mb).mean_ms.value, rel=0.003)
    assert mean == pytest.approx(CPU_MS * max(1.0, whole_mb / memory_mb), rel=0.02)
