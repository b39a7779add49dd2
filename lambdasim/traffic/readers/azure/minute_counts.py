"""The 1,440 minutes of a day for many functions, turned from one row a function into one row a minute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.errors import TraceError
from lambdasim.units import US_PER_MINUTE

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

MINUTES: Final = 1_440
MOST_FUNCTIONS: Final = 1_000_000
MOST_CELLS: Final = 50_000_000
"""Most minutes with invocations held, at 5 to 12 bytes each; a day of Azure's trace has some 10 million."""
CHUNK_ROWS: Final = 250_000


@dataclass(frozen=True)
class _Block:
    """Cells of consecutive functions that are not zero, ordered by minute, then function."""

    starts: NDArray[np.int64]
    functions: NDArray[np.int32]
    counts: NDArray[np.unsignedinteger]


@dataclass
class MinuteCounts:
    """Counts of one day, held without their zeros.

    Attributes
    ----------
    path : str
        Name of the file, for messages.
    names : list of str
        Names of the functions, in the order of the file.
    """

    path: str
    names: list[str] = field(default_factory=list)
    _blocks: list[_Block] = field(default_factory=list)
    _cells: int = 0

    def add(self, names: list[str], counts: NDArray[np.int64]) -> None:
        """Take the next functions.

        Parameters
        ----------
        names : list of str
            Length ``n_functions``.
        counts : numpy.ndarray
            Invocations, shape ``(n_functions, 1440)``.

        Raises
        ------
        TraceError
            When there is more than memory is granted for.
        """
        minutes, functions = np.nonzero(counts.T)
        kept = counts[functions, minutes]
        self._cells += len(kept)
        for amount, most, what in (
            (self._cells, MOST_CELLS, "minutes with invocations"),
            (len(self.names) + len(names), MOST_FUNCTIONS, "functions"),
        ):
            if amount > most:
                raise TraceError.single(
                    self.path, "", f"must have at most {most:,} {what}; split the file by functions"
                )
        self._blocks.append(
            _Block(
                np.searchsorted(minutes, np.arange(MINUTES + 1)),
                (functions + len(self.names)).astype(np.int32),
                kept.astype(np.min_scalar_type(int(kept.max(initial=0)))),
            )
        )
        self.names += names

    def frames(self, day_us: int) -> Iterator[pd.DataFrame]:
        """Yield rows of ``timestamp_us``, ``function``, ``count`` in order of minute, then of the file.

        Parameters
        ----------
        day_us : int
            Midnight at which the day begins [µs since 1970].
        """
        import pandas as pd

        names = pd.array(self.names, dtype="str")
        per_minute = np.sum([np.diff(block.starts) for block in self._blocks], axis=0)
        first = rows = 0
        for minute in range(MINUTES):
            if rows and rows + per_minute[minute] > CHUNK_ROWS:
                yield self._frame(first, minute, day_us, names)
                first, rows = minute, 0
            rows += int(per_minute[minute])
        if rows:
            yield self._frame(first, MINUTES, day_us, names)

    def _frame(
        self, first: int, end: int, day_us: int, names: pd.api.extensions.ExtensionArray
    ) -> pd.DataFrame:
        import pandas as pd

        spans = [slice(block.starts[first], block.starts[end]) for block in self._blocks]
        minutes = np.concatenate(
            [
                np.repeat(np.arange(first, end), np.diff(block.starts[first : end + 1]))
                for block in self._blocks
            ]
        )
        by_minute = np.argsort(minutes, kind="stable")
        functions = np.concatenate(
            [block.functions[span] for block, span in zip(self._blocks, spans, strict=True)]
        )
        counts = np.concatenate(
            [block.counts[span].astype(np.int64) for block, span in zip(self._blocks, spans, strict=True)]
        )
        return pd.DataFrame(
            {
                "timestamp_us": day_us + minutes[by_minute] * US_PER_MINUTE,
                "function": names.take(functions[by_minute]),
                "count": counts[by_minute],
            }
        )
