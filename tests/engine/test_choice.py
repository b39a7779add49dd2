"""Which engine runs: with auto the reference answers where it is done before the kernel would be compiled."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import lambdasim as ls
from lambdasim.abandoning import AbandonedError, also_until, go_on
from lambdasim.engine import run as running
from lambdasim.engine.kernel import engine as kernel

RUN = """
import sys
import lambdasim as ls
from lambdasim.engine.kernel.run import compiled_advance
run = ls.simulate(arrivals_s=range(int(sys.argv[1])), durations_ms={"exponential": {"mean": 100}}, init_ms=250)
ls.save(run, sys.argv[2])
print(len(compiled_advance().signatures))
"""


def in_a_new_process(folder: Path, out: Path, events: int) -> int:
    """Simulate with a cache that may be empty; return how many kernels were compiled."""
    command = [sys.executable, "-c", RUN, str(events), str(out)]
    environment = {
        "NUMBA_CACHE_DIR": str(folder),
        "PATH": "",
        "PYTHONPATH": str(Path(ls.__file__).parents[1]),
    }
    return int(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout)


def test_on_a_fresh_machine_a_short_run_compiles_no_kernel_and_writes_the_same_bytes(tmp_path: Path) -> None:
    assert in_a_new_process(tmp_path / "cache", tmp_path / "fresh", 300) == 0
    usual = ls.simulate(arrivals_s=range(300), durations_ms={"exponential": {"mean": 100}}, init_ms=250)
    ls.save(usual, tmp_path / "usual")
    written = {path.name: path.read_bytes() for path in (tmp_path / "fresh").iterdir()}
    assert written == {path.name: path.read_bytes() for path in (tmp_path / "usual").iterdir()}


@pytest.fixture
def nothing_compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Act as if nothing had been compiled; tell which engines began."""
    begun: list[str] = []

    def noting(name: str, run: Any) -> Any:
        def noted(plan: Any) -> Any:
            begun.append(name)
            return run(plan)

        return noted

    from lambdasim.engine.reference import engine as reference

    monkeypatch.setattr(kernel, "is_compiled", lambda plan: False)
    monkeypatch.setattr(kernel, "run_kernel", noting("kernel", kernel.run_kernel))
    monkeypatch.setattr(reference, "run_reference", noting("reference", reference.run_reference))
    return begun


def simulated() -> Any:
    return ls.simulate(arrivals_s=range(5_000), durations_ms=100)


def test_what_takes_the_reference_too_long_runs_on_the_kernel_with_equal_records(
    nothing_compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_TRIAL", running._Trial(most_s=60))
    by_reference = simulated()
    assert nothing_compiled == ["reference"]
    monkeypatch.setattr(running, "_TRIAL", running._Trial(most_s=1e-3))
    by_kernel = simulated()
    assert nothing_compiled == ["reference", "reference", "kernel"]
    assert by_kernel.records.equals(by_reference.records)
    assert by_kernel.provenance() == by_reference.provenance()


def test_many_short_runs_try_together_no_longer_than_one(
    nothing_compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = running._Trial(most_s=0.2)
    monkeypatch.setattr(running, "_TRIAL", trial)
    while trial._left_s > 0:
        simulated()
    simulated()
    assert nothing_compiled[-1] == "kernel"


def test_whoever_asked_for_the_work_still_ends_it() -> None:
    class Never:
        def is_set(self) -> bool:
            return False

    class Now:
        def is_set(self) -> bool:
            return True

    with also_until(Never()):
        go_on()
        with also_until(Now()), pytest.raises(AbandonedError):
            go_on()
        go_on()


@pytest.mark.parametrize(
    ("first_s", "second_s", "answers"), [(1.0, 0.25, True), (1.0, 1.5, False), (0.0, 0.0, True)]
)
def test_a_series_of_runs_is_all_on_the_engine_that_answers_sooner(
    first_s: float, second_s: float, answers: bool
) -> None:
    """Thirty runs of a quarter of a second are there before anything is compiled; thirty of 1.5 s are not."""
    trial = running._Trial(5.0)
    took_s = [first_s, second_s, *[second_s] * 30]
    allowed = []
    for spent_s, _ in zip(took_s, trial.series(32), strict=True):
        allowed.append(trial._left_s >= spent_s)
        trial._left_s -= spent_s if allowed[-1] else 0
    assert all(allowed[:2])
    assert all(allowed[2:]) if answers else not any(allowed[2:])
    assert trial._left_s <= 5.0
