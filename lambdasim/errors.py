"""The one tree of errors and warnings; every message names the place, the value got and what is allowed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from lambdasim.wording import printable

# Characters: names and lists come from files, which may hold anything.
_LONGEST_FIELD: Final = 300
_LONGEST_MESSAGE: Final = 2_000


class LambdaSimError(Exception):
    """Root of every error that lambdasim raises on purpose."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong in an input.

    Attributes
    ----------
    where : str
        File and place: ``scenario.yaml:12``, ``trace.csv, row 7``.
    field : str
        Field or column, dotted where nested; empty where the whole input is at fault.
    message : str
        Value got, what is allowed, and where the limit comes from.
    """

    where: str
    field: str
    message: str

    def __str__(self) -> str:
        """Return the fault as one line; what it quotes can do nothing to a terminal, and does not fill it."""
        parts = (self.where, _cut(self.field, _LONGEST_FIELD), _cut(self.message, _LONGEST_MESSAGE))
        return printable(": ".join(part for part in parts if part))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


class InputError(LambdaSimError, ValueError):
    """Input that cannot be accepted; carries every fault found.

    Parameters
    ----------
    faults : Iterable[Fault]
        At least one.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        """Return every fault, one a line."""
        return "\n".join(str(fault) for fault in self.faults)

    @classmethod
    def single(cls, where: str, field: str, message: str) -> Self:
        """Make an error with one fault.

        Parameters
        ----------
        where, field, message : str
            As the attributes of ``Fault``.

        Returns
        -------
        InputError
        """
        return cls([Fault(where, field, message)])


class ScenarioError(InputError):
    """A scenario file or spec that cannot be accepted."""


class TraceError(InputError):
    """A traffic or log file that cannot be read."""


class TemplateError(InputError):
    """A template or an export that cannot be read."""


class CatalogError(InputError):
    """A price, limit or timing that the catalog does not have."""


class ConservationError(LambdaSimError):
    """An engine lost or invented an event: always a defect of lambdasim, never of the input."""


class WorkersLostError(LambdaSimError):
    """Processes that worked side by side are gone before their work was done."""


class LambdaSimWarning(UserWarning):
    """Root of every warning that lambdasim gives on purpose."""


class OutsideCalibrationWarning(LambdaSimWarning):
    """A value lies outside the range in which the model was measured."""


class NotModelledWarning(LambdaSimWarning):
    """A setting is accepted but has no effect on the result."""


class DamagedFileWarning(LambdaSimWarning):
    """A file that was kept from an earlier run cannot be used, and what it held is made again."""
