"""Scenarios whose timelines were worked by hand: written as a user writes them, run on both engines."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import lambdasim as ls

START = datetime(2026, 11, 1, tzinfo=UTC)
PLAIN = {"memory_mb": 1024, "timeout": "20s", "init_ms": 0, "placement_ms": 0, "keep_alive": "2h"}
IDLE = {"constant": {"rate_per_s": 0}}
BOTH = ("reference", "kernel")
_PLACE = tempfile.TemporaryDirectory()


def function(name: str = "f", io: float = 1000, *, fails: bool = False, **settings: Any) -> dict[str, Any]:
    """Describe a function whose every run waits for ``io`` ms, and then fails or not."""
    work = {"io_ms": io, "first_run_ms": 0} | ({"error_probability": 1} if fails else {})
    return PLAIN | {"name": name, "work": work, "traffic": IDLE} | settings


def scenario(
    functions: Sequence[Mapping[str, Any]], times: Mapping[str, Sequence[float]] | None = None, **head: Any
) -> ls.ScenarioSpec:
    """Load a scenario of which some functions or machines have events at given seconds."""
    place = Path(tempfile.mkdtemp(dir=_PLACE.name))
    traffic = {}
    for name, seconds in (times or {}).items():
        moments = [(START + timedelta(seconds=at)).isoformat() for at in seconds]
        (place / f"{name}.csv").write_text("\n".join(["timestamp", *moments]) + "\n")
        traffic[name] = {"traffic": {"trace": f"{name}.csv", "align": "none"}}
    written = {"name": "worked", "start": START.isoformat(), "duration": "1h", "free_tier": False} | head
    for key, entries in (("functions", functions), ("state_machines", head.get("state_machines", ()))):
        if entries:
            written[key] = [dict(one) | traffic.get(one["name"], {}) for one in entries]
    (place / "s.yaml").write_text(json.dumps(written))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ls.load_scenario(place / "s.yaml")


def run(
    functions: Sequence[Mapping[str, Any]],
    times: Mapping[str, Sequence[float]] | None = None,
    engines: Sequence[str] = BOTH,
    **head: Any,
) -> ls.RunResult:
    """Simulate on each engine, which must agree, and give one result."""
    spec = scenario(functions, times, **head)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [ls.simulate(spec, engine=engine) for engine in engines]
    for other in found[1:]:
        assert other.records.equals(found[0].records)
        assert other.items is None or other.items.equals(found[0].items)
    return found[0]


def starts(result: ls.RunResult, name: str = "f") -> list[float]:
    """When runs of a function began [s]."""
    mine = result.records[(result.records["function"] == name) & (result.records["limit"] == "none")]
    return [round(at, 6) for at in mine["start_s"]]


def refused(result: ls.RunResult) -> list[float]:
    """When attempts were throttled [s]."""
    return [round(at, 6) for at in result.records.loc[result.records["limit"] != "none", "start_s"]]


def ends(result: ls.RunResult) -> list[tuple[int, str, float]]:
    """Which message or record ended how, and when [s], in order of their number."""
    table = result.items.sort_values("item")
    return [
        (int(item), outcome, round(done, 6))
        for item, outcome, done in zip(table["item"], table["outcome"], table["done_s"], strict=True)
    ]
