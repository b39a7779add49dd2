"""How a message names what a user may say of a file: one name in a scenario, on the command line and in Python."""

from __future__ import annotations


def said_with(option: str, value: str = "") -> str:
    """Name an option in the forms in which it is given.

    Parameters
    ----------
    option : str
        Key of a scenario's traffic, such as ``count_column``.
    value : str
        What to give it; empty where that depends on the file.

    Examples
    --------
    >>> said_with("count_column")
    'count_column (--count-column)'
    >>> said_with("separator", "semicolon")
    'separator: semicolon (--separator semicolon)'
    """
    written = f"--{option.replace('_', '-')}"
    return f"{option}: {value} ({written} {value})" if value else f"{option} ({written})"
