"""What the command line may say of a trace file: the keys of a scenario's traffic, as options of every command."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from lambdasim.specs import ScenarioSpec
    from lambdasim.specs.traffic import TrafficSpec
    from lambdasim.traffic.readers.dialect import Dialect
    from lambdasim.traffic.trace import Trace

_HELP: Final = {
    "format": "How a trace is written: csv_counts, csv_events, report_logs, ...; default: seen from the file.",
    "timestamp_column": "Column of a trace that holds the time.",
    "count_column": "Column of a trace that holds the count.",
    "function_column": "Column of a trace that names the function.",
    "timestamp_unit": "How a trace writes time: iso, or s, ms, us, ns since 1970.",
    "utc": "Take a trace's times without an offset as UTC.",
    "separator": "Between fields of a table: comma, semicolon, tab or bar; default: comma.",
    "decimal": "Before the fraction of a number in a table: point or comma; default: point.",
    "thousands": "Between groups of three digits: comma, point, space or apostrophe; default: nothing.",
    "dates": "How a table writes days: iso, us (11/30/2026), british (30/11/2026), german (30.11.2026), excel.",
    "sheet": "Sheet of a workbook (.xlsx); default: its only one.",
    "interval": "Length of the interval that each count stands for, such as 5min; default: the most common step.",
}
SeparatorOption = Annotated[str | None, typer.Option("--separator", help=_HELP["separator"])]
DecimalOption = Annotated[str | None, typer.Option("--decimal", help=_HELP["decimal"])]
ThousandsOption = Annotated[str | None, typer.Option("--thousands", help=_HELP["thousands"])]
_ARGUMENT: Final = "traces"
_COMMON: Final = ("out", "as_json")  # where the options begin that all commands have


@dataclass(frozen=True)
class TraceOptions:
    """What the command line says of traces.

    Attributes
    ----------
    said : dict of str to str or bool
        Keys of a scenario's traffic, those that were given.
    """

    said: Mapping[str, str | bool]

    def scenario(self, path: Path) -> ScenarioSpec:
        """Load a scenario, and say of the traces that it names what the command line says.

        Raises
        ------
        InputError
            When the scenario is not allowed, an option has no such value, or there is no trace that it could be about.
        """
        import lambdasim as ls
        from lambdasim.specs.base import revised

        spec = ls.load_scenario(path)
        if not self.said:
            return spec
        if not any(function.traffic.trace for function in spec.functions):
            raise self._fault(next(iter(self.said)), f"is about traces, and {path.name} names none")
        functions = tuple(
            revised(function, {"traffic": self.of(function.traffic)}) if function.traffic.trace else function
            for function in spec.functions
        )
        return revised(spec, {"functions": functions})

    def of(self, traffic: TrafficSpec) -> TrafficSpec:
        """Say it of one traffic."""
        from lambdasim.errors import ScenarioError
        from lambdasim.specs.base import revised

        try:
            return revised(traffic, self.said)
        except ScenarioError as refused:
            first = refused.faults[0]
            key = first.field if first.field in self.said else next(iter(self.said))
            raise self._fault(key, first.message) from None

    def trace(self, path: Path) -> Trace:
        """Open a trace file as the command line says."""
        from lambdasim.specs.traffic import TrafficSpec
        from lambdasim.traffic.opening import open_trace

        return open_trace(path.parent, path.name, self.of(TrafficSpec(trace=path.name)))

    @staticmethod
    def _fault(key: str, message: str) -> Exception:
        from lambdasim.errors import InputError

        return InputError.single("lambdasim", f"--{key.replace('_', '-')}", message)


def takes_traces(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that are about traces; it gets them as its argument ``traces``."""
    signature = inspect.signature(command, eval_str=True)
    own = [found for found in signature.parameters.values() if found.name != _ARGUMENT]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, default, annotation in map(_option, _HELP)
    ]

    @wraps(command)
    def called(**given: Any) -> None:
        said = {name: given.pop(name) for name in _HELP}
        kept = {name: value for name, value in said.items() if value not in (None, False)}
        command(**given, **{_ARGUMENT: TraceOptions(kept)})

    keyword = [found.replace(kind=inspect.Parameter.KEYWORD_ONLY) for found in own]
    names = [found.name for found in own]
    common = next(names.index(name) for name in _COMMON if name in names)
    named = inspect.Signature([*keyword[:common], *added, *keyword[common:]], return_annotation=None)
    del called.__dict__["__wrapped__"]
    called.__dict__["__signature__"] = named
    called.__annotations__ = {found.name: found.annotation for found in named.parameters.values()}
    return called


def _option(key: str) -> tuple[str, object, Any]:
    name = f"--{key.replace('_', '-')}"
    if key == "utc":
        return key, False, Annotated[bool, typer.Option(name, help=_HELP[key])]
    return key, None, Annotated[str | None, typer.Option(name, help=_HELP[key])]


def dialect_of(command: str, separator: str | None, decimal: str | None, thousands: str | None) -> Dialect:
    """Say how a table of money is written, which is no workbook.

    Parameters
    ----------
    command : str
        Its name, for the message.
    separator, decimal, thousands : str or None

    Raises
    ------
    InputError
        When one of them has no such value.
    """
    from lambdasim.errors import InputError
    from lambdasim.traffic.readers.dialect import Dialect

    try:
        return Dialect(separator, decimal, thousands, text_only=True)  # type: ignore[arg-type]  # it makes them kinds
    except InputError as wrong:
        fault = wrong.faults[0]
        raise InputError.single(command, f"--{fault.field}", fault.message) from None
