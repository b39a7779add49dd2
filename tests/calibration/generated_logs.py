"""Logs made for the round trip: REPORT lines of functions whose kinds of runs, starts and failures are known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np

BEGAN = datetime(2026, 8, 3, tzinfo=UTC)
_ENDINGS = {
    "success": "",
    "timeout": "\tStatus: timeout",
    "error": "\tStatus: error\tError Type: ValueError",
    "crash": "\tStatus: error\tError Type: Runtime.ExitError",
    "out_of_memory": "\tStatus: error\tError Type: Runtime.OutOfMemory",
}


def moment(second: float) -> str:
    return (BEGAN + timedelta(seconds=second)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Log:
    """Lines of a log, run by run, with an environment that is named by its stream."""

    def __init__(self, memory_mb: int = 512, timeout_ms: float = 3_000) -> None:
        self.memory_mb, self.timeout_ms, self.lines, self.number = memory_mb, timeout_ms, [], 0

    def run(
        self,
        second: float,
        ms: float,
        outcome: str = "success",
        *,
        init_ms: float | None = None,
        restore_ms: tuple[float, float] | None = None,
        stream: str | None = None,
        used_mb: int = 80,
    ) -> None:
        """Add a run that begins at a second and takes so long, INIT or restore before it."""
        ms = self.timeout_ms if outcome == "timeout" else ms
        started = ""
        before, billed = 0.0, int(np.ceil(ms))
        if init_ms is not None:
            started, before, billed = (
                f"\tInit Duration: {init_ms:.2f} ms",
                init_ms,
                int(np.ceil(ms + init_ms)),
            )
        if restore_ms is not None:
            load, paid = restore_ms
            started = f"\tRestore Duration: {load + paid:.2f} ms\tBilled Restore Duration: {round(paid)} ms"
            before, billed = load + paid, int(np.ceil(ms + round(paid)))
        named = "" if stream is None else f"2026/08/03/[$LATEST]{stream} "
        at = moment(second + (before + ms) / 1000)
        self.number += 1
        self.lines.append(
            f"{at} {named}REPORT RequestId: {self.number:08x}-aaaa-4000-8000-000000000000\tDuration: {ms:.2f} ms\t"
            f"Billed Duration: {billed} ms\tMemory Size: {self.memory_mb} MB\tMax Memory Used: {used_mb} MB"
            f"{started}{_ENDINGS[outcome]}"
        )

    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


def three_modes(rng: np.random.Generator) -> str:
    """Hits, misses and a rare report: 70, 25 and 5 % of 12, 140 and 1,900 ms."""
    log = Log(1024)
    for k in range(1200):
        centre = rng.choice([12.0, 140.0, 1_900.0], p=[0.7, 0.25, 0.05])
        log.run(3.0 * k, centre * np.exp(0.06 * rng.standard_normal()))
    return log.text()


def heavy_tail(rng: np.random.Generator) -> str:
    """No law at all: a lognormal body and a Pareto tail."""
    log = Log(1769, 60_000)
    body, tail = 80 * np.exp(0.3 * rng.standard_normal(2000)), 200 * (1 + rng.pareto(2.5, 2000))
    for k, ms in enumerate(np.where(rng.random(2000) < 0.9, body, tail)):
        log.run(2.0 * k, float(min(ms, 50_000)))
    return log.text()


def failing(rng: np.random.Generator) -> str:
    """One stream: 4 % timeouts, 3 % crashes, 2 % out of memory, 5 % errors; INIT of 400 ms inside the next."""
    log, broken = Log(), False
    kinds = ["success", "timeout", "crash", "out_of_memory", "error"]
    for k in range(1500):
        outcome = rng.choice(kinds, p=[0.86, 0.04, 0.03, 0.02, 0.05])
        ms = 90 * np.exp(0.1 * rng.standard_normal()) + (
            400 * np.exp(0.05 * rng.standard_normal()) if broken else 0
        )
        init = 400 * np.exp(0.05 * rng.standard_normal()) if k == 0 else None
        log.run(5.0 * k, ms, str(outcome), init_ms=init, stream="a" * 32)
        broken = outcome in ("timeout", "crash", "out_of_memory")
    return log.text()


def restored(rng: np.random.Generator) -> str:
    """A Python function with SnapStart: hourly bursts of 12 runs, the first restored and slower."""
    log = Log(1024)
    for hour in range(60):
        for k in range(12):
            first = k == 0
            ms = 45 * np.exp(0.1 * rng.standard_normal()) + (
                160 * np.exp(0.2 * rng.standard_normal()) if first else 0
            )
            paid = (350 * np.exp(0.1 * rng.standard_normal()), 150 * np.exp(0.15 * rng.standard_normal()))
            log.run(3600.0 * hour + 10 * k, ms, restore_ms=paid if first else None, stream=f"{hour:032x}")
    return log.text()


def cold_starts(rng: np.random.Generator) -> str:
    """INIT of 900 ms with a tail, first runs that vary a lot, bursts of ten every half hour."""
    log = Log(512, 10_000)
    for burst in range(50):
        for k in range(10):
            first = k == 0
            ms = 60 * np.exp(0.15 * rng.standard_normal()) + (
                500 * np.exp(0.4 * rng.standard_normal()) if first else 0
            )
            init = 900 * np.exp(0.12 * abs(rng.standard_normal())) if first else None
            log.run(1800.0 * burst + 12 * k, ms, init_ms=init, stream=f"{burst:032x}")
    return log.text()


def tail_cut_off(rng: np.random.Generator) -> str:
    """One wide law that the timeout of 1 s cuts: the longest 6 % of runs."""
    log = Log(1769, 1_000)
    for k, ms in enumerate(400 * np.exp(0.6 * rng.standard_normal(1500))):
        log.run(5.0 * k, float(ms), "timeout" if ms >= 1_000 else "success")
    return log.text()


def two_runs(rng: np.random.Generator) -> str:
    """Two complete runs, a crash and an error."""
    log = Log(256)
    for k, outcome in enumerate(["success", "crash", "success", "error"]):
        log.run(30.0 * k, 40 + 5 * float(rng.random()), outcome)
    return log.text()


def all_cold(rng: np.random.Generator) -> str:
    """Twelve runs, every one a cold start: an hour lies between them."""
    log = Log(512)
    for k in range(12):
        log.run(
            3600.0 * k,
            210 * np.exp(0.1 * rng.standard_normal()),
            init_ms=650 * np.exp(0.05 * rng.standard_normal()),
        )
    return log.text()


def own_speeds(rng: np.random.Generator) -> str:
    """Sixteen streams, each with its own speed, 8 % apart; runs differ by 1 % about it. Hours lie between pairs."""
    log = Log(1769)
    levels = 250 * np.exp(0.08 * rng.standard_normal(16))
    for k in range(1600):
        stream = 2 * (k // 200) + k % 2
        log.run(
            30.0 * (k // 2) + 10_800 * (k // 200),
            levels[stream] * np.exp(0.01 * rng.standard_normal()),
            init_ms=200 * np.exp(0.05 * rng.standard_normal()) if k % 200 < 2 else None,
            stream=f"{stream:032x}",
        )
    return log.text()


def resized(rng: np.random.Generator) -> str:
    """80 ms of computing and 20 ms of waiting, at 256 MB and then at 1,024 MB."""
    log = Log(256)
    for k in range(800):
        log.memory_mb = 256 if k < 500 else 1024
        log.run(10.0 * k, (20 + 80 * 1769 / log.memory_mb) * np.exp(0.05 * rng.standard_normal()))
    return log.text()


def quick_errors(rng: np.random.Generator) -> str:
    """A fifth of the runs fails within 2 ms, the others take 140 ms."""
    log = Log(256)
    for k in range(400):
        failed = rng.random() < 0.2
        log.run(
            5.0 * k,
            (2 if failed else 140) * np.exp(0.1 * rng.standard_normal()),
            "error" if failed else "success",
        )
    return log.text()


def bursts(rng: np.random.Generator) -> str:
    """Ten bursts of 60 runs within two seconds, ten minutes apart, on as many environments as they need."""
    log, free = Log(512, 10_000), []
    for burst in range(10):
        for second in np.sort(600.0 * burst + 2 * rng.random(60)):
            ms, init = 800 * np.exp(0.3 * rng.standard_normal()), None
            stream = next((name for end, name in free if end <= second), None)
            if stream is None:
                init, stream = 400 * np.exp(0.1 * rng.standard_normal()), f"{len(free):032x}"
            free = [(end, name) for end, name in free if name != stream]
            free.append((second + (ms + (init or 0)) / 1000, stream))
            log.run(float(second), float(ms), init_ms=init, stream=stream)
    return log.text()


GENERATED: dict[str, Callable[[np.random.Generator], str]] = {
    made.__name__: made
    for made in (
        three_modes,
        heavy_tail,
        failing,
        restored,
        cold_starts,
        tail_cut_off,
        two_runs,
        all_cold,
        own_speeds,
    )
}


def four_modes(rng: np.random.Generator) -> str:
    """Four kinds of runs, of 8 to 4,200 ms."""
    log = Log(512, 30_000)
    for k in range(1500):
        centre = rng.choice([8.0, 90.0, 700.0, 4_200.0], p=[0.5, 0.3, 0.15, 0.05])
        log.run(6.0 * k, centre * np.exp(0.1 * rng.standard_normal()))
    return log.text()


def daily(rng: np.random.Generator) -> str:
    """Forty nightly runs of 40 s, each a cold start."""
    log = Log(3008, 300_000)
    for k in range(40):
        init = 2_100 * np.exp(0.05 * rng.standard_normal())
        log.run(86_400.0 * k, 40_000 * np.exp(0.1 * rng.standard_normal()), init_ms=init, stream=f"{k:032x}")
    return log.text()


def reinitialised(rng: np.random.Generator) -> str:
    """Crashes and runs out of memory of 6 %; INIT of 500 ms inside the next run, which is as slow as a first one."""
    log, broken = Log(), True
    for k in range(1200):
        outcome = str(rng.choice(["success", "crash", "out_of_memory"], p=[0.94, 0.04, 0.02]))
        init = 500 * np.exp(0.08 * rng.standard_normal())
        ms = 90 * np.exp(0.15 * rng.standard_normal()) + (60 if broken else 0)
        inside = init if broken and k else 0
        log.run(5.0 * k, ms + inside, outcome, init_ms=None if k else init, stream="b" * 32)
        broken = outcome != "success"
    return log.text()


def tiny(rng: np.random.Generator) -> str:
    """Work of a millisecond at 128 MB."""
    log = Log(128)
    for k in range(1500):
        log.run(2.0 * k, 1.1 * np.exp(0.25 * rng.standard_normal()), init_ms=None if k else 140.0)
    return log.text()


def minutes(rng: np.random.Generator) -> str:
    """Runs of some eight minutes, a few at once."""
    log, free = Log(8192, 900_000), [0.0] * 6
    for k in range(120):
        ms = min(520_000 * np.exp(0.15 * rng.standard_normal()), 890_000)
        place = int(np.argmin(free))
        second = max(150.0 * k, free[place] + 1)
        new = free[place] == 0
        log.run(second, ms, init_ms=3_000.0 if new else None, stream=f"{place:032x}")
        free[place] = second + ms / 1000 + (3 if new else 0)
    return log.text()


def snapshots_of_java(rng: np.random.Generator) -> str:
    """Restores with a wide load at random moments, first runs eight times as long."""
    log, last = Log(2048), -1e9
    for second in np.cumsum(rng.exponential(240, 400)):
        new = second - last > 600
        ms = 55 * np.exp(0.3 * rng.standard_normal()) + (
            400 * np.exp(0.3 * rng.standard_normal()) if new else 0
        )
        paid = (300 * np.exp(0.2 * rng.standard_normal()), 200 * np.exp(0.1 * rng.standard_normal()))
        log.run(float(second), ms, restore_ms=paid if new else None)
        last = second
    return log.text()


def deployed(rng: np.random.Generator) -> str:
    """Two versions, the second half as slow again, on four environments each."""
    log = Log(1024)
    for k in range(1200):
        place, level = k // 150, 100.0 if k < 600 else 150.0
        ms = level * np.exp(0.1 * rng.standard_normal())
        log.run(8.0 * k, ms, init_ms=None if k % 150 else 450.0, stream=f"{place:032x}")
        log.lines[-1] = log.lines[-1].replace("[$LATEST]", "[41]" if k < 600 else "[42]")
    return log.text()


EVERY = GENERATED | {
    made.__name__: made
    for made in (
        quick_errors,
        resized,
        bursts,
        four_modes,
        daily,
        reinitialised,
        tiny,
        minutes,
        snapshots_of_java,
        deployed,
    )
}
"""All kinds; the suite makes its rounds with those of ``GENERATED``, `benchmarks/round_trips.py` with all."""
