"""What was measured of a function, as a scenario has it: arrivals and durations in files beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from lambdasim.catalog import limit
from lambdasim.catalog.guesses import duration_cpu_shares
from lambdasim.templates.found import FoundFunction, FoundMeasured
from lambdasim.templates.writing.commented_yaml import Noted, plain
from lambdasim.templates.writing.function_draft import FunctionDraft

_WAITS: Final = "waiting_ms"
_CPU: Final = "cpu_ms"
_ALIKE: Final = 1e-6
_CLOSE: Final = 0.05


def write_measured(
    files: dict[str, str],
    made: FunctionDraft,
    found: FoundFunction,
    name: str,
    window: tuple[int, int] | None,
) -> None:
    """Put what was measured into a function's settings, and its tables into files.

    Parameters
    ----------
    files : dict of str to str
        Is given ``traffic/NAME.csv`` and ``work/NAME.csv``.
    made : FunctionDraft
    found : FoundFunction
        With ``measured``.
    name : str
        In the scenario.
    window : tuple of (int, int) or None
        The scenario's time [s since 1970]; intervals of it without an event are written as 0.
    """
    measured = found.measured
    assert measured is not None  # noqa: S101 - the caller looked
    if made.invoked.counts:
        file = f"traffic/{name}.csv"
        grid = _grid(made.invoked.counts, measured.interval_s, window)
        rows = "".join(f"{moment},{number}\n" for moment, number in grid)
        files[file] = f"timestamp,count\n{rows}"
        traffic = {
            "trace": file, "format": "csv_counts", "timestamp_unit": "s", "interval": f"{measured.interval_s}s",
            "align": "none",
        }  # fmt: skip
        total = sum(number for _, number in made.invoked.counts)
        made.settings["traffic"] = Noted(traffic, f"{total:,} events: {measured.counted}")
    if not measured.durations_ms:
        failures = _failures(measured)
        if failures:
            work = made.settings["work"]
            made.settings["work"] = Noted(
                {**plain(work), **failures}, work.note if isinstance(work, Noted) else ""
            )
        return
    law, columns, note = _work(measured, made.settings)
    if columns:
        file = f"work/{name}.csv"
        table = zip(*columns.values(), strict=True)
        files[file] = ",".join(columns) + "\n" + "".join(f"{','.join(map(_shown, row))}\n" for row in table)
        law = _with_file(law, file)
    made.settings["work"] = Noted(law, note)


def _grid(
    counts: tuple[tuple[int, int], ...], interval_s: int, window: tuple[int, int] | None
) -> Iterator[tuple[int, int]]:
    """Give every interval of the scenario's time, so that nothing of it is without a trace."""
    known = dict(counts)
    first, last = counts[0][0], counts[-1][0]
    if window is not None:
        first = window[0] + (first - window[0]) % interval_s
        last = max(last, window[1] - 1)
    for moment in range(first, last + 1, interval_s):
        yield moment, known.get(moment, 0)


def _work(
    measured: FoundMeasured, settings: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, list[float]], str]:
    """Split durations into CPU time and waiting, so that their sum has the law of the durations.

    CPU time and waiting of a run are drawn apart. One of them therefore carries what differs from run to run, and the
    other is a number: at most the least duration.
    """
    memory_mb = int(plain(settings["memory_mb"]))
    speed = min(1.0, memory_mb / limit("memory_per_vcpu_mb").value)
    durations = list(measured.durations_ms)
    low, middle, high = duration_cpu_shares()
    known = measured.cpu_share
    wanted = [known] if known is not None else [middle, low, high]
    columns: dict[str, list[float]] = {}
    laws: list[dict[str, Any]] = []
    shares: list[float] = []
    for share in wanted:
        law, used = _split(durations, share, speed)
        reached = _share(law, used, speed, durations)
        if all(abs(reached - other) > _CLOSE for other in shares):
            laws.append(law)
            shares.append(reached)
            columns |= used
    law = laws[0]
    if known is not None and abs(shares[0] - known) > _CLOSE:
        both = {
            "cpu_ms": {"empirical": "cpu_part_ms"}, "io_ms": {"empirical": "waiting_part_ms"},
        }  # fmt: skip
        columns["cpu_part_ms"] = [value * known * speed for value in durations]
        columns["waiting_part_ms"] = [value * (1 - known) for value in durations]
        laws.append(both)
        said = f"CPU time was {known:.0%} of it; plausible has that share, work the durations"
    elif known is not None:
        said = f"CPU time {known:.0%} of it, from Lambda Insights"
    else:
        others = " or ".join(f"{share:.0%}" for share in shares[1:])
        said = f"assumed: CPU time {shares[0]:.0%} of it{f'; plausible: {others}' if others else ''}"
    # The metric's durations hold the slow first runs already.
    full = {**law, "first_run_ms": 0, **_failures(measured)}
    if measured.memory_used_mb:
        full["max_memory_mb"] = round(measured.memory_used_mb, 1)
    if len(laws) > 1:
        full["plausible"] = laws[1:4]
    mean = sum(durations) / len(durations)
    return full, columns, f"mean {mean:,.4g} ms: {measured.durations_from}; {said}"


def _split(
    durations: list[float], share: float, speed: float
) -> tuple[dict[str, Any], dict[str, list[float]]]:
    """Give the law whose share of CPU time is as near to one as the least duration allows, and its table."""
    mean, least = sum(durations) / len(durations), min(durations)
    if max(durations) - least <= _ALIKE * max(mean, _ALIKE):
        return {"cpu_ms": _number(mean * share * speed), "io_ms": _number(mean * (1 - share))}, {}
    room = least / mean
    fixed_cpu, fixed_wait = min(share, room), min(1 - share, room)
    if share <= room or (1 - share > room and share <= 0.5):
        rest = [value - fixed_cpu * mean for value in durations]
        column = f"{_WAITS[:-3]}_{fixed_cpu * 100:.0f}_ms" if fixed_cpu else _WAITS
        return (
            {"cpu_ms": _number(fixed_cpu * mean * speed), "io_ms": {"empirical": column}},
            {column: rest},
        )
    rest = [(value - fixed_wait * mean) * speed for value in durations]
    column = f"{_CPU[:-3]}_{(1 - fixed_wait) * 100:.0f}_ms"
    return {"cpu_ms": {"empirical": column}, "io_ms": _number(fixed_wait * mean)}, {column: rest}


def _share(
    law: dict[str, Any], columns: dict[str, list[float]], speed: float, durations: list[float]
) -> float:
    """Return CPU time's share of the mean duration under a law."""
    cpu = law["cpu_ms"]
    mean = sum(columns[cpu["empirical"]]) / len(durations) if isinstance(cpu, dict) else cpu
    whole = sum(durations) / len(durations)
    return float(mean / speed / whole) if whole else 0.0


def _with_file(law: Any, file: str) -> Any:
    """Name the file beside each column."""
    if isinstance(law, dict):
        if set(law) == {"empirical"}:
            return {"empirical": {"file": file, "column": law["empirical"]}}
        return {key: _with_file(held, file) for key, held in law.items()}
    return [_with_file(one, file) for one in law] if isinstance(law, list) else law


def _failures(measured: FoundMeasured) -> dict[str, float]:
    said = {
        "error_probability": measured.error_probability,
        "timeout_probability": measured.timeout_probability,
    }
    return {key: float(f"{value:.6g}") for key, value in said.items() if value > 0}


def _number(value: float) -> float:
    return float(f"{max(value, 0.0):.7g}")


def _shown(value: float) -> str:
    return f"{max(value, 0.0):.7g}"
