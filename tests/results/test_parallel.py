"""Work done side by side gives the bits of work done in a row, and nothing is left running."""

import os
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from multiprocessing import active_children
from pathlib import Path
from threading import Event
from typing import Any

import pandas as pd
import psutil
import pytest

import lambdasim as ls
from lambdasim.errors import InputError, LambdaSimError, WorkersLostError
from lambdasim.results.points import parallel, workers
from lambdasim.results.points.parallel import map_points
from lambdasim.results.points.workers import dask_cluster, process_pool

SCENARIO = """name: side by side
seed: 18446744073709551613
start: 2026-10-31T23:50:00Z
duration: 20min
free_tier: false
account: {concurrency: 104}
functions:
  - {name: f, work: {io_ms: {lognormal: {p50: 200, p95: 900}}}, trigger: {type: s3}, reserved_concurrency: 2,
     traffic: {poisson: {rate_per_s: 6}}}
  - {name: g, work: {cpu_ms: {exponential: {mean: 30}}}, trigger: {type: alb}, traffic: {trace: t.csv}}
"""
TRACE = "timestamp,count\n2026-10-31T23:50:00Z,400\n2026-10-31T23:55:00Z,900\n"
N = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenario")
    (folder / "t.csv").write_text(TRACE)
    (folder / "s.yaml").write_text(SCENARIO)
    return folder


@pytest.fixture(scope="module")
def in_a_row(folder: Path) -> pd.DataFrame:
    return ls.replicate(ls.load_scenario(folder / "s.yaml"), N)


def assert_same_bits(one: pd.DataFrame, other: pd.DataFrame) -> None:
    assert list(one.index) == list(other.index)
    assert one.to_numpy().tobytes() == other.to_numpy().tobytes()


def test_the_scenario_has_something_to_get_wrong(in_a_row: pd.DataFrame) -> None:
    assert (in_a_row["low"] < in_a_row["high"]).all()


@pytest.mark.parametrize("number", [1, 2])
def test_a_process_pool_gives_the_same_bits(
    number: int, folder: Path, in_a_row: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    with process_pool(number) as pool:
        # Workers have been started elsewhere, so a relative path must have been settled before it is sent.
        pool.submit(os.getpid).result()
        monkeypatch.chdir(folder)
        told: list[int] = []
        table = ls.replicate(ls.load_scenario("s.yaml"), N, executor=pool, progress=told.append)
    assert_same_bits(table, in_a_row)
    assert told == list(range(N + 1))
    assert not active_children()


def test_the_run_at_hand_is_the_first_replication(folder: Path, in_a_row: pd.DataFrame) -> None:
    scenario = ls.load_scenario(folder / "s.yaml")
    first = ls.simulate(scenario, keep_records=False)
    told: list[int] = []
    assert_same_bits(ls.replicate(scenario, N, first=first, progress=told.append), in_a_row)
    assert told[0] == 1
    with pytest.raises(InputError, match="same scenario"):
        ls.replicate(ls.revised(scenario, {"seed": 1}), N, first=first)


def delayed(delay_s: float) -> float:
    time.sleep(delay_s)
    return delay_s


def test_results_keep_the_order_of_points_whatever_ends_first() -> None:
    finished: list[int] = []
    delays_s = [0.4, 0.0, 0.2]
    with ThreadPoolExecutor(3) as pool:
        assert map_points(delayed, delays_s, pool, lambda place, _: finished.append(place)) == delays_s
    assert finished == [1, 2, 0]


def test_an_error_cancels_what_has_not_begun() -> None:
    begun: list[int] = []
    go_on = Event()

    def work(point: int) -> int:
        begun.append(point)
        if point == 0:
            raise KeyError("nought")
        go_on.wait(10)
        return point

    with ThreadPoolExecutor(2) as pool:
        with pytest.raises(KeyError, match="nought"):
            map_points(work, range(50), pool)
        go_on.set()
    assert len(begun) < 10


def test_an_interrupt_cancels_what_has_not_begun() -> None:
    begun: list[int] = []

    def interrupt(place: int, result: Any) -> None:
        raise KeyboardInterrupt

    def work(point: int) -> None:
        begun.append(point)
        time.sleep(0.05)

    with ThreadPoolExecutor(1) as pool, pytest.raises(KeyboardInterrupt):
        map_points(work, range(100), pool, interrupt)
    assert len(begun) < 10


def test_only_so_much_is_handed_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_HANDED_OUT", 3)
    waiting: list[Future[int]] = []
    most = 0

    class Counting(ThreadPoolExecutor):
        def submit(self, *arguments: Any, **named: Any) -> Future[Any]:
            nonlocal most
            waiting.append(super().submit(*arguments, **named))
            most = max(most, sum(not future.done() for future in waiting))
            return waiting[-1]

    with Counting(2) as pool:
        assert map_points(abs, range(-40, 0), pool) == list(range(40, 0, -1))
    assert len(waiting) == 40
    assert most <= 3


def end_at_once(signal_number: int) -> None:
    os.kill(os.getpid(), signal_number)


def test_a_killed_process_is_one_clear_error() -> None:
    with pytest.raises(WorkersLostError, match="a worker ended"), process_pool(2) as pool:
        map_points(end_at_once, [signal.SIGKILL], pool)
    assert not active_children()


def test_processes_end_with_the_block_even_when_they_are_busy() -> None:
    began = time.monotonic()
    pids: set[int | None] = set()

    def interrupted(pool: Executor) -> None:
        pool.submit(time.sleep, 600)
        pids.update(child.pid for child in active_children())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), process_pool(2) as pool:
        interrupted(pool)
    assert len(pids) == 2
    assert not any(map(psutil.pid_exists, pids))
    assert time.monotonic() - began < 60


