"""Measures everything, prints a table, and keeps it as JSON if asked to.

Usage: ``python -m benchmarks [--quick] [--month] [--json FILE] [--only GROUP ...]``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.cases import CASES, QUICK, WITH_TOTALS
from benchmarks.children import child_rows, month_rows
from benchmarks.engines import engine_rows, simfaas_rows, totals_rows
from benchmarks.measure import Row, load, machine, say
from benchmarks.sources import source_rows
from benchmarks.whole import whole_rows

ROUNDS = 5
QUICK_ROUNDS = 2
MONTH_ROUNDS = 3
HEAD = f"{'':52} {'lowest':>12} {'median':>12} {'highest':>12} {'other clock':>12}  clock, unit, ratios"


def groups(quick: bool, month: bool, rounds: int) -> dict[str, Callable[[], Iterator[Row]]]:
    """Name what can be measured."""
    cases, attempts = (QUICK, 400_000) if quick else (CASES, 2_000_000)
    found: dict[str, Callable[[], Iterator[Row]]] = {
        "engines": lambda: engine_rows(cases, rounds, attempts),
        "totals": lambda: totals_rows(WITH_TOTALS, rounds, attempts),
        "sources": lambda: source_rows(rounds, quick),
        "simfaas": lambda: simfaas_rows(min(rounds, 3), quick),
        "simulate": lambda: whole_rows(rounds, quick),
        "processes": lambda: child_rows(rounds, quick),
    }
    if month:
        found["month"] = lambda: month_rows(1 if quick else min(rounds, MONTH_ROUNDS))
    return found


def line(row: Row) -> str:
    """Lay a row out for the terminal."""
    numbers = (row.low, row.median, row.high, row.other)
    shown = " ".join(f"{'–' if number is None else _number(number):>12}" for number in numbers)
    ratios = ", ".join(f"{_number(ratio)} x {name}" for name, ratio in row.ratios.items())
    return f"{row.name[:52]:52} {shown}  {row.clock}, {row.unit}{'; ' if ratios else ''}{ratios}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="under a minute: fewer cases, rounds and invocations"
    )
    parser.add_argument(
        "--month", action="store_true", help="also the month of 10^9 invocations; takes minutes"
    )
    parser.add_argument("--rounds", type=int, help=f"default {ROUNDS}, quick {QUICK_ROUNDS}")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="keep the rows; groups in it that are not measured stay"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="GROUP",
        help="engines, totals, sources, simfaas, simulate, processes, month",
    )
    options = parser.parse_args()
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    wanted = groups(options.quick, options.month or "month" in (options.only or ()), rounds)
    if unknown := set(options.only or ()) - set(wanted):
        parser.error(f"--only takes {', '.join(wanted)}, got {', '.join(sorted(unknown))}")
    content: dict[str, Any] = {"groups": {}}
    if options.json and options.json.exists() and options.only:
        content = json.loads(options.json.read_text(encoding="utf-8"))
    content["machine"] = machine()
    print(HEAD)
    for name, measure in wanted.items():
        if options.only and name not in options.only:
            continue
        rows, before = [], load()
        for row in measure():
            rows.append(row)
            print(line(row), flush=True)
        content["groups"][name] = {
            "quick": options.quick,
            "load_before": before,
            "load_after": load(),
            "rows": [asdict(row) for row in rows],
        }
    print(f"load averages: {load()}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        say(f"kept in {options.json}")


if __name__ == "__main__":
    main()
