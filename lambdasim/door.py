"""Public doors: names from a table in a stub, each loaded when it is first used."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import FunctionType


def opened(
    package: str, package_file: str
) -> tuple[list[str], Callable[[str], object], Callable[[], list[str]]]:
    """Open a package's door: its ``__init__.py`` needs no more than this.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    package_file : str
        Its ``__file__``, see ``public_names``.

    Returns
    -------
    tuple
        ``__all__``, ``__getattr__`` and ``__dir__`` of the package.
    """
    home = public_names(package_file)

    def found(name: str) -> object:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return load(name, home[name])

    return list(home), found, lambda: list(home)


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
        A function is one that says which of its arguments has a wrong type; see ``arguments.guarded``.
    """
    home = import_module(module)
    if name not in vars(home):
        return import_module(f"{module}.{name}")
    found: object = getattr(home, name)
    if isinstance(found, FunctionType) and not hasattr(found, "_is_guarded"):
        from lambdasim.arguments import guarded

        # In its own module too, so that a function is the one that pickle finds by its name.
        found = guarded(found)
        setattr(home, name, found)
        setattr(import_module(found.__module__), found.__name__, found)
    return found
