"""The public door: names from a table in a stub, each loaded when it is first used."""

from __future__ import annotations

from importlib import import_module


def public_names(package_file: str) -> dict[str, str]:
    """Read a package's table of public names.

    Parameters
    ----------
    package_file : str
        The package's ``__init__.py``. The table is ``__init__.pyi`` beside it: a line for each name, such as
        ``from lambdasim.billing import price as price``.

    Returns
    -------
    dict of str to str
        The module of each public name, sorted by name.

    Notes
    -----
    Lines are split rather than parsed as Python, which would double the time of ``import lambdasim``.
    """
    with open(f"{package_file.removesuffix('.py')}.pyi", encoding="utf-8") as stub:
        imports = [line.split() for line in stub if line.startswith("from ")]
    return dict(sorted((words[3], words[1]) for words in imports))


def load(name: str, module: str) -> object:
    """Load a public name from its module; where the name is a module of a package, import that.

    Parameters
    ----------
    name : str
    module : str
        As ``public_names`` gives it.

    Returns
    -------
    object
    """
    home = import_module(module)
    return getattr(home, name) if name in vars(home) else import_module(f"{module}.{name}")
