"""What every command keeps to when it writes: without --force it replaces no input, and nothing that is not its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, Final

import typer

from lambdasim.outputs import one_command

OUTPUTS: Final = frozenset({"out", "focus", "xlsx", "infracost", "sheets"})
"""Parameters that name a file or folder to write; a command that has one also has ``--force``."""
_FORCE: Final = Annotated[
    bool, typer.Option("--force", help="Replace files that lambdasim did not write, or that are inputs.")
]


def every_command_keeps_to_this(*groups: typer.Typer) -> None:
    """Let all commands of some groups remember what they read, and give those that write ``--force``."""
    for group in groups:
        for command in group.registered_commands:
            assert command.callback is not None  # noqa: S101 - typer's decorator gives it
            command.callback = _careful(command.callback)


def _careful(callback: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(callback, eval_str=True)  # this module has not the names in its words
    writes = bool(OUTPUTS & signature.parameters.keys())

    @wraps(callback)
    def careful(*args: Any, force: bool = False, **options: Any) -> Any:
        with one_command(force=force):
            return callback(*args, **options)

    if writes:
        option = inspect.Parameter("force", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=_FORCE)
        parameters = list(signature.parameters.values())
        names = [parameter.name for parameter in parameters]
        place = names.index("as_json") if "as_json" in names else len(names)
        parameters = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in (*parameters[:place], option, *parameters[place:])
        ]
        careful.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        careful.__annotations__ = {
            name: parameter.annotation
            for name, parameter in careful.__signature__.parameters.items()  # type: ignore[attr-defined]
        }
    return careful
