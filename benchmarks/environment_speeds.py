"""Prints how often 95 % of the mean billed time of one environment holds what was measured; see `docs/validation.md`.

Run with ``python benchmarks/environment_speeds.py [--seed N] [--draws N]``, from the project's folder. Two sources:

- *Log streams*: the four environments of the log at 15/s. Each draw fits three of them, a stretch of 50 to 150 runs of
  each, with ``calibrate_logs``, and predicts the mean of a stretch of the fourth. Three show no spread of speeds, so the
  scenario has none; beside it stands the same with the catalog's as ``work.environment_spread``.
- *December 2025*: pairs of a warm row, 300 runs of one environment, and its cold row, 20 environments. Each draw takes
  the spread of speeds from a random half of the pairs, and predicts the warm rows of the other half from their cold rows.

The interval is that of one more run of the scenario, from 40 of them with seeds of their own: mean and Student's t times
the standard deviation times the root of 1 + 1/40.
"""

from __future__ import annotations

import csv
import json
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator
from math import ceil, log, sqrt
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from lambdasim import simulate
from lambdasim.calibration.calibrate import calibrate_logs
from lambdasim.calibration.data.statistics import Floats
from lambdasim.calibration.fit.speed import known_speed_error
from lambdasim.calibration.scenario import scenario_mapping
from lambdasim.specs import ScenarioSpec
from lambdasim.specs.function import Architecture

ROOT: Final = Path(__file__).parents[1]
SEED: Final = 1
DRAWS: Final = 40
TIMES: Final = 40
SHOWN: Final = 0.95
Range = tuple[float, float]


def mean_billed_ms(function: dict[str, Any], runs: int, rate_per_s: float) -> Range:
    """Give the 95 % interval of the mean billed time of so many warm runs on one environment [ms]."""
    function = {
        **function,
        "init_ms": 0,
        "keep_alive": "1h",
        "traffic": {"constant": {"rate_per_s": rate_per_s}},
    }
    function["work"] = {**function["work"], "first_run_ms": 0}
    said = {
        "name": "x",
        "start": "2026-11-01T00:00:00Z",
        "duration": f"{ceil(runs / rate_per_s)}s",
        "functions": [function],
    }
    means = []
    for seed in range(TIMES):
        records = simulate(ScenarioSpec.model_validate({**said, "seed": seed})).records
        one = records[records["exec_env"] == 0]["duration_ms"].to_numpy()
        means.append(float(np.ceil(one.round(6)).mean()))
    reach = t.ppf((1 + SHOWN) / 2, TIMES - 1) * np.std(means, ddof=1) * sqrt(1 + 1 / TIMES)
    return float(np.mean(means) - reach), float(np.mean(means) + reach)


def streams() -> dict[str, list[list[dict[str, Any]]]]:
    """Read the events of each log stream of the log at 15/s, run by run."""
    path = ROOT / "data" / "report_logs" / "aws_15rps_cloudwatch.json"
    found: dict[str, list[list[dict[str, Any]]]] = defaultdict(lambda: [[]])
    for event in sorted(json.loads(path.read_text(encoding="utf-8")), key=lambda event: event["timestamp"]):
        runs = found[event["logStreamName"]]
        runs[-1].append(event)
        if event["message"].startswith("REPORT"):
            runs.append([])
    return {name: runs[:-1] for name, runs in found.items()}


