"""The examples that ship with the package, and a commented scenario to begin with."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Final

from lambdasim.atomic import write_bytes_atomically
from lambdasim.errors import TemplateError
from lambdasim.wording import clipped, listed

FIRST: Final = "scenario"
_SUFFIX: Final = ".yaml"
_TRAP: Final = "trap_"
_CURED: Final = "_cured"
_COMMENT: Final = re.compile(r"#\s*(.*)")


def example_names() -> dict[str, str]:
    """Return the examples with what each shows, the commented scenario first.

    Examples
    --------
    >>> list(example_names())[0], "template" in example_names()
    ('scenario', True)
    """
    texts = {
        one.name.removesuffix(_SUFFIX): one.read_text(encoding="utf-8")
        for one in files("lambdasim").joinpath("examples").iterdir()
        if one.name.endswith(_SUFFIX)
    }
    ordered = sorted(texts, key=lambda name: (name != FIRST, name))
    return {name: _about(texts[name]) for name in ordered}


def _about(text: str) -> str:
    match = _COMMENT.match(text)
    return match[1] if match else ""


def trap_names() -> dict[str, str]:
    """Return the traps that ship, with what each shows; its good and its bad scenario are examples too.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> "poison_message" in trap_names()
    True
    """
    names = example_names()
    return {
        name.removeprefix(_TRAP): about
        for name, about in names.items()
        if name.startswith(_TRAP) and f"{name}{_CURED}" in names
    }


def trap_texts(name: str) -> tuple[str, str]:
    """Return the good and the bad scenario of a trap, as their files have them.

    Parameters
    ----------
    name : str

    Returns
    -------
    tuple of str

    Raises
    ------
    TemplateError
        Where there is no such trap.
    """
    if name not in trap_names():
        raise TemplateError.single(
            "lambdasim",
            "trap",
            f"{clipped(name, 40)} is no trap that ships; there are {listed(trap_names())}",
        )
    folder = files("lambdasim").joinpath("examples")
    good, bad = (
        folder.joinpath(f"{_TRAP}{name}{suffix}{_SUFFIX}").read_text(encoding="utf-8")
        for suffix in (_CURED, "")
    )
    return good, bad


def copy_example(name: str, target: Path) -> Path:
    """Copy an example to a file that is not there yet.

    Parameters
    ----------
    name : str
    target : Path

    Returns
    -------
    Path
        The file.

    Raises
    ------
    TemplateError
        Where there is no such example, or the file exists.
    """
    names = example_names()
    if name not in names:
        raise TemplateError.single(
            "lambdasim", "--example", f"has no {clipped(name, 40)}; there are {listed(names)}"
        )
    if target.exists():
        raise TemplateError.single(str(target), "", "is there already and is not replaced; name another file")
    content = files("lambdasim").joinpath("examples", f"{name}{_SUFFIX}").read_bytes()
    write_bytes_atomically(target, content)
    return target
