"""A real bill, from a CUR, FOCUS or Cost Explorer export, summed to lines of AWS Lambda."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Final

from lambdasim.billing.exact import total
from lambdasim.errors import InputError
from lambdasim.finance.actual.choice import BillChoice, ChosenRows
from lambdasim.finance.actual.cost_explorer import by_month, csv_rows, is_report_header, json_rows
from lambdasim.finance.actual.exports import lambda_rows
from lambdasim.finance.actual.foreign import ForeignCosts
from lambdasim.finance.actual.layouts import layout_of
from lambdasim.finance.actual.overlap import Overlap
from lambdasim.finance.actual.parts import Part, parts_of
from lambdasim.finance.actual.tables import ActualBill, ActualKey, ActualLine, ActualRow, LineClass
from lambdasim.finance.reading import json_object, table_rows
from lambdasim.outputs import noted_input
from lambdasim.traffic.readers.dialect import TEXT, Dialect
from lambdasim.wording import count

MOST_LINES: Final = 100_000
GRANULARITIES: Final = ("day", "month")
_COST_EXPLORER: Final = "Cost Explorer"


def read_actual_bill(
    path: str | os.PathLike[str],
    *,
    choice: BillChoice | None = None,
    granularity: str | None = None,
    dialect: Dialect = TEXT,
) -> ActualBill:
    """Read a real bill.

    Parameters
    ----------
    path : path-like
        CUR 2.0, legacy CUR or FOCUS, CSV (plain, gzip or zip) or Parquet, or the folder of all its parts, of which a
        manifest there names those that count; or Cost Explorer's report grouped by usage type, the
        console's CSV or the JSON of ``aws ce get-cost-and-usage``. Rows of other services are summed by service, apart.
    choice : BillChoice, optional
        Which rows; default: all of AWS Lambda.
    granularity : str, optional
        ``day`` or ``month``, for Cost Explorer's reports alone. Default: months where every day is the first of one.
    dialect : Dialect, optional
        How a CSV file is written that another program saved; default: as AWS writes.

    Returns
    -------
    ActualBill

    Raises
    ------
    InputError
        When the file is none of these, lacks a column, has no row of AWS Lambda or none that is chosen, a currency other
        than USD, a kind of row that is not known, or a cell that is no number, month or usage type; the error names row
        and column. When a file has a line item twice, or one part of a folder has what another has: two deliveries.
    """
    name = os.fspath(path)
    if granularity not in (None, *GRANULARITIES):
        raise InputError.single(name, "granularity", f"must be day or month, got {granularity[:20]!r}")
    for option in sorted({"dates", "sheet"} & set(dialect.said)):
        raise InputError.single(
            name, option, "is about tables of traffic; a bill is CSV, JSON or Parquet, its days ISO"
        )
    dialect = replace(dialect, text_only=True)
    counts: Counter[str] = Counter()
    chosen, foreign = ChosenRows(choice or BillChoice()), ForeignCosts(name)
    is_by_day, note = False, ""
    overlap = Overlap()
    with parts_of(path) as parts:
        export, found = _rows_of_parts(parts, name, counts, chosen.choice, foreign, overlap, dialect)
        if export == _COST_EXPLORER:
            rows = list(found)
            rows, is_by_day, note = by_month(rows, {row.period for row in rows}, granularity)
            found = iter(rows)
        elif granularity is not None:
            raise InputError.single(name, "granularity", f"is for Cost Explorer's reports, this is {export}")
        sums = _sums(name, (row for row in found if chosen.takes(row)), counts)
    overlap.check(name)
    together = [f"{len(parts):,} parts are one bill"] if len(parts) > 1 else []
    notes = (
        *together,
        *_notes(counts, export == _COST_EXPLORER),
        *chosen.notes(),
        *([note] if note else []),
    )
    if not sums:
        left = f"; {count(counts['foreign'], 'row')} of other services" if counts["foreign"] else ""
        told = "".join(f"; {one}" for one in chosen.notes())
        raise InputError.single(
            name, "", f"has no row of AWS Lambda{' that is chosen' * bool(told)}{left}{told}"
        )
    ordered = sorted(sums, key=lambda key: (key.period, key.usage_type, key.line_class, -(key.rate or 0)))
    lines = tuple(ActualLine(key, sums[key].quantity, sums[key].cost, sums[key].rows) for key in ordered)
    return ActualBill(name, export, lines, notes, is_by_day, foreign.lines())


def _rows_of_parts(
    parts: tuple[Part, ...],
    name: str,
    counts: Counter[str],
    choice: BillChoice,
    foreign: ForeignCosts,
    overlap: Overlap,
    dialect: Dialect,
) -> tuple[str, Iterator[ActualRow]]:
    """Return which export the files are, and their rows of AWS Lambda, one file after the other."""
    if len(parts) == 1 and str(parts[0].path) == name:
        return _rows(parts[0].path, name, counts, choice, foreign, overlap, dialect)
    exports, found = [], []
    for part in parts:
        try:
            export, rows = _rows(part.path, str(part.path), counts, choice, foreign, overlap, dialect)
        except InputError as error:
            raise part.told(error) from None
        exports.append(export)
        found.append((part, rows))
    if len(set(exports)) > 1:
        other = next(place for place, export in enumerate(exports) if export != exports[0])
        told = f"must be {exports[0]} as the part before it, is {exports[other]}"
        raise InputError.single(parts[other].name, "", told)
    if exports[0] == _COST_EXPLORER and len(parts) > 1:
        raise InputError.single(name, "", "holds several reports of Cost Explorer: give one")
    return exports[0], _one_after_the_other(found, overlap)


def _one_after_the_other(
    found: Iterable[tuple[Part, Iterator[ActualRow]]], overlap: Overlap
) -> Iterator[ActualRow]:
    for part, rows in found:
        overlap.begin(part.path.name if part.name == str(part.path) else part.name)
        try:
            yield from rows
        except InputError as error:
            raise part.told(error) from None


def _rows(
    path: str | os.PathLike[str],
    name: str,
    counts: Counter[str],
    choice: BillChoice,
    foreign: ForeignCosts,
    overlap: Overlap,
    dialect: Dialect,
) -> tuple[str, Iterator[ActualRow]]:
    """Return which export a file is, and its rows of AWS Lambda."""
    if _is_json(path):
        return _COST_EXPLORER, json_rows(name, json_object(path), counts, choice, foreign)
    header, _ = table_rows(path, frozenset(), dialect)
    if is_report_header(header):
        return _COST_EXPLORER, csv_rows(name, header, table_rows(path, None, dialect)[1], counts, foreign)
    layout = layout_of(name, header, dialect)
    _, rows = table_rows(path, layout.columns(header), dialect)
    return layout.name, lambda_rows(rows, layout, counts, choice, foreign, overlap)


def _is_json(path: str | os.PathLike[str]) -> bool:
    """Say whether a file begins as a JSON object; what cannot be read is for the readers to refuse."""
    try:
        noted_input(path)
        with Path(path).open("rb") as stream:
            return stream.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"
    except OSError:
        return False


@dataclass
class _Sum:
    """What rows of one line add up to."""

    quantity: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    rows: int = 0

    def add(self, quantity: Decimal, cost: Decimal) -> None:
        """Add a row."""
        self.quantity = total((self.quantity, quantity))
        self.cost = total((self.cost, cost))
        self.rows += 1


def _sums(name: str, rows: Iterable[ActualRow], counts: Counter[str]) -> dict[ActualKey, _Sum]:
    """Put rows into lines."""
    sums: dict[ActualKey, _Sum] = {}
    for row in rows:
        key, quantity = _key(row, counts)
        sums.setdefault(key, _Sum()).add(quantity, row.cost)
        if len(sums) > MOST_LINES:
            raise InputError.single(name, "", f"must sum to at most {MOST_LINES:,} lines")
    return sums


def _key(row: ActualRow, counts: Counter[str]) -> tuple[ActualKey, Decimal]:
    """Place a row in a line; usage without quantity or with a negative amount is no usage."""
    line_class, quantity, rate = row.line_class, row.quantity, row.rate
    is_usage = line_class in (LineClass.USAGE, LineClass.SAVINGS_PLAN)
    if is_usage and row.cost < 0:
        counts["negative"] += 1
        return ActualKey(row.period, row.usage_type, LineClass.CREDIT, None), Decimal(0)
    if is_usage and (quantity is None or quantity < 0 or (quantity == 0 and row.cost)):
        counts["unquantified"] += 1
        return ActualKey(row.period, row.usage_type, LineClass.OTHER, None), Decimal(0)
    if not is_usage:
        return ActualKey(row.period, row.usage_type, line_class, None), Decimal(0)
    if rate is None and line_class is LineClass.USAGE:
        counts["computed"] += 1
        rate = Decimal(0) if not row.cost else None
    return ActualKey(row.period, row.usage_type, line_class, rate), quantity or Decimal(0)


def _notes(counts: Mapping[str, int], is_summed: bool) -> Iterator[str]:
    one, several = ("amount", "amounts") if is_summed else ("row", "rows")
    texts = {
        "foreign": f"{{}} {one} of other services stands apart|{{}} {several} of other services stand apart",
        "foreign_unread": f"{{}} {one} of other services is not in USD or holds no amount, and is not in their sums|"
        f"{{}} {several} of other services are not in USD or hold no amount, and are not in their sums",
        "negated": "{} row that negates what a Savings Plan covers was left out; that usage is at its effective cost|"
        "{} rows that negate what a Savings Plan covers were left out; that usage is at its effective cost",
        "computed": "{} row of usage states no rate: its is cost by quantity|"
        "{} rows of usage state no rate: theirs is cost by quantity",
        "unquantified": "{} row of usage has a cost and no quantity: it is shown as other|"
        "{} rows of usage have a cost and no quantity: they are shown as other",
        "negative": "{} row of usage has a negative cost: it is shown as credit|"
        "{} rows of usage have a negative cost: they are shown as credit",
    }
    if is_summed:
        texts["unquantified"] = (
            "{} amount comes without a quantity: a difference is neither of usage nor of rate|"
            "{} amounts come without a quantity: a difference is neither of usage nor of rate"
        )
        del texts["computed"]
    for name, text in texts.items():
        if number := counts.get(name, 0):
            yield text.split("|")[number > 1].format(f"{number:,}")
    for name, number in counts.items():
        if name.startswith("metric "):
            yield f"{count(number, 'amount is', 'amounts are')} {name.removeprefix('metric ')}, there is no UnblendedCost"
