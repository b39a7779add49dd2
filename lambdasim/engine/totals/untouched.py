"""Zeros that take no memory until they are written."""

from __future__ import annotations

import mmap
from math import prod

import numpy as np
from numpy.typing import NDArray


def untouched(*shape: int) -> NDArray[np.int64]:
    """Make zeros that take memory page by page as they are written, in small pages: most are never touched."""
    length = max(prod(shape), 1) * np.dtype(np.int64).itemsize
    # A private area, where there is one, takes no memory for pages that are only read.
    private = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
    area = mmap.mmap(-1, length, **private)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        area.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(area, dtype=np.int64, count=prod(shape)).reshape(shape)
