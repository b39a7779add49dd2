"""Parameters of a notebook: names that its first cell of code gives a value to."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from lambdasim.errors import InputError


def with_parameters(source: str, given: Mapping[str, object], name: str) -> str:
    """Give names of a cell other values.

    Parameters
    ----------
    source : str
        Code of the cell.
    given : mapping of str to object
        Values by name, such as Python can write: text, numbers, None, and lists of them.
    name : str
        Of the notebook, for errors.

    Returns
    -------
    str
        The code with those values; comments stay.

    Raises
    ------
    InputError
        When the cell gives no value to one of the names, or is no Python.

    Examples
    --------
    >>> with_parameters("SEEDS = 5  # simulations", {"SEEDS": 20}, "shop.ipynb")
    'SEEDS = 20  # simulations'
    """
    places = _places(source, name)
    missing = next((parameter for parameter in given if parameter not in places), None)
    if missing is not None:
        known = ", ".join(places) or "none"
        raise InputError.single(
            name, missing, f"must be given a value in the first cell of code, which has: {known}"
        )
    lines = [line.encode() for line in source.split("\n")]
    for parameter in sorted(given, key=lambda key: places[key].lineno, reverse=True):
        value = places[parameter]
        first, last = value.lineno - 1, (value.end_lineno or value.lineno) - 1
        head, tail = lines[first][: value.col_offset], lines[last][value.end_col_offset :]
        lines[first : last + 1] = [head + repr(given[parameter]).encode() + tail]
    return "\n".join(line.decode() for line in lines)


def parameters_of(source: str, name: str) -> tuple[str, ...]:
    """Return the names to which a cell gives a value at its outermost level.

    Raises
    ------
    InputError
        When the cell is no Python.
    """
    return tuple(_places(source, name))


def value_of(text: str) -> Any:
    """Read what ``-p NAME=VALUE`` says: a Python literal, else the text as it stands.

    Examples
    --------
    >>> value_of("20"), value_of("None"), value_of("eu-west-1"), value_of("[128, 256]")
    (20, None, 'eu-west-1', [128, 256])
    """
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _places(source: str, name: str) -> dict[str, ast.expr]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        raise InputError.single(name, "", "its first cell of code must be Python without magics") from None
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            found[node.target.id] = node.value
    return found
