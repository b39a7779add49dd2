"""The option that asks for lines of the services beside Lambda."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lambdasim.specs import ScenarioSpec
    from lambdasim.specs.work.neighbours import NeighbourLines

WithOption = Annotated[
    list[str] | None,
    typer.Option("--with", help="Lines of services beside Lambda, comma-separated: trigger, logs, traces."),
]


def lines_of(texts: list[str] | None, command: str) -> tuple[NeighbourLines, ...]:
    """Read the lines that ``--with`` names.

    Raises
    ------
    InputError
        When one is not known.
    """
    from lambdasim.errors import InputError
    from lambdasim.specs.work.neighbours import NeighbourLines

    names = [name.strip() for text in texts or () for name in text.split(",")]
    known = [line.value for line in NeighbourLines]
    for name in names:
        if name not in known:
            raise InputError.single(command, "--with", f"must be of {', '.join(known)}, got {name[:40]!r}")
    return tuple(map(NeighbourLines, names))


def including(spec: ScenarioSpec, texts: list[str] | None, command: str) -> ScenarioSpec:
    """Return a scenario with the lines that ``--with`` names, beside those that it asks for itself."""
    import lambdasim as ls

    lines = lines_of(texts, command)
    if not lines:
        return spec
    include = tuple(dict.fromkeys((*spec.neighbours.include, *lines)))
    return ls.revised(spec, {"neighbours": ls.revised(spec.neighbours, {"include": include})})
