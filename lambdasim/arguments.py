"""Arguments of a wrong type, said as our own error: which argument, what it must be, what was got."""

from __future__ import annotations

import ast
import builtins
import collections.abc
import inspect
import numbers
import sys
import sysconfig
import types
import typing
from collections.abc import Callable, Iterator
from functools import cache, wraps
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from lambdasim.errors import InputError, LambdaSimError

P = ParamSpec("P")
Result = TypeVar("Result")
_LOOKED_AT: Final = 3
_SHOWN: Final = 120
_CONTAINERS: Final = ("builtins", "collections", "collections.abc")


class _Numbers:
    """Stands for NumPy's ``ArrayLike``, whose protocols cannot be asked."""


def guarded(function: Callable[P, Result]) -> Callable[P, Result]:
    """Let a public function that fails on an argument of a wrong type say so.

    Types are looked at only after a failure, so that whatever works goes on working, and nothing is slower.

    Parameters
    ----------
    function : callable
        With annotations.

    Returns
    -------
    callable
        The same function, which raises InputError instead where an argument is not what its annotation says.
    """

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except (LambdaSimError, OSError, Warning):
            raise
        except Exception as error:
            wrong = None if _is_of_the_caller(error) else _wrong_argument(function, args, kwargs)
            if wrong is None:
                raise
            raise wrong from error

    called._is_guarded = True  # type: ignore[attr-defined]
    return called


def _is_of_the_caller(error: BaseException) -> bool:
    """Say whether an error was raised by what the caller handed in: in code that is neither ours nor a library's."""
    return any(not _is_known(frame) for frame in _passed(error.__traceback__))


def _passed(traceback: types.TracebackType | None) -> Iterator[types.FrameType]:
    """Give the frames that an error passed below the call to us."""
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


def _is_known(frame: types.FrameType) -> bool:
    """Say whether code is ours, that which dataclasses write for us among it, a library's or Python's own."""
    module = str(frame.f_globals.get("__name__", ""))
    return module.partition(".")[0] == __name__.partition(".")[0] or _is_of_library(frame.f_code.co_filename)


@cache
def _is_of_library(file: str) -> bool:
    path = Path(file).resolve()
    homes = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return file.startswith("<frozen ") or any(path.is_relative_to(Path(home).resolve()) for home in homes)


def _wrong_argument(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> InputError | None:
    """Find the first argument that its annotation does not allow."""
    signature = inspect.signature(function)
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError:  # too few or too many: Python's own words are good
        return None
    names = _Names(function.__module__)
    for name, value in bound.arguments.items():
        parameter = signature.parameters[name]
        hint = _resolved(parameter.annotation, names)
        several = parameter.kind is parameter.VAR_POSITIONAL
        for one in value if several else (value,):
            if parameter.kind is not parameter.VAR_KEYWORD and not fits(one, hint):
                allowed = str(parameter.annotation)[:_SHOWN]
                got = "None" if one is None else type(one).__name__
                return InputError.single(function.__name__, name, f"must be {allowed}, got {got}")
    return None


class _Names(dict[str, Any]):
    """Names in a module's annotations, those too that it imports for type checkers alone; what is unknown is anything."""

    def __init__(self, module: str) -> None:
        super().__init__()
        self._module = sys.modules[module]

    def __missing__(self, name: str) -> Any:
        if name == "ArrayLike":
            return _Numbers
        if name in vars(self._module):
            return vars(self._module)[name]
        if hasattr(builtins, name):
            return getattr(builtins, name)
        module, attribute = _imported(self._module.__name__).get(name, ("typing", "Any"))
        return getattr(import_module(module), attribute, Any) if attribute else import_module(module)


@cache
def _imported(module: str) -> dict[str, tuple[str, str]]:
    """Give what a module imports anywhere in it: by name, the module, and what of it; empty for the module itself."""
    found: dict[str, tuple[str, str]] = {}
    for node in ast.walk(ast.parse(inspect.getsource(sys.modules[module]))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                found.setdefault(alias.name, (node.module, alias.name))
                found.setdefault(alias.asname or alias.name, (node.module, alias.name))
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.setdefault(alias.asname or alias.name, (alias.name, ""))
    return found


def _resolved(annotation: Any, names: _Names) -> Any:
    if not isinstance(annotation, str):
        return Any if annotation is inspect.Parameter.empty else annotation
    try:
        found = eval(annotation, {"__builtins__": {}}, names)  # noqa: S307 - of our own source
        bound = getattr(found, "__bound__", None)
        return _resolved(bound.__forward_arg__, names) if isinstance(bound, typing.ForwardRef) else found
    except Exception:
        return Any


def fits(value: object, hint: Any) -> bool:
    """Say whether a value can be what an annotation says; where that cannot be known, it can.

    Parameters
    ----------
    value : object
    hint : any
        A type, or what stands for one.

    Returns
    -------
    bool

    Examples
    --------
    >>> fits("a", str | None), fits(1, float), fits([1, "a"], list[int]), fits("abc", list[int])
    (True, True, False, False)
    """
    if isinstance(hint, TypeVar):
        return fits(value, hint.__bound__ or Any)
    if hint is None or hint is types.NoneType:
        return value is None
    if hint is _Numbers:
        return _is_array(value)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, one) for one in inner)
    if origin is typing.Annotated:
        return fits(value, inner[0])
    if origin is typing.Literal:
        return any(value == one for one in inner)
    if origin is collections.abc.Callable or hint is collections.abc.Callable:
        return callable(value)
    kind = origin or hint
    return not isinstance(kind, type) or (_is(value, kind) and _holds(value, kind, inner))


def _is_array(value: object) -> bool:
    """Say whether NumPy makes numbers of it, moments or spans of time among them."""
    import numpy as np

    try:
        return np.asarray(value).dtype.kind in "biufmM"
    except Exception:  # whatever a foreign object does when it is asked
        return False


def _is(value: object, kind: type) -> bool:
    if kind is int:
        return isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if kind is float:
        return isinstance(value, numbers.Real)
    try:
        return isinstance(value, kind)
    except TypeError:  # a protocol that cannot be asked
        return True


def _holds(value: object, kind: type, inner: tuple[Any, ...]) -> bool:
    """Look at the first items of what holds some; an iterator is left alone."""
    if (
        not inner
        or kind.__module__ not in _CONTAINERS
        or not isinstance(value, collections.abc.Iterable)
        or isinstance(value, collections.abc.Iterator)
    ):
        return True
    if isinstance(value, str | bytes):  # a sequence of texts, and yet no list of names or files
        return Any in inner
    if isinstance(value, collections.abc.Mapping) and len(inner) > 1:
        pairs = islice(value.items(), _LOOKED_AT)
        return all(fits(key, inner[0]) and fits(one, inner[1]) for key, one in pairs)
    if kind is tuple and inner[-1] is not Ellipsis:
        items = list(value)
        return len(items) == len(inner) and all(map(fits, items, inner))
    return all(fits(one, inner[0]) for one in islice(iter(value), _LOOKED_AT))
