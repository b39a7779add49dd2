"""JSON files, strictly: finite numbers only, one clear error for whatever is no JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from math import isfinite
from typing import Any, Final

from lambdasim.errors import Fault, TraceError
from lambdasim.traffic.readers.source import SourceFile

ANSWER_LIMIT_BYTES: Final = 64 << 20
"""Most text [bytes] read of an answer of an AWS API; the largest answers have some 10 MB."""

_ANSWER_REACH: Final = 1 << 16
_BLANK: Final = re.compile(r"[ \t\r\n]*")
_NEXT_VALUE: Final = re.compile(r'\n(?=\{)|(?<=.)(?=\{"messageType")')


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
    with _told(path):
        return _DECODER.decode(text)


def json_items(path: str, text: str, begin: int, *, in_object: bool) -> Generator[Any, None, int]:
    """Parse an array one item at a time, so that memory holds the text and one item.

    Parameters
    ----------
    path : str
        Name of the file, for messages.
    text : str
        The whole file, which has an array, or an object of which the array is the first value.
    begin : int
        Place just behind the opening bracket.
    in_object : bool
        Whether it is the first value of an object.

    Returns
    -------
    int
        Place behind the array or its object, and behind blanks.

    Raises
    ------
    TraceError
        When an item, or what follows the array, is not as `parse_json` wants it.
    """
    place = _after_blanks(text, begin)
    first = True
    with _told(path):
        while not text.startswith("]", place):
            if not first:
                if not text.startswith(",", place):
                    raise json.JSONDecodeError("Expecting ',' delimiter", text, place)
                place = _after_blanks(text, place + 1)
            item, place = _DECODER.raw_decode(text, place)
            yield item
            first = False
            place = _after_blanks(text, place)
    place = _after_blanks(text, place + 1)
    if not in_object:
        return place
    opening = '{"": []'
    for reach in (_ANSWER_REACH, len(text)):
        try:
            _, end = _DECODER.raw_decode(opening + text[place : place + reach])
        except (ValueError, RecursionError):
            continue
        return _after_blanks(text, place + end - len(opening))
    raise behind_list(path, text, place)


def behind_list(path: str, text: str, place: int) -> TraceError:
    """Give the error for what stands behind a list and is not part of the JSON."""
    where = f"{path}, row {1 + text.count(chr(10), 0, place)}"
    return TraceError.single(where, "", "must be JSON to its end, behind the list too")


def json_sequence(path: str, text: str) -> Iterator[Any]:
    """Parse JSON values that follow one another, on lines of their own or not.

    Parameters
    ----------
    path : str
        Name of the file, for messages.
    text : str

    Yields
    ------
    object
        Each value; or a `Fault` for what is none, up to where the next line begins with an object.
    """
    counted, row = 0, 1
    place = _after_blanks(text, 0)
    while place < len(text):
        try:
            item, place = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError) as problem:
            row += text.count("\n", counted, place)
            counted = place
            reason = problem.msg if isinstance(problem, json.JSONDecodeError) else str(problem)[:60]
            yield Fault(f"{path}, row {row}", "", f"must be whole JSON objects: {reason}")
            found = _NEXT_VALUE.search(text, place + 1)
            place = found.end() if found else len(text)
        else:
            yield item
        place = _after_blanks(text, place)


def _refused(text: str) -> float:
    raise ValueError(f"got {text}")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"got {text[:40]}")
    return number


def _after_blanks(text: str, place: int) -> int:
    found = _BLANK.match(text, place)
    return found.end() if found else place


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Turn what the decoder raises into one clear error."""
    try:
        yield
    except json.JSONDecodeError as problem:
        where = f"{path}, row {problem.lineno}"
        raise TraceError.single(where, "", f"must be JSON: {problem.msg}, column {problem.colno}") from None
    except ValueError as problem:
        raise TraceError.single(path, "", f"must be JSON with finite numbers: {problem}") from None
    except RecursionError:
        raise TraceError.single(path, "", "is nested too deep") from None


_DECODER: Final = json.JSONDecoder(parse_constant=_refused, parse_float=_finite)
