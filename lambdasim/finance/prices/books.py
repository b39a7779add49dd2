"""Read a private price book, YAML or CSV."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from lambdasim.catalog.prices.book import BookEntry, PriceBook
from lambdasim.errors import CatalogError, InputError
from lambdasim.finance.reading import Row, table_rows
from lambdasim.traffic.readers.source import SourceFile
from lambdasim.yaml_text import read_yaml

_LIMIT_BYTES: Final = 1 << 20
_ENTRY_FIELDS: Final = ("usage_type", "tier", "discount_percent", "usd")
_FIELDS: Final = ("name", "valid_from", "source", "currency", "rates")


def read_price_book(path: str | os.PathLike[str]) -> PriceBook:
    """Read a price book.

    Parameters
    ----------
    path : path-like
        ``.csv`` with the columns ``valid_from``, ``usage_type``, and ``discount_percent`` or ``usd`` in each row, and
        ``tier`` where wanted; its name is the file's. Anything else is YAML: ``name``, ``valid_from``, and
        ``rates``, a list of the same fields; ``source`` and ``currency: USD`` optional.

    Returns
    -------
    PriceBook

    Raises
    ------
    InputError
        With file, row or field, value and what is allowed.
    """
    place = Path(path)
    try:
        return _of_csv(place) if place.suffix == ".csv" else _of_yaml(place)
    except CatalogError as error:
        fault = error.faults[0]
        raise InputError.single(str(place), fault.field, fault.message) from None


def _of_csv(place: Path) -> PriceBook:
    header, rows = table_rows(place)
    missing = [name for name in ("valid_from", "usage_type") if name not in header]
    unknown = [name for name in header if name not in ("valid_from", *_ENTRY_FIELDS)]
    if missing or unknown:
        told = f"{missing[0]} is missing" if missing else f"{unknown[0][:40]!r} is unknown"
        raise InputError.single(
            f"{place}, row 1", "", f"must have valid_from, {', '.join(_ENTRY_FIELDS)}: {told}"
        )
    found = list(rows)
    days = {row.text("valid_from") for row in found}
    if len(days) != 1:
        raise InputError.single(str(place), "valid_from", f"must be one day in all rows, got {len(days)}")
    return _book(place.stem, _day(days.pop(), str(place)), found, place.name)


def _book(name: str, valid_from: date, rows: list[Row], source: str) -> PriceBook:
    """Make the book of its lines; the first that cannot be one is named by its place."""
    entries = [_entry(row) for row in rows]
    try:
        return PriceBook(name, valid_from, entries, source=source)
    except CatalogError as error:
        fault = error.faults[0]
        number, _, field = fault.field.removeprefix("rates[").partition("].")
        if not fault.field.startswith("rates["):
            raise
        raise rows[int(number)].fault(field, fault.message) from None


def _of_yaml(place: Path) -> PriceBook:
    text, where = SourceFile.at(place).text(_LIMIT_BYTES), str(place)
    content, lines = read_yaml(text, where, as_text=True)
    _check(content, _FIELDS, where, "")
    for name in ("name", "valid_from", "rates"):
        if name not in content:
            raise InputError.single(where, name, "is missing")
    if content.get("currency", "USD") != "USD":
        raise InputError.single(where, "currency", f"must be USD, got {content['currency']!r:.40}")
    if not isinstance(content["rates"], list):
        raise InputError.single(where, "rates", "must be a list")
    rows = []
    for number, entry in enumerate(content["rates"]):
        place_of = f"{where}:{lines['rates', number]}, rates[{number}]"
        _check(entry, _ENTRY_FIELDS, place_of, "")
        rows.append(Row(place_of, {name: str(value) for name, value in entry.items()}))
    source = str(content.get("source", "")) or place.name
    return _book(
        str(content["name"]), _day(content["valid_from"], f"{where}:{lines['valid_from',]}"), rows, source
    )


def _check(table: Any, known: tuple[str, ...], where: str, field: str) -> None:
    if not isinstance(table, Mapping):
        raise InputError.single(where, field, f"must be a table of {', '.join(known)}, got {table!r:.40}")
    for name in table:
        if name not in known:
            raise InputError.single(where, field, f"must have {', '.join(known)}, got {name!r:.40}")


def _entry(row: Row) -> BookEntry:
    tier = row.number("tier")
    if tier is not None and tier != int(tier):
        raise row.fault("tier", f"must be a whole number, got {tier}")
    return BookEntry(
        usage_type=row.text("usage_type"),
        tier=None if tier is None else int(tier),
        percent=row.number("discount_percent"),
        usd=row.number("usd"),
    )


def _day(text: object, where: str) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise InputError.single(where, "valid_from", f"must be YYYY-MM-DD, got {text!r:.40}") from None
