"""Read the tables of a data file field by field, and refuse what is missing, unknown or of the wrong kind.

Every refusal is one ``CatalogError`` that names the file and the field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypeVar

from lambdasim.errors import CatalogError

E = TypeVar("E", bound=StrEnum)

_AMOUNT: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_MISSING: Final = object()


class Entry:
    """One table of a data file; what nobody has read when it is closed is unknown.

    Parameters
    ----------
    content : object
        As decoded; must be a table.
    file : str
        Name of the file, for messages.
    path : str
        Dotted place of the table in the file; empty for the whole.

    Examples
    --------
    >>> entry = Entry({"usd": "0.20", "unit": "request"}, "prices.json", "rates[0]")
    >>> entry.amount("usd"), entry.text("unit")
    (Decimal('0.20'), 'request')
    >>> entry.close()
    """

    def __init__(self, content: object, file: str, path: str = "") -> None:
        self.file = file
        self.path = path
        if not isinstance(content, Mapping):
            raise self.fault("", f"must be a table, got {repr(content)[:40]}")
        self._content: Mapping[str, Any] = content
        self._read: set[str] = set()

    def place(self, key: str) -> str:
        """Return the dotted place of a field."""
        return ".".join(part for part in (self.path, key) if part)

    def fault(self, key: str, message: str) -> CatalogError:
        """Make the error of a field."""
        return CatalogError.single(self.file, self.place(key), message)

    def has(self, key: str) -> bool:
        """Return whether the table has a field."""
        return key in self._content

    def names(self) -> tuple[str, ...]:
        """Return the names of all fields, in the file's order."""
        return tuple(self._content)

    def skip(self, *keys: str) -> None:
        """Accept fields that nobody reads."""
        self._read.update(keys)

    def close(self) -> None:
        """Refuse fields that nobody has read.

        Raises
        ------
        CatalogError
        """
        for key in self._content:
            if key not in self._read:
                raise self.fault(str(key)[:40], f"unknown; known are {', '.join(sorted(self._read))}")

    def _get(self, key: str, default: object = _MISSING) -> Any:
        """Return a field as decoded."""
        self._read.add(key)
        if key in self._content:
            return self._content[key]
        if default is _MISSING:
            raise self.fault(key, "is missing")
        return default

    def _refuse(self, key: str, allowed: str) -> CatalogError:
        return self.fault(key, f"must be {allowed}, got {repr(self._content.get(key))[:40]}")

    def bound(self, key: str) -> bool:
        """Return whether a field, which must be there, is anything but null."""
        return self._get(key) is not None

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text that is not empty, or the default."""
        value = self._get(key, _MISSING if default is None else default)
        if not isinstance(value, str) or (not value and default is None):
            raise self._refuse(key, "text")
        return value

    def whole(self, key: str, least: int = 0) -> int:
        """Return a whole number."""
        value = self._get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise self._refuse(key, f"a whole number from {least}")
        return value

    def flag(self, key: str) -> bool:
        """Return true or false."""
        value = self._get(key)
        if not isinstance(value, bool):
            raise self._refuse(key, "true or false")
        return value

    def day(self, key: str, default: date | None = None) -> date:
        """Return a day, written as a TOML date or as text such as 2026-11-01."""
        value = self._get(key, _MISSING if default is None else default)
        if isinstance(value, str):
            try:
                return date.fromisoformat(value)
            except ValueError:
                raise self._refuse(key, "a day such as 2026-11-01") from None
        if not isinstance(value, date) or isinstance(value, datetime):
            raise self._refuse(key, "a day such as 2026-11-01")
        return value

    def amount(self, key: str, default: str | None = None) -> Decimal:
        """Return a decimal written as text, with at most 12 decimal places."""
        return self.as_amount(self._get(key, _MISSING if default is None else default), key)

    def as_amount(self, value: object, key: str) -> Decimal:
        """Make a decimal of a value that stands at ``key``."""
        if not isinstance(value, str) or _AMOUNT.fullmatch(value) is None:
            got = repr(value)[:40]
            told = f'must be text such as "0.0000166667" with at most 12 digits and at most 12 decimals, got {got}'
            raise self.fault(key, told)
        return Decimal(value)

    def choice(self, key: str, kind: type[E], default: E | None = None) -> E:
        """Return a member of an enum by its value."""
        value = self._get(key, _MISSING if default is None else default)
        if value not in list(kind):
            raise self._refuse(key, f"one of {', '.join(kind)}")
        return kind(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self.items(key)
        if not all(isinstance(part, str) and part for part in value):
            raise self._refuse(key, "a list of texts")
        return tuple(value)

    def items(self, key: str, default: Sequence[Any] | None = None) -> Sequence[Any]:
        """Return a list as decoded."""
        value = self._get(key, _MISSING if default is None else default)
        if not isinstance(value, (list, tuple)):
            raise self._refuse(key, "a list")
        return value

    def entry(self, key: str) -> Entry:
        """Return a table in this one."""
        return Entry(self._get(key), self.file, self.place(key))

    def entries(self, key: str, default: Sequence[Any] | None = None) -> list[Entry]:
        """Return a list of tables."""
        return [
            Entry(value, self.file, f"{self.place(key)}[{number}]")
            for number, value in enumerate(self.items(key, default))
        ]

    def named(self, key: str) -> dict[str, Entry]:
        """Return a table of tables by name."""
        table = self.entry(key)
        return {name: table.entry(name) for name in table.names()}

    def source(self, key: str, sources: Entry) -> str:
        """Return the source that a field names by its key in the file's table of sources."""
        name = self.text(key)
        if not sources.has(name):
            raise self.fault(key, f"must be one of {', '.join(sources.names())}, got {name[:40]!r}")
        return sources.text(name)

    def bands(self, key: str) -> tuple[tuple[Decimal | None, Decimal], ...]:
        """Return prices by volume: upper bounds, the last one None, which the file has as empty text, and prices."""
        found = []
        for number, band in enumerate(self.items(key)):
            at = f"{key}[{number}]"
            if not isinstance(band, list) or len(band) != 2:
                raise self.fault(at, f"must be an upper bound and a price, got {repr(band)[:40]}")
            bound = None if band[0] == "" else self.as_amount(band[0], at)
            found.append((bound, self.as_amount(band[1], at)))
        check_bounds([bound for bound, _ in found], self.file, self.place(key))
        return tuple(found)


def check_bounds(bounds: Sequence[int | Decimal | None], file: str, field: str) -> None:
    """Refuse price bands that leave out or price twice a part of the usage.

    Parameters
    ----------
    bounds : sequence
        Upper bound of each band; None for the last, which has none.
    file, field : str
        For the message.

    Raises
    ------
    CatalogError
        When there is no band, a bound does not rise, or the last band ends.
    """
    if not bounds or bounds[-1] is not None:
        raise CatalogError.single(
            file, field, "the last tier must have no upper bound, or usage would go unpriced"
        )
    below: int | Decimal = 0
    for number, bound in enumerate(bounds[:-1]):
        if bound is None or bound <= below:
            raise CatalogError.single(
                file, f"{field}[{number}]", f"bounds must rise from tier to tier, got {bound} after {below}"
            )
        below = bound


def require_day(on: object, where: str) -> None:
    """Refuse what is not a day.

    Raises
    ------
    CatalogError
    """
    if not isinstance(on, date) or isinstance(on, datetime):
        raise CatalogError.single(where, "date", f"must be a datetime.date, got {repr(on)[:40]}")
