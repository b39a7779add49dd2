"""Cost Explorer's report by usage type, as its console downloads it (CSV) or its API answers (JSON)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from lambdasim.catalog import usage_type
from lambdasim.catalog.usage_types import LAMBDA_KINDS
from lambdasim.errors import InputError
from lambdasim.finance.actual.choice import BillChoice
from lambdasim.finance.actual.exports import region_of
from lambdasim.finance.actual.foreign import ForeignCosts
from lambdasim.finance.actual.tables import ActualRow, LineClass
from lambdasim.finance.reading import Row

_HEAD: Final = "usage type"
_TOTAL: Final = "total costs"
_MONEY: Final = re.compile(r"(?P<name>.*?)\s*\((?P<unit>[^()]*)\)")
_PREFIX: Final = re.compile(r"[A-Z]{2,4}[0-9]{0,2}-")
_SERVICES: Final = ("AWS Lambda", "AWSLambda")
_METRICS: Final = (
    "UnblendedCost", "NetUnblendedCost", "AmortizedCost", "NetAmortizedCost", "BlendedCost",
)  # fmt: skip
_TAXES: Final = ("Tax", "NoUsageType")


def is_report_header(header: Sequence[str]) -> bool:
    """Say whether a CSV header is that of a Cost Explorer report, whatever it is grouped by."""
    return len(header) > 1 and header[-1].strip().lower().startswith(_TOTAL)


def csv_rows(
    name: str, header: tuple[str, ...], rows: Iterator[Row], counts: Counter[str], foreign: ForeignCosts
) -> Iterator[ActualRow]:
    """Read the console's CSV: a column for each usage type, a row for each day or month.

    Raises
    ------
    InputError
        When it is grouped by something else, a column is not in USD, or a cell is no day or no amount.
    """
    where = f"{name}, row 1"
    if header[0].strip().lower() != _HEAD:
        raise InputError.single(
            where,
            header[0][:40],
            "must be 'Usage type': group Cost Explorer's report by usage type before downloading it",
        )
    columns = {column: _named(where, column) for column in header[1:]}
    for row in rows:
        first = row.text(header[0]).strip()
        if first.lower().endswith("total"):
            continue
        day = _day(row, header[0], first)
        for column, usage in columns.items():
            cost = row.number(column)
            if usage.lower() == _TOTAL or not cost:
                continue
            if usage and not _is_lambda(usage):
                counts["foreign"] += 1
                foreign.add(day, "", usage, cost)
                continue
            yield _row(day, usage, None, cost)


def json_rows(
    name: str, content: Mapping[str, Any], counts: Counter[str], choice: BillChoice, foreign: ForeignCosts
) -> Iterator[ActualRow]:
    """Read the answer of ``aws ce get-cost-and-usage`` grouped by usage type, and by service, account or tag besides.

    Raises
    ------
    InputError
        When it is grouped by something else, not in USD, or a value is none that the API answers.
    """
    keys = [_group(name, group) for group in _items(name, content, "GroupDefinitions")]
    if "USAGE_TYPE" not in keys:
        raise InputError.single(
            name, "GroupDefinitions", "must have USAGE_TYPE: --group-by Type=DIMENSION,Key=USAGE_TYPE"
        )
    for number, period in enumerate(_items(name, content, "ResultsByTime")):
        where = f"{name}, ResultsByTime[{number}]"
        start = _text(where, _table(where, period.get("TimePeriod"), "TimePeriod").get("Start"), "Start")
        for place, group in enumerate(_items(where, period, "Groups")):
            at = f"{where}.Groups[{place}]"
            texts = group.get("Keys")
            if not isinstance(texts, list) or len(texts) != len(keys):
                raise InputError.single(at, "Keys", f"must be {len(keys)} texts, as the groups are")
            named = dict(zip(keys, (_text(at, text, "Keys") for text in texts), strict=True))
            usage = named["USAGE_TYPE"]
            metrics = _table(at, group.get("Metrics"), "Metrics")
            metric = next((known for known in _METRICS if known in metrics), None)
            if metric is None:
                raise InputError.single(at, "Metrics", f"must have one of {', '.join(_METRICS)}")
            if metric != _METRICS[0]:
                counts[f"metric {metric}"] += 1
            cost = _amount(at, metrics, metric, "USD")
            is_foreign = named["SERVICE"] not in _SERVICES if "SERVICE" in named else not _is_lambda(usage)
            tags = {key[4:]: text.partition("$")[2] for key, text in named.items() if key.startswith("TAG ")}
            day = _day(None, at, start)
            if is_foreign:
                counts["foreign"] += 1
                if not choice.refusal(_placed(_row(day, usage, None, cost), named, tags)):
                    foreign.add(day, named.get("SERVICE", ""), usage, cost)
                continue
            quantity = _amount(at, metrics, "UsageQuantity", None) if "UsageQuantity" in metrics else None
            if not cost and not quantity:
                continue
            yield _placed(_row(day, usage, quantity, cost), named, tags)


def _placed(row: ActualRow, named: Mapping[str, str], tags: Mapping[str, str]) -> ActualRow:
    """Say of a row what else its group names."""
    return row._replace(
        account=named.get("LINKED_ACCOUNT", ""),
        region=named.get("REGION", "") or row.region,
        resource=named.get("RESOURCE_ID", ""),
        tags=tags,
    )


def by_month(
    rows: list[ActualRow], days: set[str], granularity: str | None
) -> tuple[list[ActualRow], bool, str]:
    """Decide whether a report is by day or by month.

    Parameters
    ----------
    rows : list of ActualRow
        With days as periods.
    days : set of str
    granularity : str, optional
        ``day`` or ``month``; by default months where every day is the first of one.

    Returns
    -------
    (list of ActualRow, bool, str)
        Rows with their periods, whether those are days, and a note.
    """
    firsts = all(day.endswith("-01") for day in days)
    if granularity == "day" or (granularity is None and not firsts):
        return rows, True, ""
    note = (
        "every day of the report is the first of a month: read as whole months (--granularity day for days)"
        if granularity is None
        else ""
    )
    return [row._replace(period=row.period[:7]) for row in rows], False, note


def _row(day: str, usage: str, quantity: Decimal | None, cost: Decimal) -> ActualRow:
    if usage in _TAXES or not usage:
        line_class = LineClass.TAX if usage == "Tax" else LineClass.OTHER
        return ActualRow(day, "", line_class, None, None, cost, "", "", "", {})
    line_class = LineClass.CREDIT if cost < 0 else LineClass.USAGE
    return ActualRow(day, usage, line_class, quantity, None, cost, "", region_of(usage), "", {})


def _is_lambda(usage: str) -> bool:
    """Say whether a usage type is AWS Lambda's, for a report that was not filtered by service."""
    bare = _PREFIX.sub("", usage, count=1)
    return bare in _own_names() or "Lambda-" in usage or bare == "Tax"