def test_a_pool_needs_a_process() -> None:
    with pytest.raises(InputError, match="at least 1"), process_pool(0):
        pass


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Dask, about its own inside
        import dask
        from distributed import LocalCluster

        # A point may end one worker; that which ends a second is given up, and a third need not be started.
        with (
            dask.config.set({"distributed.scheduler.allowed-failures": 1}),
            LocalCluster(
                n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
            ) as started,
        ):
            yield started


class Killer:
    """Kills a worker process of a cluster while it is at work, once some points are finished."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.killed: int | None = None

    def __call__(self, finished: int) -> None:
        if finished == 2:
            at_work = {address: work for address, work in self.client.processing().items() if work}
            assert len(at_work) == 2
            self.killed = self.client.run(os.getpid, workers=[next(iter(at_work))])[next(iter(at_work))]
            os.kill(self.killed, signal.SIGKILL)


def test_a_dask_cluster_gives_the_same_bits_though_a_worker_is_killed(
    cluster: Any, folder: Path, in_a_row: pd.DataFrame
) -> None:
    from distributed import Client

    with (
        Client(cluster, set_as_default=False) as watching,
        dask_cluster(cluster.scheduler_address) as executor,
    ):
        before = set(watching.run(os.getpid).values())
        killer = Killer(executor._client)
        scenario = ls.load_scenario(folder / "s.yaml")
        table = ls.replicate(scenario, N, engine="reference", executor=executor, progress=killer)
        assert killer.killed in before
        assert not psutil.pid_exists(killer.killed)
    assert_same_bits(table, in_a_row)


def test_a_point_that_ends_every_worker_is_one_clear_error(cluster: Any) -> None:
    lost = pytest.raises(WorkersLostError, match="lost its workers")
    with lost, dask_cluster(cluster.scheduler_address) as executor:
        map_points(end_at_once, [signal.SIGKILL], executor)


def test_dask_that_is_missing_or_out_of_reach_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_DASK_PATIENCE_S", 0.5)
    for address in ("tcp://127.0.0.1:9", "nonsense", "tcp://127.0.0.1:port", ""):
        with pytest.raises(InputError, match="no scheduler answers"), dask_cluster(address):
            pass
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'lambda-costsim\[dask\]'"), dask_cluster("tcp://a:1"):
        pass


def test_a_worker_with_another_version_is_noticed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class ElsewhereExecutor(Executor):
        def submit(self, work: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
            future: Future[Any] = Future()
            monkeypatch.setattr("lambdasim.results.points.store.release_checksum", lambda: "another")
            try:
                future.set_result(work(*arguments))
            except Exception as error:
                future.set_exception(error)
            return future

    with pytest.raises(LambdaSimError, match="another version"):
        ls.replicate(ls.load_scenario(folder / "s.yaml"), 2, executor=ElsewhereExecutor())
