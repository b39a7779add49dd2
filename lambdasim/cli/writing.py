"""What every command keeps to when it writes: without --force it replaces no input, and nothing that is not its own."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from lambdasim.outputs import one_command

if TYPE_CHECKING:
    from lambdasim.results.expected import RunCost
    from lambdasim.specs.scenario import ScenarioSpec

Callback = TypeVar("Callback", bound=Callable[..., Any])
OUTPUTS: Final = frozenset({"out", "focus", "xlsx", "infracost", "sheets"})
"""Parameters that name a file or folder to write; a command that has one also has ``--force``."""
_FORCE: Final = Annotated[
    bool, typer.Option("--force", help="Replace files that lambdasim did not write, or that are inputs.")
]


_YES: Final = Annotated[
    bool, typer.Option("--yes", help="Go ahead even if it takes more than 4 GB or an hour.")
]
_GRANTED: Final = ContextVar("granted", default=False)
_WORTH_SAYING_S: Final = 10.0
_WAY_TO_A_BILL: Final = (
    "simulate it in a region that has them, such as us-east-1, with --out, and price that folder here: "
    "`lambdasim bill FOLDER --region REGION --price-sheet FILE`, FILE as `lambdasim prices refresh` writes it"
)


def can_be_long(callback: Callback) -> Callback:
    """Give a command ``--yes``; those with an engine have it anyhow. Each calls `agreed_to` before it begins."""
    callback.__dict__["can_be_long"] = True
    return callback


def agreed_to(
    cost: RunCost,
    name: str,
    lighter: str = "shorten it or lower its rates",
    *,
    workers: int = 1,
    points: int = 1,
) -> None:
    """Say what a command takes where that is long, and refuse what is too much without ``--yes``.

    Parameters
    ----------
    cost : RunCost
        As expected, in one process.
    name : str
        Of the scenario, or of the command.
    lighter : str
        What would make it less, for the refusal.
    workers, points : int
        Processes, and how many runs there are for them to share.
    """
    from lambdasim.results.expected import refuse_beyond_limits

    cost = cost.shared_by(max(min(workers, points), 1))
    if not _GRANTED.get():
        refuse_beyond_limits(cost, name, lighter)
    if cost.waiting_s > _WORTH_SAYING_S:
        sys.stderr.write(f"this takes {cost}\n")


def agreed(scenario: ScenarioSpec, *, runs: float = 1, engine: str = "auto", out: object = None) -> None:
    """Do so for plain runs of a scenario, whose bill must be possible.

    Parameters
    ----------
    scenario : ScenarioSpec
    runs : float
        One after the other.
    engine : str
    out : object
        None where nothing is written.
    """
    from lambdasim.results.expected import expected_cost

    refuse_without_rates(scenario)
    cost = expected_cost(scenario, runs=runs, engine=engine, written=out is not None)
    agreed_to(cost, scenario.name)


def refuse_without_rates(scenario: ScenarioSpec) -> None:
    """Refuse a scenario whose bill could not be made, before it is simulated.

    Raises
    ------
    InputError
        Naming all rates that its region's price sheet lacks, and the way to a bill.
    """
    from lambdasim.errors import InputError
    from lambdasim.results.foreseen import unknown_rates

    missing = unknown_rates(scenario)
    if missing:
        raise InputError.single(scenario.name, "region", f"{'; '.join(missing)}; {_WAY_TO_A_BILL}")


def every_command_keeps_to_this(*groups: typer.Typer) -> None:
    """Let all commands of some groups remember what they read, and give those that write ``--force``."""
    for group in groups:
        for command in group.registered_commands:
            assert command.callback is not None  # noqa: S101 - typer's decorator gives it
            command.callback = _careful(command.callback)


def _refuse_one_place_twice(options: dict[str, Any]) -> None:
    """Refuse outputs of one command that would replace one another, before any is written."""
    import os

    seen: dict[str, str] = {}
    for name in sorted(OUTPUTS & options.keys()):
        if options[name] is None:
            continue
        place = os.path.realpath(options[name])
        if place in seen:
            from lambdasim.errors import InputError

            raise InputError.single(
                str(options[name]), f"--{name}", f"must be another file than that of --{seen[place]}"
            )
        seen[place] = name


def _careful(callback: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(callback, eval_str=True)  # this module has not the names in its words
    added = {
        name: inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=option)
        for name, option, wanted in (
            ("force", _FORCE, OUTPUTS & signature.parameters.keys()),
            ("yes", _YES, "engine" in signature.parameters or "can_be_long" in vars(callback)),
        )
        if wanted
    }

    @wraps(callback)
    def careful(*args: Any, force: bool = False, yes: bool = False, **options: Any) -> Any:
        token = _GRANTED.set(yes)
        try:
            _refuse_one_place_twice(options)
            with one_command(force=force):
                return callback(*args, **options)
        finally:
            _GRANTED.reset(token)

    if added:
        parameters = list(signature.parameters.values())
        names = [parameter.name for parameter in parameters]
        place = names.index("as_json") if "as_json" in names else len(names)
        parameters = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in (*parameters[:place], *added.values(), *parameters[place:])
        ]
        careful.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        careful.__annotations__ = {
            name: parameter.annotation
            for name, parameter in careful.__signature__.parameters.items()  # type: ignore[attr-defined]
        }
    return careful
