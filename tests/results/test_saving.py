"""Saved runs come back as they were; what is not a saved run is refused in one sentence."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from frames import assert_same

import lambdasim as ls
from lambdasim.engine.contract import RECORD_COLUMNS
from lambdasim.errors import ConservationError, InputError
from lambdasim.manifest import MANIFEST, Manifest, checksum
from lambdasim.outputs import OutputFolder
from lambdasim.results.files.records import RecordFile
from lambdasim.specs import load_scenario_text

SCENARIO = """
name: saved
start: 2026-10-31T23:00:00Z
duration: 2h
seed: 3
account: {concurrency: 103}
functions:
  - name: api
    trigger: {type: api_gateway_rest}
    work: {cpu_ms: {lognormal: {p50: 80, p95: 300}}, error_probability: 0.02}
    memory_mb: 512
    traffic: {poisson: {rate_per_s: 2}}
  - name: worker
    trigger: {type: s3}
    reserved_concurrency: 2
    payload: {request_kb: 300}
    work: {io_ms: 900, crash_probability: 0.1}
    traffic: {bursty: {rates_per_s: [1, 8], mean_sojourns: [5min, 1min]}}
  - name: snap
    runtime: java21
    architecture: arm64
    snap_start: {}
    work: {cpu_ms: 30, cpu_law: {quota: {waits: 1}}}
    traffic: {poisson: {rate_per_s: 0.1}}
