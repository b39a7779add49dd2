"""Tables of what was measured: the README's section on speed, and docs/benchmarks.md.

Usage: ``python -m benchmarks.table out/benchmarks.json`` keeps what ``make bench`` wrote as ``benchmarks/measured.json``
and writes both tables. Without a file they are made again from what is kept.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
MEASURED: Final = Path(__file__).with_name("measured.json")
README: Final = ROOT / "README.md"
PAGE: Final = ROOT / "docs" / "benchmarks.md"
SECTION: Final = re.compile(r"<!-- speed -->\n.*?<!-- /speed -->", re.DOTALL)

# What the README shows of it: group, name, how it is put there.
SHOWN: Final = (
    ("engines", "bare SimPy loop", "SimPy alone: arrive and complete, nothing modelled"),
    ("engines", "compiled, 10 busy, 1 function, no retries", "compiled engine, 10 busy environments"),
    ("engines", "compiled, 1,000 busy, 1 function, no retries", "… 1,000 busy"),
    ("engines", "compiled, 1,000 busy, 20 functions, retries", "… 1,000 busy, 20 functions with retries"),
    ("simfaas", "SimFaaS, about 1,000 environments", "SimFaaS 0.2.2, about 1,000 environments"),
    ("simfaas", "compiled, about 1,000 environments", "… compiled engine, same workload"),
    ("month", "a month of 10^9, counts to bill and pictures", "a month of 10^9 invocations, to bill and pictures"),
    ("month", "a month of 10^9, counts to bill and pictures: memory", "… memory"),
    ("processes", "a day of 10^6, command line", "a day of 10^6, from the command line"),
)  # fmt: skip
PEERS: Final = {
    "bare": "SimPy alone",
    "records": "from records",
    "reference": "reference",
    "simfaas": "SimFaaS",
}
GROUPS: Final = {
    "engines": (
        "Engines",
        "Arrivals are made beforehand; timed are draws, engine and records. A bare SimPy loop runs in every round of "
        "every case, and ratios are to the medians of the same rounds. Overloaded means a concurrency limit at 90 % of "
        "the offered load, failures not counted; attempts that were refused count. *Everything* is one function with a "
        "mixture of laws, memory, payloads, errors, crashes, client retries and provisioned concurrency. The reference "
        "runs 65,536 attempts, the compiled engine 2,000,000.",
    ),
    "totals": (
        "Totals",
        "The compiled engine with everything that a result is made of: counts, exact histograms, usage by month and "
        "series per minute. *In the steps* nobody keeps records; *from records* they are written and summed up in a "
        "second pass, as where someone keeps them. Arrivals are made beforehand; draws are timed. Asked for were 40 "
        "times the bare loop with one function and 10 or 1,000 busy, 25 with 20,000, 15 with 20 functions and retries, "
        "8 with the same overloaded and with 200. docs/scale.md says where the time goes, and what was tried.",
    ),
    "sources": (
        "Queues and streams",
        "Items are messages or records that ended; one arrives where the bare loop has an arrival. The queue hands over "
        "single messages, so each is an invocation; the stream's batches hold up to 100 records. The function that is "
        "called without a queue is there for comparison on the same machine. The reference runs 65,536 items, the "
        "compiled engine 2,000,000. The last row is a month of messages of which 1 in 100 runs fails, "
        "from drawn arrivals to the bill.",
    ),
    "simfaas": (
        "Beside SimFaaS",
        "Exponential gaps and handlers (100 ms), ten minutes of keep-alive, arrivals drawn in the run by both. SimFaaS "
        "keeps counts of environments, the compiled engine records of 17 columns, `simulate` exact histograms, series "
        "and a bill. SimFaaS runs 20,000 or 10,000 invocations, which includes its faster beginning with few "
        "environments, and ours 2,000,000.",
    ),
    "simulate": ("Whole calls", "From arrivals to summary and bill, on two cores where they are free."),
    "processes": (
        "Processes",
        "Each a new Python, with Python's own compiled modules on disk. Memory is resident, looked at every 10 ms.",
    ),
    "month": (
        "The month of 10^9",
        "`lambdasim simulate benchmarks/scenarios/month.yaml --out FOLDER`: from counts per minute to bill, percentiles, "
        "pictures and report. No records are kept, as is the default for so many.",
    ),
}


def amount(value: float, unit: str) -> str:
    """Write a number with three digits and its unit.

    Examples
    --------
    >>> amount(8_803_784.2, "attempts/s"), amount(59_660.0, "attempts/s"), amount(0.0319, "s"), amount(287.2, "MiB")
    ('8.80 M/s', '59,700/s', '0.0319 s', '287 MiB')
    """
    if not unit.endswith("/s"):
        return f"{_three_digits(value)} {unit}"
    return f"{_three_digits(value / 1e6)} M/s" if value >= 1e6 else f"{_three_digits(value)}/s"


def _three_digits(value: float) -> str:
    digits = 2 - int(f"{value:.2e}".split("e")[1])
    return f"{round(value, digits):,.{max(digits, 0)}f}"


def _ratios(row: dict[str, Any]) -> str:
    return ", ".join(f"{_three_digits(ratio)} × {PEERS[name]}" for name, ratio in row["ratios"].items())


def _where(content: dict[str, Any]) -> str:
    machine = content["machine"]
    loads = [group["load_before"][0] for group in content["groups"].values() if group["load_before"]]
    busy = f"; load average at the beginning of its parts {min(loads)} to {max(loads)}" if loads else ""
    return (
        f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}, NumPy {machine['numpy']}, "
        f"numba {machine['numba']}, SimPy {machine['simpy']}{busy}"
    )


def readme_section(content: dict[str, Any]) -> str:
    """Make the README's section, markers included."""
    rows = {(name, row["name"]): row for name, group in content["groups"].items() for row in group["rows"]}
    lines = ["| | median | lowest to highest | times |", "|---|--:|--:|---|"]
    for group, name, shown in SHOWN:
        if (group, name) in rows:
            row = rows[group, name]
            low, median, high = (amount(row[key], row["unit"]) for key in ("low", "median", "high"))
            lines.append(f"| {shown} | {median} | {low} – {high} | {_ratios(row)} |")
    told = (
        f"{_where(content)}. Rates of engines are by CPU time of one core. `make bench` measures all of it; "
        "[docs/benchmarks.md](docs/benchmarks.md) has every row."
    )
    return "\n".join(["<!-- speed -->", *lines, "", *_wrapped(told), "<!-- /speed -->"])


