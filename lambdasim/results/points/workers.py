"""Processes that work side by side: a pool on this machine, or a Dask cluster."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import wait
from threading import Thread
from typing import Final, cast

from lambdasim.errors import InputError, WorkersLostError

_DASK_PATIENCE_S: Final = 10


@contextmanager
def process_pool(workers: int) -> Iterator[Executor]:
    """Start processes on this machine, and end them however the block ends.

    Parameters
    ----------
    workers : int
        At least 1.

    Yields
    ------
    Executor

    Notes
    -----
    Processes start afresh instead of as copies of this one, whose threads a copy would not have. An interrupt is for this
    process alone, which then ends the others; and they end by themselves when this one was killed.
    """
    if workers < 1:
        raise InputError.single("process_pool", "workers", f"must be at least 1, got {workers}")
    others = set(active_children())
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_serve)
    try:
        with _interrupts_held_back():
            for _ in range(workers):
                pool.submit(os.getpid)
        yield pool
    except BaseException:
        manager = cast("Thread | None", pool._executor_manager_thread)
        pool.shutdown(wait=False, cancel_futures=True)
        mine = set(active_children()) - others
        for child in mine:
            child.terminate()
        for child in mine:
            child.join()
        if manager is not None:  # closes its pipes, which an interpreter that ends meanwhile would write to
            manager.join()
        raise
    finally:
        pool.shutdown()


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Let processes start that inherit a deaf ear to interrupts, before they can close it themselves."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


@contextmanager
def dask_cluster(address: str) -> Iterator[Executor]:
    """Connect to a Dask cluster, whose workers must have lambdasim and see the scenario's trace files.

    Parameters
    ----------
    address : str
        Of the scheduler, such as ``tcp://10.0.0.1:8786``.

    Yields
    ------
    Executor

    Raises
    ------
    InputError
        When Dask is not installed, or no scheduler answers there.
    WorkersLostError
        When one point of work ended several workers, or the scheduler went away.
    """
    try:
        from distributed import Client, KilledWorker
        from distributed.comm.addressing import get_address_host_port
        from distributed.comm.core import CommClosedError
    except ImportError:
        raise InputError.single(
            "dask", "", "is not installed; it comes with pip install 'lambda-costsim[dask]'"
        ) from None
    try:
        get_address_host_port(address)
        client = Client(address, timeout=_DASK_PATIENCE_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError.single(
            "dask", address[:80], f"no scheduler answers there ({str(error)[:120]})"
        ) from None
    with client:
        try:
            yield client.get_executor()
        except (KilledWorker, CommClosedError) as error:
            raise WorkersLostError(f"the Dask cluster lost its workers: {str(error)[:200]}") from error
