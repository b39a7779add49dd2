"""Writes the counts per minute of the month scenario: 10^9 invocations in November 2026, the same bytes everywhere.

Only whole numbers are used, so no machine rounds differently. Run as ``python benchmarks/scenarios/make_month.py``.
"""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

TARGET: Final = Path(__file__).with_name("month_counts.csv.gz")
SCENARIO: Final = Path(__file__).with_name("month.yaml")
INVOCATIONS: Final = 10**9
START: Final = datetime(2026, 11, 1, tzinfo=UTC)
MINUTES: Final = 30 * 24 * 60
HOURLY: Final = (
    30,
    24,
    20,
    18,
    18,
    22,
    34,
    52,
    70,
    82,
    88,
    92,
    94,
    92,
    90,
    88,
    88,
    92,
    100,
    104,
    96,
    80,
    60,
    42,
)
WEEKLY: Final = (100, 100, 100, 102, 110, 124, 116)
"""Monday first."""
SALE: Final = range(27 * 1440, 28 * 1440)
SALE_PERCENT: Final = 180
NOISE_PER_MILLE: Final = 60
_MASK: Final = (1 << 64) - 1


def noise(minute: int) -> int:
    """Give a whole number of 64 bits that looks drawn (SplitMix64)."""
    state = (minute + 1) * 0x9E3779B97F4A7C15 & _MASK
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    state = (state ^ state >> 27) * 0x94D049BB133111EB & _MASK
    return state ^ state >> 31


def weight(minute: int) -> int:
    """Give a minute's share: the hour's, with straight lines between hours, the weekday's, a sale's, and noise."""
    hour, past = divmod(minute % 1440, 60)
    by_hour = HOURLY[hour] * (60 - past) + HOURLY[(hour + 1) % 24] * past
    by_day = WEEKLY[(START + timedelta(minutes=minute)).weekday()]
    sale = SALE_PERCENT if minute in SALE else 100
    return by_hour * by_day * sale * (1000 - NOISE_PER_MILLE + noise(minute) % (2 * NOISE_PER_MILLE + 1))


def counts() -> list[int]:
    """Give the counts, whose sum is exact."""
    weights = [weight(minute) for minute in range(MINUTES)]
    total, reached, given = sum(weights), 0, 0
    result = []
    for share in weights:
        reached += share
        result.append(INVOCATIONS * reached // total - given)
        given += result[-1]
    return result


def csv_bytes() -> bytes:
    """Give the file's text."""
    lines = ["timestamp,count"]
    for minute, count in enumerate(counts()):
        lines.append(f"{START + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ},{count}")
    return ("\n".join(lines) + "\n").encode()


def month_part(folder: Path, minutes: int) -> Path:
    """Write the first minutes of the month as a scenario of their own.

    Parameters
    ----------
    folder : Path
    minutes : int

    Returns
    -------
    Path
        The scenario file.
    """
    lines = csv_bytes().splitlines(keepends=True)[: minutes + 1]
    (folder / TARGET.name).write_bytes(gzip.compress(b"".join(lines), mtime=0))
    whole = SCENARIO.read_text(encoding="utf-8")
    part = folder / SCENARIO.name
    part.write_text(whole.replace("duration: 30d", f"duration: {minutes}min"), encoding="utf-8")
    return part


def main() -> None:
    """Write the file, without a date inside."""
    TARGET.write_bytes(gzip.compress(csv_bytes(), compresslevel=9, mtime=0))
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
