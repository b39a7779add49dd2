"""The command that fits a function to what was measured of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from lambdasim.cli.app import JsonOption, SkipBadRowsOption, app, made, say_written, write
from lambdasim.cli.traces import TraceOptions, takes_traces
from lambdasim.cli.writing import agreed_to, can_be_long

_FILES = (".yaml", ".yml", ".json", ".csv")


@app.command()
@can_be_long
@takes_traces
def calibrate(
    traces: TraceOptions,
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Logs of one function: REPORT lines, Insights, events; or Power Tuning's JSON or chart URL."
        ),
    ],
    function: Annotated[str | None, typer.Option(help="Which function of the logs.")] = None,
    architecture: Annotated[str, typer.Option(help="x86_64 or arm64: where it ran.")] = "x86_64",
    runtime: Annotated[
        str | None, typer.Option(help="AWS's identifier; by default as the logs name it, else python3.13.")
    ] = None,
    function_version: Annotated[
        str | None,
        typer.Option(help="Which version of the function, or all of them together; by default the newest."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with status 1 if the scenario does not reproduce its log.")
    ] = False,
    skip_bad_rows: SkipBadRowsOption = False,
    scenario: Annotated[
        Path | None,
        typer.Option(help="Write only the scenario, to this YAML file, with its arrivals next to it."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Folder for scenario.yaml, its arrivals, page and pictures."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fit work, INIT, memory and failures to a function's logs."""
    from lambdasim.calibration.calibrate import calibrate_logs
    from lambdasim.calibration.expected import calibration_cost
    from lambdasim.errors import InputError
    from lambdasim.wording import clipped

    if architecture not in ("x86_64", "arm64"):
        raise InputError.single(
            "lambdasim", "--architecture", f"must be x86_64 or arm64, got {architecture[:40]!r}"
        )
    if out is not None and out.suffix.lower() in _FILES:
        raise InputError.single(
            "calibrate", "--out", f"must be a folder; for the scenario alone: --scenario {clipped(out, 200)}"
        )
    if out is not None and scenario is not None:
        raise InputError.single("calibrate", "--scenario", "must come without --out, which writes it too")
    agreed_to(calibration_cost(sources), "calibrate", "give a shorter stretch of the log")
    path = scenario if out is None or made(out, of_study=False) is None else out / "scenario.yaml"
    if path is not None:
        from lambdasim.calibration.scenario import CALIBRATION
        from lambdasim.outputs import check_output

        check_output(path, CALIBRATION)
    found = calibrate_logs(
        sources,
        path,
        function=function,
        skip_bad_rows=skip_bad_rows,
        said=traces.said,
        architecture=architecture,
        runtime=runtime,
        version=function_version,
    )
    written = [] if path is None else [path]
    if path is not None and found.observations is not None and len(found.observations.arrivals_us):
        written.append(path.with_suffix(".arrivals.csv"))
    if out is not None:
        from lambdasim.report.pages.calibration import calibration_page

        written += calibration_page(found).write(out)
    write(json.dumps(found.as_mapping(), indent=1, ensure_ascii=False) if as_json else found.text())
    say_written(written, as_json)
    if strict and found.round_trip is not None and found.round_trip.marked:
        raise typer.Exit(1)
