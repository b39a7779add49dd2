"""Several ways into one function share its environments and limits, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdasim.billing import price
from lambdasim.errors import ScenarioError
from lambdasim.results.run import RunResult
from lambdasim.results.simulate import simulate
from lambdasim.specs import ScenarioSpec, load_scenario_text
from lambdasim.specs.base import revised

HEAD = "{name: t, start: '2026-11-01T00:00:00Z', duration: 60s, functions: ["
FIXED = "work: {cpu_ms: 0, io_ms: 2000}, init_ms: 100, placement_ms: 0, keep_alive: 30s"


def scenario(*functions: str, folder: Path | None = None) -> ScenarioSpec:
    return load_scenario_text(f"{HEAD}{', '.join(functions)}]}}", base_dir=folder)


def at(folder: Path, name: str, times_ms: list[int]) -> str:
    if not times_ms:
        return "traffic: {constant: {rate_per_s: 0}}"
    (folder / f"{name}.csv").write_text("timestamp\n" + "".join(f"{1793491200000 + t}\n" for t in times_ms))
    return f"traffic: {{trace: {name}.csv, format: csv_events, timestamp_unit: ms, align: none}}"


def run(spec: ScenarioSpec, engine: str) -> RunResult:
    return simulate(spec, engine=engine)


@pytest.mark.parametrize("engine", ["reference", "kernel"])
def test_what_came_one_way_leaves_its_environment_to_what_comes_another(tmp_path: Path, engine: str) -> None:
    api = f"{{name: f, timeout: 10s, {FIXED}, trigger: {{type: sdk}}, {at(tmp_path, 'a', [0, 10_000])}}}"
    nightly = (
        f"{{name: f-nightly, shares: f, trigger: {{type: schedule}}, {at(tmp_path, 'b', [5_000, 50_000])}}}"
    )
    found = run(scenario(api, nightly, folder=tmp_path), engine).records
    assert found["function"].tolist() == ["f", "f-nightly", "f", "f-nightly"]
    # 30 s after the run that ended at 12 s the environment is cold, whichever way it was used.
    assert found["start_type"].tolist() == ["cold", "warm", "warm", "cold"]
    assert found["exec_env"].tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("engine", ["reference", "kernel"])
def test_reserved_concurrency_is_there_once(tmp_path: Path, engine: str) -> None:
    api = (
        f"{{name: f, timeout: 10s, {FIXED}, reserved_concurrency: 1, trigger: {{type: sdk, client_retries: 0}}, "
        f"{at(tmp_path, 'a', [0, 1_500])}}}"
    )
    queue = (
        f"{{name: f-queue, shares: f, trigger: {{type: sqs}}, work: {{cpu_ms: 0, io_ms: 300}}, "
        f"{at(tmp_path, 'b', [1_000])}}}"
    )
    result = run(scenario(api, queue, folder=tmp_path), engine)
    records = result.records
    refused = records[records["limit"] == "reserved_concurrency"]
    assert refused["function"].tolist()[:2] == ["f-queue", "f"]
    assert [totals.concurrency.peak for totals in result.aggregate.functions] == [1, 1]
    assert records["outcome"].tolist().count("completed") == 2


@pytest.mark.parametrize("engine", ["reference", "kernel"])
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_traffic_that_comes_in_several_ways_is_served_as_if_it_came_one_way(
    tmp_path_factory: pytest.TempPathFactory, engine: str, data: st.DataObject
) -> None:
    """True where nothing of an event is drawn, and no retry belongs to a way in."""
    folder = tmp_path_factory.mktemp("ways")
    times = data.draw(st.lists(st.integers(0, 59_000), min_size=1, max_size=40, unique=True).map(sorted))
    reserved = data.draw(st.sampled_from(["", "reserved_concurrency: 3, ", "reserved_concurrency: 0, "]))
    provisioned = data.draw(st.sampled_from(["", "provisioned_concurrency: [{at: 0s, count: 2}], "]))
    provisioned = "" if reserved.endswith("0, ") else provisioned
    way = data.draw(st.lists(st.integers(0, 2), min_size=len(times), max_size=len(times)))
    base = f"timeout: 10s, {FIXED}, {reserved}{provisioned}trigger: {{type: sdk, client_retries: 0}}, "
    whole = scenario(f"{{name: f, {base}{at(folder, 'all', times)}}}", folder=folder)
    names = ("f", "f-a", "f-b")
    parts = [[t for t, to in zip(times, way, strict=True) if to == k] for k in range(3)]
    split = [f"{{name: f, {base}{at(folder, 'p0', parts[0])}}}"] + [
        f"{{name: {names[k]}, shares: f, trigger: {{type: sdk, client_retries: 0}}, {at(folder, f'p{k}', parts[k])}}}"
        for k in (1, 2)
    ]
    spec = scenario(*split, folder=folder)
    one, several = run(whole, engine), run(spec, engine)
    expected, found = one.records, several.records
    for column in (
        "start_s",
        "start_type",
        "limit",
        "outcome",
        "exec_env",
        "concurrency",
        "provisioned_concurrency",
    ):
        assert found[column].tolist() == expected[column].tolist(), column
    assert [names.index(name) for name in found["function"]] == [
        way[times.index(round(1000 * moment))] for moment in found["arrival_s"]
    ]
    assert price(several.usage(), free_tier=False).total == price(one.usage(), free_tier=False).total
    (whole_totals,) = one.aggregate.functions
    ways = several.aggregate.functions
    assert {totals.concurrency.peak for totals in ways} == {whole_totals.concurrency.peak}
    assert sum(totals.concurrency.busy_us for totals in ways) == whole_totals.concurrency.busy_us
    assert sum(totals.provisioned.busy_us for totals in ways) == whole_totals.provisioned.busy_us
    for totals in ways:
        np.testing.assert_array_equal(
            totals.concurrency.per_minute(2), whole_totals.concurrency.per_minute(2)
        )


F = "{name: f, memory_mb: 512, timeout: 10s, trigger: {type: sdk}, traffic: {constant: {rate_per_s: 1}}}"
QUEUE = "name: q, trigger: {type: sqs}, traffic: {constant: {rate_per_s: 1}}"


@pytest.mark.parametrize(
    ("item", "field", "message"),
    [
        ("shares: g", "functions.1.shares", "must be one of f"),
        ("shares: f, memory_mb: 1024", "functions.1.memory_mb", "belongs to f, which this shares; leave it out"),
        ("shares: f, timeout: 20s", "functions.1.timeout", "belongs to f, which this shares; leave it out"),
        ("shares: f, reserved_concurrency: 2", "functions.1.reserved_concurrency", "belongs to f"),
        ("shares: f, provisioned_concurrency: [{at: 0s, count: 1}]", "functions.1.provisioned_concurrency", "belongs"),
        ("shares: q", "functions.1.shares", "must be one of f"),
    ],
)  # fmt: skip
def test_a_way_in_has_no_settings_of_its_own(item: str, field: str, message: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        scenario(F, f"{{{QUEUE}, {item}}}")
    (fault,) = refused.value.faults
    assert fault.field == field
    assert message in fault.message


def test_another_memory_size_is_that_of_all_ways_in() -> None:
    spec = scenario(F, f"{{{QUEUE}, shares: f}}")
    larger = revised(spec.functions[0], {"memory_mb": 2048})
    changed = revised(spec, {"functions": (larger, spec.functions[1])})
    assert [function.memory_mb for function in changed.functions] == [2048, 2048]
    assert load_scenario_text(changed.to_json()) == changed


def test_snapshots_and_provisioned_environments_are_paid_for_once() -> None:
    kept = "runtime: java21, snap_start: {}, init_ms: 100"
    traffic = "traffic: {constant: {rate_per_s: 0}}"
    alone = scenario(f"{{name: f, {kept}, {traffic}}}")
    shared = scenario(
        f"{{name: f, {kept}, {traffic}}}", f"{{name: g, shares: f, trigger: {{type: s3}}, {traffic}}}"
    )
    usages = [run(spec, "reference").usage() for spec in (alone, shared)]
    assert len({sum(one.snapstart_cache_ms for one in usage) for usage in usages}) == 1
