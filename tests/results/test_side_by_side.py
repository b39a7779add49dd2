"""The command line with several processes: the same bytes, and clean ends however it ends."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from hearing import LAMBDASIM
from program import lambdasim

SCENARIO = """name: side by side
start: 2026-10-31T23:00:00Z
duration: 40min
free_tier: false
functions:
  - {name: f, work: {io_ms: {lognormal: {p50: 200, p95: 900}}}, trigger: {type: s3}, reserved_concurrency: 2,
     traffic: {poisson: {rate_per_s: 4}}}
"""
N = 8
PATIENCE_S = 120


def command(scenario: Path, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    line = [*LAMBDASIM, "simulate", str(scenario), "--replications", str(N), "--json"]
    return subprocess.Popen(
        [*line, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, told = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, told


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def gone(processes: list[psutil.Process]) -> bool:
    return not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in processes)


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenario") / "s.yaml"
    path.write_text(SCENARIO)
    return path


@pytest.fixture(scope="module")
def in_a_row(scenario: Path) -> str:
    done = lambdasim("simulate", scenario, "--replications", N, "--json", "--engine", "reference")
    assert done.returncode == 0, done.stderr
    interval = json.loads(done.stdout)["intervals"]["p95_ms"]
    assert interval["low"] < interval["high"]
    return done.stdout


def test_killed_outright_it_continues_to_the_same_bytes(
    scenario: Path, in_a_row: str, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    arguments = ("--engine", "reference", "--workers", "2", "--resume", str(store))
    process = command(scenario, *arguments)
    wait_until(lambda: len(list(store.glob("*.json"))) >= 2)
    children = children_of(process)
    assert len(children) >= 2
    process.kill()
    assert ended(process)[0] == -signal.SIGKILL
    wait_until(lambda: gone(children))
    kept = {path: (path.stat().st_ino, path.read_bytes()) for path in store.glob("*.json")}
    assert 2 <= len(kept) < N - 1
    done = lambdasim("simulate", scenario, "--replications", N, "--json", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == in_a_row
    assert len(list(store.glob("*.json"))) == N - 1
    assert kept.items() <= {p: (p.stat().st_ino, p.read_bytes()) for p in store.glob("*.json")}.items()


def test_an_interrupt_ends_all_of_it(scenario: Path, tmp_path: Path) -> None:
    store, out = tmp_path / "store", tmp_path / "out"
    arguments = ("--engine", "reference", "--workers", "2", "--resume", str(store), "--out", str(out))
    process = command(scenario, *arguments, start_new_session=True)
    wait_until(lambda: len(list(store.glob("*.json"))) >= 1)
    children = children_of(process)
    assert len(children) >= 2
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: the workers hear it too
    status, printed, told = ended(process)
    assert status == 130
    assert printed == ""
    assert "Traceback" not in told
    wait_until(lambda: gone(children))
    assert 1 <= len(list(store.iterdir())) < N - 1
    for path in store.iterdir():
        assert json.loads(path.read_text())["result"]
    assert not list(out.glob(".*"))


def test_an_interrupt_while_processes_start_ends_them_too(scenario: Path, tmp_path: Path) -> None:
    process = command(scenario, "--workers", "2", start_new_session=True)
    wait_until(lambda: len(children_of(process)) >= 2)
    children = children_of(process)
    os.killpg(process.pid, signal.SIGINT)
    status, _, told = ended(process)
    assert status == 130
    assert "Traceback" not in told
    wait_until(lambda: gone(children))


def test_a_dask_cluster_is_found_by_its_address(scenario: Path, in_a_row: str) -> None:
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        arguments = ("--engine", "reference", "--dask", cluster.scheduler_address)
        done = lambdasim("simulate", scenario, "--replications", N, "--json", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == in_a_row


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--dask", "nonsense"), 2, "no scheduler answers"),
        (("--dask", "tcp://a:1", "--workers", "2"), 2, "without --workers"),
        (("--workers", "0"), 2, "--workers"),
        (("--resume", __file__), 1, "must be a folder, and is a file"),
    ],
)
def test_what_cannot_be_is_one_message(
    scenario: Path, arguments: tuple[str, ...], status: int, message: str
) -> None:
    done = lambdasim("simulate", scenario, "--replications", N, "--json", *arguments)
    assert done.returncode == status
    assert message in done.stderr
    assert "Traceback" not in done.stderr
