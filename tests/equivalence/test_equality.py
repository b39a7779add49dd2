"""Every engine gives the records and items of the reference, field by field and in the same order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from families import ENGINES, FAMILIES, plans
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import lambdasim
from lambdasim.engine.chains import CALL_COUNTERS, CHAIN_COLUMNS, ChainChunk, check_chains
from lambdasim.engine.contract import RECORD_COLUMNS, ArrivalChunk, Plan, RecordChunk
from lambdasim.engine.items import COUNTERS, ITEM_COLUMNS, ItemChunk, check_items
from lambdasim.engine.kernel import engine as kernel
from lambdasim.engine.plan import plan_scenario
from lambdasim.specs import load_scenario_text

PLAIN = os.environ.get("NUMBA_DISABLE_JIT") == "1"
PATIENT = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    # Without compilation, making a failing example smaller takes minutes.
    "phases": [Phase.generate] if PLAIN else list(Phase),
}
Records = dict[str, NDArray[np.int64]]


def together(chunks: Iterable[RecordChunk]) -> Records:
    kept = list(chunks)
    for chunk in kept:
        assert list(chunk.columns) == list(RECORD_COLUMNS)
        assert all(column.dtype == np.int64 for column in chunk.columns.values())
        assert len(chunk) or chunk.items is not None or chunk.chains is not None
    nothing = [np.zeros(0, dtype=np.int64)]
    found = {name: np.concatenate(nothing + [chunk[name] for chunk in kept]) for name in RECORD_COLUMNS}
    items = [chunk.items for chunk in kept if chunk.items is not None]
    chains = [chunk.chains for chunk in kept if chunk.chains is not None]
    return found | (items_together(items) if items else {}) | (chains_together(chains) if chains else {})


def chains_together(chunks: list[ChainChunk]) -> Records:
    """Join chains, whose conservation holds with every chunk; add the last counters."""
    written = 0
    for chunk in chunks:
        assert list(chunk.columns) == list(CHAIN_COLUMNS)
        written = check_chains(chunk, written)
    assert not chunks[-1].open_chains
    columns = {f"chain {name}": np.concatenate([chunk[name] for chunk in chunks]) for name in CHAIN_COLUMNS}
    return columns | {f"calls {name}": chunks[-1].calls[name] for name in CALL_COUNTERS}


def items_together(chunks: list[ItemChunk]) -> Records:
    """Join items, whose conservation holds with every chunk; add the last counters, and the moment of the last event."""
    functions = len(chunks[-1].counters["sent"])
    written = np.zeros(functions, dtype=np.int64)
    for chunk in chunks:
        assert list(chunk.columns) == list(ITEM_COLUMNS)
        written = check_items(chunk, [str(rank) for rank in range(functions)], written)
    columns = {f"item {name}": np.concatenate([chunk[name] for chunk in chunks]) for name in ITEM_COLUMNS}
    counters = {f"counter {name}": chunks[-1].counters[name] for name in COUNTERS}
    return columns | counters | {"last moment": np.array([chunks[-1].now_us])}


def assert_equal(expected: Records, found: Records) -> None:
    assert list(found) == list(expected)
    for name, column in expected.items():
        np.testing.assert_array_equal(found[name], column, err_msg=name)


def in_pieces(plan: Plan) -> Plan:
    """Let the arrivals of a plan come a few at a time, so that runs go on from one chunk into the next ones."""

    def arrivals() -> Iterator[ArrivalChunk]:
        for chunk in plan.arrivals():
            sizes, first = cycle((2, 0, 30)), 0
            while first < len(chunk.time_us):
                piece = slice(first, first + next(sizes))
                yield ArrivalChunk(chunk.time_us[piece], chunk.function[piece], chunk.invocation[piece])
                first = piece.stop

    return replace(plan, arrivals=arrivals)


def check(plan: Plan, engines: tuple[str, ...], small: bool = False) -> None:
    """Compare engines; with small buffers, so that the kernel returns and goes on all the time, or ordinary ones."""
    reference, *others = engines
    expected = together(ENGINES[reference](plan))
    for other in others:
        assert_equal(expected, together(ENGINES[other](plan)))
    if small:
        assert_equal(expected, together(kernel.prepared(in_pieces(plan), room=1, records_room=3).run()))


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=10, **PATIENT)
@given(data=st.data(), small=st.booleans())
def test_engines_give_equal_records(name: str, data: st.DataObject, small: bool) -> None:
    check(data.draw(plans(FAMILIES[name])), FAMILIES[name].engines, small)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=int(os.environ.get("EQUALITY_EXAMPLES", "100")), **PATIENT)
@given(data=st.data(), small=st.booleans())
def test_engines_give_equal_records_over_many_scenarios(name: str, data: st.DataObject, small: bool) -> None:
    check(data.draw(plans(FAMILIES[name])), FAMILIES[name].engines, small)


SCENARIO = """
name: t
start: 2026-11-01T00:00:00Z
duration: 120s
account: {concurrency: 112, scaling_burst: 5, scaling_interval: 2s}
functions:
  - name: a
    timeout: 3s
    runtime: python3.12
    work: {cpu_ms: {exponential: {mean: 40}}, io_ms: {exponential: {mean: 60}}, error_probability: 0.1}
    trigger: {type: s3}
    traffic: {poisson: {rate_per_s: 40}}
  - name: b
    timeout: 3s
    work:
      cpu_ms: {lognormal: {mean: 30, p95: 90}}
      crash_probability: 0.02
      max_memory_mb: {uniform: {low: 90, high: 130}}
    memory_mb: 128
    trigger: {type: sdk}
    traffic: {poisson: {rate_per_s: 20}}
  - name: d
    memory_mb: 512
    architecture: arm64
    timeout: 1s
    work:
      cpu_ms: {lognormal: {mean: 20, p95: 60}}
      io_ms: {exponential: {mean: 10}}
      cpu_law: {quota: {waits: 2}}
      arm64_time_ratio: 0.9
      error_probability: 0.1
    trigger: {type: s3}
    traffic: {poisson: {rate_per_s: 15}}
  - name: c
    reserved_concurrency: 2
    provisioned_concurrency: [{at: 20s, count: 1}]
    work: {io_ms: {uniform: {low: 20, high: 200}}}
    trigger: {type: api_gateway_http, integration_timeout: 150ms}
    traffic: {poisson: {rate_per_s: 15}}