def page(content: dict[str, Any]) -> str:
    """Make docs/benchmarks.md."""
    lines = [
        "# Benchmarks",
        "",
        *_wrapped(
            f"Made by `make bench` and `python -m benchmarks.table`, so edit neither numbers nor text here. "
            f"{_where(content)}. Lowest, median and highest of some rounds. What works on one core is timed by CPU time, "
            "which other programs disturb less, the rest by wall time. Jobs of one table take turns, so "
            "that what else the machine did fell on all of them alike. Compare ratios, not numbers, between machines."
        ),
    ]
    for name, (title, told) in GROUPS.items():
        if name not in content["groups"]:
            continue
        group = content["groups"][name]
        quick = " A quick run, with fewer attempts than that." if group["quick"] else ""
        load = (
            f" Load average before {group['load_before'][0]}, after {group['load_after'][0]}."
            if group["load_after"]
            else ""
        )
        lines += ["", f"## {title}", "", *_wrapped(told + quick + load), ""]
        lines += [
            "| | clock | lowest | median | highest | by the other | rounds | times |",
            "|---|---|--:|--:|--:|--:|--:|---|",
        ]
        lines += map(_page_row, group["rows"])
    return "\n".join(lines) + "\n"


def _page_row(row: dict[str, Any]) -> str:
    numbers = [amount(row[key], row["unit"]) for key in ("low", "median", "high")]
    other = "" if row["other"] is None else amount(row["other"], row["unit"])
    return f"| {' | '.join([row['name'], row['clock'], *numbers, other, str(row['rounds']), _ratios(row)])} |"


def _wrapped(text: str) -> Iterable[str]:
    from textwrap import wrap

    return wrap(text, width=120, break_long_words=False, break_on_hyphens=False)


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.table", description=__doc__)
    parser.add_argument("new", type=Path, nargs="?", metavar="FILE", help="what `make bench` wrote")
    options = parser.parse_args()
    if options.new:
        MEASURED.write_bytes(options.new.read_bytes())
    content = json.loads(MEASURED.read_text(encoding="utf-8"))
    section = readme_section(content)
    before = README.read_text(encoding="utf-8")
    README.write_text(SECTION.sub(lambda _: section, before), encoding="utf-8")
    PAGE.write_text(page(content), encoding="utf-8")


if __name__ == "__main__":
    main()
