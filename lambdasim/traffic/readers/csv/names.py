"""Names by which columns of traffic are known, and what a name says that a column cannot be."""

from __future__ import annotations

import re
from typing import Final

TIME_NAMES: Final = (
    "timestamp_us", "timestamp", "time", "datetime", "date_time", "date", "@timestamp",
    "start", "start_time", "interval_start", "timestamps", "day", "usage_date", "usage_start", "start_date",
    "usage_start_date", "line_item_usage_start_date", "lineitem/usagestartdate", "hour", "period", "bin(1h)",
    "bin(1d)", "bin(5m)", "bin(1m)", "event_time", "eventtime", "datum", "zeit", "zeitstempel", "row_labels",
    "zeilenbeschriftungen", "usage_type", "service",
)  # fmt: skip
"""Times, by preference: plain names, then those of CloudWatch, Cost Explorer, Athena over a CUR, and Excel's pivots."""
_COUNTED: Final = (
    "count", "counts", "invocations", "requests", "value", "request_count",
    "events", "calls", "hits", "sum", "n",
    "invocation_count", "num_invocations", "num_requests", "number_of_invocations", "number_of_requests",
    "requestcount", "invocationcount", "executions", "messages", "aufrufe", "anfragen", "anzahl",
)  # fmt: skip
_USED: Final = (
    "usage_quantity", "usagequantity", "usage_amount", "usageamount", "total_usage", "sum_of_usage_quantity",
    "sum_of_usagequantity", "sum(line_item_usage_amount)", "line_item_usage_amount", "lineitem/usageamount",
)  # fmt: skip
COUNT_NAMES: Final = (
    *_COUNTED,
    *(f"{prefix}_{name}" for prefix in ("sum_of", "total", "summe_von") for name in _COUNTED),
    *(f"{name}_sum" for name in _COUNTED),
    *(f"sum({name})" for name in _COUNTED),
    "count(*)", "count(1)", "samplecount", "sample_count", "sum_value", *_USED,
)  # fmt: skip
"""Counts, by preference, as CloudWatch, Cost Explorer, Athena and Excel name them too."""
USAGE_NAMES: Final = frozenset(_USED)
"""Those that count requests only in rows of requests."""
USAGE_TYPE_NAMES: Final = frozenset({"usagetype", "usage_type", "line_item_usage_type", "lineitem/usagetype"})
FUNCTION_NAMES: Final = ("function", "function_name", "functionname", "func", "name", "resource")


def _measures(unit: str, *names: str) -> tuple[str, ...]:
    """Give each name as it is and with its unit, as people write queries and headers."""
    forms = ("{0}", "{0}_{1}", "{0}{1}", "{0}_({1})", "{0}_in_{1}", "{0}in{1}")
    return tuple(form.format(name, unit) for name in names for form in forms)


EVENT_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "duration_ms": ("duration_ms", *_measures("ms", "duration")),
    "init_ms": ("init_ms", "initms", *_measures("ms", "init_duration", "initduration")),
    "billed_ms": ("billed_ms", "billedms", *_measures("ms", "billed_duration", "billedduration")),
    "memory_mb": ("memory_mb", "memorymb", "memorysetinmb", *_measures("mb", "memory_size", "memorysize")),
    "max_memory_mb": (
        "max_memory_mb",
        "maxmemorymb",
        "memoryusedinmb",
        *_measures("mb", "max_memory_used", "maxmemoryused"),
    ),
    "status": ("status",),
    "request_id": ("request_id", "requestid"),
    "exec_env": ("exec_env", "log_stream", "logstream"),
}
"""What only a single invocation has."""
_OF_RUNS: Final = re.compile(r"(?<![a-z])(?:init|cold|restore|billed)|duration|memory", re.IGNORECASE)
_UNIT: Final = re.compile(r"\s*[(\[]\s*(?:utc|gmt|count|counts|requests|request|none|invocations)\s*[)\]]$")
_GAPS: Final = re.compile(r"[\s_-]+")
_MONEY: Final = re.compile(
    r"(?<![a-z])(?:cost|costs|price|prices|charge|charges|spend|bill|amount due|fee|fees|kosten|preis|betrag|usd|eur|gbp"
    r"|cny|jpy|inr|aud|cad|chf|brl)(?![a-z])|[$€£¥₹]"
)
_TOTALS: Final = frozenset({"total", "totals", "grand total", "gesamtergebnis", "gesamt", "summe"})
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def folded(name: str) -> str:
    """Give a column's name in the one form in which names are compared: small, joined by ``_``, without its unit.

    Examples
    --------
    >>> folded("Sum of Invocations"), folded("Timestamp (UTC)"), folded("UsageQuantity(Requests)"), folded("cost ($)")
    ('sum_of_invocations', 'timestamp', 'usagequantity', 'cost_($)')
    """
    return _GAPS.sub("_", _UNIT.sub("", name.strip().lower())).strip()


def is_of_runs(name: str) -> bool:
    """Say whether a column tells of single runs by its name, whatever it holds of them.

    Examples
    --------
    >>> is_of_runs("coldStartSeconds"), is_of_runs("@maxMemoryUsed"), is_of_runs("city")
    (True, True, False)
    """
    return _OF_RUNS.search(name) is not None


def is_money(name: str) -> bool:
    """Say whether a column holds money, by its name: such a column is never a count.

    Examples
    --------
    >>> is_money("Sum of unblendedCost"), is_money("Lambda ($)"), is_money("cost_per_day"), is_money("Broadcosts")
    (True, True, True, False)
    """
    return _MONEY.search(_GAPS.sub(" ", _CAMEL.sub(" ", name)).lower()) is not None


def is_count(name: str) -> bool:
    """Say whether a column is known as a count of invocations.

    Examples
    --------
    >>> is_count("Sum of Invocations"), is_count("USE1-Request(Requests)"), is_count("Sum of cost"), is_count("Sum ($)")
    (True, True, False, False)
    """
    return not is_money(name) and (folded(name) in COUNT_NAMES or is_request_usage(name))


_REQUESTS: Final = re.compile(r"(?:[a-z]{2,4}[0-9]-)?(?:lambda-)?requests?(?:-arm)?\s*\(\s*requests?\s*\)")


def is_request_usage(name: str) -> bool:
    """Say whether a column is Cost Explorer's usage of a Lambda request type, such as ``USE1-Request(Requests)``."""
    return _REQUESTS.fullmatch(name.strip().lower()) is not None


def is_total(row: list[str], place: int, header: tuple[str, ...]) -> bool:
    """Say whether a row is one of totals, as Excel's pivots and Cost Explorer write them, by its cell of the time.

    Examples
    --------
    >>> is_total(["Grand Total", "7"], 0, ("Row Labels", "Sum of Requests")), is_total(["x", "7"], 0, ("Date", "n"))
    (True, False)
    """
    if place >= min(len(row), len(header)):
        return False
    text = row[place].strip().lower()
    return text in _TOTALS or text == f"{header[place].lower()} total"
