"""Forecasts from histories of every length, cut at random places out of every real series, beside carrying forward.

Usage: ``python benchmarks/random_histories.py``, from the project's folder.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.backtest import short_traces, traces
from lambdasim.study.forecast.backtest import QUANTILES, TASKS, carried_forward, pinball
from lambdasim.study.forecast.history import daily_histories
from lambdasim.study.forecast.sampler import sample_paths

SEED: Final = 12
CUTS: Final = 120
SHORT: Final = (14, 34)
LONG: Final = (56, 400)
MONTHS: Final = (30,)
SHORT_SERIES_MONTHS: Final = (7, 10, 14, 20, 30)
SHORT_SERIES_DAYS: Final = 100

Floats = NDArray[np.float64]


def series() -> dict[str, Floats]:
    """Give the daily totals of every series that is long enough for two weeks and a week after them."""
    return {
        name: past.totals
        for trace in (*traces(), *short_traces())
        for name, past in daily_histories(trace).items()
    }


def score(
    totals: Floats, lengths: tuple[int, int], task: str, generator: np.random.Generator
) -> tuple[float, float, float, float]:
    """Cut histories out of a series: coverage, loss over carrying forward with spread and as a point, median error."""
    months = MONTHS if len(totals) >= SHORT_SERIES_DAYS else SHORT_SERIES_MONTHS
    ours, carried, actual = [], [], []
    for _ in range(CUTS):
        days = int(generator.choice(months))
        known_days = days // 2 if task == TASKS[1] else 0
        most = min(lengths[1], len(totals) - days)
        history_days = round(float(np.exp(generator.uniform(np.log(lengths[0]), np.log(most)))))
        begin = int(generator.integers(history_days, len(totals) - days + 1))
        past = totals[begin - history_days : begin + known_days]
        known = totals[begin : begin + known_days].sum()
        rest = days - known_days
        sums = sample_paths(past, rest, paths=500).totals.sum(axis=1)
        size = totals.mean() * days
        ours.append((known + np.quantile(sums, QUANTILES)) / size)
        carried.append((known + carried_forward(past, rest)) / size)
        actual.append(totals[begin : begin + days].sum() / size)
    low, middle, high = np.array(ours).T
    came = np.array(actual)
    loss = pinball(np.array(ours), came).mean()
    spread = pinball(np.array(carried), came).mean()
    point = pinball(np.repeat(np.array(carried)[:, 1:2], 3, axis=1), came).mean()
    held = float(((low <= came) & (came <= high)).mean())
    return held, float(loss / spread), float(loss / point), float(np.median(middle / came - 1))


def main() -> None:
    """Print a line of a Markdown table for each series, length of history and task."""
    print(
        "| series | history | task | P10-P90 holds | loss, spread = 1 | loss, mean = 1 | P50, median error |"
    )
    print("|---|---|---|---|---|---|---|")
    for place, (name, totals) in enumerate(series().items()):
        for lengths in (SHORT, LONG) if len(totals) >= SHORT_SERIES_DAYS else (SHORT,):
            for task in TASKS:
                generator = np.random.default_rng((SEED, place))
                held, spread, point, error = score(totals, lengths, task, generator)
                print(
                    f"| {name[:24]} | {lengths[0]}-{lengths[1]} | {task} | {held:.0%} | {spread:.2f} | "
                    f"{point:.2f} | {error:+.1%} |"
                )


if __name__ == "__main__":
    main()
