"""Whatever stands in the public door says what it takes and what it gives back."""

import inspect
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

import lambdasim as ls
from lambdasim.views import Result

ROOMS = {"lambdasim": ls, "finance": ls.finance, "plots": ls.plots, "catalog": ls.catalog}
NOTHING = (None, "None", inspect.Signature.empty)
SECTION = r"(?:^|\n){}\n-{{4,}}\n"


def public() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Give the functions of the door, and the public methods of its classes, by name."""
    seen: set[int] = set()
    for room, module in ROOMS.items():
        for name in module.__all__:
            found = getattr(module, name)
            if isinstance(found, ModuleType) or id(found) in seen:
                continue
            seen.add(id(found))
            if inspect.isfunction(found):
                yield f"{room}.{name}", found
            elif inspect.isclass(found) and found.__module__.startswith("lambdasim"):
                for method, value in vars(found).items():
                    plain = value.__func__ if isinstance(value, classmethod | staticmethod) else value
                    own = inspect.isfunction(plain) and plain.__module__.startswith("lambdasim")
                    if own and not method.startswith("_"):
                        yield f"{room}.{name}.{method}", plain


PUBLIC = dict(public())


def missing(function: Callable[..., Any]) -> list[str]:
    """Name the sections that a docstring lacks, and the parameters that it does not mention."""
    words = inspect.getdoc(function) or ""
    signature = inspect.signature(function)
    takes = [name for name in signature.parameters if name not in {"self", "cls"}]
    found = [] if words else ["docstring"]
    if takes and not re.search(SECTION.format("Parameters"), words):
        found.append("Parameters")
    returns = takes and signature.return_annotation not in NOTHING
    if returns and not re.search(SECTION.format("(?:Returns|Yields)"), words):
        found.append("Returns")
    return found + [name for name in takes if not re.search(rf"\b{name}\b", words)]


def test_the_door_is_wide() -> None:
    assert len(PUBLIC) > 200


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_public_function_says_what_it_takes_and_gives(name: str) -> None:
    assert not missing(PUBLIC[name])


@pytest.mark.parametrize("name", [name for name in ls.__all__ if inspect.isclass(getattr(ls, name))])
def test_a_public_class_says_what_it_is(name: str) -> None:
    words = inspect.getdoc(getattr(ls, name)) or ""
    assert words
    assert words != inspect.getdoc(Result)


def test_a_silent_function_would_be_seen() -> None:
    def silent(rate_per_s: float) -> float:
        """Scale a rate."""
        return rate_per_s

    assert missing(silent) == ["Parameters", "Returns", "rate_per_s"]
