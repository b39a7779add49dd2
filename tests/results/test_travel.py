"""Results that travel: pickled to another process, and the same folder whatever the workers."""

import pickle
from pathlib import Path

import pytest
from frames import assert_same
from program import lambdasim

import lambdasim as ls

SCENARIO = """name: travels
start: 2026-10-31T23:30:00Z
duration: 1h
functions:
  - {name: a, work: {io_ms: {lognormal: {p50: 200, p95: 900}}, error_probability: 0.1}, trigger: {type: s3},
     reserved_concurrency: 2, traffic: {poisson: {rate_per_s: 2}}}
  - {name: b, work: {cpu_ms: 40}, trigger: {type: alb}, provisioned_concurrency: [{at: 0s, count: 1}],
     payload: {request_kb: 3}, traffic: {trace: t.csv}}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    (tmp_path / "t.csv").write_text("timestamp,count\n2026-10-31T23:30:00Z,400\n2026-11-01T00:00:00Z,90\n")
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO)
    return path


@pytest.mark.parametrize("keep_records", [True, False])
def test_a_pickled_run_tells_the_same(scenario: Path, keep_records: bool) -> None:
    same(ls.simulate(ls.load_scenario(scenario), keep_records=keep_records))


def test_a_pickled_run_of_arrays_tells_the_same() -> None:
    same(ls.simulate(arrivals_s=[0, 1, 1, 700], durations_ms=[90, 80, 70, 60], init_ms=250))


def same(run: ls.RunResult) -> None:
    back = pickle.loads(pickle.dumps(run))  # noqa: S301 - made here
    tables = (
        "summary",
        "bill",
        "metrics",
        "account_metrics",
        "costs",
        "throttles",
        "hourly_costs",
        "parameters",
    )
    for name in tables:
        assert_same(getattr(back, name)(), getattr(run, name)())
    assert back.usage() == run.usage()
    assert back.provenance() == run.provenance()
    assert back.readings() == run.readings()
    assert repr(back) == repr(run)
    if run.chunks is not None:
        assert_same(back.records, run.records)


def test_one_run_is_the_same_with_two_workers(scenario: Path, tmp_path: Path) -> None:
    found = []
    for workers in ("1", "2"):
        place = tmp_path / workers
        place.mkdir()
        done = lambdasim("simulate", scenario, "--out", "out", "--workers", workers, cwd=place)
        assert done.returncode == 0, done.stderr
        files = {path.name: path.read_bytes() for path in (place / "out").rglob("*") if path.is_file()}
        assert {"summary.json", "records.parquet", "report.html"} <= files.keys()
        found.append((done.stdout, files))
        assert ("one run stays in one process" in done.stderr) == (workers == "2")
    assert found[0] == found[1]
