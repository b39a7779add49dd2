"""Commands that start from what people have: templates of functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from lambdasim.cli.app import JsonOption, app, say_written, write

ParameterOption = Annotated[
    list[str] | None,
    typer.Option("--parameter", "-p", metavar="K=V", help="Value of a template's parameter."),
]
StageOption = Annotated[str | None, typer.Option(help="Stage of serverless.yml; table of samconfig.toml.")]


@app.command("import")
def import_(
    source: Annotated[
        Path,
        typer.Argument(
            help="SAM or CloudFormation template, cdk.out, terraform show -json, tfstate, serverless.yml."
        ),
    ],
    parameter: ParameterOption = None,
    region: Annotated[str | None, typer.Option(help="For prices, and where the template asks.")] = None,
    stage: StageOption = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder for the scenario and what was assumed.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a scenario of a template: functions, limits, triggers; what it cannot say is asked."""
    from lambdasim.templates.reading import read_source
    from lambdasim.templates.writing.draft import draft_scenario
    from lambdasim.templates.writing.scenario_writer import scenario_files, write_folder
    from lambdasim.templates.writing.text import import_mapping, import_text
    from lambdasim.wording import printable

    found = read_source(source, parameters_of(parameter), region, stage)
    draft = draft_scenario(found, region=region)
    if out is not None:
        files = scenario_files(found, draft)
        write_folder(files, out)
    if as_json:
        write(json.dumps(import_mapping(found, draft), indent=1, ensure_ascii=True))
    else:
        write(import_text(found, draft))
    if out is not None:
        say_written([out / name for name in files], as_json)
        if not as_json:
            write(f"next: lambdasim simulate {printable(str(out))}")


def parameters_of(given: list[str] | None) -> dict[str, str]:
    """Read ``K=V`` options."""
    from lambdasim.errors import InputError
    from lambdasim.wording import clipped

    parameters: dict[str, str] = {}
    for one in given or []:
        key, sign, value = one.partition("=")
        if not sign or not key:
            raise InputError.single("lambdasim", "--parameter", f"must be NAME=VALUE, got {clipped(one, 40)}")
        parameters[key.strip()] = value
    return parameters
