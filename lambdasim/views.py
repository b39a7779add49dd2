"""What every result offers: its tables as the truth, and text, HTML and JSON as views of them."""

from __future__ import annotations

import html
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from math import isnan
from typing import TYPE_CHECKING, Any, Final

from lambdasim.wording import NONE, clipped, count, money_cell, number, percent, printable

if TYPE_CHECKING:
    import pandas as pd

_UNITS: Final = {
    "ms": "ms", "us": "µs", "s": "s", "mb": "MB", "kb": "KB", "gb": "GB", "usd": "USD", "per_s": "1/s",
}  # fmt: skip
_SHARES: Final = ("share", "probability", "utilization", "headroom", "wins")
_WORDS: Final = {"usd": "USD", "gb": "GB", "mb": "MB", "init": "INIT", "id": "ID"}
_WIDEST: Final = 400
_HOW_KNOWN: Final = "known"
"""The column that says how a figure is known, in identifiers such as ``aws_page``."""


class Result(ABC):
    """A result of lambdasim: ``frame`` is the truth, everything else is a view of it."""

    @abstractmethod
    def frame(self) -> pd.DataFrame:
        """Return the result's main table; columns carry their units as suffix."""

    @abstractmethod
    def text(self) -> str:
        """Write the result for a terminal of 80 columns."""

    def headline(self) -> str:
        """Say the answer in one paragraph, without line ends.

        Returns
        -------
        str
        """
        return " ".join(repr(self).split())

    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Return all tables by title, the main one first."""
        return {"result": self.frame()}

    def shown(self) -> Mapping[str, pd.DataFrame]:
        """Return the tables that people read by title; override it where they need other columns than programs."""
        return self.frames()

    def to_json(self) -> str:
        """Write the answer and all tables as JSON; shares of 1, money in USD, NaN as null."""
        tables = {
            title: json.loads(table.to_json(orient="records", double_precision=12, default_handler=str))
            for title, table in self.frames().items()
        }
        return json.dumps({"answer": self.headline(), "tables": tables}, indent=1, ensure_ascii=False)

    def _repr_html_(self) -> str:
        tables = self.shown()
        parts = [f"<p>{html.escape(printable(self.headline()))}</p>"]
        for title, table in tables.items():
            parts.append(f"<h4>{html.escape(title)}</h4>" if len(tables) > 1 else "")
            parts.append(readable(table).to_html(index=False, border=0, escape=True))
        return "".join(parts)


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Write a table as people read it: units in its headings, no exponents, no NaN, no digests.

    Parameters
    ----------
    table : DataFrame
        Columns are named with their units as suffix (``p95_ms``, ``memory_mb``, ``usd_per_month``) or as shares
        (``cold_share``).

    Returns
    -------
    DataFrame
        Of text.

    Examples
    --------
    >>> import pandas as pd
    >>> print(readable(pd.DataFrame({"p95_ms": [1e4], "usd_per_month": [0.00125], "cold_share": [float("nan")]})))
      p95 [ms] per month [USD] cold
    0   10,000         0.00125    –
    """
    import pandas as pd

    columns = [str(name) for name in table.columns if "sha256" not in str(name)]
    headings = [heading(name) for name in columns]
    unique = [
        words if headings.count(words) == 1 else name.replace("_", " ")
        for name, words in zip(columns, headings, strict=True)
    ]
    return pd.DataFrame(
        {
            words: [cell(name, value) for value in table[name]]
            for name, words in zip(columns, unique, strict=True)
        }
    )


def heading(name: str) -> str:
    """Return a column's name in words, with its unit in brackets.

    Examples
    --------
    >>> heading("mean_billed_ms"), heading("usd_per_month"), heading("refused_share"), heading("first_limit")
    ('mean billed [ms]', 'per month [USD]', 'refused', 'first limit')
    """
    rest, unit = name, ""
    for suffix in sorted(_UNITS, key=len, reverse=True):
        if name.endswith(f"_{suffix}") or name == suffix:
            rest, unit = name.removesuffix(suffix).rstrip("_"), _UNITS[suffix]
            break
    if is_money(name):
        rest, unit = "_".join(part for part in rest.split("_") if part != "usd"), "USD"
    if is_share(rest) and rest != "share":
        rest = rest.removesuffix("_share")
    said = " ".join(_WORDS.get(part, part) for part in rest.split("_"))
    return f"{said} [{unit}]" if said and unit else said or unit


def cell(name: str, value: Any) -> str:
    """Write a value of a column.

    Parameters
    ----------
    name : str
        The column's, which says what its values are.
    value : object
    """
    from decimal import Decimal
    from fractions import Fraction
    from numbers import Integral, Real

    if value is None or (isinstance(value, Real) and isnan(value)):
        return NONE
    if isinstance(value, bool) or type(value).__name__ in {"bool", "bool_"}:
        return "yes" if value else ""
    if isinstance(value, Integral):
        return count(int(value))
    if isinstance(value, (Real, Decimal)):
        if is_money(name):
            exact = value if isinstance(value, (Decimal, Fraction)) else float(value)
            return money_cell(exact)
        return percent(float(value)) if is_share(name) else number(float(value))
    if name == _HOW_KNOWN:
        return clipped(str(value).replace("_", " "), _WIDEST)
    return NONE if str(value) in {"NaT", "nan", "<NA>"} else clipped(value, _WIDEST)


def is_money(name: str) -> bool:
    """Say whether a column's name is that of money."""
    return "usd" in name.split("_")


def is_share(name: str) -> bool:
    """Say whether a column's name is that of a share, 1 for all."""
    return name.rsplit("_", maxsplit=1)[-1] in _SHARES
