"""Finished points are found again when nothing has changed, and only then."""

import json
import math
from pathlib import Path

import pytest

import lambdasim as ls
from lambdasim import version
from lambdasim.errors import DamagedFileWarning
from lambdasim.results.points import store
from lambdasim.results.points.store import NUMBERS, PointStore, origin

SCENARIO = """name: kept
start: 2026-11-01T00:00:00Z
duration: 10min
functions:
  - {name: f, work: {io_ms: {exponential: {mean: 100}}}, traffic: {trace: t.csv}}
"""
RESULT = {"a": 0.1 + 0.2, "b": float("nan"), "c": 5e-324}


@pytest.fixture
def scenario(tmp_path: Path) -> ls.ScenarioSpec:
    (tmp_path / "t.csv").write_text("timestamp,count\n2026-11-01T00:00:00Z,40\n2026-11-01T00:05:00Z,9\n")
    (tmp_path / "s.yaml").write_text(SCENARIO)
    return ls.load_scenario(tmp_path / "s.yaml")


def test_every_bit_comes_back(tmp_path: Path) -> None:
    points = PointStore(tmp_path / "new" / "folder", {"scenario": "x"}, NUMBERS)
    assert points.kept(3) is None
    points.keep(3, RESULT)
    back = points.kept(3)
    assert back is not None
    assert (back["a"], back["c"], math.isnan(back["b"])) == (RESULT["a"], RESULT["c"], True)
    assert points.kept(4) is None
    assert PointStore(tmp_path / "new" / "folder", {"scenario": "y"}, NUMBERS).kept(3) is None


def rotten(path: Path) -> list[bytes]:
    """Give contents that a point's file cannot have."""
    good = path.read_bytes()
    told = json.loads(good)
    changed = (
        {"result": told["result"] | {"a": "0.25"}},
        {"of": {"scenario": "y"}},
        {"seed": 4},
        {"result": 3},
    )
    return [b"", good[:-20], b"[" * 100_000, b"\xff\xfe", b"[1]", b"null", *(
        json.dumps(told | change).encode() for change in changed
    )]  # fmt: skip


def test_a_damaged_or_foreign_file_is_noticed_and_made_again(tmp_path: Path) -> None:
    points = PointStore(tmp_path, {"scenario": "x"}, NUMBERS)
    points.keep(3, RESULT)
    (path,) = tmp_path.iterdir()
    for content in rotten(path):
        path.write_bytes(content)
        with pytest.warns(DamagedFileWarning, match=path.name):
            assert points.kept(3) is None
    points.keep(3, RESULT)
    assert points.kept(3) is not None
    assert list(tmp_path.iterdir()) == [path]


def counted(scenario: ls.ScenarioSpec, folder: Path, replications: int = 3) -> int:
    """Replicate, and tell how many replications had to be simulated."""
    told: list[int] = []
    ls.replicate(scenario, replications, resume=folder, progress=told.append)
    return replications - told[0]


def test_only_what_is_missing_is_simulated(scenario: ls.ScenarioSpec, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    assert counted(scenario, folder) == 3
    assert counted(scenario, folder) == 0
    assert counted(scenario, folder, 5) == 2
    assert counted(ls.revised(scenario, {"seed": 2}), folder) == 0
    assert counted(ls.revised(scenario, {"seed": 3}), folder) == 1
    alone = ls.replicate(scenario, 5)
    assert ls.replicate(scenario, 5, resume=folder).to_numpy().tobytes() == alone.to_numpy().tobytes()


def test_whatever_changes_the_result_changes_the_key(
    scenario: ls.ScenarioSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "store"
    counted(scenario, folder)
    assert counted(ls.revised(scenario, {"free_tier": False}), folder) == 3
    (tmp_path / "t.csv").write_text("timestamp,count\n2026-11-01T00:00:00Z,41\n2026-11-01T00:05:00Z,9\n")
    assert counted(scenario, folder) == 3
    assert counted(scenario, folder) == 0
    before = origin(scenario)
    monkeypatch.setattr(version, "__version__", "0.0.1")
    store.release_checksum.cache_clear()
    assert origin(scenario)["version_sha256"] != before["version_sha256"]
    assert counted(scenario, folder) == 3
    monkeypatch.undo()
    store.release_checksum.cache_clear()


def test_prices_and_code_belong_to_the_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version, "__file__", str(tmp_path / "__init__.py"))
    seen = set()
    for name, content in [("prices.json", "1"), ("prices.json", "2"), ("code.py", "1"), ("code.py", "2")]:
        (tmp_path / name).write_text(content)
        store.release_checksum.cache_clear()
        seen.add((store.release_checksum(), store.release_checksum(".py")))
    store.release_checksum.cache_clear()
    assert len({prices for prices, _ in seen}) == 2
    assert len({whole for _, whole in seen}) == 4
