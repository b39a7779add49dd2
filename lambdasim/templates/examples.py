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
