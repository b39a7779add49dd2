"""Kinds of cells of a text table: each reads a whole column fast, or one text with the reason why it fails.

Both accept the same texts, except that the fast way may refuse a column which the exact way then accepts.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import numpy as np

from lambdasim.traffic.readers.moments import MomentRule
from lambdasim.traffic.readers.numerals import POINT_GROUPS, integers, unsaid

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

LARGEST_COUNT: Final = 10**12
LARGEST_NUMBER: Final = 10**15
LONGEST_TEXT: Final = 2_048
_BYTES_PER_MB: Final = 1_000_000
_Numbers = TypeVar("_Numbers", np.int64, np.float64)
NO_VALUE: Final = ("null", "none", "nan", "n/a", "na", "nil", "-", "–", "<null>", "(null)")
"""What tools write in small letters or large ones where there is no value, beside nothing at all."""
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


class Cell(Protocol):
    """Reads the cells of one column."""

    def one(self, text: str) -> object:
        """Read one cell, or raise ValueError saying what is allowed."""
        ...

    def many(self, texts: pa.Array) -> Any:
        """Read a column, or raise ValueError without detail."""
        ...

    def column(self, values: list[Any]) -> Any:
        """Make of single values what `many` returns."""
        ...


@dataclass(frozen=True)
class MomentCell:
    """A timestamp, as int64 microseconds since 1970."""

    rule: MomentRule

    def one(self, text: str) -> int:
        """Read one timestamp."""
        return self.rule.one(_filled(text))

    def many(self, texts: pa.Array) -> NDArray[np.int64]:
        """Read a column of timestamps."""
        return self.rule.many(texts)

    def column(self, values: list[int]) -> NDArray[np.int64]:
        """Make an int64 array."""
        return np.array(values, dtype=np.int64)


@dataclass(frozen=True)
class CountCell:
    """A whole number of invocations, 0 to 10^12; ``94.0`` is whole.

    Attributes
    ----------
    said : bool
        Whether it is said how numbers are written; ``1.000`` is refused otherwise, since it may be one or a thousand.
    """

    said: bool = False

    def one(self, text: str) -> int:
        """Read one count."""
        if not self.said and re.search(POINT_GROUPS, text):
            raise ValueError(f"must be a whole number of invocations, got {text[:40]!r}{unsaid(text)}")
        number = _number(_filled(text), "a whole number of invocations")
        if not 0 <= number <= LARGEST_COUNT or number != int(number):
            raise ValueError(f"must be a whole number from 0 to {LARGEST_COUNT:,}, got {text[:40]!r}")
        return int(number)

    def many(self, texts: pa.Array) -> NDArray[np.int64]:
        """Read a column of counts."""
        import pyarrow.compute as pc

        whole = integers(texts)
        if whole is not None:
            return _bounded(whole, LARGEST_COUNT)
        if (
            not self.said
            and pc.any(pc.match_substring(texts, ".")).as_py()
            and pc.any(pc.match_substring_regex(texts, POINT_GROUPS)).as_py()
        ):
            raise ValueError("thousands, or fractions")
        return _whole(_floats(texts), LARGEST_COUNT)

    def column(self, values: list[int]) -> NDArray[np.int64]:
        """Make an int64 array."""
        return np.array(values, dtype=np.int64)


@dataclass(frozen=True)
class NumberCell:
    """A finite number from 0 to `largest`, as float64; a cell without a value is NaN unless it must be filled."""

    filled: bool = False
    largest: int = LARGEST_NUMBER

    def one(self, text: str) -> float:
        """Read one number."""
        if not self.filled and _is_missing(text):
            return math.nan
        number = _number(_filled(text), "a number")
        if not 0 <= number <= self.largest:
            raise ValueError(f"must be from 0 to {self.largest:.0e}, got {text[:40]!r}")
        return number

    def many(self, texts: pa.Array) -> NDArray[np.float64]:
        """Read a column of numbers."""
        if self.filled:
            return _bounded(_floats(texts), self.largest)
        numbers, empty = _optional(texts)
        _bounded(numbers[~empty], self.largest)
        numbers[empty] = math.nan
        return numbers

    def column(self, values: list[float]) -> NDArray[np.float64]:
        """Make a float64 array."""
        return np.array(values, dtype=np.float64)


@dataclass(frozen=True)
class WholeCell:
    """A whole number from 0 up, as nullable Int64; an empty cell is NA.

    Attributes
    ----------
    bytes_as_mb : bool
        Whether a value of 10^6 or more is in bytes, at 10^6 to the MB, as CloudWatch Logs Insights writes
        memory sizes.

    References
    ----------
    AWS Lambda operator guide, useful queries (https://serverlessland.com/content/service/lambda/guides/
    aws-lambda-operator-guide/useful-queries), seen November 2026: divides ``@memorySize`` by 1000 / 1000.
    """

    bytes_as_mb: bool = False

    def one(self, text: str) -> int | None:
        """Read one number."""
        if _is_missing(text):
            return None
        number = _number(text, "a whole number")
        if self.bytes_as_mb and _BYTES_PER_MB <= number <= LARGEST_NUMBER:
            return round(number / _BYTES_PER_MB)
        if not 0 <= number <= LARGEST_NUMBER or number != int(number):
            raise ValueError(f"must be a whole number from 0 to {LARGEST_NUMBER:.0e}, got {text[:40]!r}")
        return int(number)

    def many(self, texts: pa.Array) -> Any:
        """Read a column of numbers."""
        import pandas as pd

        numbers, empty = _optional(texts)
        if self.bytes_as_mb:
            in_bytes = (numbers >= _BYTES_PER_MB) & (numbers <= LARGEST_NUMBER)
            numbers[in_bytes] = np.rint(numbers[in_bytes] / _BYTES_PER_MB)
        return pd.arrays.IntegerArray(_whole(numbers, LARGEST_NUMBER), empty)

    def column(self, values: list[int | None]) -> Any:
        """Make a nullable Int64 array."""
        import pandas as pd

        return pd.array(values, dtype="Int64")


@dataclass(frozen=True)
class TextCell:
    """A text of at most 2,048 characters; an empty cell is missing unless it must be filled."""

    filled: bool = False

    def one(self, text: str) -> str | None:
        """Read one text."""
        if len(text) > LONGEST_TEXT:
            raise ValueError(
                f"must have at most {LONGEST_TEXT:,} characters, has {len(text):,}: {text[:40]!r}…"
            )
        return _filled(text) if self.filled else text or None

    def many(self, texts: pa.Array) -> Any:
        """Read a column of texts."""
        import pyarrow as pa
        import pyarrow.compute as pc

        lengths = pc.min_max(pc.utf8_length(texts)).as_py()
        if (lengths["max"] or 0) > LONGEST_TEXT or (self.filled and lengths["min"] == 0):
            raise ValueError("empty or too long")
        if lengths["min"] == 0:
            texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
        return texts.to_pandas().astype("str").array

    def column(self, values: list[str | None]) -> Any:
        """Make a text array."""
        import pandas as pd

        return pd.array(values, dtype="str")


def same_text(text: str, rows: int) -> Any:
    """Make a column that has one text throughout, as `TextCell` makes those of texts.

    Parameters
    ----------
    text : str
    rows : int
    """
    import pyarrow as pa

    return pa.repeat(text, rows).to_pandas().astype("str").array


def _filled(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    return text


def _number(text: str, what: str) -> float:
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"must be {what}, got {text[:40]!r}{unsaid(text)}")
    return float(text)


def _floats(texts: pa.Array) -> NDArray[np.float64]:
    import pyarrow as pa

    try:
        return np.array(texts.cast(pa.float64()), dtype=np.float64)
    except pa.ArrowInvalid:
        raise ValueError("not numbers throughout") from None


def _is_missing(text: str) -> bool:
    return not text or text.lower() in NO_VALUE


def _optional(texts: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Read numbers, with 0 where there is none, and say where."""
    import pyarrow as pa
    import pyarrow.compute as pc

    letters = pc.match_substring_regex(texts, "[A-Za-z(<–]|^-$")
    if pc.any(letters).as_py():
        empty = pc.is_in(pc.utf8_lower(texts), value_set=pa.array(["", *NO_VALUE]))
    else:
        empty = pc.equal(texts, "")
    if not pc.any(empty).as_py():
        return _floats(texts), np.zeros(len(texts), dtype=np.bool_)
    return _floats(pc.if_else(empty, "0", texts)), np.asarray(empty, dtype=np.bool_)


def _bounded(numbers: NDArray[_Numbers], largest: int) -> NDArray[_Numbers]:
    if numbers.size and not (numbers.min() >= 0 and numbers.max() <= largest):
        raise ValueError("outside what is allowed")
    return numbers


def _whole(numbers: NDArray[np.float64], largest: int) -> NDArray[np.int64]:
    whole = _bounded(numbers, largest).astype(np.int64)
    if not np.array_equal(whole, numbers):
        raise ValueError("not whole throughout")
    return whole