"""


@pytest.mark.parametrize("reuse", ["most_recently_used", "least_recently_used"])
def test_a_scenario_from_text_runs_alike_on_both_engines(reuse: str) -> None:
    text = SCENARIO + f"platform: {{provisioned_preparation: 2s, reuse: {reuse}}}\n"
    plan = replace(plan_scenario(load_scenario_text(text)), concurrency=12)
    check(plan, tuple(ENGINES))
    records = together(kernel.run_kernel(plan))
    assert len(records["function"]) > 9_000
    assert set(np.unique(records["limit"])) >= {0, 3, 4, 5}


def test_arrays_that_cannot_be_written_are_taken_too() -> None:
    plan = plan_scenario(load_scenario_text(SCENARIO))

    def frozen() -> Iterator[ArrivalChunk]:
        for chunk in plan.arrivals():
            for column in (chunk.time_us, chunk.function, chunk.invocation):
                column.flags.writeable = False
            yield chunk

    check(replace(plan, arrivals=frozen), tuple(ENGINES))


def run_python(*command: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, **environment},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_kernel_runs_as_plain_python() -> None:
    wanted = "test_engines_give_equal_records and (everything or groups) and not several"
    told = run_python(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", wanted, __file__, NUMBA_DISABLE_JIT="1"
    )
    passed = re.search(r"(\d+) passed", told)
    assert passed is not None
    assert int(passed[1]) >= 5


def test_numba_is_imported_only_where_it_is_wanted() -> None:
    program = "import sys, lambdasim, lambdasim.draws; print('numba' in sys.modules)"
    assert run_python("-c", program).strip() == "False"


def test_the_kernel_is_kept_in_the_cache_directory_that_is_asked_for(tmp_path: Path) -> None:
    assert Path(lambdasim.__file__).exists()
    program = "from lambdasim.engine.kernel.run import compiled_advance as c; print(c().stats.cache_path)"
    assert str(tmp_path) in run_python("-c", program, NUMBA_CACHE_DIR=str(tmp_path))
