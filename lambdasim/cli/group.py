"""How the program lists its commands: in groups, in the order of a person's work."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from typer.core import TyperGroup

ORDER: Final = {
    "Describe a scenario": ("init", "validate", "import", "calibrate", "schema"),
    "Simulate it": ("estimate", "simulate"),
    "Decide": ("sweep-memory", "compare", "limits", "trap", "break-even", "platforms"),
    "Plan and check money": ("forecast", "backtest", "bill", "safety", "commit", "prices"),
    "Show it": ("report",),
}
"""Headings of ``lambdasim --help`` and the commands under each."""


class ProgramGroup(TyperGroup):
    """The program's commands under the headings of ``ORDER``; others under a heading of their own, at the end."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the commands' names in the order of ``ORDER``.

        Parameters
        ----------
        ctx : Context

        Returns
        -------
        list of str
        """
        known = [name for names in ORDER.values() for name in names if name in self.commands]
        return known + [name for name in self.commands if name not in known]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command; suggest those that begin with what was typed, else those that are spelt alike.

        Parameters
        ----------
        ctx : Context
        args : list of str

        Returns
        -------
        tuple
            Name, command, and the arguments left for it.
        """
        longer = [name for name in self.commands if args[0] and name.startswith(args[0])]
        if args[0] not in self.commands and longer:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {' or '.join(map(repr, longer))}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the headings and the commands under each.

        Parameters
        ----------
        ctx : Context
        formatter : HelpFormatter
        """
        left, widest = self.list_commands(ctx), max(map(len, self.commands))
        headings = {**ORDER, "Other commands": tuple(self.commands)}
        for heading, names in headings.items():
            here = [name for name in names if name in left]
            left = [name for name in left if name not in here]
            rows = [
                (name.ljust(widest), self.commands[name].get_short_help_str(formatter.width - widest - 6))
                for name in here
                if not self.commands[name].hidden
            ]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)


class DefaultGroup(TyperGroup):
    """A group that takes what is no command of its own for arguments of its first: ``lambdasim bill out/``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the first command's name before arguments that name none.

        Parameters
        ----------
        ctx : Context
        args : list of str

        Returns
        -------
        list of str
        """
        first = next(iter(self.commands))
        if args and args[0] not in self.commands and not Path(args[0]).exists():
            likely = get_close_matches(args[0], self.commands)
            if likely:
                ctx.fail(f"No such folder or command {args[0]!r}. Did you mean {likely[0]!r}?")
        named = args and args[0] in self.commands
        return super().parse_args(ctx, args if named else [first, *args])
