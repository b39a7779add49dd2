"""Sweeps of work that is not known: ranges by hand, doubt in the recommendation, truth within the range."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lambdasim.calibration.calibrate import calibrate
from lambdasim.calibration.data.statistics import from_values
from lambdasim.calibration.result import Calibration
from lambdasim.calibration.scenario import write_scenario
from lambdasim.errors import ScenarioError
from lambdasim.models.cpu_chain import CpuLaw, CpuStyle, handler_durations
from lambdasim.models.cpu_quota import FirstCheck
from lambdasim.report.pages.studies import sweep_page
from lambdasim.results.parameters import parameters_of
from lambdasim.specs import ScenarioSpec, load_scenario, load_scenario_text
from lambdasim.specs.base import revised
from lambdasim.study.memory.objective import Cheapest
from lambdasim.study.memory.plausible import cpu_share, plausible_ranges, to_measure
from lambdasim.study.memory.result import MemorySweep
from lambdasim.study.memory.sweep import sweep_memory
from lambdasim.study.memory.tables import SweptSize
from lambdasim.units import US_PER_HOUR

LATE = CpuStyle(CpuLaw.QUOTA, FirstCheck.FOURTH_TICK, 1)
SIZES = (128, 256, 512, 1769)
# At 1,769 MB each setting takes 100 ms; at 884.5 MB waiting takes the same and CPU time twice as long.
BY_HAND = """name: by hand
start: 2026-11-01T00:00:00Z
duration: 30d
free_tier: false
platform: {keep_alive: 1h}
functions:
  - {name: f, memory_mb: 1769, init_ms: 0, timeout: 10s, work: {cpu_ms: 50, io_ms: 50, first_run_ms: 0PLAUSIBLE},
     traffic: {constant: {rate_per_s: 0.01}}}
