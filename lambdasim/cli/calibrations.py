"""The command that fits a function to what was measured of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from lambdasim.cli.app import JsonOption, app, write


@app.command()
def calibrate(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Logs of one function: REPORT lines, Insights, events; or Power Tuning's JSON or chart URL."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write a scenario, YAML, with its arrivals beside it.")
    ] = None,
    function: Annotated[str | None, typer.Option(help="Which function of the logs.")] = None,
    architecture: Annotated[str, typer.Option(help="x86_64 or arm64: where it ran.")] = "x86_64",
    runtime: Annotated[
        str, typer.Option(help="Whose INIT stands in where few starts are logged.")
    ] = "python3.13",
    skip_bad_rows: Annotated[
        bool, typer.Option("--skip-bad-rows", help="Leave bad rows out, count and list them.")
    ] = False,
    plot: Annotated[Path | None, typer.Option(help="Write pictures of the fit into this folder.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Fit work, INIT, memory and failures to a function's logs."""
    from lambdasim.calibration.calibrate import calibrate_logs
    from lambdasim.errors import InputError

    if architecture not in ("x86_64", "arm64"):
        raise InputError.single(
            "lambdasim", "--architecture", f"must be x86_64 or arm64, got {architecture[:40]!r}"
        )
    found = calibrate_logs(
        sources,
        out,
        function=function,
        skip_bad_rows=skip_bad_rows,
        architecture=architecture,
        runtime=runtime,
    )
    if plot is not None:
        from lambdasim.plots.calibration import write_fit_pictures

        write_fit_pictures(found, plot)
    write(json.dumps(found.as_mapping(), indent=1, ensure_ascii=False) if as_json else found.text())
