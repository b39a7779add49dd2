"""Text that spreadsheets show as text: names cannot become formulas."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

LONGEST: Final = 1_000
_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


@lru_cache(maxsize=16_384)
def guarded(text: str) -> str:
    r"""Make a text harmless in a cell of a spreadsheet.

    Parameters
    ----------
    text : str
        Such as the name of a function.

    Returns
    -------
    str
        With an apostrophe before it where it begins like a formula (``=``, ``+``, ``-``, ``@``, tab, carriage return,
        also after blanks), control characters as blanks, and at most 1,000 characters.

    Examples
    --------
    >>> guarded("checkout"), guarded("=cmd|' /C calc'!A0"), guarded("\t@SUM(A1)")
    ('checkout', "'=cmd|' /C calc'!A0", "' @SUM(A1)")
    """
    begins = text.startswith(_STARTS) or text.lstrip().startswith(_STARTS)
    clean = _CONTROL.sub(" ", text)[:LONGEST]
    return f"'{clean}" if begins else clean
