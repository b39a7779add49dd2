"""Files that a scenario names: relative to it, regular, and of bounded size."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from pydantic import ValidationInfo

from lambdasim.specs.base import fault
from lambdasim.specs.wording import not_among, shown

_MOST_BYTES: Final = 64 * 1024 * 1024
_MOST_VALUES: Final = 1_000_000


def resolved(base_dir: Path, name: str) -> Path:
    """Find a file that a scenario names.

    Parameters
    ----------
    base_dir : Path
        Folder of the scenario file.
    name : str
        As the scenario has it.

    Returns
    -------
    Path
        A regular file.
    """
    if name.startswith(("/", "~", "\\")) or Path(name).is_absolute() or "\0" in name:
        raise fault(f"must be relative to the scenario file, got {shown(name)}")
    path = base_dir / name
    if not path.is_file():
        raise fault(f"must be an existing regular file, relative to the scenario file, got {shown(name)}")
    return path


@dataclass(frozen=True)
class FileReader:
    """Reads observed values for empirical laws while a scenario is checked.

    Attributes
    ----------
    base_dir : Path
        Folder of the scenario file.
    """

    base_dir: Path

    @classmethod
    def of(cls, info: ValidationInfo) -> Self | None:
        """Return the reader that loading has put into the validation's context."""
        return info.context.get("files") if isinstance(info.context, Mapping) else None

    def with_values(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the mapping with the values of its file."""
        if not isinstance(data.get("file"), str):
            return dict(data)
        return dict(data) | {
            "values": self._values(resolved(self.base_dir, data["file"]), data.get("column"))
        }

    def _values(self, path: Path, column: object) -> list[float]:
        if path.stat().st_size > _MOST_BYTES:
            raise fault(f"{path.name} must have at most {_MOST_BYTES} bytes")
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.reader(lines)
            header = next(rows, [])
            name = column if column is not None else (header[0] if len(header) == 1 else None)
            if name not in header:
                raise fault(f"column {not_among(name, header)}")
            place = header.index(str(name))
            values = [_number(row, place, path.name, line) for line, row in enumerate(rows, start=2)]
        if len(values) > _MOST_VALUES:
            raise fault(f"{path.name} must have at most {_MOST_VALUES} values, got {len(values)}")
        return values


def _number(row: list[str], place: int, name: str, line: int) -> float:
    try:
        value = float(row[place])
    except (IndexError, ValueError):
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise fault(f"{name}, row {line}, must hold a number of at least 0, got {shown(','.join(row))}")
    return value
