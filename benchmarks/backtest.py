"""The forecast's back-test over the real series of ``data/traffic``, against what is asked of it.

Usage: ``python benchmarks/backtest.py``, from the project's folder.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

import lambdasim as ls
from lambdasim.study.forecast.backtest import TASKS, Backtest, backtest
from lambdasim.study.forecast.history import daily_histories
from lambdasim.study.forecast.sampler import sample_paths
from lambdasim.traffic.trace import Trace

TRAFFIC = Path(__file__).parents[1] / "data" / "traffic"
STEADY = ("nyc_taxi",)
SHORT = (14, 21, 28, 34)
EIGHT_WEEKS = (14, 21)


def traces() -> list[Trace]:
    """Open the long series."""
    pages = {"timestamp_us": "date", "count": "views", "function": "page"}
    return [
        ls.read_counts_csv(TRAFFIC / "nyc_taxi.csv", utc=True),
        ls.read_counts_csv(TRAFFIC / "wikipedia_views_daily.csv", utc=True, columns=pages),
        ls.read_counts_csv(TRAFFIC / "bike_rides_daily.csv", utc=True, columns={"count": "rides"}),
    ]


def short_traces() -> list[Trace]:
    """Open the series of eight weeks."""
    names = ("Twitter_volume_AMZN.csv", "Twitter_volume_GOOG.csv")
    return [ls.read_counts_csv(TRAFFIC / name, utc=True) for name in names]


def targets(long: Backtest, short: Backtest) -> list[tuple[str, str, str, bool]]:
    """Compare with what is asked: what, asked, measured, met."""
    rows = []
    table = long.summary().set_index(["task", "series"])
    for task in TASKS:
        mine = table.loc[task]
        pooled, each = mine.loc["all"], mine.drop("all")
        least = each.loc[each["blocks"] >= 15, "coverage"].min()
        steady = each.loc[list(STEADY), "p50_error"].max()
        most = 0.05 if task == TASKS[0] else 0.03
        rows += [
            (
                f"{task}: P10-P90 holds, pooled",
                "70-90 %",
                f"{pooled.coverage:.0%}",
                0.70 <= pooled.coverage <= 0.90,
            ),
            (f"{task}: least of series with 15 months", "65 %", f"{least:.0%}", least >= 0.65),
            (
                f"{task}: pinball, carried mean = 1",
                "< 0.75",
                f"{pooled.against_point:.2f}",
                pooled.against_point < 0.75,
            ),
            (
                f"{task}: pinball, carried spread = 1",
                "< 1",
                f"{pooled.against_carried:.2f}",
                pooled.against_carried < 1,
            ),
            (
                f"{task}: the same, worst series",
                "1.15",
                f"{each.against_carried.max():.2f}",
                each.against_carried.max() <= 1.15,
            ),
            (f"{task}: P50 error, steady series", f"{most:.0%}", f"{steady:.1%}", steady <= most),
        ]
    brief = short.summary().set_index(["task", "series"])
    for task in TASKS:
        held = brief.loc[(task, "all"), "coverage"]
        rows.append((f"{task}: holds, history under five weeks", "70 %", f"{held:.0%}", held >= 0.7))
    return rows


def seconds_of_a_month() -> float:
    """Time a thousand paths of a month from 400 days, best of five [s]."""
    totals = next(iter(daily_histories(traces()[2]).values())).totals
    taken = []
    for _ in range(5):
        begin = time.perf_counter()
        sample_paths(totals, 31)
        taken.append(time.perf_counter() - begin)
    return float(np.min(taken))


def main() -> None:
    """Run it, and tell."""
    long = Backtest.together(backtest(trace) for trace in traces())
    pairs = [(trace, days) for days in SHORT for trace in traces()]
    pairs += [(trace, days) for days in EIGHT_WEEKS for trace in short_traces()]
    short = Backtest.together(backtest(trace, first=days, history_days=days) for trace, days in pairs)
    print(long.text())
    print(f"\nhistories of {SHORT} days:")
    print(short.text())
    seconds = seconds_of_a_month()
    rows = targets(long, short)
    rows.append(("a thousand paths of a month", "50 ms", f"{seconds * 1000:.0f} ms", seconds <= 0.05))
    print(f"\n{'target':<50}{'asked':>10}{'measured':>10}")
    for what, asked, measured, met in rows:
        print(f"{what:<50}{asked:>10}{measured:>10}  {'met' if met else 'MISSED'}")


if __name__ == "__main__":
    main()
