"""Cost and limit simulation of AWS Lambda, offline and repeatable.

``__init__.pyi``, beside this file, is the one table of public names: type checkers read it as it stands, and here each
name is loaded from the module that the table gives, when it is first used. So ``import lambdasim`` stays fast.
"""

from lambdasim.door import load, public_names
from lambdasim.version import __version__ as __version__

_HOME = public_names(__file__)
__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'lambdasim' has no attribute {name!r}")
    return load(name, _HOME[name])


def __dir__() -> list[str]:
    return list(_HOME)
