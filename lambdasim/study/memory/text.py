"""A memory sweep in words: 80 columns."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any, Final

from lambdasim.catalog import timing
from lambdasim.results.usage.as_month import MONTH_HOURS
from lambdasim.study.measures import LATE
from lambdasim.study.memory.objective import short
from lambdasim.study.memory.plausible import doubt, range_text
from lambdasim.units import US_PER_S, format_duration
from lambdasim.wording import NONE, clipped, count, listed, money, money_cell, percent, wrapped

_CENT: Final = 0.01
_MANY: Final = 10_000

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.study.memory.tables import SweepTables


def reason(sweep: SweepTables) -> str:
    """Say what is recommended, why, and how sure that is, as a paragraph of 80 columns."""
    return wrapped(" ".join(_said(sweep.per.said, *reasons(sweep))))


def reasons(sweep: SweepTables) -> list[str]:
    """Say what is recommended, why, and how sure that is, a thought in each sentence."""
    wanted = sweep.objective.words()
    best = sweep.recommendation
    if best is None:
        return _said(f"{sweep.function}: no size is allowed ({wanted}).", _nearest(sweep), doubt(sweep))
    table = sweep.table
    row = table[table["recommended"]].iloc[0]
    latency = sweep.objective.latency
    parts = [
        f"{sweep.function}: {best} is recommended ({wanted}): {money(row[sweep.money])} {sweep.per.words}"
        f"{_without_free_tier(sweep, row)}, {short(latency)} {row[latency]:,.0f} ms."
    ]
    if best != sweep.reference:
        differences = sweep.differences()
        mine = differences[
            (differences["memory_mb"] == best.memory_mb) & (differences["architecture"] == best.architecture)
        ].set_index("measure")
        dollars, wait = mine.loc[sweep.money].to_dict(), mine.loc[latency]
        usd = {name: money(dollars[name], signed=True) for name in ("mean", "low", "high")}
        parts.append(
            f"Against {sweep.reference}: {usd['mean']} {sweep.per.words} ({usd['low']} to "
            f"{usd['high']}), {short(latency)} {wait['mean']:+,.0f} ms ({wait['low']:+,.0f} to "
            f"{wait['high']:+,.0f})."
        )
    else:
        parts.append(
            "That is what is set." if sweep.is_set(sweep.reference) else "The others are compared with it."
        )
    others = "another size wins in" if sweep.instability else "it wins in all of"
    share = f"{sweep.instability:.0%} of " if sweep.instability else ""
    parts.append(f"Stability: {others} {share}{sweep.replications} replications.")
    return _said(*parts, _behind(sweep, row), doubt(sweep))


def _behind(sweep: SweepTables, row: pd.Series[Any]) -> str:
    """Say that a size does not keep up with its queue or stream; empty where it does, or there is none."""
    duration_us, late_us = sweep.scenario.duration_us, row["drain_s"] * US_PER_S
    if not late_us >= LATE * duration_us:
        return ""
    late, oldest = (f"{row[name]:,.0f} s" for name in ("drain_s", "oldest_s"))
    return (
        f"It does NOT keep up with what arrives: the last event ends {late} after the run, and the oldest gets {oldest} "
        "old. Choose by a target, such as --slo age=5min."
    )


def _without_free_tier(sweep: SweepTables, row: pd.Series[Any]) -> str:
    """Say what the same costs without the free tier, where the bill has it."""
    listed = listed_usd(sweep, row)
    return "" if listed is None else f" with the free tier ({money(listed)} without)"


def listed_usd(sweep: SweepTables, row: pd.Series[Any]) -> float | None:
    """Give what a size costs without the free tier [USD]; None where the bill has none.

    Parameters
    ----------
    sweep : SweepTables
    row : Series
        Of its table.

    Returns
    -------
    float or None
    """
    listed = float(row["usd_per_million"] * row["runs"] * float(sweep.per.factor) / 1e6)
    return None if not sweep.scenario.free_tier or isnan(listed) else listed


def _said(*sentences: str) -> list[str]:
    return [sentence for sentence in sentences if sentence]


def _nearest(sweep: SweepTables) -> str:
    """Say what comes nearest where nothing is allowed."""
    latency = sweep.objective.latency
    good = sweep.table[~sweep.table["fails"]].dropna(subset=[latency])
    if good.empty:
        if not sweep.table["fails"].any():
            return "Nothing was served at any size: there is no traffic, or all of it is refused."
        return "Every size fails."
    fastest, cheapest = (good.sort_values([name]).to_dict("records")[0] for name in (latency, sweep.money))
    return (
        f"Fastest is {fastest['memory_mb']:,} MB {fastest['architecture']} with {short(latency)} "
        f"{fastest[latency]:,.0f} ms, cheapest {cheapest['memory_mb']:,} MB {cheapest['architecture']} with "
        f"{money(cheapest[sweep.money])} {sweep.per.words}."
    )


def sweep_text(sweep: SweepTables) -> str:
    """Write a sweep: what was done, both tables, the recommendation, what to know."""
    table = sweep.table
    marked = table.to_dict("records")
    first = [
        f"{'':2}{'MB':>6} {'arch':<6} {f'USD/{sweep.period}':>9} {'±':>7} {'USD/M':>7} {'p50':>6} {'p95':>7} {'p99':>7}  "
    ]
    first += [_money_row(row, sweep.money) for row in marked]
    second = [
        f"{'':2}{'MB':>6} {'arch':<6} {'Duration':>9} {'billed':>7} {'cold':>7} {'in wait':>8} {'in USD':>7} "
        f"{'slow 1%':>8} {'refused':>8}"
    ]
    second += [_cold_row(row) for row in marked]
    period = sweep.per
    head = f"{sweep.function} in {sweep.scenario.name}: memory sizes in pairs"
    return "\n".join(
        [
            *([wrapped(period.said), ""] if period.said else []),
            clipped(head),
            "",
            *first,
            "",
            *second,
            "",
            *range_text(sweep),
            wrapped(" ".join(reasons(sweep))),
            "",
            *(wrapped(note) for note in notes(sweep)),
        ]
    )


def notes(sweep: SweepTables) -> tuple[str, ...]:
    """Say what the columns are, and what the figures rest on."""
    length, period = format_duration(sweep.scenario.duration_us), sweep.per
    scaled = f"{length} scaled to {MONTH_HOURS} hours" if period.factor != 1 else "the run is a month"
    month = scaled if period.name == "month" else f"of this run of {length}"
    free = " after a whole month's free tier" if sweep.scenario.free_tier else ""
    found = [
        f"{sweep.replications} replications with common seeds; USD/{period.name}: the function's part of the bill{free}, "
        f"{month}; USD/M: a million invocations at list rates; percentiles of latency in ms, exact; Duration and billed: "
        "means in ms; in wait, in USD: part of INIT; slow 1%: cold ones among the slowest."
    ]
    if machines := _machines_of(sweep):
        found.append(
            f"Latency is that of {sweep.function}'s own runs, not of whole executions of {listed(machines, 3)}; "
            "`compare` shows those."
        )
    if sweep.precision is not None:
        reached = "reached" if sweep.widest <= sweep.precision else "NOT reached"
        found.append(
            f"Half-widths of the paired differences are at most {sweep.widest:.2%} of {sweep.reference}'s values; "
            f"{sweep.precision:.2%} was asked for: {reached}."
        )
    if len({row["architecture"] for row in sweep.table.to_dict("records")}) > 1:
        found.append(
            f"CPU time on arm64 is taken as {sweep.arm64_time_ratio:g} times that on x86_64{_ratios(sweep)}."
        )
    return tuple(found)


def _machines_of(sweep: SweepTables) -> list[str]:
    """Name the state machines that invoke the function."""
    by_name = {spec.name: spec for spec in sweep.scenario.functions}
    machines = sweep.scenario.state_machines
    return [one.name for one in machines if sweep.function in (task for _, _, task in one.tasks(by_name))]


def _ratios(sweep: SweepTables) -> str:
    """Show the spread behind the catalog's ratio."""
    middle, least, most = (
        timing(f"arm64_time_{name}permille").value / 1000 for name in ("", "least_", "most_")
    )
    if sweep.arm64_time_ratio != middle:
        return ""
    return f", the middle of six measured handlers, which range from {least:g} to {most:g}: measure yours"


