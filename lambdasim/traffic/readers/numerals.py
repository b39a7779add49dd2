"""Numbers as people write them, and in how many ways a text may be one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.specs.traffic import Thousands
from lambdasim.traffic.readers.said import said_with

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

GROUPED: Final = r"[0-9]{1,3}(?:%s[0-9]{3})+"
_BY_COMMA: Final = re.compile(r"[+-]?" + GROUPED % ",")
_BY_POINT: Final = re.compile(r"[+-]?" + GROUPED % r"\.")
_BY_OTHER: Final = {
    Thousands.SPACE: re.compile(r"[+-]?" + GROUPED % "[ \u00a0\u202f]" + r"(?:[.,][0-9]+)?"),
    Thousands.APOSTROPHE: re.compile(r"[+-]?" + GROUPED % "['\u2019]" + r"(?:[.,][0-9]+)?"),
}
_COMMA_THEN_POINT: Final = re.compile(r"[+-]?" + GROUPED % "," + r"\.[0-9]+")
_POINT_THEN_COMMA: Final = re.compile(r"[+-]?" + GROUPED % r"\." + r",[0-9]+")
_DECIMAL_COMMA: Final = re.compile(r"[+-]?[0-9]+,[0-9]+")
POINT_GROUPS: Final = r"^[0-9]{1,3}(?:\.[0-9]{3})+$"
"""Whole by thousands, or with a fraction of threes: only the user knows."""


def unsaid(text: str) -> str:
    """Say how a text would be a number if that were said, with its value in each case; empty where it would be none.

    Examples
    --------
    >>> unsaid("1,234")
    ': 1234 with thousands: comma (--thousands comma), or 1.234 with decimal: comma (--decimal comma)'
    >>> unsaid("12,5"), unsaid("abc")
    (': 12.5 with decimal: comma (--decimal comma)', '')
    """
    by_comma, decimal = said_with("thousands", "comma"), said_with("decimal", "comma")
    by_point = said_with("thousands", "point")
    if _BY_COMMA.fullmatch(text):
        whole = text.replace(",", "")
        either = f", or {text.replace(',', '.')} with {decimal}" if text.count(",") == 1 else ""
        return f": {whole} with {by_comma}{either}"
    if _BY_POINT.fullmatch(text):
        whole = text.replace(".", "")
        either = f", or {text} with {said_with('decimal', 'point')}" if text.count(".") == 1 else ""
        return f": {whole} with {by_point} and {decimal}{either}"
    if _COMMA_THEN_POINT.fullmatch(text):
        return f": {text.replace(',', '')} with {by_comma}"
    if _POINT_THEN_COMMA.fullmatch(text):
        return f": {text.replace('.', '').replace(',', '.')} with {by_point} and {decimal}"
    if _DECIMAL_COMMA.fullmatch(text):
        return f": {text.replace(',', '.')} with {decimal}"
    for kind, pattern in _BY_OTHER.items():
        if pattern.fullmatch(text):
            return f": say {said_with('thousands', kind.value)}"
    return ""


def integers(texts: pa.Array) -> NDArray[np.int64] | None:
    """Read a column of decimal integers at once; None where any of them is written in another way, or too large.

    Parameters
    ----------
    texts : pyarrow.Array of string

    Returns
    -------
    ndarray of int64, shape (n,), or None
    """
    import pyarrow as pa

    letters = texts.buffers()[2]
    if letters is not None and np.any(np.frombuffer(letters, dtype=np.uint8) > ord("9")):
        return None  # hexadecimal numbers, which pyarrow would take
    try:
        return np.array(texts.cast(pa.int64()), dtype=np.int64)
    except pa.ArrowInvalid:
        return None
