"""The base of all that engines write: columns of whole numbers, equally long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Columns:
    """Rows that engines write, by column.

    Attributes
    ----------
    columns : mapping of str to ndarray of int64, each of shape (n_rows,)
        Each kind of rows names and describes its own.
    """

    columns: Mapping[str, NDArray[np.int64]]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> NDArray[np.int64]:
        """Return one column."""
        return self.columns[name]
