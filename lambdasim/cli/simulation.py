"""The command that simulates a scenario."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lambdasim.cli.app import (
    DaskOption,
    EngineOption,
    JsonOption,
    OutOption,
    ResumeOption,
    ScenarioArgument,
    SkipBadRowsOption,
    SloOption,
    WorkersOption,
    announcing_compilation,
    app,
    made,
    progress,
    say_written,
    side_by_side,
    targets_of,
    tell_readings,
    write,
)
from lambdasim.cli.neighbours import WithOption, including
from lambdasim.cli.traces import TraceOptions, takes_traces
from lambdasim.cli.writing import agreed_to, refuse_without_rates

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.results.run import RunResult
    from lambdasim.specs import ScenarioSpec
    from lambdasim.study.targets import Target

_MOST_RECORDS = 2_000_000
_SAVED = ("scenario.json", "summary.json", "bill.csv", "usage.json", "metrics.csv")


@app.command()
@takes_traces
def simulate(
    traces: TraceOptions,
    scenario: ScenarioArgument,
    keep_records: Annotated[
        bool | None,
        typer.Option(
            "--records/--no-records",
            help=f"Whether --out keeps every attempt; default: up to {_MOST_RECORDS:,} of them.",
        ),
    ] = None,
    replications: Annotated[
        int, typer.Option(min=1, help="Simulate with this many seeds and give 95% intervals.")
    ] = 1,
    with_lines: WithOption = None,
    skip_bad_rows: SkipBadRowsOption = False,
    slo: SloOption = None,
    fail_slo: Annotated[
        bool, typer.Option("--fail-slo", help="End with status 1 if a target of --slo is missed.")
    ] = False,
    out: OutOption = None,
    as_json: JsonOption = False,
    workers: WorkersOption = 1,
    dask: DaskOption = None,
    resume: ResumeOption = None,
    engine: EngineOption = "auto",
) -> None:
    """Simulate a scenario: bill, percentiles, throttles; a folder of scenarios: accounts with one bill."""
    import lambdasim as ls
    from lambdasim.errors import InputError
    from lambdasim.results.expected import expected_cost
    from lambdasim.specs.loading import accounts_in
    from lambdasim.study.targets import kept_targets
    from lambdasim.templates.account.comparison import counted_beside

    if accounts := accounts_in(scenario):
        named = {
            "--records": keep_records, "--replications": replications > 1, "--with": with_lines, "--slo": slo,
            "--fail-slo": fail_slo, "--resume": resume,
        }  # fmt: skip
        for option, given in named.items():
            if given:
                raise InputError.single("simulate", option, "takes one scenario, not a folder of accounts")
        specs = {name: traces.scenario(path) for name, path in accounts.items()}
        if skip_bad_rows:
            specs = {name: one.skipping_bad_rows() for name, one in specs.items()}
        _accounts(specs, out, as_json, workers, dask, engine)
        return
    spec = including(traces.scenario(scenario), with_lines, "simulate")
    if skip_bad_rows:
        spec = spec.skipping_bad_rows()
    targets = targets_of(slo)
    if fail_slo and not targets:
        raise InputError.single("simulate", "--fail-slo", "needs --slo")
    counted = counted_beside(spec.base_dir)
    refuse_without_rates(spec)
    cost = expected_cost(spec, runs=replications, engine=engine, written=out is not None)
    agreed_to(cost, spec.name, workers=workers if replications > 1 else 1, points=replications)
    made(resume, of_study=False)
    made(out, of_study=False)
    if replications == 1 and (workers > 1 or dask is not None):
        sys.stderr.write("one run stays in one process, on threads: workers share --replications\n")
    with side_by_side(replications - 1, workers, dask) as executor:
        with announcing_compilation(), progress(spec.duration_us) as tell:
            simulated = partial(ls.simulate, spec, engine=engine, keep_records=False, progress=tell)
            written: list[Path] = []
            if out is None:
                run = simulated()
            else:
                run, written = _written(out, simulated, spec, keep_records, as_json, counted)
        tell_readings(run)
        intervals = None
        if replications > 1:
            with progress(replications) as tell:
                intervals = ls.replicate(
                    spec,
                    replications,
                    engine=engine,
                    executor=executor,
                    resume=resume,
                    first=run,
                    progress=tell,
                )
    write(_told(run, intervals, as_json, targets, counted))
    say_written(written, as_json)
    if fail_slo and not all(one.is_met for one in kept_targets(run, targets)):
        raise typer.Exit(1)


def _accounts(
    specs: dict[str, ScenarioSpec],
    out: Path | None,
    as_json: bool,
    workers: int,
    dask: str | None,
    engine: str,
) -> None:
    """Simulate accounts of one payer side by side, and price them together."""
    from functools import reduce
    from tempfile import TemporaryDirectory

    from lambdasim.report.accounts import simulate_accounts
    from lambdasim.results.expected import RunCost, expected_cost

    for spec in specs.values():
        refuse_without_rates(spec)
    costs = [expected_cost(spec, engine=engine, written=out is not None) for spec in specs.values()]
    agreed_to(reduce(RunCost.with_, costs), f"{len(specs)} accounts", workers=workers, points=len(specs))
    made(out, of_study=False)
    with (
        TemporaryDirectory() as passing,
        side_by_side(len(specs), workers, dask) as executor,
        announcing_compilation(),
        progress(len(specs)) as tell,
    ):
        found = simulate_accounts(
            specs, out or passing, executor, engine=engine, pages=out is not None, progress=tell
        )
    write(found.to_json() if as_json else found.text())
    if out is not None:
        say_written([out / "accounts.csv", out / "bill.csv", *(out / name for name in found.runs)], as_json)


def _told(
    run: RunResult,
    intervals: pd.DataFrame | None,
    as_json: bool,
    targets: tuple[Target, ...] = (),
    counted: dict[str, Any] | None = None,
) -> str:
    from lambdasim.study.targets import targets_frame, targets_text
    from lambdasim.templates.account.comparison import beside

    held = None if counted is None else beside(run, counted)
    if not as_json:
        told = [run.text(intervals)]
        told += [f"targets\n{targets_text(run, targets)}"] if targets else []
        told += [held if isinstance(held, str) else held.text()] if held is not None else []
        return "\n\n".join(told)
    from lambdasim.results.files.saved import run_content

    content = run_content(run) | {
        "intervals": None if intervals is None else json.loads(intervals.to_json(orient="index"))
    }
    if targets:
        content["targets"] = json.loads(targets_frame(run, targets).to_json(orient="records"))
    if held is not None:
        content["beside_cloudwatch"] = held if isinstance(held, str) else json.loads(held.to_json())["tables"]
    return json.dumps(content, indent=1, ensure_ascii=False)


def _written(
    folder: Path,
    simulated: Callable[..., RunResult],
    spec: ScenarioSpec,
    wanted: bool | None,
    as_json: bool,
    counted: dict[str, Any] | None,
) -> tuple[RunResult, list[Path]]:
    """Simulate, and write all there is to see; what was found is printed also where writing fails."""
    from lambdasim.errors import InputError
    from lambdasim.outputs import OutputFolder
    from lambdasim.report.folder import NAMES, write_folder
    from lambdasim.results.files.items import ITEMS
    from lambdasim.results.files.records import RECORDS, RecordFile
    from lambdasim.results.files.saved import RUN
    from lambdasim.templates.account.comparison import beside

    names = tuple(sorted(function.name for function in spec.functions))
    most = {True: None, False: 0, None: _MOST_RECORDS}[wanted]
    run = None
    try:
        with OutputFolder(folder, RUN) as place:
            place.check(NAMES)
            with RecordFile(place, names, most) as records:
                run = simulated(sink=records.write)
            held = None if counted is None else beside(run, counted)
            written = [*write_folder(run, place, held), *_SAVED]
    except (OSError, InputError):
        if run is not None:
            write(_told(run, None, as_json, counted=counted))
        raise
    if records.given_up and wanted is None:
        told = f"more than {_MOST_RECORDS:,} attempts or items: not kept; --records keeps them all\n"
        sys.stderr.write(told)
    elif not records.given_up:
        written += [RECORDS] if run.sources().empty else [RECORDS, ITEMS]
    return run, [folder / name for name in written]
