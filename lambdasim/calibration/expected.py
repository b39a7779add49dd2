"""What a calibration will take: rows are counted in a sample, the runs of its round trip follow from them."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from lambdasim.outputs import refuse_no_file
from lambdasim.results.expected import PROGRAM_BYTES, PROGRAM_S, RunCost

_SAMPLE_BYTES: Final = 1 << 20
_PACKED: Final = b"\x1f\x8b"
# Measured like those of `results.expected`: reading a row, fitting, and four runs of it or more.
_S_FITTING: Final = 2.2
_S_PER_ROW: Final = 1e-4
_BYTES_FITTING: Final = 100_000_000
_BYTES_PER_ROW: Final = 1_600


def calibration_cost(sources: Iterable[str | os.PathLike[str]]) -> RunCost:
    """Estimate what ``calibrate_logs`` takes.

    Parameters
    ----------
    sources : iterable of path-like
        What is no file, such as a chart's address, counts as small.

    Returns
    -------
    RunCost

    Notes
    -----
    Rows are the lines of the first MiB that hold a REPORT, or all its lines where none does, in proportion to the file's
    size. A packed file is taken to be as large as its beginning says.
    """
    rows = 0.0
    for source in sources:
        with suppress(OSError, ValueError, EOFError, zlib.error):
            rows += _rows(Path(source))
    return RunCost(
        events=0.0,
        attempts=0.0,
        memory_bytes=PROGRAM_BYTES + _BYTES_FITTING + rows * _BYTES_PER_ROW,
        seconds=PROGRAM_S + _S_FITTING + rows * _S_PER_ROW,
    )


def _rows(path: Path) -> float:
    """Estimate how many rows a file has."""
    refuse_no_file(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        is_packed = file.read(len(_PACKED)) == _PACKED
        file.seek(0)
        if is_packed:
            with gzip.open(file) as unpacked:
                sample = unpacked.read(_SAMPLE_BYTES)
            share = file.tell() / size
        else:
            sample = file.read(_SAMPLE_BYTES)
            share = len(sample) / max(size, 1)
    reports = sample.count(b"REPORT ") + sample.count(b"platform.report")
    return (reports or sample.count(b"\n") + 1) / max(min(share, 1.0), 1e-6)
