"""Studies that were killed continue, with the real command line, to the same bytes."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lambdasim as ls
from lambdasim.results.store import Wording
from lambdasim.study.compare import scenario_measures
from lambdasim.study.kept import KEYED, MEASURES
from lambdasim.study.measures import function_measures

SCENARIO = """name: resumed
start: 2026-11-01T00:00:00Z
duration: 20min
functions:
  - {name: f, memory_mb: 512, work: {cpu_ms: {lognormal: {p50: 50, p95: 200}}, error_probability: 0.1},
     trigger: {type: s3}, traffic: {poisson: {rate_per_s: 4}}}
"""
PATIENCE_S = 120


def command(*arguments: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "lambdasim", *arguments, "--engine", "reference", "--json"]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, told = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, told


def kept(store: Path) -> dict[Path, tuple[int, bytes]]:
    return {path: (path.stat().st_ino, path.read_bytes()) for path in store.glob("*.json")}


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenario") / "s.yaml"
    path.write_text(SCENARIO)
    return path


@pytest.mark.parametrize("study", ["sweep-memory", "compare"])
def test_killed_outright_it_continues_to_the_same_bytes(study: str, scenario: Path, tmp_path: Path) -> None:
    arguments, runs = (study, str(scenario), "--replications", "3"), 6
    if study == "compare":
        other = tmp_path / "other.yaml"
        other.write_text(SCENARIO.replace("512", "1024"))
        arguments = (study, str(scenario), str(other), *arguments[2:])
    else:
        arguments = (*arguments, "--sizes", "512,1024")
    uninterrupted = ended(command(*arguments))
    assert uninterrupted[0] == 0, uninterrupted[2]
    store = tmp_path / "store"
    process = command(*arguments, "--resume", str(store))
    deadline = time.monotonic() + PATIENCE_S
    while len(list(store.glob("*.json"))) < 2 and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    ended(process)
    before = kept(store)
    assert 2 <= len(before) <= runs
    assert ended(command(*arguments, "--resume", str(store))) == uninterrupted
    after = kept(store)
    assert len(after) == runs
    assert before.items() <= after.items()
    assert ended(command(*arguments, "--resume", str(store), "--workers", "2")) == uninterrupted
    assert kept(store) == after


@pytest.mark.parametrize("wording", [MEASURES, KEYED])
def test_what_is_kept_comes_back_to_the_last_bit(wording: Wording[Any]) -> None:
    run = ls.simulate(ls.load_scenario_text(SCENARIO), keep_records=False)
    result: Any = function_measures(run, "f") if wording is MEASURES else scenario_measures(run)
    text = wording.to_text(result)
    back = wording.of_text(json.loads(json.dumps(text)))
    assert wording.to_text(back) == text
    if wording is KEYED:
        np.testing.assert_equal(back, result)
        return
    np.testing.assert_equal(back.numbers(), result.numbers())
    for name in ("latency_ms", "duration_ms", "billed_ms"):
        found, expected = getattr(back, name), getattr(result, name)
        assert np.array_equal(found.values, expected.values)
        assert np.array_equal(found.counts, expected.counts)


def test_other_sizes_and_other_work_are_simulated_anew(scenario: Path, tmp_path: Path) -> None:
    spec = ls.load_scenario(scenario)

    def simulated(spec: ls.ScenarioSpec, sizes: list[int]) -> int:
        before = len(kept(tmp_path))
        found = ls.sweep_memory(spec, sizes=sizes, replications=2, resume=tmp_path)
        again = ls.sweep_memory(spec, sizes=sizes, replications=2)
        assert found.table.equals(again.table)
        return len(kept(tmp_path)) - before

    assert simulated(spec, [512, 1024]) == 4
    assert simulated(spec, [512, 1024]) == 0
    assert simulated(spec, [512, 1769]) == 2
    assert simulated(ls.revised(spec, {"seed": spec.seed + 1}), [512]) == 1
    assert simulated(ls.revised(spec, {"price_date": "2025-01-15"}), [512]) == 2
