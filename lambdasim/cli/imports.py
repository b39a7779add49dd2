"""Commands that start from what people have: templates of functions."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lambdasim.cli.app import (
    JsonOption,
    OutOption,
    XlsxOption,
    app,
    counted,
    free_place,
    made,
    say_written,
    write,
)
from lambdasim.cli.writing import agreed_to, can_be_long

if TYPE_CHECKING:
    from lambdasim.results.expected import RunCost
    from lambdasim.templates.found import Found
    from lambdasim.templates.writing.draft import Draft

_AWS = "aws"
ParameterOption = Annotated[
    list[str] | None,
    typer.Option("--parameter", "-p", metavar="K=V", help="Value of a template's parameter."),
]
UsageOption = Annotated[
    Path | None, typer.Option("--usage", help="Infracost's usage file: requests and durations by function.")
]
StageOption = Annotated[str | None, typer.Option(help="Stage of serverless.yml; table of samconfig.toml.")]


@app.command("import")
def import_(
    source: Annotated[
        Path,
        typer.Argument(
            help="SAM or CloudFormation template, cdk.out, terraform show -json, tfstate, serverless.yml; or aws."
        ),
    ],
    exports: Annotated[
        list[Path] | None,
        typer.Argument(help="After aws: files of AWS CLI answers, and folders that hold them."),
    ] = None,
    parameter: ParameterOption = None,
    region: Annotated[str | None, typer.Option(help="For prices, and where the template asks.")] = None,
    stage: StageOption = None,
    usage: UsageOption = None,
    commands: Annotated[
        bool, typer.Option("--commands", help="After aws: print the AWS CLI commands that export an account.")
    ] = False,
    days: Annotated[
        int | None, typer.Option(help="With --commands: how many days of metrics; default 14.")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(help="With --commands: the metrics end before this day, YYYY-MM-DD; default: today."),
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Bring a folder up to date; what you changed in it stays.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder for the scenario and what was assumed.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a scenario from a template or an account's exports: functions, limits, triggers; asks for what is missing."""
    from lambdasim.errors import InputError
    from lambdasim.templates.reading import read_source
    from lambdasim.templates.usage_file import with_usage
    from lambdasim.templates.writing.draft import draft_scenario
    from lambdasim.templates.writing.scenario_writer import scenario_files, write_folder
    from lambdasim.templates.writing.text import import_mapping, import_text
    from lambdasim.wording import printable

    if commands:
        _print_commands(source, exports or [], days, until, region, as_json)
        return
    if days is not None or until is not None:
        raise InputError.single("lambdasim import", "--days and --until", "go with aws --commands alone")
    if str(source) == _AWS and (exports or not source.exists()):
        found = _account(exports or [], region)
    else:
        if exports:
            got = printable(str(exports[0]))[:60]
            message = (
                f"must be left out after a template, got {got}; lambdasim import aws FOLDER reads exports"
            )
            raise InputError.single("lambdasim import", "EXPORTS", message)
        found = read_source(source, parameters_of(parameter), region, stage)
    if usage is not None:
        found = with_usage(found, usage)
    draft = draft_scenario(found, region=region)
    files = scenario_files(found, draft)
    if refresh:
        _refresh(files, draft, out, as_json)
        return
    if out is not None:
        write_folder(files, out)
    if as_json:
        write(json.dumps(import_mapping(found, draft), indent=1, ensure_ascii=True))
    else:
        write(import_text(found, draft))
    if out is not None:
        _say_folder(out, files, as_json)


def _account(exports: list[Path], region: str | None) -> Found:
    from lambdasim.errors import InputError
    from lambdasim.templates.account.read import read_account

    if not exports:
        message = "needs files or folders of AWS CLI answers; --commands prints the commands"
        raise InputError.single("lambdasim import aws", "EXPORTS", message)
    return read_account(exports, region)


def _refresh(files: dict[str, bytes], draft: Draft, out: Path | None, as_json: bool) -> None:
    """Bring a folder up to date, and say what changed."""
    from lambdasim.errors import InputError
    from lambdasim.templates.writing.refresh import refreshed, write_refreshed

    if out is None:
        raise InputError.single("lambdasim", "--refresh", "needs the folder, -o FOLDER")
    done = refreshed(out, files, draft.scenario)
    write_refreshed(done, out)
    told = {"changed": done.changed, "kept": done.kept}
    write(json.dumps(told, indent=1, ensure_ascii=True) if as_json else done.text())


def _say_folder(out: Path, files: dict[str, bytes], as_json: bool) -> None:
    """Say what was written: files that people open by name, tables beside them by folder."""
    from lambdasim.wording import listed, printable

    say_written([out / name for name in files if "/" not in name], as_json)
    tables = sorted({name.partition("/")[0] for name in files if "/" in name})
    if tables and not as_json:
        write(f"  and tables in {listed((f'{name}/' for name in tables), last=' and ')}")
    if not as_json:
        write(f"next: lambdasim simulate {printable(str(out))}")


