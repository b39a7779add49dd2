"""Results as files, written so that a kill leaves either the old or the new."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from lambdasim.billing import Usage, from_json, to_json
from lambdasim.engine.contract import RECORD_COLUMNS, RecordChunk
from lambdasim.errors import InputError
from lambdasim.results.run import RunResult

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_MOST_BYTES = 64 * 1024 * 1024


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file beside its place, make sure that it is on the disk, and move it there.

    Parameters
    ----------
    path : Path
    write : callable
        Is given the open file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _write_text(path: Path, text: str) -> None:
    write_atomically(path, lambda stream: stream.write(text.encode()))


def save(run: RunResult, folder: str | os.PathLike[str]) -> None:
    """Write a run's summary, bill, usage and series.

    Parameters
    ----------
    run : RunResult
    folder : path-like
        Made if it is missing. Gets ``summary.json``, ``bill.csv``, ``usage.json`` and ``metrics.csv``; see
        ``RecordFile`` for ``records.parquet``.
    """
    place = Path(folder)
    bill = run.charges()
    content = {
        "provenance": run.provenance(),
        "free_tier": run.scenario.free_tier,
        "summary": json.loads(run.summary().to_json(orient="records", double_precision=12)),
        "throttles": json.loads(run.throttles().to_json(orient="records")),
        "bill": json.loads(bill.to_json()),
        "parameters": json.loads(run.parameters().to_json(orient="records")),
    }
    _write_text(place / "usage.json", to_json(run.usage()))
    _write_text(place / "bill.csv", bill.frame().to_csv(index=False, lineterminator="\n"))
    _write_text(place / "metrics.csv", run.metrics().to_csv(index=False, lineterminator="\n"))
    _write_text(place / "summary.json", json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def load_usage(folder: str | os.PathLike[str]) -> tuple[Usage, ...]:
    """Read the usage that a run left in a folder, to price it again.

    Raises
    ------
    InputError
        When the folder has no usage file, or the file is not one.
    """
    path = Path(folder) / "usage.json"
    if not path.is_file():
        raise InputError.single(str(path), "", "must be a file that `lambdasim simulate --out` wrote")
    if path.stat().st_size > _MOST_BYTES:
        raise InputError.single(str(path), "", f"must have at most {_MOST_BYTES} bytes")
    return tuple(from_json(path.read_text(encoding="utf-8")))


def load_free_tier(folder: str | os.PathLike[str]) -> bool:
    """Tell whether the scenario that a run left in a folder gets the account's free tier.

    Raises
    ------
    InputError
        When the folder has no summary, or it does not say.
    """
    path = Path(folder) / "summary.json"
    try:
        with path.open("rb") as stream:
            says = json.loads(stream.read(_MOST_BYTES))["free_tier"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        says = None
    if not isinstance(says, bool):
        raise InputError.single(
            str(path), "free_tier", "must be in the summary that `lambdasim simulate --out` wrote"
        )
    return says


class RecordFile:
    """Streams records to Parquet; the file appears, whole, when the run has ended.

    Parameters
    ----------
    path : Path
    names : tuple of str
        Functions, in the plan's order; kept in the file's metadata with the meaning of each column.
    """

    def __init__(self, path: Path, names: tuple[str, ...]) -> None:
        import pyarrow as pa

        meta = {"functions": json.dumps(names), "columns": json.dumps(RECORD_COLUMNS)}
        self._path = path
        self._schema = pa.schema([(name, pa.int64()) for name in RECORD_COLUMNS], metadata=meta)
        self._partial = path.with_name(f".{path.name}.partial")
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> RecordFile:
        """Begin the file."""
        import pyarrow.parquet as pq

        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(self._partial, self._schema)
        return self

    def write(self, chunk: RecordChunk) -> None:
        """Add a chunk."""
        import pyarrow as pa

        assert self._writer is not None  # noqa: S101 - open between enter and exit
        self._writer.write_table(pa.table(chunk.columns, schema=self._schema))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Put the file in its place, or remove what is unfinished."""
        assert self._writer is not None  # noqa: S101 - open between enter and exit
        self._writer.close()
        if kind is None:
            with self._partial.open("rb") as stream:
                os.fsync(stream.fileno())
            os.replace(self._partial, self._path)
        else:
            self._partial.unlink(missing_ok=True)
