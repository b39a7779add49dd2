"""Prints how far the twin of every log is from its log; `docs/validation.md` keeps the figures.

Run with ``python benchmarks/round_trips.py [SEED ...]``, from the project's folder: the logs of ``data/report_logs``,
those of ``tests/calibration/cases``, and what ``tests/calibration/generated_logs.py`` makes from each seed (7 and 8).

Asked of each log: as many runs, billed GB-s within 2 % or the sampling interval, p50, p95 and p99 of the duration within
3 % or theirs, and counts of cold starts and failures within their binomial intervals. Figures of the log are taken from
its runs anew, not from the table of the round trip.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(1, str(Path(__file__).parents[1] / "tests" / "calibration"))

from generated_logs import EVERY

from lambdasim.calibration.calibrate import calibrate_logs
from lambdasim.calibration.data.runs import Runs
from lambdasim.calibration.round_trip import RoundTrip, TripRow

ROOT: Final = Path(__file__).parents[1]
SEEDS: Final = (7, 8)
LEVELS: Final = (0.5, 0.95, 0.99)
COUNTS: Final = {
    "timeouts": "timeout",
    "errors": "error",
    "crashes": "crash",
    "out of memory": "out_of_memory",
}
MONEY_NEAR: Final = 0.02
TIME_NEAR: Final = 0.03
SAME: Final = 1e-3


def logs(folder: Path, seeds: list[int]) -> Iterator[tuple[str, Path]]:
    """Yield every log with its name."""
    for path in sorted((ROOT / "data" / "report_logs").glob("*.json")):
        yield path.stem.removesuffix("_cloudwatch"), path
    for path in sorted((ROOT / "tests" / "calibration" / "cases").glob("L*")):
        yield path.stem, path
    for seed in seeds:
        for name, made in EVERY.items():
            path = folder / f"{name}_{seed}.log"
            path.write_text(made(np.random.default_rng(seed)), encoding="utf-8")
            yield path.stem, path


def contradictions(runs: Runs, trip: RoundTrip) -> list[str]:
    """Name rows of the round trip that do not have the log's own figures, where INIT did not run inside runs."""
    if runs.inside.any():
        return []
    duration = np.where(runs.ended("timeout") & ~np.isnan(runs.billed_ms), runs.billed_ms, runs.duration_ms)
    own = {f"duration p{round(100 * p)} [ms]": float(np.quantile(duration, p)) for p in LEVELS}
    own["cold starts"] = float(runs.cold.sum())
    own |= {name: float(runs.ended(kind).sum()) for name, kind in COUNTS.items()}
    return [name for name, value in own.items() if abs(trip.row(name).log - value) > SAME * value + 0.01]


def fails(row: TripRow) -> bool:
    """Return whether a row misses what is asked of it."""
    if row.measure == "runs":
        return row.log != row.twin
    near = 0.0
    if row.measure.startswith(("GB-s", "billed")):
        near = MONEY_NEAR
    elif row.measure.startswith("duration"):
        near = TIME_NEAR
    elif row.measure.startswith(("USD", "INIT")):
        return False
    return row.is_outside and not abs(row.difference) <= near


def shown(row: TripRow) -> str:
    """Write a difference; in brackets where it is beyond what is near, and within the sampling interval."""
    near = MONEY_NEAR if row.measure.startswith("GB-s") else TIME_NEAR
    text = f"{row.difference:+.1%}" if row.difference < inf else "-"
    return text if abs(row.difference) <= near else f"**{text}**" if row.is_outside else f"({text})"


def main() -> None:
    """Print a line of a Markdown table for each log, and how many hold."""
    seeds = [int(word) for word in sys.argv[1:]] or list(SEEDS)
    missed: dict[str, list[str]] = {}
    within: dict[str, int] = {"GB-s": 0, "duration": 0}
    rows: dict[str, int] = {"GB-s": 0, "duration": 0}
    count = 0
    print("| log | runs | GB-s | p50, p95, p99 | cold starts | timeouts | errors | crashes, out of memory |")
    print("|---|---|---|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        for name, path in logs(Path(folder), seeds):
            found = calibrate_logs([path])
            trip, data = found.round_trip, found.observations
            assert trip is not None
            assert data is not None
            count += 1
            wrong = [row.measure for row in trip.rows if fails(row)] + contradictions(data.runs, trip)
            if wrong:
                missed[name] = wrong
            for row in trip.rows:
                for kind, near in (("GB-s", MONEY_NEAR), ("duration", TIME_NEAR)):
                    if row.measure.startswith(kind):
                        rows[kind] += 1
                        within[kind] += abs(row.difference) <= near
            times = ", ".join(shown(trip.row(f"duration p{round(100 * p)} [ms]")) for p in LEVELS)
            counted = [
                f"{one.log:.0f}, {one.twin:.4g}" if one.log or one.twin > 0.5 else "-"
                for one in (trip.row(kind) for kind in ("cold starts", "timeouts", "errors", "crashes"))
            ]
            memory = trip.row("out of memory")
            counted[-1] += f"; {memory.log:.0f}, {memory.twin:.4g}" if memory.log else ""
            print(
                f"| {name} | {len(data.runs):,} | {shown(trip.row('GB-s, with INIT'))} | {times} | "
                + " | ".join(counted)
                + " |",
                flush=True,
            )
    print(f"{count} logs, {count - len(missed)} hold what is asked")
    for kind, number in rows.items():
        print(
            f"{kind}: {within[kind]} of {number} figures near by themselves, the others by their sampling interval"
        )
    for name, wrong in missed.items():
        print(f"not: {name}: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
