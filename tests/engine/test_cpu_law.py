"""Simulated handlers under the scheduler's quota: hand-worked runs, and the distribution that the model gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import lambdasim as ls
from lambdasim.engine.plan import plan_scenario
from lambdasim.errors import InputError, NotModelledWarning
from lambdasim.models.cpu_chain import CpuStyle, handler_durations
from lambdasim.specs import ScenarioSpec, load_scenario_text

QUOTA = "cpu_law: {quota: {}}"


def scenario(function: str, rate_per_s: int = 5) -> ScenarioSpec:
    return load_scenario_text(
        "name: t\nstart: 2026-11-01T00:00:00Z\nduration: 40s\nfunctions:\n"
        f"  - {{name: f, init_ms: 0, timeout: 20s, traffic: {{constant: {{rate_per_s: {rate_per_s}}}}}, {function}}}\n"
    )


def durations_ms(function: str, rate_per_s: int = 5) -> list[float]:
    durations: list[float] = ls.simulate(scenario(function, rate_per_s)).records["duration_ms"].tolist()
    return durations


@pytest.mark.parametrize("memory_mb", [512, 1024, 1700])
def test_work_that_ends_before_its_first_check_is_not_stretched(memory_mb: int) -> None:
    # The first check is at the fourth tick, 12 ms after the start or later: 10 ms of work never meet it.
    work = f"work: {{cpu_ms: 10, io_ms: 7, {QUOTA}}}"
    assert set(durations_ms(f"memory_mb: {memory_mb}, {work}")) == {17.0}


def test_arm64s_ratio_changes_cpu_time_before_the_law() -> None:
    work = f"work: {{cpu_ms: 20, io_ms: 7, arm64_time_ratio: 0.5, {QUOTA}}}"
    assert set(durations_ms(f"memory_mb: 512, architecture: arm64, {work}")) == {17.0}


@pytest.mark.parametrize("law", [QUOTA, "cpu_law: {quota: {first_check: every_tick, waits: 3}}"])
def test_waiting_alone_takes_as_long_as_it_takes(law: str) -> None:
    assert set(durations_ms(f"memory_mb: 128, work: {{io_ms: 33.333, {law}}}")) == {33.333}


@pytest.mark.parametrize("memory_mb", [1769, 3008, 10240])
@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_the_laws_agree_from_one_vcpu_on(memory_mb: int, architecture: str) -> None:
    work = (
        "cpu_ms: {lognormal: {p50: 30, p95: 90}}, io_ms: {exponential: {mean: 5}}, parallel_fraction: 0.4, "
        "arm64_time_ratio: 0.9"
    )
    head = f"memory_mb: {memory_mb}, architecture: {architecture}"
    straight = durations_ms(f"{head}, work: {{{work}}}")
    assert durations_ms(f"{head}, work: {{{work}, cpu_law: {{quota: {{waits: 2}}}}}}") == straight


def test_a_stopped_handlers_durations_lie_on_the_grid_of_ticks() -> None:
    """Stops are at ticks of 4 ms and ends of stops at periods of 20 ms, so only the work itself is off the grid.

    Of 30 ms that is 2 ms, and 0.09 ms more for each period of the first stop. At 5.788 ms of CPU a period it lasts one to
    three, to repay what the handler ran up to its first check.
    """
    seen = ls.simulate(scenario(f"memory_mb: 512, work: {{cpu_ms: 30, {QUOTA}}}", rate_per_s=50)).records
    off_grid_us = np.rint(seen["duration_ms"] * 1000).astype(int) % 4000
    assert set(off_grid_us) == {2090, 2180, 2270}


LAWS = {
    "late": "{quota: {}}",
    "every tick": "{quota: {first_check: every_tick}}",
    "with waits": "{quota: {first_check: every_tick, waits: 4}}",
}


@pytest.mark.parametrize("memory_mb", [128, 512, 1600])
@pytest.mark.parametrize("law", LAWS)
def test_simulated_durations_have_the_models_distribution(memory_mb: int, law: str) -> None:
    """Two samples of one law, drawn by different means, pass the test of Kolmogorov and Smirnov at one in a thousand."""
    work = "cpu_ms: {lognormal: {p50: 16, p95: 26}}, io_ms: {uniform: {low: 5, high: 40}}"
    spec = scenario(f"memory_mb: {memory_mb}, work: {{{work}, cpu_law: {LAWS[law]}}}", rate_per_s=200)
    simulated = ls.simulate(spec).records["duration_ms"].to_numpy()
    n = len(simulated)
    rng = np.random.default_rng(8)
    sigma = np.log(26 / 16) / 1.6448536
    cpu_us = np.rint(16_000 * np.exp(sigma * rng.standard_normal(n))).astype(np.int64)
    io_us = np.rint(rng.uniform(5_000, 40_000, n)).astype(np.int64)
    style = CpuStyle.of(spec.functions[0].work.cpu_law)
    expected = handler_durations(cpu_us, io_us, memory_mb, style, rng.random((3, n))) / 1000
    assert distance(simulated, expected) < 1.95 * np.sqrt(2 / n)


def distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Greatest distance of two samples' distribution functions."""
    places = np.concatenate([first, second])
    shares = [
        np.searchsorted(np.sort(sample), places, side="right") / len(sample) for sample in (first, second)
    ]
    return float(np.abs(shares[0] - shares[1]).max())