def _own_names() -> frozenset[str]:
    named = [usage_type(kind, architecture) for kind in LAMBDA_KINDS for architecture in ("x86_64", "arm64")]
    return frozenset(
        {one.name for one in named} | {one.free_name.removeprefix("Global-") for one in named if one.free_name}
        | {one.free_name for one in named if one.free_name}
    )  # fmt: skip


def _named(where: str, column: str) -> str:
    """Return the usage type of a column such as ``USW2-Request($)``."""
    found = _MONEY.fullmatch(column.strip())
    if found is None or found["unit"] not in ("$", "USD"):
        raise InputError.single(where, column[:60], "must be an amount in USD, such as USW2-Request($)")
    return found["name"].strip()


def _day(row: Row | None, column: str, text: str) -> str:
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        message = f"must be a day such as 2026-11-01, got {text[:40]!r}"
        raise (
            row.fault(column, message) if row else InputError.single(column, "TimePeriod.Start", message)
        ) from None


def _group(name: str, group: Mapping[str, Any]) -> str:
    kind, key = group.get("Type"), group.get("Key")
    if kind not in ("DIMENSION", "TAG", "COST_CATEGORY") or not isinstance(key, str):
        raise InputError.single(name, "GroupDefinitions", "must be of dimensions, tags or cost categories")
    return key if kind == "DIMENSION" else f"{kind} {key}"


def _items(where: str, content: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = content.get(key)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise InputError.single(where, key, "must be a list of objects, as aws ce get-cost-and-usage answers")
    return found


def _table(where: str, value: object, key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError.single(where, key, f"must be an object, got {value!r:.40}")
    return value


def _text(where: str, value: object, key: str) -> str:
    if not isinstance(value, str):
        raise InputError.single(where, key, f"must be a text, got {value!r:.40}")
    return value


def _amount(where: str, metrics: Mapping[str, Any], metric: str, unit: str | None) -> Decimal:
    told = _table(where, metrics.get(metric), metric)
    if unit is not None and told.get("Unit") != unit:
        raise InputError.single(where, f"{metric}.Unit", f"must be {unit}, got {told.get('Unit')!r:.40}")
    number = Row(where, {metric: str(told.get("Amount", ""))}).number(metric)
    if number is None:
        raise InputError.single(where, f"{metric}.Amount", "is missing")
    return number
