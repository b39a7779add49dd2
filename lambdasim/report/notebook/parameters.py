"""Parameters of a notebook: names that one of its cells gives a value to."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from lambdasim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbformat import NotebookNode

_MAGIC: Final = re.compile(r"^[%!]", re.MULTILINE)
_TAG: Final = "parameters"
"""Papermill's tag of the cell of parameters."""


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
            name, missing, f"must be given a value in the cell of parameters, which has: {known}"
        )
    lines = [line.encode() for line in source.split("\n")]
    for parameter in sorted(given, key=lambda key: places[key].lineno, reverse=True):
        value = places[parameter]
        first, last = value.lineno - 1, (value.end_lineno or value.lineno) - 1
        head, tail = lines[first][: value.col_offset], lines[last][value.end_col_offset :]
        lines[first : last + 1] = [head + repr(given[parameter]).encode() + tail]
    return "\n".join(line.decode() for line in lines)


def parameter_cell(cells: Iterable[NotebookNode], wanted: str, name: str) -> NotebookNode:
    """Find the cell of parameters: the first of code that gives a name a value at its outermost level.

    Parameters
    ----------
    cells : iterable of NotebookNode
        Where one has Papermill's tag ``parameters``, it alone is looked at.
    wanted : str
        The name.
    name : str
        Of the notebook, for errors.

    Returns
    -------
    NotebookNode

    Raises
    ------
    InputError
        When there is none.
    """
    code = [cell for cell in cells if cell.cell_type == "code"]
    tagged = [cell for cell in code if _TAG in cell.get("metadata", {}).get("tags", ())]
    fault: InputError | None = None
    for cell in tagged[:1] or code:
        try:
            if wanted in _places(cell.source, name):
                return cell
        except InputError as error:  # a cell of another language, or one that IPython alone understands
            fault = fault or (error if re.search(rf"\b{wanted}\b", cell.source) else None)
    raise fault or InputError.single(
        name, wanted, "must be given a value in a cell of code, at its outermost level"
    )


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
        # Magics become comments of the same length: places stay.
        tree = ast.parse(_MAGIC.sub("#", source))
    except (SyntaxError, ValueError, RecursionError):
        raise InputError.single(name, "", "its cell of parameters must be Python") from None
    found: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            found[node.target.id] = node.value
    return found
