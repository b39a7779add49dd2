"""Prints how far predictions miss at memory sizes that they were not fitted to; `docs/validation.md` keeps the figures.

Run with ``python benchmarks/validation.py [short] [pairs] [runtimes] [scenario] [first] [init] [rates] [--seed N]``;
without names, all. The seed draws the pairs.
The law, its constants and the belief in styles are those that ship; nothing is chosen for a data set.
"""

from __future__ import annotations

import csv
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from math import exp, fsum, log
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import yaml

from benchmarks.random_pairs import SEED, known_size, score_pairs, short_function_rows, table
from lambdasim import load_scenario, read_report_logs, simulate
from lambdasim.calibration.calibrate import calibrate_logs
from lambdasim.calibration.data.statistics import SizeStatistics, from_summary
from lambdasim.calibration.fit.first_run import fit_first_run
from lambdasim.calibration.fit.work import fit_work
from lambdasim.catalog import init_priors
from lambdasim.catalog.files import rows_of
from lambdasim.models.cpu_chain import CpuStyle
from lambdasim.specs import ScenarioSpec

DATA = Path(__file__).parents[1] / "data" / "memory_scaling"
REPORT_LOGS = DATA.parent / "report_logs"
RATES = (2, 5, 8, 15)
SHORT_PAIRS = ((128, 1027), (160, 443), (204, 770), (257, 1513), (372, 1301), (496, 1000), (522, 1770))
STRAIGHT = (CpuStyle(),)
SHOWN = (0.05, 0.50, 0.95, 0.99)


def show(
    what: str, errors: Iterable[float], straight: Iterable[float], held: Sequence[bool] | None = None
) -> None:
    """Print one row: number of predictions, mean and 95th percentile of the error, and those of the straight law.

    ``held`` tells which 95 % intervals hold what was measured.
    """
    found, before = np.abs(list(errors)) * 100, np.abs(list(straight)) * 100
    line = f"{what:72s} {len(found):5d}  {found.mean():6.1f} {np.quantile(found, 0.95):6.1f}"
    if len(before):
        line += f"   straight {before.mean():6.1f} {np.quantile(before, 0.95):6.1f}"
    if held:
        line += f"   held {np.mean(held):4.0%}"
    print(line, flush=True)


def short_function() -> None:
    """Fit one short CPU function at two sizes, predict the others."""
    rows = short_function_rows()
    all_errors: dict[str, list[float]] = defaultdict(list)
    all_straight: dict[str, list[float]] = defaultdict(list)
    held: list[bool] = []
    for pair in SHORT_PAIRS:
        for styles, kept in ((None, all_errors), (STRAIGHT, all_straight)):
            sizes = [known_size(rows[memory_mb]) for memory_mb in pair]
            fit = fit_work(sizes) if styles is None else fit_work(sizes, styles=styles)
            for memory_mb, row in rows.items():
                if memory_mb in pair:
                    continue
                predicted = fit.predict(memory_mb)
                kept[f"{pair}"].append(predicted.mean_ms.value / row["mean_ms"] - 1)
                if styles is None:
                    held.append(predicted.mean_ms.low <= row["mean_ms"] <= predicted.mean_ms.high)
                for p in SHOWN:
                    name = f"p{round(100 * p)}"
                    kept[name].append(predicted.quantile_ms(p) / row[f"{name}_ms"] - 1)
        show(f"short function, mean, fitted at {pair}", all_errors[f"{pair}"], all_straight[f"{pair}"])
    means = [e for pair in SHORT_PAIRS for e in all_errors[f"{pair}"]]
    before = [e for pair in SHORT_PAIRS for e in all_straight[f"{pair}"]]
    show("short function, mean, all pairs", means, before, held)
    for p in SHOWN:
        name = f"p{round(100 * p)}"
        show(f"short function, {name}, all pairs", all_errors[name], all_straight[name])


