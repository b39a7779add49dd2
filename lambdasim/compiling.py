"""Compiled code: numba's decorators with the options that paid, and a cache on disk that notices every change.

This module imports numba; import it where compiled code is wanted, never at start-up. With NUMBA_DISABLE_JIT=1 all of it
runs as plain Python.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from types import FunctionType, ModuleType
from typing import Any, Final, ParamSpec, TypeVar, cast

import numpy as np
from numba import njit
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher
from numba.core.event import Event, Listener, register, unregister
from numba.core.sigutils import normalize_signature

P = ParamSpec("P")
T = TypeVar("T")
_PATIENCE_S: Final = 1.0
_CONSTANTS: Final = (int, float, str, tuple, np.generic)
# Compiled code does not distinguish Python's numbers from NumPy's.
Int64 = Any
Bool = Any

_OPTIONS: Final[dict[str, Any]] = {"nogil": True, "error_model": "numpy", "_nrt": False}
# Python never calls what is compiled into something else, which saves wrappers, a quarter of the time to compile.
_INNER: Final = {**_OPTIONS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def compiled(step: Callable[P, T]) -> Callable[P, T]:
    """Compile a function into its callers. numba comes without types, so its decorator is given one here.

    Notes
    -----
    Arrays handed on in a tuple cost far more than the work done on them unless calls are inlined (``forceinline``) and
    references are not counted (``_nrt``): 1.8 µs an attempt at first, 0.12 µs so. Nothing here allocates.
    """
    return cast(Callable[P, T], njit(forceinline=True, **_INNER)(step))


def compiled_apart(step: Callable[P, T]) -> Callable[P, T]:
    """Compile a function that is seldom called, and only by compiled code.

    Notes
    -----
    numba hands ``forceinline`` down to what a function calls, unless that says otherwise. So this is compiled into those
    of its callers that are `compiled` themselves. The plain loop would be slower by a fifth otherwise.
    """
    return cast(Callable[P, T], njit(**_INNER)(step))


def compiled_outside(step: Callable[P, T]) -> Callable[P, T]:
    """Compile a large function that compiled code calls, and keep it out of its callers.

    Notes
    -----
    A function of twice the size takes far more than twice as long to compile: the loop with calls beside queues took 28 s
    in one piece, and 4 s with a dozen functions outside. A call costs some 50 ns where it hands on all of a State.
    """
    return cast(Callable[P, T], njit(forceinline=False, **_INNER)(step))


def fingerprint(step: Callable[..., Any]) -> str:
    """Hash all that is compiled into a function: files of the functions and types that it reaches, constants' values.

    Parameters
    ----------
    step : callable
        What it calls, and what that calls, is found through the names in its code.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    files, constants = reached(step)
    files |= {__file__}
    digest = hashlib.blake2b(digest_size=8)
    for content in sorted(hashlib.blake2b(Path(file).read_bytes()).hexdigest() for file in files):
        digest.update(content.encode())
    digest.update("\n".join(sorted(constants)).encode())
    return digest.hexdigest()


def reached(step: Callable[..., Any]) -> tuple[set[str], set[str]]:
    """Return the files of the functions and types that a function reaches, and the constants, each with its value."""
    files: set[str] = set()
    constants: set[str] = set()
    waiting, met = [_plain(step)], set()
    while waiting:
        function = waiting.pop()
        if function in met:
            continue
        met.add(function)
        files.add(function.__code__.co_filename)
        for name, value in _named(function):
            inner = _plain(value)
            if isinstance(inner, FunctionType):
                waiting.append(inner)
            elif isinstance(value, type):
                files.add(getattr(sys.modules[value.__module__], "__file__", None) or "")
            elif not isinstance(value, ModuleType):
                constants.add(f"{name}={value!r}" if isinstance(value, _CONSTANTS) else name)
    return files - {""}, constants


def _plain(step: Any) -> Any:
    """Return the Python function that was compiled; anything else as it is."""
    return getattr(step, "py_func", step)


def _named(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Give the globals that a function names, and what it names in modules of its own package."""
    names = function.__code__.co_names
    package = function.__module__.partition(".")[0]
    for name in names:
        value = function.__globals__.get(name)
        if value is not None:
            yield name, value
        if isinstance(value, ModuleType) and value.__name__.partition(".")[0] == package:
            yield from ((inner, vars(value)[inner]) for inner in names if inner in vars(value))


def compiled_and_kept(step: Callable[P, T]) -> Callable[P, T]:
    """Compile a function and keep it on disk, where there is a place for it.

    Parameters
    ----------
    step : callable

    Notes
    -----
    numba's cache notices a change in the file of the compiled function only. The name under which it is kept therefore
    carries a hash of all that is compiled in, see `fingerprint`. Where the package's directory cannot be written, numba
    uses the user's cache directory, or NUMBA_CACHE_DIR.
    """
    plain = getattr(step, "py_func", step)
    plain.__qualname__ = f"{plain.__name__}_{fingerprint(plain)}"
    step_compiled = njit(**_OPTIONS)(plain)
    if step_compiled is not plain:  # which it is with NUMBA_DISABLE_JIT=1
        # RuntimeError: neither the package's directory nor the user's can be written.
        with suppress(RuntimeError):
            step_compiled._cache = _Kept(plain)  # type: ignore[no-untyped-call]
    return cast(Callable[P, T], step_compiled)


def is_at_hand(step: Callable[..., Any]) -> bool:
    """Whether a function that `compiled_and_kept` gave has been compiled before, in this process or on this disk."""
    if not isinstance(step, Dispatcher):  # NUMBA_DISABLE_JIT=1: nothing is ever compiled
        return True
    kept = getattr(step, "_cache", None)
    return bool(step.signatures) or (isinstance(kept, _Kept) and kept.is_filled())


class _Kept(FunctionCache):
    """numba's cache, which only ever saves time: what cannot be read or written is compiled again.

    Two processes that begin at once may both number their code 1, and the later one's stand under the earlier one's
    arguments; so what is read must be for the arguments that it is wanted for.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Give the code that was kept for these arguments, or None."""
        try:
            kept = super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except Exception:  # unpickling what is damaged raises anything
            with suppress(OSError):
                self.flush()  # type: ignore[no-untyped-call]
            return None
        fits = kept is not None and tuple(kept.signature.args) == tuple(normalize_signature(sig)[0])  # type: ignore[no-untyped-call]
        return kept if fits else None

    def is_filled(self) -> bool:
        """Whether code was kept for any arguments."""
        try:
            return bool(self._cache_file._load_index())  # type: ignore[no-untyped-call]
        except Exception:  # as above
            return False

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep code, where there is still a place for it."""
        with suppress(OSError):
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]


class _Announcer(Listener):
    """Tells once when compiling takes longer than a second."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._timer = Timer(_PATIENCE_S, tell)
        self._timer.daemon = True
        self._nested = 0

    def on_start(self, event: Event) -> None:
        """Begin to wait with the first of nested compilations."""
        if not self._nested and not self._timer.ident:
            self._timer.start()
        self._nested += 1

    def on_end(self, event: Event) -> None:
        """Cease to wait."""
        self._nested -= 1
        if not self._nested:
            self._timer.cancel()


@contextmanager
def compilation_announced(tell: Callable[[], None]) -> Iterator[None]:
    """Announce code that is being compiled, since it is not on the disk yet, if that takes longer than a second.

    Parameters
    ----------
    tell : callable
        Is called from another thread, once at most.
    """
    announcer = _Announcer(tell)
    register("numba:compile", announcer)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        unregister("numba:compile", announcer)  # type: ignore[no-untyped-call]