"""


def signed(folder: Path) -> Path:
    """Let the manifest of a folder say that its files are as they are now: what is wrong in them must be noticed too."""
    manifest = Manifest.of(folder)
    assert manifest is not None
    manifest.checksums = {name: (checksum(folder / name),) for name in manifest.kinds}
    (folder / MANIFEST).write_bytes(manifest.content())
    return folder


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[ls.RunResult, Path]:
    folder = tmp_path_factory.mktemp("saved")
    run = ls.simulate(load_scenario_text(SCENARIO))
    ls.save(run, folder)
    return run, folder


def test_a_loaded_run_is_the_saved_one(saved: tuple[ls.RunResult, Path]) -> None:
    run, folder = saved
    loaded = ls.load_run(folder)
    for table in (
        "records",
        "summary",
        "metrics",
        "account_metrics",
        "throttles",
        "bill",
        "costs",
        "parameters",
    ):
        one, other = (getattr(each, table) for each in (run, loaded))
        assert_same(one if table == "records" else one(), other if table == "records" else other())
    assert loaded.usage() == run.usage()
    assert loaded.provenance() == run.provenance()
    assert loaded.latency_ms().quantile(0.95) == run.latency_ms().quantile(0.95)


def test_saving_again_gives_the_same_bytes(saved: tuple[ls.RunResult, Path], tmp_path: Path) -> None:
    folder = saved[1]
    ls.save(ls.load_run(folder), tmp_path)
    for file in sorted(folder.iterdir()):
        assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name


def test_a_run_of_arrays_comes_back(tmp_path: Path) -> None:
    run = ls.simulate(arrivals_s=[0, 0.5, 700], durations_ms=[100, 2000, 3], init_ms=50)
    ls.save(run, tmp_path)
    loaded = ls.load_run(tmp_path)
    assert_same(loaded.records, run.records)
    assert loaded.provenance() == run.provenance()


@pytest.mark.parametrize("missing", ["scenario.json", "records.parquet", "summary.json"])
def test_a_missing_file_is_named(saved: tuple[ls.RunResult, Path], tmp_path: Path, missing: str) -> None:
    folder = shutil.copytree(saved[1], tmp_path / "run")
    (folder / missing).unlink()
    with pytest.raises(InputError, match=missing):
        ls.load_run(folder)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("function", 7),
        ("outcome", -1),
        ("start_type", 4),
        ("start_us", 1 << 60),
        ("exec_env", -2),
        ("limit", 99),
        ("arrival_us", 20_000_000_000),
        ("init_again_us", 10**12),
        ("post_response_us", 10**12),
    ],
)
def test_records_that_no_run_writes_are_refused(
    saved: tuple[ls.RunResult, Path], tmp_path: Path, column: str, value: int
) -> None:
    folder = shutil.copytree(saved[1], tmp_path / "run")
    table = pq.read_table(folder / "records.parquet")
    values = table.column(column).to_numpy().copy()
    values[-1] = value
    place = table.schema.get_field_index(column)
    pq.write_table(
        table.set_column(place, table.schema.field(place), pa.array(values)), folder / "records.parquet"
    )
    with pytest.raises(InputError, match=column):
        ls.load_run(signed(folder))


def test_lost_records_are_noticed(saved: tuple[ls.RunResult, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(saved[1], tmp_path / "run")
    table = pq.read_table(folder / "records.parquet")
    last_of_a_retried = (table.column("attempt").to_numpy() > 0) & (
        table.column("event_outcome").to_numpy() > 0
    )
    lost = np.arange(len(last_of_a_retried)) == np.flatnonzero(last_of_a_retried)[0]
    pq.write_table(table.filter(pa.array(~lost)), folder / "records.parquet")
    with pytest.raises(ConservationError, match="arrived"):
        ls.load_run(signed(folder))


def test_a_file_of_another_kind_is_refused(saved: tuple[ls.RunResult, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(saved[1], tmp_path / "run")
    (folder / "records.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InputError, match="cannot be read"):
        ls.load_run(signed(folder))
    content = (saved[1] / "records.parquet").read_bytes()
    (folder / "records.parquet").write_bytes(content.replace(b"arrival_us", b"\x80rrival_us"))
    with pytest.raises(InputError, match="cannot be read"):
        ls.load_run(signed(folder))
    pq.write_table(pa.table({name: pa.array([0]) for name in RECORD_COLUMNS}), folder / "records.parquet")
    with pytest.raises(InputError, match="must hold records of api, snap, worker"):
        ls.load_run(signed(folder))


def test_a_changed_scenario_is_refused_with_its_field(
    saved: tuple[ls.RunResult, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(saved[1], tmp_path / "run")
    content = json.loads((folder / "scenario.json").read_text())
    content["functions"][0]["memory_mb"] = 64
    (folder / "scenario.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"functions\.0\.memory_mb.*128"):
        ls.load_run(signed(folder))


def test_too_many_records_are_not_kept(saved: tuple[ls.RunResult, Path], tmp_path: Path) -> None:
    run = saved[0]
    for most, kept in ((len(run.records), True), (len(run.records) - 1, False)):
        with (
            OutputFolder(tmp_path, "run", whole=False) as place,
            RecordFile(place, run.aggregate.names, most) as records,
        ):
            for chunk in run.chunks or ():
                records.write(chunk)
        assert (records.given_up, (tmp_path / "records.parquet").exists()) == (not kept, kept)


def test_the_file_has_the_minutes_in_which_something_happened(tmp_path: Path) -> None:
    """Long runs that outlast quiet minutes, provisioned ones that nobody calls, a payload that is refused."""
    text = (
        "{name: t, start: 2026-11-30T23:40:00Z, duration: 47min, functions: ["
        "{name: f, timeout: 900s, work: {io_ms: 400000}, traffic: {constant: {rate_per_s: 0.001}}},"
        "{name: g, work: {io_ms: 5}, traffic: {constant: {rate_per_s: 1}, stop: 2min},"
        " provisioned_concurrency: [{at: 20min, count: 1}, {at: 30min, count: 0}]},"
        "{name: h, work: {io_ms: 5}, payload: {request_kb: 7000}, traffic: {constant: {rate_per_s: 0.01}}},"
        "{name: z, traffic: {constant: {rate_per_s: 0}}}]}"
    )
    run = ls.simulate(ls.load_scenario_text(text), engine="reference")
    ls.save(run, tmp_path)
    table = run.metrics()
    busy = table.select_dtypes("integer").any(axis=1) | table["ProvisionedConcurrencyUtilization"].notna()
    assert busy.any()
    assert not busy.all()
    content = table[busy].to_csv(index=False, lineterminator="\n")
    assert (tmp_path / "metrics.csv").read_text() == content


def test_series_that_are_written_in_stretches_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten years come in stretches of minutes; whatever their length, the table and the file are those of one stretch."""
    text = (
        "{name: t, start: 2026-11-30T23:40:00Z, duration: 47min, functions: [{name: f, work: {io_ms: 90000},"
        " traffic: {poisson: {rate_per_s: 0.02}}, provisioned_concurrency: [{at: 5min, count: 1}]},"
        " {name: g, work: {io_ms: 5}, traffic: {constant: {rate_per_s: 1}, stop: 2min}}]}"
    )
    run = ls.simulate(ls.load_scenario_text(text))
    ls.save(run, tmp_path / "whole")
    whole = run.metrics()
    assert len(whole) > 47
    monkeypatch.setattr("lambdasim.results.metrics._AT_ONCE", 7)
    ls.save(run, tmp_path / "parts")
    assert run.metrics().equals(whole)
    assert (tmp_path / "parts/metrics.csv").read_bytes() == (tmp_path / "whole/metrics.csv").read_bytes()
