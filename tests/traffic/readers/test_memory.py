"""Long files stream: more rows take no more memory. Each reading runs in a process of its own."""

import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import psutil
import pytest

MB = 1 << 20
ROWS_AT_ONCE = 250_000
# A process that reads needs some 180 MiB: interpreter, NumPy, pandas, Arrow, and a window of eight blocks as tables.
PEAK_MB = 400
GROWTH_MB = 40
READ = """
import sys
from lambdasim.traffic.readers import read_azure_2019, read_azure_2021, read_counts_csv, read_events_csv
path, reader = sys.argv[1:]
trace = {
    "counts": lambda: read_counts_csv(path, unit="s"),
    "events": lambda: read_events_csv(path, unit="ms"),
    "azure_2021": lambda: read_azure_2021(path),
    "azure_2019": lambda: read_azure_2019(path, date="2019-07-15"),
}[reader]()
rows = last = 0
for chunk in trace.chunks():
    times = chunk["timestamp_us"].to_numpy()
    assert times[0] >= last and (times[1:] >= times[:-1]).all()
    last = times[-1]
    rows += len(chunk)
print(rows)
"""


def digits(numbers: np.ndarray, width: int) -> np.ndarray:
    powers = 10 ** np.arange(width - 1, -1, -1)
    return (numbers[:, None] // powers % 10 + ord("0")).astype(np.uint8)


def fixed(text: str, rows: int) -> np.ndarray:
    return np.tile(np.frombuffer(text.encode(), dtype=np.uint8), (rows, 1))


def lines(kind: str, first: int, rows: int) -> bytes:
    places = np.arange(first, first + rows)
    seven = digits(places * 7_919 % 10_000_000, 7)
    if kind == "counts":
        parts = [digits(1_700_000_000 + places, 10), fixed(",", rows), seven]
    elif kind == "events":
        parts = [
            digits(1_700_000_000_000 + places, 13),
            fixed(",f", rows),
            digits(places % 8, 1),
            fixed(",", rows),
            digits(places * 7_919 % 1_000_000, 6),
        ]
    else:
        parts = [fixed("a0123456789abcdef,f", rows), digits(places % 400, 3), fixed(",", rows), digits(places, 9),
                 fixed(".5,0.", rows), seven]  # fmt: skip
    return np.hstack([*parts, fixed("\n", rows)]).tobytes()


HEADERS = {
    "counts": "timestamp,count\n",
    "events": "timestamp,function,duration_ms\n",
    "azure_2021": "app,func,end_timestamp,duration\n",
}


def written(path: Path, kind: str, rows: int, *, packed: bool = False) -> Path:
    packer = zlib.compressobj(1, wbits=31) if packed else None
    with path.open("wb") as stream:
        for first in range(-1, rows, ROWS_AT_ONCE):
            text = HEADERS[kind].encode() if first < 0 else b""
            begin = max(0, first)
            text += lines(kind, begin, min(first + ROWS_AT_ONCE, rows) - begin)
            stream.write(packer.compress(text) if packer else text)
        stream.write(packer.flush() if packer else b"")
    return path


def read_elsewhere(path: Path, reader: str) -> tuple[int, float]:
    """Return rows and the largest memory seen [MiB]."""
    child = subprocess.Popen(
        [sys.executable, "-c", READ, str(path), reader], stdout=subprocess.PIPE, text=True
    )
    watched, peak = psutil.Process(child.pid), 0
    while child.poll() is None:
        try:
            peak = max(peak, watched.memory_info().rss)
            child.wait(0.01)
        except (psutil.NoSuchProcess, subprocess.TimeoutExpired):
            continue
    assert child.returncode == 0
    assert child.stdout is not None
    with child.stdout:
        return int(child.stdout.read()), peak / MB


@pytest.mark.parametrize(("kind", "packed"), [("counts", False), ("events", True), ("azure_2021", False)])
def test_more_rows_take_no_more_memory(kind: str, packed: bool, tmp_path: Path) -> None:
    small, large = (
        written(tmp_path / f"{rows}.csv", kind, rows, packed=packed) for rows in (1_000_000, 3_000_000)
    )
    (rows, peak), (more_rows, more_peak) = read_elsewhere(small, kind), read_elsewhere(large, kind)
    assert (rows, more_rows) == (1_000_000, 3_000_000)
    assert more_peak < peak + GROWTH_MB
    assert more_peak < PEAK_MB


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "packed"), [("counts", True), ("events", False), ("azure_2021", True)])
def test_a_hundred_million_rows_take_no_more_memory(kind: str, packed: bool, tmp_path: Path) -> None:
    rows = 100_000_000 if kind == "counts" else 20_000_000
    _, peak = read_elsewhere(written(tmp_path / "s.csv", kind, 1_000_000, packed=packed), kind)
    more_rows, more_peak = read_elsewhere(written(tmp_path / "l.csv", kind, rows, packed=packed), kind)
    (tmp_path / "l.csv").unlink()
    assert more_rows == rows
    assert more_peak < peak + GROWTH_MB
    assert more_peak < PEAK_MB


@pytest.mark.slow
def test_a_whole_day_of_azure_is_held_without_its_zeros(tmp_path: Path) -> None:
    functions = 50_000
    header = "HashOwner,HashApp,HashFunction,Trigger," + ",".join(map(str, range(1, 1441))) + "\n"
    rng = np.random.default_rng(5)
    cells = 0
    with (tmp_path / "d.csv").open("wb") as stream:
        stream.write(header.encode())
        for first in range(0, functions, 1_000):
            counts = rng.poisson(0.15, (1_000, 1_440)) % 10
            cells += np.count_nonzero(counts)
            names = np.hstack(
                [fixed("o,a,f", 1_000), digits(first + np.arange(1_000), 6), fixed(",http", 1_000)]
            )
            text = np.dstack([np.full(counts.shape, ord(",")), counts + ord("0")]).reshape(1_000, -1)
            stream.write(np.hstack([names, text.astype(np.uint8), fixed("\n", 1_000)]).tobytes())
    rows, peak = read_elsewhere(tmp_path / "d.csv", "azure_2019")
    assert rows == cells > 9_000_000
    assert peak < PEAK_MB