def stretch(rng: np.random.Generator, runs: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    """Draw 50 to 150 runs in a row."""
    length = min(int(rng.integers(50, 151)), len(runs))
    first = int(rng.integers(0, len(runs) - length + 1))
    return runs[first : first + length]


def of_streams(rng: np.random.Generator, draws: int) -> Iterator[tuple[bool, bool, float]]:
    """Yield, for each draw: held as written, held with the catalog's spread, and how wide the latter is, relative."""
    known = streams()
    shipped = known_speed_error(Architecture.X86_64)
    with TemporaryDirectory() as folder:
        for _ in range(draws):
            *fitted, other = rng.permutation(sorted(known)).tolist()
            events = [event for name in fitted for run in stretch(rng, known[name]) for event in run]
            path = Path(folder) / "drawn.json"
            path.write_text(json.dumps(events), encoding="utf-8")
            function = scenario_mapping(calibrate_logs([path]), None)["functions"][0]
            spread = {**function, "work": {**function["work"], "environment_spread": shipped}}
            runs = stretch(rng, known[other])
            billed = np.mean([_duration(run) for run in runs])
            plain, wide = (mean_billed_ms(one, len(runs), 2.0) for one in (function, spread))
            yield plain[0] <= billed <= plain[1], wide[0] <= billed <= wide[1], wide[1] / wide[0] - 1


def _duration(run: list[dict[str, Any]]) -> float:
    text = next(event["message"] for event in run if event["message"].startswith("REPORT"))
    return float(ceil(float(text.partition("\tDuration: ")[2].partition(" ms")[0])))


def december(architecture: str) -> tuple[Floats, NDArray[np.str_]]:
    """Give the logarithm of warm over cold mean of each pair of rows that compute, and its workload; shape (n,)."""
    rows = defaultdict(dict)
    with (ROOT / "data" / "memory_scaling" / "aws_runtimes_december_2025.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["mean_duration_ms"] and row["workload"] != "light" and row["architecture"] == architecture:
                of = (row["workload"], row["runtime"], int(row["memory_mb"]))
                rows[of][row["start"]] = float(row["mean_duration_ms"])
    pairs = {of: log(row["warm"] / row["cold"]) for of, row in rows.items() if len(row) == 2}
    return np.array(list(pairs.values())), np.array([workload for workload, _, _ in pairs])


def of_december(rng: np.random.Generator, architecture: str, draws: int) -> Iterator[tuple[bool, bool, bool]]:
    """Yield, for each warm row held out, whether three ranges hold it.

    From its cold row with the other half's spread; with the catalog's; and with the catalog's, its cold row being brought
    to the mean of warm rows of its workload in the other half.
    """
    ratios, workloads = december(architecture)

    def ranges(spread: float) -> Range:
        work = {"cpu_ms": 1000, "environment_spread": round(spread, 5)}
        low, high = mean_billed_ms({"name": "f", "memory_mb": 1769, "timeout": "60s", "work": work}, 20, 0.5)
        return low / 1000, high / 1000

    catalog = ranges(known_speed_error(Architecture(architecture)))
    for _ in range(draws):
        order = rng.permutation(len(ratios))
        known, others = np.split(order, [len(ratios) // 2])
        own = ranges(float(np.sqrt((ratios[known] ** 2).mean())))
        longer = {
            name: float(ratios[known][workloads[known] == name].mean()) for name in np.unique(workloads)
        }
        for place in others:
            plain, moved = np.exp(ratios[place]), np.exp(ratios[place] - longer[workloads[place]])
            yield (
                own[0] <= plain <= own[1],
                catalog[0] <= plain <= catalog[1],
                catalog[0] <= moved <= catalog[1],
            )


def main() -> None:
    """Print the share that holds, by source."""
    parser = ArgumentParser()
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--draws", type=int, default=DRAWS)
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    for architecture in ("x86_64", "arm64"):
        found = np.array(list(of_december(rng, architecture, asked.draws)))
        own, catalog, moved = found.mean(axis=0)
        print(
            f"December 2025, {architecture}: {len(found)} predictions; held with the other half's spread {own:.0%}, with "
            f"the catalog's {catalog:.0%}, with the catalog's about the workload's own mean {moved:.0%}",
            flush=True,
        )
    found = np.array(list(of_streams(rng, asked.draws)))
    plain, wide, width = found.mean(axis=0)
    print(
        f"log streams: {len(found)} predictions; held as written {plain:.0%}, with the catalog's spread {wide:.0%}, "
        f"{width:.1%} wide"
    )


if __name__ == "__main__":
    main()
