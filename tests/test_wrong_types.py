"""Every public function says in our own error which argument has a wrong type, whatever it is given."""

import contextlib
import inspect
import pickle
import warnings
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest

import lambdasim as ls
from lambdasim import finance, plots
from lambdasim.errors import InputError, LambdaSimError
from lambdasim.specs import load_scenario_text

SCENARIO = """name: t
start: 2026-11-01T00:00:00Z
duration: 2min
functions: [{name: f, work: {io_ms: 5}, traffic: {constant: {rate_per_s: 1}}}]
"""
ROOMS = {"": ls, "finance.": finance, "plots.": plots}
FUNCTIONS = sorted(
    f"{prefix}{name}"
    for prefix, room in ROOMS.items()
    for name in room.__all__
    if inspect.isfunction(getattr(room, name))
)


def named(name: str) -> Callable[..., object]:
    """Give a public function by its name behind ``lambdasim``."""
    found: Callable[..., object] = attrgetter(name)(ls)
    return found


class Something:
    """What nobody expects."""


SPEC = load_scenario_text(SCENARIO)
WRONG = {
    "none": None, "whole": 7, "real": 3.5, "flag": True, "text": "no such thing", "bytes": b"x", "mapping": {"a": 1},
    "list": [1], "list of none": [None], "object": Something(), "class": Something, "scenario": SPEC,
    "function": lambda: 0, "run": ls.simulate(arrivals_s=[0, 1], durations_ms=5),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_wrong_type_anywhere_is_our_own_error(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In each place that has to be given, and in each that may be, beside what is right or wrong in the others."""
    monkeypatch.chdir(tmp_path)
    function = named(name)
    parameters = list(inspect.signature(function).parameters.values())
    needed = [one for one in parameters if one.default is one.empty and one.kind is not one.VAR_KEYWORD]
    for value in WRONG.values():
        calls = [{one.name: value for one in needed}]
        calls += [calls[0] | {one.name: value} for one in parameters if one.kind is one.KEYWORD_ONLY]
        for call in calls:
            several = [one for one in needed if one.kind is one.VAR_POSITIONAL]
            positional = [call.pop(one.name) for one in several]
            with warnings.catch_warnings(), contextlib.suppress(LambdaSimError, OSError):
                warnings.simplefilter("ignore")
                function(*positional, **call)


def test_the_message_names_function_argument_and_type() -> None:
    with pytest.raises(InputError) as raised:
        ls.price(SPEC)  # type: ignore[arg-type]
    assert str(raised.value) == "price: usages: must be Iterable[Usage], got ScenarioSpec"
    with pytest.raises(InputError, match=r"load_scenario: path: must be str \| os\.PathLike"):
        ls.load_scenario({"name": "x"})  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"forecast: history: must be a trace"):
        ls.forecast(SPEC, "2026-11", "traffic.csv")  # type: ignore[arg-type]


def test_a_public_function_is_the_one_of_its_module() -> None:
    """So that it can be handed to another process by its name."""
    for name in FUNCTIONS:
        function = named(name)
        assert pickle.loads(pickle.dumps(function)) is function  # noqa: S301 - just made


def test_too_few_arguments_are_told_by_python() -> None:
    with pytest.raises(TypeError, match="missing 1 required"):
        ls.load_scenario()  # type: ignore[call-arg]


class Unwilling(list[float]):
    """Raises when it is read."""

    def __array__(self, *_: object, **__: object) -> object:
        raise RuntimeError("mine")


def mine(*_: object) -> None:
    raise ValueError("mine")


def test_an_error_of_the_callers_own_stays_what_it_is() -> None:
    """Of a callback, or of an object that is handed in: no argument is blamed for it, whatever else would be wrong."""
    ones = [1.0] * 100
    calls = {
        "callback": lambda: ls.simulate(arrivals_s=[0, 1.5], durations_ms=5, progress=mine),
        "study": lambda: ls.replicate(SPEC, 3, progress=mine),
        "handed in": lambda: ls.backtest(Unwilling(ones), paths=10),
    }
    for name, call in calls.items():
        with pytest.raises((ValueError, RuntimeError)) as raised:
            call()
        assert (name, str(raised.value), isinstance(raised.value, LambdaSimError)) == (name, "mine", False)


def test_arrays_of_any_kind_are_arrays() -> None:
    """A list of numbers, rows of them and NumPy's own are allowed where an annotation says arrays; text is not."""
    from lambdasim.arguments import _wrong_argument

    numbers = ([1.0, 2], (1, 2), np.ones(3), np.ones((2, 2)), [[1, 2], [3, 4]], 5)
    for value in numbers:
        assert _wrong_argument(ls.backtest, (value,), {}) is None, value
    for value in ("a", ["a"], None, {"a": 1}, [[1, 2], [3]], Something(), [None]):
        assert _wrong_argument(ls.backtest, (value,), {}) is not None, value
