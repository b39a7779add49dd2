"""Studies that were killed continue to the same bytes."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import lambdasim

import lambdasim as ls
from lambdasim.results.points.store import Wording
from lambdasim.study.comparison.compare import scenario_measures
from lambdasim.study.kept import KEYED, MEASURES
from lambdasim.study.limits.kept import OUTCOME
from lambdasim.study.limits.runs import case_outcomes
from lambdasim.study.measures import function_measures
from lambdasim.study.variants import LimitCase, Variant

SCENARIO = """name: resumed
start: 2026-11-01T00:00:00Z
duration: 20min
functions:
  - {name: f, memory_mb: 512, work: {cpu_ms: {lognormal: {p50: 50, p95: 200}}, error_probability: 0.1},
     trigger: {type: s3}, traffic: {poisson: {rate_per_s: 4}}}
"""
PATIENCE_S = 120


REFERENCE = ("--engine", "reference", "--json")


def to_be_killed(*arguments: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "lambdasim", *arguments, *REFERENCE]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(*arguments: str) -> tuple[int, str, str]:
    done = lambdasim(*arguments, *REFERENCE)
    return done.returncode, done.stdout, done.stderr


def kept(store: Path) -> dict[Path, tuple[int, bytes]]:
    return {path: (path.stat().st_ino, path.read_bytes()) for path in store.glob("*.json")}


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenario") / "s.yaml"
    path.write_text(SCENARIO)
    return path


SLOW = [pytest.param(study, marks=pytest.mark.slow) for study in ("sweep-memory", "limits")]


@pytest.mark.parametrize("study", ["compare", *SLOW])
def test_killed_outright_it_continues_to_the_same_bytes(study: str, scenario: Path, tmp_path: Path) -> None:
    arguments, runs = (study, str(scenario), "--replications", "3"), 6
    if study == "compare":
        other = tmp_path / "other.yaml"
        other.write_text(SCENARIO.replace("512", "1024"))
        arguments = (study, str(scenario), str(other), *arguments[2:])
    elif study == "limits":
        # Three without limits, two further seeds, twice the traffic, two ways to provision; the first is not kept.
        arguments, runs = (*arguments, "--multiples", "1,2"), 8
    else:
        arguments = (*arguments, "--sizes", "512,1024")
    uninterrupted = ended(*arguments)
    assert uninterrupted[0] == 0, uninterrupted[2]
    store = tmp_path / "store"
    process = to_be_killed(*arguments, "--resume", str(store))
    deadline = time.monotonic() + PATIENCE_S
    while len(list(store.glob("*.json"))) < 2 and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    before = kept(store)
    assert 2 <= len(before) <= runs
    assert ended(*arguments, "--resume", str(store)) == uninterrupted
    after = kept(store)
    assert len(after) == runs
    assert before.items() <= after.items()
    assert ended(*arguments, "--resume", str(store), "--workers", "2") == uninterrupted
    assert kept(store) == after


@pytest.mark.parametrize("wording", [MEASURES, KEYED, OUTCOME])
def test_what_is_kept_comes_back_to_the_last_bit(wording: Wording[Any]) -> None:
    scenario = ls.load_scenario_text(SCENARIO)
    run = ls.simulate(scenario, keep_records=False)
    result: Any = function_measures(run, "f") if wording is MEASURES else scenario_measures(run)
    if wording is OUTCOME:
        (result,) = case_outcomes(scenario, [LimitCase(Variant.AS_IS)], engine="auto")
    text = wording.to_text(result)
    back = wording.of_text(json.loads(json.dumps(text)))
    assert wording.to_text(back) == text
    if wording is not MEASURES:
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


def test_limits_keep_each_variant_apart_and_find_it_again(tmp_path: Path) -> None:
    crowded = ls.revised(
        ls.load_scenario_text(SCENARIO),
        {"account": {"concurrency": 2}, "duration_us": 180_000_000},
    )
    folder = tmp_path / "kept"

    def advised(multiples: list[float], **changes: object) -> tuple[str, int]:
        before = len(kept(folder))
        advice = ls.advise_limits(
            ls.revised(crowded, changes), replications=2, multiples=multiples, resume=folder
        )
        return advice.text(), len(kept(folder)) - before

    whole, made = advised([1.0, 2.0])
    # Two without limits, one further seed, twice the traffic, the quota; there is no room to provision.
    assert made == 5
    assert advised([1.0, 2.0]) == (whole, 0)
    assert whole == ls.advise_limits(crowded, replications=2, multiples=[1.0, 2.0]).text()
    assert advised([1.0, 3.0])[1] == 1
    assert advised([1.0], price_date="2025-01-15")[1] == 4
