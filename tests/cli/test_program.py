"""What the tests run in their own process behaves as the program in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from program import lambdasim

SCENARIO = """name: t
start: 2026-11-01T00:00:00Z
duration: 10min
functions:
  - {name: f, memory_mb: 512, timeout: 30s, work: {cpu_ms: 50}, traffic: {poisson: {rate_per_s: 1}}, vpc: true}
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("simulate", "s.yaml", "--json"),  # with a warning on the error stream
        ("simulate", "missing.yaml"),
        ("prices", "shwo"),
        ("limits", "s.yaml", "--multiples", "none"),
    ],
    ids=" ".join,
)
def test_this_process_ends_as_a_fresh_one(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO)
    fresh = subprocess.run(
        [sys.executable, "-m", "lambdasim", *arguments],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"COLUMNS": "80"},
    )  # fmt: skip
    here = lambdasim(*arguments, cwd=tmp_path, COLUMNS="80")
    assert (here.returncode, here.stdout) == (fresh.returncode, fresh.stdout)
    assert here.stderr == fresh.stderr.replace("python -m lambdasim", "lambdasim")
    assert fresh.returncode in (0, 2)
    assert fresh.stderr


def test_a_fault_of_the_program_is_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("lambdasim.__main__._run", broken)
    done = lambdasim("validate")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