def december() -> dict[tuple[str, str, str, str], dict[int, SizeStatistics]]:
    """Read the means of December 2025 by workload, architecture, start and runtime."""
    groups: dict[tuple[str, str, str, str], dict[int, SizeStatistics]] = defaultdict(dict)
    with (DATA / "aws_runtimes_december_2025.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["mean_duration_ms"]:
                size, cold = int(row["memory_mb"]), row["start"] == "cold"
                of = (row["workload"], row["architecture"], row["start"], row["runtime"])
                groups[of][size] = from_summary(
                    size,
                    20 if cold else 300,
                    float(row["mean_duration_ms"]),
                    p99=float(row["p99_duration_ms"]),
                    environments=20 if cold else 1,
                )
    return groups


def runtimes() -> None:
    """Fit the means of December 2025 at two sizes, predict the others: cold starts apart from warm runs.

    A cold row is the mean of 20 environments, a warm row that of 300 runs of one, whose CPU may be fast or slow.
    """
    found: dict[tuple[str, ...], list[float]] = defaultdict(list)
    straight: dict[tuple[str, ...], list[float]] = defaultdict(list)
    held: dict[tuple[str, ...], list[bool]] = defaultdict(list)
    for (workload, architecture, start, _), sizes in december().items():
        for pair in combinations(sorted(sizes), 2):
            apart = 3.0 if workload == "light" else 1.7
            if pair[1] < apart * pair[0] or pair[0] > 1024 or not 512 <= pair[1] <= 2048:
                continue
            fit = fit_work([sizes[size] for size in pair], architecture=architecture)
            old = fit_work([sizes[size] for size in pair], styles=STRAIGHT)
            for size, known in sizes.items():
                if size in pair:
                    continue
                keys: list[tuple[str, ...]] = [(workload, architecture, start)]
                keys += [(workload, architecture)] if workload != "light" else [(workload, start)]
                keys += [("computing", "arm64")] if workload != "light" and architecture == "arm64" else []
                if workload != "light" and size <= 2048 and pair[1] >= 4 * pair[0]:
                    keys.append((workload, architecture, start, "4 x apart, to 2,048 MB"))
                predicted = fit.predict(size).mean_ms
                for key in keys:
                    found[key].append(predicted.value / known.centre_ms - 1)
                    held[key].append(predicted.low <= known.centre_ms <= predicted.high)
                    straight[key].append(old.predict(size).mean_ms.value / known.centre_ms - 1)
    for key in sorted(found):
        show("December 2025, " + ", ".join(key), found[key], straight[key], held[key])


def scenarios() -> None:
    """Simulate fits as scenarios at sizes not fitted, beside what was measured and what the fit predicts."""
    found: dict[str, list[float]] = defaultdict(list)
    gaps: dict[str, list[float]] = defaultdict(list)
    for (workload, architecture, _, _), sizes in december().items():
        for pair in ((128, 1769), (256, 1024), (512, 2048), (1024, 2048)):
            if not set(pair) <= set(sizes):
                continue
            fit = fit_work([sizes[size] for size in pair], architecture=architecture)
            work = {**fit.to_work(), "first_run_ms": 0}
            for size, known in sizes.items():
                if size not in pair:
                    ran = _simulated_mean_ms(work, size, architecture)
                    found[f"{workload}, {architecture}"].append(ran / known.centre_ms - 1)
                    gaps[f"{workload}, {architecture}"].append(ran / fit.predict(size).mean_ms.value - 1)
    for name, errors in found.items():
        show(f"scenario, {name}", errors, [])
        show(f"scenario beside its fit, {name}", gaps[name], [])


def _simulated_mean_ms(work: dict[str, Any], memory_mb: int, architecture: str) -> float:
    function = {
        "name": "f",
        "memory_mb": memory_mb,
        "architecture": architecture,
        "timeout": "900s",
        "init_ms": 0,
        "work": work,
        "traffic": {"constant": {"rate_per_s": 1}},
    }
    said = {"name": "fit", "start": "2026-11-01T00:00:00Z", "duration": "4000s", "functions": [function]}
    return float(simulate(ScenarioSpec.model_validate(said)).records["duration_ms"].mean())


def first_runs() -> None:
    """Fit the first run after INIT at 256 and 1,024 MB, predict 128 and 512 MB."""
    found: dict[str, list[float]] = defaultdict(list)
    straight: dict[str, list[float]] = defaultdict(list)
    for prior in init_priors():
        means = dict(prior.first_handler_ms)
        if not {128, 256, 512, 1024} <= set(means) or means[1024] < 3:
            continue
        known = [from_summary(size, 300, means[size]) for size in (256, 1024)]
        fit, old = fit_first_run(known), fit_work(known, styles=STRAIGHT)
        work = means[128] * 128 / 1769
        name = "above 25 ms" if work > 25 else "5 to 25 ms" if work > 5 else "below 5 ms"
        for size in (128, 512):
            found[name].append(fit.predict_ms(size).value / means[size] - 1)
            straight[name].append(old.predict(size).mean_ms.value / means[size] - 1)
    for name, errors in found.items():
        show(f"first run after INIT, work {name}", errors, straight[name])


def init() -> None:
    """Predict quantiles of INIT at a size from the other sizes."""
    groups: dict[tuple[str, str, str], list[dict[str, float]]] = defaultdict(list)
    for row in rows_of("init_priors.csv"):
        key = (row["runtime"], row["package"], row["arch"])
        groups[key].append({name: float(row[name]) for name in ("n", "p50_ms", "p99_ms")})
    errors: dict[str, list[float]] = defaultdict(list)
    for rows in groups.values():
        for unseen in rows:
            others = [row for row in rows if row is not unseen]
            total = fsum(row["n"] for row in others)
            for name in ("p50_ms", "p99_ms"):
                if total:
                    predicted = exp(fsum(row["n"] * log(row[name]) for row in others) / total)
                    errors[name].append(predicted / unseen[name] - 1)
    for name, found in errors.items():
        show(f"INIT at an unseen memory size, {name.removesuffix('_ms')}", found, [])


def rates() -> None:
    """Fit the logs of one request rate, simulate the arrivals of the others, and set both beside each other."""
    with TemporaryDirectory() as folder:
        scenario = Path(folder) / "fitted.yaml"
        logs = {rate: REPORT_LOGS / f"aws_{rate}rps_cloudwatch.json" for rate in RATES}
        measured = {rate: read_report_logs(path).frame() for rate, path in logs.items()}
        for fitted in RATES:
            calibrate_logs([logs[fitted]], scenario)
            said = yaml.safe_load(scenario.read_text(encoding="utf-8"))
            for rate, known in measured.items():
                if rate == fitted:
                    continue
                calibrate_logs([logs[rate]], Path(folder) / "other.yaml")
                other = yaml.safe_load((Path(folder) / "other.yaml").read_text(encoding="utf-8"))
                other["functions"][0] = {**said["functions"][0], "traffic": other["functions"][0]["traffic"]}
                (Path(folder) / "both.yaml").write_text(yaml.safe_dump(other), encoding="utf-8")
                run = simulate(load_scenario(Path(folder) / "both.yaml")).records
                errors = [
                    run["duration_ms"].quantile(p) / known["duration_ms"].quantile(p) - 1
                    for p in (0.5, 0.95, 0.99)
                ]
                billed = np.ceil(run["duration_ms"]).sum() / np.ceil(known["duration_ms"]).sum() - 1
                environments = f"{run['exec_env'].nunique()} for {known['exec_env'].nunique()}"
                print(
                    f"fitted at {fitted:2d}/s, predicted {rate:2d}/s: "
                    + ", ".join(f"{n} {e:+.1%}" for n, e in zip(("p50", "p95", "p99"), errors, strict=True))
                    + f", billed {billed:+.2%}, environments {environments}",
                    flush=True,
                )


def pairs(seed: int = SEED) -> None:
    """Fit pairs of sizes drawn at random, each pair on a line, and the table of all."""
    scores = []
    for score in score_pairs(seed):
        third = (
            "" if score.settled else f"  asks for {score.telling_mb} MB, then {score.error_with_third:.1%}"
        )
        print(
            f"{score.pair[0]:5d} {score.pair[1]:5d}  error {score.error:5.1%}  held {score.held:4.0%}"
            f"  expected {score.expected_error:5.1%}{third}",
            flush=True,
        )
        scores.append(score)
    print(table(scores))


PARTS: dict[str, Callable[[], None]] = {
    "short": short_function,
    "pairs": pairs,
    "runtimes": runtimes,
    "scenario": scenarios,
    "first": first_runs,
    "init": init,
    "rates": rates,
}

if __name__ == "__main__":
    said = ArgumentParser(description=__doc__)
    said.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    said.add_argument("--seed", type=int, default=SEED)
    asked = said.parse_args()
    print(f"{'what':72s} {'n':>5s}  mean % p95 %")
    for chosen in asked.parts or PARTS:
        PARTS[chosen](asked.seed) if chosen == "pairs" else PARTS[chosen]()
