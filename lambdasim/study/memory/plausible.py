"""What a sweep's tables owe to work that is not known: ranges over its plausible settings, and what to measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdasim.study.memory.objective import short
from lambdasim.study.memory.tables import SweptSize, sizes_of

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.study.memory.tables import SweepTables


def cpu_share(sweep: SweepTables) -> float:
    """Give the CPU time's share of a run on one whole vCPU, in means; 0 where nothing is done."""
    work = sweep.scenario.function(sweep.function).work
    cpu, io = work.cpu_ms.mean(), work.io_ms.mean()
    return cpu / (cpu + io) if cpu else 0.0


def plausible_ranges(sweep: SweepTables) -> pd.DataFrame:
    """Return the range of each size over the work as set and its plausible settings.

    Parameters
    ----------
    sweep : MemorySweep

    Returns
    -------
    DataFrame
        One row for each size: ``memory_mb``, ``architecture``; least and most of money (``usd_least``, ``usd_most``
        [USD in the sweep's period]), of the objective's latency (``latency_least_ms``, ``latency_most_ms``) and of the
        mean Duration (``duration_least_ms``, ``duration_most_ms``); ``chosen_at_cpu``: shares of CPU time at which it is
        recommended.
    """
    import pandas as pd

    every = (sweep, *sweep.alternatives)
    measures = {
        "usd": (sweep.money, ""),
        "latency": (sweep.objective.latency, "_ms"),
        "duration": ("mean_duration_ms", "_ms"),
    }
    ranges = sweep.table[["memory_mb", "architecture"]].copy()
    for name, (measure, unit) in measures.items():
        values = pd.concat([one.table[measure] for one in every], axis="columns")
        ranges[f"{name}_least{unit}"] = values.min(axis="columns")
        ranges[f"{name}_most{unit}"] = values.max(axis="columns")
    chosen = sorted((cpu_share(one), one.recommendation) for one in every if one.recommendation is not None)
    ranges["chosen_at_cpu"] = [
        ", ".join(f"{share:.0%}" for share, best in chosen if best == size) for size in sizes_of(ranges)
    ]
    return ranges


def to_measure(sweep: SweepTables) -> SweptSize | None:
    """Name the size at which the settings' mean durations differ most; None where they do not differ.

    Sizes at which the work as set fails are left out, unless all do.
    """
    ranges = plausible_ranges(sweep)
    good = ranges[~sweep.table["fails"]]
    good = (ranges if good.empty else good).dropna(subset=["duration_least_ms"])
    differ = good[good["duration_most_ms"] > good["duration_least_ms"]]
    if differ.empty:
        return None
    ratio = differ["duration_most_ms"] / differ["duration_least_ms"]
    return sizes_of(differ.loc[[ratio.idxmax()]])[0]


def doubt(sweep: SweepTables) -> str:
    """Say whether the recommendation depends on what is not known of the work; empty where all is known."""
    if not sweep.alternatives:
        return ""
    best = sweep.recommendation
    others = [one for one in sweep.alternatives if one.recommendation != best]
    if not others:
        same = "none is allowed there either" if best is None else "it wins there too"
        return (
            f"Work is not known for sure: {len(sweep.alternatives)} other settings are plausible, and {same}."
        )
    parts = [
        f"if {cpu_share(one):.0%} of the time is CPU, "
        + ("no size would be allowed" if one.recommendation is None else f"{one.recommendation} would win")
        for one in others
    ]
    text = f"NOT SURE: {cpu_share(sweep):.0%} of the time on one vCPU is taken as CPU; {'; '.join(parts)}."
    telling = to_measure(sweep)
    if telling is None:
        return text
    ranges = plausible_ranges(sweep)
    row = next(row for row in ranges.to_dict("records") if telling == (row["memory_mb"], row["architecture"]))
    return (
        f"{text} Measure at {telling} to know: the mean Duration there could be {row['duration_least_ms']:,.4g} to "
        f"{row['duration_most_ms']:,.4g} ms."
    )


def range_text(sweep: SweepTables) -> list[str]:
    """Write the ranges as lines of at most 80 columns; none where all is known."""
    if not sweep.alternatives:
        return []
    latency = f"{short(sweep.objective.latency)} ms"
    lines = [
        "Range over plausible work:",
        f"{'':2}{'MB':>6} {'arch':<6} {f'USD/{sweep.period}':>23} {latency:>17}  chosen if CPU is",
    ]
    for row in plausible_ranges(sweep).to_dict("records"):
        money = f"{row['usd_least']:,.2f} to {row['usd_most']:,.2f}"
        wait = f"{row['latency_least_ms']:,.0f} to {row['latency_most_ms']:,.0f}"
        lines.append(
            f"{'':2}{row['memory_mb']:>6,} {row['architecture']:<6} {money:>23} {wait:>17}  "
            f"{row['chosen_at_cpu']}".rstrip()
        )
    return [*lines, ""]