def test_starts_are_drawn_for_each_run_of_each_invocation() -> None:
    plan = plan_scenario(scenario(f"memory_mb: 512, work: {{cpu_ms: 40, {QUOTA}}}"))
    draws = plan.functions[0].draws
    every = draws.draw(np.arange(1000), run=0).handler_us
    assert len(np.unique(every)) > 5
    some = np.array([3, 900, 17])
    np.testing.assert_array_equal(draws.draw(some, run=0).handler_us, every[some])
    assert (draws.draw(np.arange(1000), run=1).handler_us != every).mean() > 0.5


def test_no_engine_takes_several_requests_in_one_environment() -> None:
    plan = plan_scenario(scenario("work: {io_ms: 1}"))
    with pytest.raises(InputError, match="Plan: requests_per_environment: must be 1, got 2"):
        replace(plan, requests_per_environment=2)


def parameters(function: str) -> pd.DataFrame:
    return ls.simulate(scenario(function), keep_records=False).parameters().set_index("parameter")


def test_a_result_tells_its_law_of_cpu_time_and_where_its_constants_come_from() -> None:
    told = parameters(f"memory_mb: 512, work: {{cpu_ms: 10, {QUOTA}}}")
    assert told.loc["CPU law of f", "value"] == "quota, fourth tick, 0 waits"
    assert told.loc["CPU law of f", "known"] == "given"
    assert told.loc["cpu_period_ms", "value"] == "20 ms"
    assert "data/memory_scaling" in told.loc["cpu_period_ms", "source"]
    assert set(told.loc[told.index.str.startswith("cpu_start"), "known"]) == {"fitted"}
    told = parameters("memory_mb: 512, work: {cpu_ms: 10}")
    assert told.loc["CPU law", ["value", "known"]].tolist() == ["straight", "assumed"]
    assert "cpu_period_ms" not in told.index


def test_a_parallel_fraction_is_marked_as_not_validated_where_it_matters() -> None:
    work = "work: {cpu_ms: 10, parallel_fraction: 0.5}"
    assert (
        "no public measurement"
        in parameters(f"memory_mb: 3008, {work}").loc["parallel fraction of f", "source"]
    )
    assert "parallel fraction of f" not in parameters(f"memory_mb: 1024, {work}").index


@pytest.mark.parametrize(
    ("memory_mb", "threads", "duration_ms"),
    [
        (884, 2, 200.1131),  # half a vCPU: threads share it
        (1769, 2, 100.0),
        (2 * 1769, 1, 100.0),
        (2 * 1769, 2, 60.0),  # 20 alone, 80 shared by two
        (4 * 1769, 2, 60.0),
        (4 * 1769, 4, 40.0),
        (10_240, 100, 20 + 80 / (10_240 / 1769)),
        (10_240, None, 20 + 80 / (10_240 / 1769)),
    ],
)
def test_threads_end_the_gain_of_the_parallel_part(
    memory_mb: int, threads: int | None, duration_ms: float
) -> None:
    said = "" if threads is None else f", threads: {threads}"
    work = f"work: {{cpu_ms: 100, parallel_fraction: 0.8{said}}}"
    assert durations_ms(f"memory_mb: {memory_mb}, {work}")[0] == pytest.approx(duration_ms, abs=0.002)


def test_threads_are_told_and_mean_nothing_alone() -> None:
    work = "memory_mb: 3538, work: {cpu_ms: 10, parallel_fraction: 0.5, threads: 2}"
    assert "shared among 2 threads" in parameters(work).loc["parallel fraction of f", "value"]
    with pytest.warns(NotModelledWarning, match=r"threads: has no effect: none of the CPU time is parallel"):
        parameters("memory_mb: 3538, work: {cpu_ms: 10, threads: 2}")


@pytest.mark.parametrize("law", ["straight", "{quota: {first_check: every_tick, waits: 1}}"])
@pytest.mark.parametrize(("memory_mb", "alike_mb"), [(512, 256), (3538, 1769), (7076, 3538)])
def test_a_vcpu_at_twice_the_memory_is_the_law_at_half_of_it(law: str, memory_mb: int, alike_mb: int) -> None:
    work = f"cpu_ms: {{lognormal: {{p50: 30, p95: 90}}}}, io_ms: 3, parallel_fraction: 0.4, cpu_law: {law}"
    later = durations_ms(f"memory_mb: {memory_mb}, work: {{{work}, memory_per_vcpu_mb: 3538}}")
    assert later == durations_ms(f"memory_mb: {alike_mb}, work: {{{work}}}")


def test_one_vcpu_is_at_1769_mb_on_both_architectures_unless_said() -> None:
    work = "memory_mb: 1769, work: {cpu_ms: 50}"
    assert set(durations_ms(f"architecture: arm64, {work}")) == {50.0}
    assert set(durations_ms(f"architecture: x86_64, {work}")) == {50.0}


@pytest.mark.parametrize("engine", ["kernel", "reference"])
def test_the_longest_work_on_the_slowest_cpu_times_out(engine: str) -> None:
    work = "{cpu_ms: 65000000, arm64_time_ratio: 100, memory_per_vcpu_mb: 10240}"
    runs = ls.simulate(scenario(f"memory_mb: 128, architecture: arm64, work: {work}"), engine=engine).records
    assert set(runs["outcome"]) == {"timeout"}
    assert set(runs["duration_ms"]) == {20_000.0}


@pytest.mark.parametrize("memory_per_vcpu_mb", ["127", "10241", "0", "1769.5", "x"])
def test_a_vcpu_at_a_size_that_lambda_has_not_is_refused(memory_per_vcpu_mb: str) -> None:
    with pytest.raises(InputError, match="memory_per_vcpu_mb"):
        scenario(f"work: {{memory_per_vcpu_mb: {memory_per_vcpu_mb}}}")
