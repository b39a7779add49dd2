"""JSON files, strictly: finite numbers only, one clear error for whatever is no JSON."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any, Final

from lambdasim.errors import TraceError
from lambdasim.traffic.readers.source import SourceFile

ANSWER_LIMIT_BYTES: Final = 64 << 20
"""Most text [bytes] read of an answer of an AWS API; the largest answers have some 10 MB."""


def load_json(file: SourceFile, limit: int = ANSWER_LIMIT_BYTES) -> Any:
    """Parse a JSON file.

    Parameters
    ----------
    file : SourceFile
    limit : int
        Largest size of the unpacked text [bytes].

    Raises
    ------
    TraceError
        When the text is too large, not UTF-8, not JSON, nested too deep, or has a number that is not finite.
    """
    return parse_json(file.path, file.text(limit))


def parse_json(path: str, text: str) -> Any:
    """Parse the text of a JSON file named `path`.

    Raises
    ------
    TraceError
        When it is not JSON, nested too deep, or has a number that is not finite.
    """
    try:
        return json.loads(text, parse_constant=_refused, parse_float=_finite)
    except json.JSONDecodeError as problem:
        where = f"{path}, row {problem.lineno}"
        raise TraceError.single(where, "", f"must be JSON: {problem.msg}, column {problem.colno}") from None
    except ValueError as problem:
        raise TraceError.single(path, "", f"must be JSON with finite numbers: {problem}") from None
    except RecursionError:
        raise TraceError.single(path, "", "is nested too deep") from None


def _refused(text: str) -> float:
    raise ValueError(f"got {text}")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"got {text[:40]}")
    return number
