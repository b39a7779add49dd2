"""Finished points of work kept in a folder, so that a run that was killed can continue."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar

from lambdasim import version
from lambdasim.atomic import refuse_linked_folder, write_bytes_atomically
from lambdasim.errors import DamagedFileWarning, LambdaSimError
from lambdasim.outputs import refuse_no_file
from lambdasim.specs.scenario import ScenarioSpec

Result = TypeVar("Result")
_MOST_BYTES: Final = 1 << 26
_DATA: Final = (".csv", ".json", ".toml")


class Wording(NamedTuple, Generic[Result]):
    """How results of a kind become text, and text results again; to the last bit.

    Attributes
    ----------
    to_text : callable
        From a result to a dict of str to str.
    of_text : callable
        The way back; may raise ValueError, TypeError or KeyError for what ``to_text`` does not make.
    """

    to_text: Callable[[Result], dict[str, str]]
    of_text: Callable[[dict[str, str]], Result]


def numbers_to_text(numbers: Mapping[str, float]) -> dict[str, str]:
    """Write numbers out: NaN is no JSON, and text keeps every bit of a float."""
    return {name: repr(float(value)) for name, value in numbers.items()}


def numbers_of_text(text: dict[str, str]) -> dict[str, float]:
    """Read numbers again."""
    return {name: float(value) for name, value in text.items()}


NUMBERS: Final = Wording(numbers_to_text, numbers_of_text)


class PointStore(Generic[Result]):
    """A folder with one file for each finished point; a file is whole or not there.

    Parameters
    ----------
    folder : path-like
        Made when the first point is kept.
    about : dict of str to str
        All that the points' results depend on, beside the seed; see ``origin``.
    wording : Wording
        Of the results, such as ``NUMBERS``.
    """

    def __init__(
        self, folder: str | os.PathLike[str], about: dict[str, str], wording: Wording[Result]
    ) -> None:
        self._folder = Path(folder)
        self._about = about
        self._wording = wording

    def kept(self, seed: int) -> Result | None:
        """Return the result of a point, or None where it must be made.

        Warns
        -----
        DamagedFileWarning
            Where a file stands in the point's place that was not written for it, or not as it is now.
        """
        path = self._path(seed)
        refuse_no_file(path)
        try:
            with path.open("rb") as stream:
                content = stream.read(_MOST_BYTES)
        except FileNotFoundError:
            return None
        try:
            told = json.loads(content)
            if told == self._content(seed, told["result"]):
                return self._wording.of_text(told["result"])
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            pass
        warnings.warn(f"{path} is damaged, or not of this run, and is made again", DamagedFileWarning, 2)
        return None

    def keep(self, seed: int, result: Result) -> None:
        """Put the result of a point away."""
        content = self._content(seed, self._wording.to_text(result))
        text = json.dumps(content, indent=1) + "\n"
        refuse_linked_folder(self._folder)
        write_bytes_atomically(self._path(seed), text.encode())

    def _path(self, seed: int) -> Path:
        return self._folder / f"{_digest([self._about, seed])[:32]}.json"

    def _content(self, seed: int, result: dict[str, str]) -> dict[str, Any]:
        return {"of": self._about, "seed": seed, "result": result, "sha256": _digest([seed, result])}


def origin(scenario: ScenarioSpec) -> dict[str, str]:
    """Say what the result of a scenario depends on besides its seed.

    Parameters
    ----------
    scenario : ScenarioSpec

    Returns
    -------
    dict of str to str
        Checksums of scenario, traces, and this version with its prices and its code. The engine's name is not among them:
        all give equal records.
    """
    traces = hashlib.sha256()
    for function in scenario.functions:
        path = scenario.base_dir / (function.traffic.trace or "")
        if path.is_file():  # one that is missing is reported when it is read
            with path.open("rb") as stream:
                traces.update(hashlib.file_digest(stream, "sha256").digest())
    return {
        "scenario_sha256": scenario.with_seed(0).scenario_hash(),
        "traces_sha256": traces.hexdigest(),
        "version_sha256": release_checksum(".py"),
    }


def check_release(release: str) -> None:
    """Make sure that a worker has what the process has from which its work comes.

    Parameters
    ----------
    release : str
        The other's ``release_checksum()``.

    Raises
    ------
    LambdaSimError
        When it has another version, or other prices.
    """
    if release_checksum() != release:
        raise LambdaSimError(
            "a worker has another version of lambdasim, or other prices: install the same there"
        )


@cache
def release_checksum(*suffixes: str) -> str:
    """Return the SHA-256 of the version's number and its prices and other data, and of files with further suffixes."""
    whole = hashlib.sha256(version.__version__.encode())
    package = Path(version.__file__).parent
    for path in sorted(package.rglob("*")):
        if path.suffix in (*_DATA, *suffixes):
            whole.update(path.relative_to(package).as_posix().encode())
            whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
