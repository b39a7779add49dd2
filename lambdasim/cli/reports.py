"""The command that makes a report to pass on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lambdasim.cli.app import JsonOption, app, made, say_written, write
from lambdasim.cli.writing import agreed_to, can_be_long, refuse_without_rates

if TYPE_CHECKING:
    from collections.abc import Iterable


@app.command()
@can_be_long
def report(
    scenario: Annotated[
        Path,
        typer.Argument(help="Scenario file, folder of an import, or folder that `simulate --out` wrote."),
    ],
    template: Annotated[
        str,
        typer.Option(
            help="architect, finance, incident, or your own notebook (.ipynb, .py), which is executed."
        ),
    ] = "architect",
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "-p", "--parameter", help="NAME=VALUE for a name of the cell with SCENARIO; may be repeated."
        ),
    ] = None,
    pdf: Annotated[
        bool | None,
        typer.Option("--pdf/--no-pdf", help="Print the page with Chromium; default: where there is one."),
    ] = None,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder for page, notebook and PDF; made if missing.")
    ] = Path("report"),
    as_json: JsonOption = False,
) -> None:
    """Make a report to pass on: one page, one PDF, and the notebook behind it."""
    import lambdasim as ls
    from lambdasim.errors import InputError
    from lambdasim.report.notebook.build import NOTEBOOK, PAGE, PDF, REPORT
    from lambdasim.report.notebook.pdf import browser
    from lambdasim.specs.loading import IN_FOLDER
    from lambdasim.study.expected import report_cost

    if pdf and browser() is None:
        raise InputError.single("report", "--pdf", "needs Chromium, which was not found on this machine")
    if not scenario.is_dir() or (scenario / IN_FOLDER).is_file():
        spec = ls.load_scenario(scenario)
        refuse_without_rates(spec)
        agreed_to(report_cost(spec), spec.name)
    made(out, of_study=False)
    from lambdasim.outputs import OutputFolder

    with OutputFolder(out, REPORT) as place:
        place.check((PAGE, NOTEBOOK, PDF))
    built = ls.build_report(scenario, template, folder=out, parameters=_parameters(parameter or ()))
    printed = browser() is not None if pdf is None else pdf
    written = built.write(out, pdf=printed)
    if as_json:
        write(json.dumps({"template": template, "files": list(map(str, written))}, indent=1))
    elif not printed and pdf is None:
        write("no PDF: this machine has no Chromium")
    say_written(written, as_json)


def _parameters(texts: Iterable[str]) -> dict[str, object]:
    """Read what ``-p`` says.

    Raises
    ------
    InputError
        When one has no name.
    """
    from lambdasim.errors import InputError
    from lambdasim.report.notebook.parameters import value_of

    given = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise InputError.single("report", "-p", f"must be NAME=VALUE, got {text!r:.80}")
        given[name] = value_of(value)
    return given
