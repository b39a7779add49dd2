"""The packages that reports need beyond those of a simulation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lambdasim.errors import InputError


@contextmanager
def needed_packages(what: str) -> Iterator[None]:
    """Say how to install what is missing.

    Parameters
    ----------
    what : str
        What needs the packages; named in the error.

    Raises
    ------
    InputError
        When an import within the ``with`` statement finds no package.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = error.name or "a package"
        raise InputError.single(
            what, "", f"needs {missing}: pip install 'lambda-costsim[notebook]' installs it"
        ) from None
