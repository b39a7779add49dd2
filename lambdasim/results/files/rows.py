"""Rows of whole numbers as Parquet: written in row groups of one size, read in batches, checked before use."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.atomic import named
from lambdasim.errors import InputError
from lambdasim.outputs import OutputFolder, noted_input
from lambdasim.specs.fields import LONGEST_US
from lambdasim.wording import clipped

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_ROW_GROUP: Final = 1 << 17
_BATCH: Final = 1 << 16


class RowFile:
    """Streams rows to a Parquet file that appears, whole, with the other files of its folder.

    Parameters
    ----------
    folder : OutputFolder
    name : str
        Of the file.
    columns : mapping of str to str
        Names and meanings, kept in the file's metadata.
    functions : tuple of str
        In the plan's order; kept in the file's metadata.
    """

    def __init__(
        self, folder: OutputFolder, name: str, columns: Mapping[str, str], functions: tuple[str, ...]
    ) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        meta = {"functions": json.dumps(functions), "columns": json.dumps(columns)}
        self._path = folder.path / name
        self._open = ExitStack()
        self._schema = pa.schema([(column, pa.int64()) for column in columns], metadata=meta)
        self._writer: pq.ParquetWriter = pq.ParquetWriter(
            self._open.enter_context(folder.stream(name)), self._schema
        )
        self._waiting: list[Mapping[str, NDArray[np.int64]]] = []
        self._length = 0

    def write(self, rows: Mapping[str, NDArray[np.int64]]) -> None:
        """Add rows; row groups are of one size, however the rows are cut."""
        self._waiting.append(rows)
        self._length += len(next(iter(rows.values())))
        if self._length >= _ROW_GROUP:
            self._write_groups(self._length // _ROW_GROUP * _ROW_GROUP)

    def _write_groups(self, length: int) -> None:
        """Write as many of the waiting rows in row groups; the last group may be smaller."""
        import pyarrow as pa

        rows = {name: np.concatenate([part[name] for part in self._waiting]) for name in self._schema.names}
        for first in range(0, length, _ROW_GROUP):
            group = {name: column[first : min(first + _ROW_GROUP, length)] for name, column in rows.items()}
            with named(self._path):
                self._writer.write_table(pa.table(group, schema=self._schema))
        self._waiting = [{name: column[length:] for name, column in rows.items()}]
        self._length -= length

    def discard(self) -> None:
        """Forget the rows that wait to be written."""
        self._waiting, self._length = [], 0

    def close(self, whole: bool, meta: Mapping[str, str] | None = None) -> None:
        """Finish the file.

        Parameters
        ----------
        whole : bool
            Whether the run reached its end: the rows that still wait are then written.
        meta : mapping, optional
            Further metadata of a whole file.
        """
        with self._open:
            try:
                if whole and self._waiting:
                    self._write_groups(self._length)
                if whole and meta:
                    self._writer.add_key_value_metadata(meta)
            finally:
                with named(self._path):
                    self._writer.close()


@contextmanager
def opened_rows(
    path: Path, what: str, columns: Sequence[str], functions: tuple[str, ...]
) -> Iterator[tuple[dict[bytes, bytes], Iterator[dict[str, NDArray[np.int64]]]]]:
    """Open what ``RowFile`` wrote.

    Parameters
    ----------
    path : Path
    what : str
        What its rows are, for messages.
    columns : sequence of str
        That it must have, in order.
    functions : tuple of str
        That it must have been written for.

    Yields
    ------
    tuple
        The file's metadata, and its rows batch by batch.

    Raises
    ------
    InputError
        When the file is missing, is of another kind, was written for other functions, or cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise InputError.single(str(path), "", "must be a file that `lambdasim simulate --out` wrote")
    noted_input(path)
    try:
        with pq.ParquetFile(path) as file:
            meta = file.metadata.metadata or {}
            if meta.get(b"functions") != json.dumps(functions).encode() or file.schema_arrow.names != [
                *columns
            ]:
                raise InputError.single(str(path), "", f"must hold {what} of {', '.join(functions)[:200]}")
            batches = file.iter_batches(batch_size=_BATCH)
            yield (
                meta,
                (
                    {name: batch.column(name).to_numpy(zero_copy_only=False) for name in columns}
                    for batch in batches
                ),
            )
    except (pa.ArrowException, OSError, UnicodeError, OverflowError) as error:
        raise InputError.single(str(path), "", f"cannot be read: {clipped(error, 120)}") from None


def check_ranges(
    path: Path, columns: Mapping[str, NDArray[np.int64]], highest: Mapping[str, int], may_be_absent: str
) -> None:
    """Refuse values that no run writes, before anything is sized by them.

    Parameters
    ----------
    path : Path
        For messages.
    columns : mapping of str to int64 array
    highest : mapping of str to int
        The most of each column that has a limit of its own.
    may_be_absent : str
        The column in which -1 stands for nothing.

    Raises
    ------
    InputError
    """
    for name, values in columns.items():
        lowest, most = (-1 if name == may_be_absent else 0), highest.get(name, LONGEST_US)
        if values.dtype != np.int64 or (len(values) and not lowest <= values.min() <= values.max() <= most):
            raise InputError.single(str(path), name, f"must be whole numbers from {lowest} to {most}")