def _print_commands(
    source: Path, exports: list[Path], days: int | None, until: str | None, region: str | None, as_json: bool
) -> None:
    """Print the commands that export an account, and write the requests that they name."""
    from lambdasim.cli.app import day_of
    from lambdasim.errors import InputError
    from lambdasim.templates.account.commands import account_commands, write_requests

    if str(source) != _AWS:
        raise InputError.single(
            "lambdasim import", "--commands", "goes with aws: lambdasim import aws --commands"
        )
    made = account_commands(exports, days, day_of(until, "lambdasim import aws", "--until"), region)
    written = []
    if exports and made.files:
        folder = exports[0] if exports[0].is_dir() else exports[0].parent
        written = write_requests(made, folder)
    if as_json:
        files = [str(one) for one in written]
        told = {"commands": made.lines, "metrics": made.metrics, "usd": made.usd, "written": files}
        write(json.dumps(told, indent=1, ensure_ascii=True))
        return
    write(made.text())
    if written:
        sys.stderr.write(f"wrote {counted(len(written), 'request')} into {written[0].parent}\n")


@app.command()
def init(
    name: Annotated[
        str | None, typer.Argument(help="File to write, scenario.yaml; with --example, which example.")
    ] = None,
    example: Annotated[
        bool, typer.Option("--example", help="Copy an example by its name; without a name, list them.")
    ] = False,
    notebook: Annotated[
        bool, typer.Option("--notebook", help="Also write my_scenario.ipynb, a notebook about it.")
    ] = False,
) -> None:
    """Write a commented scenario to edit, or one of the examples."""
    from lambdasim.templates.examples import FIRST, copy_example, example_names
    from lambdasim.wording import printable, wrapped

    if example and name is None:
        for one, about in example_names().items():
            write(wrapped(f"{one}: {about}", "", "  "))
        return
    chosen, target = (
        (name or FIRST, Path(f"{name}.yaml")) if example else (FIRST, Path(name or "scenario.yaml"))
    )
    written = [copy_example(chosen, target)]
    if notebook:
        from lambdasim.report.notebook.build import write_first_notebook

        written.append(write_first_notebook(written[0]))
    say_written(written)
    verb = "import" if chosen == "template" else "simulate"
    write(f"next: lambdasim {verb} {printable(str(written[0]))}")


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


@app.command()
@can_be_long
def estimate(
    template: Annotated[
        Path | None,
        typer.Argument(help="Template, as for import; or leave it out and give --calls and --duration."),
    ] = None,
    requests: Annotated[
        list[str] | None,
        typer.Option(
            "--requests", metavar="VOLUME", help="3M/month, 40/s, 200k/day; of all, or NAME=VOLUME."
        ),
    ] = None,
    calls: Annotated[
        str | None, typer.Option(metavar="VOLUME", help="Volume of one described function.")
    ] = None,
    duration: Annotated[str | None, typer.Option(help="Its mean duration, such as 120ms.")] = None,
    memory: Annotated[int | None, typer.Option(help="Its memory [MB].")] = None,
    architecture: Annotated[
        str | None, typer.Option(help="Its architecture, x86_64 or arm64; default: x86_64.")
    ] = None,
    runtime: Annotated[
        str | None, typer.Option(help="Its runtime, which decides on INIT; default: python3.13.")
    ] = None,
    parameter: ParameterOption = None,
    region: Annotated[str | None, typer.Option(help="For prices, and where the template asks.")] = None,
    stage: StageOption = None,
    usage: UsageOption = None,
    xlsx: XlsxOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Estimate a month's bill with its range, without a scenario."""
    from lambdasim.cli.app import announcing_compilation, present, progress
    from lambdasim.report.pages.estimate import estimate_page
    from lambdasim.templates.estimate.ask import Described, estimate_function, estimate_template
    from lambdasim.templates.estimate.text import estimate_text

    free_place(xlsx)
    made(out)
    with announcing_compilation(), progress(100) as tell:

        def told(done: int, planned: int) -> None:
            tell(done * 100 // planned)

        def agree(cost: RunCost) -> None:
            agreed_to(cost, "estimate", "give a template of fewer functions")

        if template is not None:
            found = estimate_template(
                template, requests or [], parameters=parameters_of(parameter), region=region, stage=stage, usage=usage,
                described={
                    "--calls": calls, "--duration": duration, "--memory": memory, "--architecture": architecture,
                    "--runtime": runtime,
                }, progress=told, agree=agree,
            )  # fmt: skip
        else:
            of_templates = {"--parameter": parameter, "--stage": stage, "--usage": usage}
            volumes = [*([] if calls is None else [calls]), *(requests or [])]
            described = Described(volumes, duration, memory, architecture, runtime, region)
            found = estimate_function(described, of_templates=of_templates, progress=told, agree=agree)
    present(partial(estimate_text, found), partial(estimate_page, found), out, as_json, xlsx)
