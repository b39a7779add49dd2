"""Files that a scenario names: relative to it, regular, and of bounded size."""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from pydantic import ValidationInfo

from lambdasim.outputs import noted_input
from lambdasim.specs.base import fault
from lambdasim.specs.faults import not_among, shown
from lambdasim.wording import clipped

_MOST_BYTES: Final = 64 * 1024 * 1024
_MOST_VALUES: Final = 1_000_000
_NUMBER: Final = re.compile(r"\s*[+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?\s*")


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
    try:
        found = path.is_file()
    except OSError:  # such as a name that no file system takes
        found = False
    if not found:
        raise fault(f"must be an existing regular file, relative to the scenario file, got {shown(name)}")
    if not os.access(path, os.R_OK):
        raise fault(f"must be a file that may be read, got {shown(name)}")
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
        noted_input(path)
        try:
            with path.open(encoding="utf-8-sig", newline="") as lines:
                rows = csv.reader(lines, strict=True)
                return list(_column(rows, path.name, column))
        except OSError as error:
            raise fault(f"{path.name} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise fault(f"{path.name} must be UTF-8 text, and not packed") from None
        except csv.Error as error:
            raise fault(f"{path.name} must be CSV: {error}") from None


def _column(rows: Any, name: str, column: object) -> Iterator[float]:
    header: list[str] = next(rows, [])
    wanted = column if column is not None else (header[0] if len(header) == 1 else None)
    if not isinstance(wanted, str) or header.count(wanted) != 1:
        many = "; the header must name it once" if wanted in header else ""
        raise fault(f"{name}: column {not_among(wanted, header)}{many}")
    place = header.index(wanted)
    count = 0
    for row in rows:
        if not row:
            continue
        value = float(row[place]) if len(row) == len(header) and _NUMBER.fullmatch(row[place]) else math.nan
        if not (math.isfinite(value) and value >= 0):
            allowed = f"must have {len(header)} fields, and a number of at least 0 as {clipped(wanted, 40)}"
            raise fault(f"{name}, row {rows.line_num}: {allowed}, got {shown(','.join(row))}")
        count += 1
        if count > _MOST_VALUES:
            raise fault(f"{name} must have at most {_MOST_VALUES} values")
        yield value
