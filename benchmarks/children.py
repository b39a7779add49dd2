"""Processes of their own: start-up, compiling, the command line, memory.

Children keep Python's compiled modules and numba's cache in a folder of the benchmark's, so that "warm" means the same
whatever the environment says, and "cold" is cold.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Final

import psutil

from benchmarks.measure import Row, say
from benchmarks.scenarios.make_month import month_part

ROOT: Final = Path(__file__).parents[1]
SCENARIOS: Final = Path(__file__).with_name("scenarios")
POLL_S: Final = 0.01
MIB: Final = 1 << 20
EVERYTHING: Final = (
    "-c",
    "import scipy.stats, lambdasim.cli, lambdasim.engine.kernel.engine, "
    "lambdasim.engine.totals.counting.tally, lambdasim.report.folder",
)
IMPORT: Final = ("-c", "import lambdasim")
COMMAND_LINE: Final = ("-m", "lambdasim")
SIMULATE: Final = (*COMMAND_LINE, "simulate")


@dataclass(frozen=True)
class Spent:
    """What a child took: wall time and CPU time [s], and its largest resident memory [MiB]."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    output: str


def spend(arguments: tuple[str, ...], caches: Path) -> Spent:
    """Run Python with arguments in the repository's root, looking at its memory every 10 ms.

    Parameters
    ----------
    arguments : tuple of str
    caches : Path
        Folder for compiled modules.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NUMBA"))}
    places = {
        "PYTHONPYCACHEPREFIX": str(caches / "modules"),
        "NUMBA_CACHE_DIR": str(caches / "numba"),
        "MPLCONFIGDIR": str(caches / "matplotlib"),
    }
    before, begin = os.times(), time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, env=kept | places, stdout=subprocess.PIPE, text=True
    ) as child:
        looking = Thread(target=_look, args=(child.pid, peak := [0]))
        looking.start()
        output, _ = child.communicate()
        wall_s = time.perf_counter() - begin
        looking.join()
    if child.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with status {child.returncode}")
    after = os.times()
    cpu_s = after.children_user - before.children_user + after.children_system - before.children_system
    return Spent(wall_s, cpu_s, peak[0] / MIB, output)


def _look(pid: int, peak: list[int]) -> None:
    """Note a process's largest resident memory [bytes] until it ends."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        while resident := process.memory_info().rss:  # none once it has ended
            peak[0] = max(peak[0], resident)
            time.sleep(POLL_S)


def child_rows(rounds: int, quick: bool) -> Iterator[Row]:
    """Time start-up, the first simulation with and without compiled code, and a day from the command line."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        yield from _start_up(place, 3 if quick else 2 * rounds)
        yield from _compiling(place, 1 if quick else rounds)
        yield from _day(place, 1 if quick else rounds)


def _start_up(place: Path, rounds: int) -> Iterator[Row]:
    say("start-up")
    spend(EVERYTHING, place)  # Python's own compiled modules
    for name, arguments in (
        ("Python alone", ("-c", "pass")),
        ("import lambdasim", IMPORT),
        ("lambdasim --help", (*COMMAND_LINE, "--help")),
    ):
        spend(arguments, place)
        yield _seconds(name, [spend(arguments, place) for _ in range(rounds)])


def _compiling(place: Path, rounds: int) -> Iterator[Row]:
    say("compiling")
    tiny = (*SIMULATE, str(month_part(place, minutes=2)))
    cold, warm = [], []
    for _ in range(rounds):
        shutil.rmtree(place / "numba", ignore_errors=True)
        cold.append(spend(tiny, place))
        warm.append(spend(tiny, place))
    yield _seconds("two minutes from counts, everything compiled anew", cold)
    yield _seconds("two minutes from counts, compiled code on disk", warm)


def _day(place: Path, rounds: int) -> Iterator[Row]:
    day = (*SIMULATE, str(SCENARIOS / "day.yaml"))
    for name, arguments in (
        ("a day of 10^6, command line", day),
        ("a day of 10^6, with records and pictures", (*day, "--out", str(place / "day"))),
    ):
        say(name)
        spend(arguments, place)
        found = [spend(arguments, place) for _ in range(rounds)]
        yield _seconds(name, found)
        yield _memory(name, found)


def month_rows(rounds: int) -> Iterator[Row]:
    """Take the month of 10^9 from counts to bill, percentiles and pictures, in a process of its own."""
    name = "a month of 10^9, counts to bill and pictures"
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        out = ("--out", str(place / "month"))
        spend((*SIMULATE, str(month_part(place, minutes=2)), *out), place)  # compiles
        found = []
        for number in range(rounds):
            say(f"{name}, round {number + 1}")
            found.append(spend((*SIMULATE, str(SCENARIOS / "month.yaml"), *out), place))
            say(found[-1].output.rstrip())
    yield _seconds(name, found, "month")
    yield _memory(name, found, "month")


def _seconds(name: str, found: list[Spent], group: str = "processes") -> Row:
    walls, cpus = [spent.wall_s for spent in found], [spent.cpu_s for spent in found]
    return Row.of(group, name, "s", walls, "wall", cpus)


def _memory(name: str, found: list[Spent], group: str = "processes") -> Row:
    return Row.of(group, f"{name}: memory", "MiB", [spent.peak_mib for spent in found])
