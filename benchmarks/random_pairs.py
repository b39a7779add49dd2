"""Draws pairs of memory sizes of the short function at random, fits each, and scores what it predicts elsewhere."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from lambdasim.calibration.data.statistics import SizeStatistics, from_summary
from lambdasim.calibration.fit.work import WorkFit, fit_work

SHORT_FUNCTION: Final = (
    Path(__file__).parents[1] / "data" / "memory_scaling" / "aws_x86_short_cpu_function.csv"
)
SEED: Final = 1
PAIRS: Final = 80
WELL_APART: Final = 1.8
_TOO_FAR: Final = 0.08
_PERCENTILES: Final = (1, 5, 25, 50, 75, 95, 99)


def short_function_rows() -> dict[int, dict[str, float]]:
    """Read the short function's measured rows by memory size [MB]."""
    with SHORT_FUNCTION.open(encoding="utf-8") as file:
        return {
            int(row["memory_mb"]): {name: float(value) for name, value in row.items()}
            for row in csv.DictReader(file)
        }


def known_size(row: Mapping[str, float]) -> SizeStatistics:
    """Take a measured row as what is known of its size."""
    percentiles = {f"p{p}": row[f"p{p}_ms"] for p in _PERCENTILES}
    return from_summary(
        int(row["memory_mb"]), int(row["n"]), row["mean_ms"], sd_ms=row["sd_ms"], **percentiles
    )


def random_pairs(sizes_mb: list[int], seed: int, n: int = PAIRS) -> list[tuple[int, int]]:
    """Draw different pairs of sizes: the first half at least 1.8 times apart, the others nearer, all of them evenly.

    Examples
    --------
    >>> random_pairs([128, 200, 300, 512], 1, 2)
    [(128, 512), (200, 300)]
    """
    every = [(low, high) for low in sizes_mb for high in sizes_mb if low < high]
    chance = np.random.default_rng(seed)
    found: list[tuple[int, int]] = []
    for wanted in (True, False):
        fitting = [pair for pair in every if (pair[1] >= WELL_APART * pair[0]) is wanted]
        chosen = chance.choice(len(fitting), n // 2, replace=False)
        found += [fitting[place] for place in chosen]
    return found


@dataclass(frozen=True)
class PairScore:
    """How one pair predicts the other sizes.

    Attributes
    ----------
    pair : tuple of (int, int)
        Memory sizes fitted [MB].
    error : float
        Mean of the absolute relative errors of the mean duration at the other sizes.
    held : float
        Share of the 95 % intervals that hold what was measured.
    expected_error : float
        What the fit itself expects to miss by.
    settled : bool
        False where the fit says that the two sizes cannot separate the styles.
    telling_mb : int
        The size that it asks for then, or the measured one next to it [MB].
    error_with_third : float
        Error once that size is fitted too; that of the pair where nothing was asked for.
    """

    pair: tuple[int, int]
    error: float
    held: float
    expected_error: float
    settled: bool
    telling_mb: int
    error_with_third: float


def score_pairs(seed: int, n: int = PAIRS) -> Iterator[PairScore]:
    """Fit random pairs of the short function's sizes, and compare predictions at the others with what was measured."""
    rows = short_function_rows()
    for pair in random_pairs(sorted(rows), seed, n):
        fit, asked = fit_work([known_size(rows[size]) for size in pair]), 0
        error, held = _scored(fit, rows, pair)
        with_third = error
        if not fit.separation.settled:
            asked = min(
                (size for size in rows if size not in pair),
                key=lambda mb: abs(mb - fit.separation.telling_mb),
            )
            sizes = (*pair, asked)
            with_third, _ = _scored(fit_work([known_size(rows[size]) for size in sizes]), rows, sizes)
        said = fit.separation
        yield PairScore(pair, error, held, said.expected_error, said.settled, asked, with_third)


def _scored(
    fit: WorkFit, rows: Mapping[int, Mapping[str, float]], fitted: tuple[int, ...]
) -> tuple[float, float]:
    """Give the mean error at the sizes that were not fitted, and the share of intervals that hold."""
    others = [size for size in rows if size not in fitted]
    means = [fit.predict(size).mean_ms for size in others]
    seen = [rows[size]["mean_ms"] for size in others]
    errors = [abs(mean.value / ms - 1) for mean, ms in zip(means, seen, strict=True)]
    held = [mean.low <= ms <= mean.high for mean, ms in zip(means, seen, strict=True)]
    return float(np.mean(errors)), float(np.mean(held))


def table(scores: list[PairScore]) -> str:
    """Return the table of pairs: those well apart, the nearer ones, and all."""
    apart = [score for score in scores if score.pair[1] >= WELL_APART * score.pair[0]]
    near = [score for score in scores if score not in apart]
    groups = {
        "1.8 times apart or more": apart,
        "nearer": near,
        "all": scores,
        "of these, said to separate": [score for score in scores if score.settled],
        "said not to separate": (unsettled := [score for score in scores if not score.settled]),
    }
    lines = [
        "| pairs | n | mean error | median | worst | above 8 % | intervals hold | least |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, chosen in groups.items():
        if chosen:
            errors = np.array([score.error for score in chosen])
            held = np.array([score.held for score in chosen])
            lines.append(
                f"| {name} | {len(chosen)} | {errors.mean():.1%} | {np.median(errors):.1%} | {errors.max():.1%} "
                f"| {(errors > _TOO_FAR).sum()} | {held.mean():.0%} | {held.min():.0%} |"
            )
    if unsettled:
        errors = np.array([score.error_with_third for score in unsettled])
        lines.append(
            f"| the same, with the size asked for | {len(unsettled)} | {errors.mean():.1%} | {np.median(errors):.1%} "
            f"| {errors.max():.1%} | {(errors > _TOO_FAR).sum()} | | |"
        )
    return "\n".join(lines)
