"""Prints how far the loss on a history of eight weeks strays by luck alone; `docs/validation.md` keeps the figures.

Usage: ``python benchmarks/lucky_months.py [NUMBER]``, from the project's folder. Each history is 54 days drawn at random
from those of ``Twitter_volume_GOOG``, so nothing moves: the level is fixed, days are independent. Like `backtest.py` it
is forecast from 14 and from 21 days, a month each. Beside the forecast stands one that nobody can have: the true
quantiles of a month. Both losses are held against the last days carried forward with the spread of their weeks.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.backtest import EIGHT_WEEKS, short_traces
from lambdasim.study.forecast.backtest import QUANTILES, TASKS, backtest, pinball
from lambdasim.study.forecast.history import daily_histories

NUMBER: Final = 300
DAYS: Final = 30
ASKED: Final = 1.15
SEEN: Final = 1.76


def main() -> None:
    """Draw the histories, and tell."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else NUMBER
    (history,) = daily_histories(short_traces()[1]).values()
    rng = np.random.default_rng(7)
    truth = {
        task: np.quantile(rng.choice(history.totals, (100_000, known)).sum(axis=1), QUANTILES)
        for task, known in zip(TASKS, (DAYS, DAYS // 2), strict=True)
    }
    losses: dict[str, list[tuple[float, float, float]]] = {task: [] for task in TASKS}
    for _ in range(number):
        days = rng.choice(history.totals, len(history.totals))
        for task in TASKS:
            own = np.zeros(3)
            for first in EIGHT_WEEKS:
                (block,) = [
                    b for b in backtest(days, first=first, history_days=first).blocks if b.task == task
                ]
                known = 0.0 if task == TASKS[0] else float(days[first : first + DAYS // 2].sum())
                for place, quantiles in enumerate(
                    (
                        (block.p10, block.p50, block.p90),
                        tuple(known + truth[task]),
                        (block.carried_p10, block.carried_p50, block.carried_p90),
                    )
                ):
                    own[place] += float(pinball(np.array([quantiles]), np.array([block.actual]))[0])
            losses[task].append((own[0], own[1], own[2]))
    for task, found in losses.items():
        table = np.array(found)
        for name, place in (("the forecast", 0), ("the truth", 1)):
            ratio = table[:, place] / table[:, 2]
            print(
                f"{task}, {name}: pooled {table[:, place].sum() / table[:, 2].sum():.2f}, above {ASKED} in "
                f"{np.mean(ratio > ASKED):.0%} of histories, above {SEEN} in {np.mean(ratio > SEEN):.0%}"
            )


if __name__ == "__main__":
    main()