"""
TWO = ", plausible: [{cpu_ms: 10, io_ms: 90}, {cpu_ms: 100, io_ms: 0}]"


def by_hand(plausible: str = TWO) -> ScenarioSpec:
    return load_scenario_text(BY_HAND.replace("PLAUSIBLE", plausible))


@cache
def swept(within_ms: float) -> MemorySweep:
    return sweep_memory(by_hand(), sizes=(885, 1769), replications=2, objective=Cheapest(within_ms))


def test_ranges_by_hand() -> None:
    """At 885 MB, half a vCPU, the three settings take 110, 150 and 200 ms, at 1,769 MB all 100."""
    ranges = plausible_ranges(swept(160)).set_index("memory_mb")
    assert ranges.loc[885, ["latency_least_ms", "latency_most_ms"]].tolist() == [110, 200]
    assert ranges.loc[1769, ["latency_least_ms", "latency_most_ms"]].tolist() == [100, 100]
    for end, billed_ms in (("least", 110), ("most", 200)):
        usd = 25_920 * (billed_ms / 1000 * 885 / 1024 * 0.0000166667 + 0.2e-6)
        assert ranges.loc[885, f"usd_{end}"] == pytest.approx(usd, rel=1e-12)
    assert ranges["chosen_at_cpu"].to_dict() == {885: "10%, 50%", 1769: "100%"}


def test_settings_that_choose_another_size_are_told_with_what_to_measure() -> None:
    result = swept(160)
    assert result.recommendation == SweptSize(885, "x86_64")
    assert to_measure(result) == SweptSize(885, "x86_64")
    told = " ".join(repr(result).split())
    assert "NOT SURE: 50% of the time on one vCPU is taken as CPU" in told
    assert "if 100% of the time is CPU, 1,769 MB x86_64 would win." in told
    assert "Measure at 885 MB x86_64 to know: the mean Duration there could be 110 to 199.9 ms." in told
    assert max(map(len, result.text().splitlines())) <= 80


def test_settings_that_agree_are_told_too() -> None:
    told = " ".join(repr(swept(105)).split())
    assert "2 other settings are plausible, and it wins there too" in told
    assert "NOT SURE" not in told


def test_the_order_of_sizes_changes_no_byte(tmp_path: Path) -> None:
    orders = ((512, 885, 1769), (1769, 885, 512), (885, 512, 1769))
    day = revised(by_hand(), {"duration_us": 24 * US_PER_HOUR})
    sweeps = (sweep_memory(day, sizes=sizes, replications=2, objective=Cheapest(160)) for sizes in orders)
    pages = {sweep_page(sweep).to_json() for sweep in sweeps}
    assert len(pages) == 1
    content = json.loads(pages.pop())
    assert [choice["cpu_share"] for choice in content["recommended_at_cpu_share"]] == [0.5, 0.1, 1.0]
    sweep_page(swept(160)).write(tmp_path)
    assert len((tmp_path / "plausible_work.csv").read_text().splitlines()) == 3


def test_a_scenario_without_the_field_is_what_it_was() -> None:
    plain = by_hand("")
    assert "plausible" not in plain.model_dump_json()
    assert plain.scenario_hash() == by_hand(", plausible: []").scenario_hash() != by_hand().scenario_hash()
    result = sweep_memory(plain, sizes=[885, 1769], replications=2)
    assert result.alternatives == ()
    assert "plausible" not in result.text() + sweep_page(result).to_json()


def test_the_work_as_set_is_swept_as_without_alternatives() -> None:
    plain = sweep_memory(by_hand(""), sizes=[885, 1769], replications=2, objective=Cheapest(160))
    assert swept(160).table.equals(plain.table)


def test_saved_scenarios_keep_the_field() -> None:
    spec = by_hand()
    again = ScenarioSpec.model_validate(spec.model_dump(mode="json"))
    assert again.functions[0].work.plausible == spec.functions[0].work.plausible
    with pytest.raises(ScenarioError, match=r"plausible"):
        by_hand(", plausible: [{cpu_ms: 10}]")


def durations_ms(memory_mb: int, cpu_ms: float, n: int) -> np.ndarray:
    """Durations of a handler that computes for cpu_ms of 200 ms on one vCPU, and waits for the rest."""
    rng = np.random.default_rng((5, memory_mb))
    factors = np.exp(0.05 * rng.standard_normal(n))
    cpu, io = (np.rint(1000 * mean * factors).astype(np.int64) for mean in (cpu_ms, 200 - cpu_ms))
    return handler_durations(cpu, io, memory_mb, LATE, rng.random((3, n))) / 1000


def fitted(cpu_ms: float, *measured_mb: int) -> Calibration:
    return calibrate([from_values(size, durations_ms(size, cpu_ms, 500)) for size in measured_mb])


@pytest.mark.parametrize("cpu_ms", [60.0, 100.0, 140.0])
def test_from_one_size_the_truth_at_other_sizes_lies_in_the_shown_range(
    cpu_ms: float, tmp_path: Path
) -> None:
    write_scenario(fitted(cpu_ms, 1024), tmp_path / "one.yaml")
    spec = load_scenario(tmp_path / "one.yaml")
    short = spec.model_copy(update={"duration_us": spec.duration_us // 48})
    result = sweep_memory(short, sizes=SIZES, replications=2)
    shares = [cpu_share(one) for one in result.alternatives]
    assert shares[0] < cpu_ms / 200 < shares[1]
    ranges = plausible_ranges(result).set_index("memory_mb")
    for size in SIZES:
        truth = durations_ms(size, cpu_ms, 4000).mean()
        assert ranges.loc[size, "duration_least_ms"] < truth < ranges.loc[size, "duration_most_ms"]
    assert to_measure(result) == SweptSize(128, "x86_64")


def test_two_sizes_well_apart_leave_no_alternatives() -> None:
    assert "plausible" not in fitted(100.0, 256, 1024).to_work()


def test_a_supposed_timeout_leaves_room_at_the_smallest_size(tmp_path: Path) -> None:
    """Seven seconds of CPU at 1,024 MB are some 55 at 128 MB; twice the longest run seen would cut them off."""
    values = 1000 * np.linspace(6.9, 7.1, 200)
    found = calibrate([from_values(1024, values)])
    write_scenario(found, tmp_path / "long.yaml")
    text = (tmp_path / "long.yaml").read_text(encoding="utf-8")
    assert "supposed: traffic of one event a second for a day, and the timeout" in text
    timeout_ms = load_scenario(tmp_path / "long.yaml").functions[0].timeout_us / 1000
    assert timeout_ms > found.work.predict(128).mean_ms.high > 2 * 7100


def test_a_run_tells_that_its_work_is_one_setting_of_several() -> None:
    rows = {row.parameter: row for row in parameters_of(by_hand())}
    assert rows["work of f"].value == "as given, one of 3 plausible settings"
    assert rows["work of f"].known == "assumed"
    assert {row.parameter: row for row in parameters_of(by_hand(""))}["work of f"].known == "given"
