"""Forecasts from histories of every length, cut at random places out of every real series, beside carrying forward.

Usage: ``python benchmarks/random_histories.py [SEED]``, from the project's folder.

Cuts overlap, so that a cell of 120 cuts holds few months that are independent. What a forecaster would show whose ranges
hold 80 % exactly is drawn for the same cuts: each forecast is off by the mean of new noise over its days, so that
forecasts of overlapping days err together.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final, NamedTuple

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
ALLOWED: Final = (0.7, 0.9)
EXACT_DRAWS: Final = 2_000
EXACT: Final = 0.8
EXACT_Z: Final = 1.2815515655446004

Floats = NDArray[np.float64]


def series() -> dict[str, Floats]:
    """Give the daily totals of every series that is long enough for two weeks and a week after them."""
    return {
        name: past.totals
        for trace in (*traces(), *short_traces())
        for name, past in daily_histories(trace).items()
    }


class Score(NamedTuple):
    """What a cell shows: coverage, loss over carrying forward with spread and as a point, median error of P50.

    ``exact`` is what ranges that hold 80 % exactly would show on the same cuts, shape (EXACT_DRAWS,).
    """

    held: float
    loss: float
    loss_of_mean: float
    error: float
    exact: Floats

    @property
    def bounds(self) -> tuple[float, float]:
        """What 95 % of the exact ranges' coverages lie between: overlapping months are worth fewer independent ones."""
        low, high = np.quantile(self.exact, [0.025, 0.975])
        return float(low), float(high)

    @property
    def months(self) -> float:
        """As how many independent months the cuts count, by the binomial variance of the exact ranges' coverage."""
        return EXACT * (1 - EXACT) / float(self.exact.var())


def exact_coverage(spans: list[tuple[int, int]], length: int, generator: np.random.Generator) -> Floats:
    """Draw the coverage of ranges that hold 80 % exactly, where errors are means of noise over the days forecast."""
    noise = generator.standard_normal((EXACT_DRAWS, length))
    reached = np.concatenate([np.zeros((EXACT_DRAWS, 1)), np.cumsum(noise, axis=1)], axis=1)
    errors = [(reached[:, end] - reached[:, begin]) / np.sqrt(end - begin) for begin, end in spans]
    return (np.abs(np.array(errors)) <= EXACT_Z).mean(axis=0)


def score(totals: Floats, lengths: tuple[int, int], task: str, generator: np.random.Generator) -> Score:
    """Cut histories out of a series at random places, and forecast what follows each."""
    spans: list[tuple[int, int]] = []
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
        spans.append((begin + known_days, begin + days))
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
    exact = exact_coverage(spans, len(totals), generator)
    return Score(held, float(loss / spread), float(loss / point), float(np.median(middle / came - 1)), exact)


def summed_up(scores: list[Score]) -> str:
    """Say how many cells lie outside what was asked, and how many would if every range held 80 % exactly."""
    low, high = ALLOWED

    def outside(held: Floats) -> Floats:
        return np.asarray((held < low) | (held > high))

    beyond = [one for one in scores if not one.bounds[0] <= one.held <= one.bounds[1]]

    ours = int(outside(np.array([one.held for one in scores])).sum())
    exact = outside(np.array([one.exact for one in scores])).sum(axis=0)
    least, most = np.quantile(exact, [0.025, 0.975])
    return (
        f"{ours} of {len(scores)} cells outside {low:.0%} to {high:.0%}, "
        f"mean {np.mean([one.held for one in scores]):.0%}; "
        f"ranges that hold 80% exactly: {exact.mean():.1f}, 95% of draws {least:.0f} to {most:.0f}; "
        f"{len(beyond)} cells outside their own 95% interval of exact ranges; "
        f"worst loss {max(one.loss for one in scores):.2f}"
    )


def pooled(scores: list[Score]) -> str:
    """Say what all series of one length of history and one task hold together, and within what exact ranges would lie."""
    months = sum(one.months for one in scores)
    low, high = np.quantile(np.mean([one.exact for one in scores], axis=0), [0.025, 0.975])
    held = np.mean([one.held for one in scores])
    return f"{held:.0%} over {len(scores)} series, {months:.0f} independent months; exact ranges: {low:.0%} to {high:.0%}"


def main() -> None:
    """Print a line of a Markdown table for each series, length of history and task."""
    print(
        "| series | history | task | P10-P90 holds | exact ranges hold | independent months | loss, spread = 1 "
        "| loss, mean = 1 | P50, median error |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else SEED
    scores: list[Score] = []
    rows: list[tuple[tuple[int, int], str]] = []
    for place, (name, totals) in enumerate(series().items()):
        for lengths in (SHORT, LONG) if len(totals) >= SHORT_SERIES_DAYS else (SHORT,):
            for task in TASKS:
                generator = np.random.default_rng((seed, place))
                scores.append(score(totals, lengths, task, generator))
                rows.append((lengths, task))
                held, spread, point, error, _ = scores[-1]
                low, high = scores[-1].bounds
                print(
                    f"| {name[:24]} | {lengths[0]}-{lengths[1]} | {task} | {held:.0%} | {low:.0%} to {high:.0%} "
                    f"| {scores[-1].months:.0f} | {spread:.2f} | {point:.2f} | {error:+.1%} |",
                    flush=True,
                )
    for lengths in (SHORT, LONG):
        for task in TASKS:
            cells = [one for one, of in zip(scores, rows, strict=True) if of == (lengths, task)]
            print(f"{lengths[0]} to {lengths[1]} days, {task}: {pooled(cells)}")
    print(summed_up(scores))


if __name__ == "__main__":
    main()