def _money_row(row: dict[Any, Any], money: str) -> str:
    star = "* " if row["recommended"] else "  "
    note = _failing(row) or ("dominated" if row["dominated"] else "")
    return (
        f"{star}{row['memory_mb']:>6,} {row['architecture']:<6} {_usd(row[money]):>9} "
        f"{_usd(row['usd_half_width']):>7} {_usd(row['usd_per_million']):>7} {count(row['p50_ms']):>6} "
        f"{count(row['p95_ms']):>7} {count(row['p99_ms']):>7}  {note}"
    ).rstrip()


def _usd(amount: float) -> str:
    """Write money for a column: cents, or whole dollars where they are many."""
    if isnan(amount):
        return NONE
    if 0 < amount < _CENT:
        return money_cell(amount)
    return f"{amount:,.0f}" if amount >= _MANY else f"{amount:,.2f}"


def _failing(row: dict[Any, Any]) -> str:
    """Say why a size fails."""
    if not row["fails"]:
        return ""
    shares = {"memory": row["memory_failure_share"], "timeout": row["timeout_share"]}
    worst = max(shares, key=lambda name: shares[name])
    return f"FAILS: {worst}"


def _mean(value: float) -> str:
    return NONE if isnan(value) else f"{value:,.1f}"


def _cold_row(row: dict[Any, Any]) -> str:
    star = "* " if row["recommended"] else "  "
    return (
        f"{star}{row['memory_mb']:>6,} {row['architecture']:<6} {_mean(row['mean_duration_ms']):>9} "
        f"{_mean(row['mean_billed_ms']):>7} {percent(row['cold_share']):>7} {percent(row['cold_latency_share']):>8} "
        f"{percent(row['cold_usd_share']):>7} {percent(row['cold_slowest_share']):>8} "
        f"{percent(row['throttled_share']):>8}"
    )
