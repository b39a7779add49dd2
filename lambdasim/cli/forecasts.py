"""Commands that forecast from past traffic: a month, and months that are past."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lambdasim.cli.app import (
    DaskOption,
    EngineOption,
    JsonOption,
    OutOption,
    ScenarioArgument,
    WorkersOption,
    XlsxOption,
    announcing_compilation,
    app,
    free_place,
    made,
    present,
    run_progress,
    say_written,
    side_by_side,
)
from lambdasim.cli.neighbours import WithOption, including
from lambdasim.cli.traces import TraceOptions, takes_traces
from lambdasim.cli.writing import agreed_to, can_be_long, refuse_without_rates

if TYPE_CHECKING:
    from lambdasim.study.forecast.result import Forecast


@app.command()
@takes_traces
def forecast(
    traces: TraceOptions,
    scenario: ScenarioArgument,
    month: Annotated[str, typer.Option(help="Month to forecast, YYYY-MM.")],
    history: Annotated[
        Path | None, typer.Option(help="Past traffic, any trace; default: the scenario's own traces.")
    ] = None,
    move_history: Annotated[
        bool, typer.Option("--move-history", help="Move an old history, by whole weeks, to before the month.")
    ] = False,
    budget: Annotated[float | None, typer.Option(help="Budget of the month, USD.")] = None,
    tornado: Annotated[bool, typer.Option("--tornado", help="Show which assumptions matter most.")] = False,
    anomaly: Annotated[
        str | None,
        typer.Option(help="Multiply traffic from a day of the month onwards, such as 2026-12-10=3."),
    ] = None,
    with_lines: WithOption = None,
    paths: Annotated[int, typer.Option(min=20, help="Paths of traffic.")] = 200,
    focus: Annotated[
        Path | None,
        typer.Option(
            help="Write FOCUS files of the months at P10, P50 and P90: bill.csv becomes bill.P10.csv and so on."
        ),
    ] = None,
    focus_version: Annotated[str, typer.Option(help="1.2 or 1.4.")] = "1.2",
    xlsx: XlsxOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
    workers: WorkersOption = 1,
    dask: DaskOption = None,
    engine: EngineOption = "auto",
) -> None:
    """Forecast a month's bill with its range, from past traffic."""
    import lambdasim as ls
    from lambdasim.errors import InputError
    from lambdasim.report.pages.money import forecast_page
    from lambdasim.study.expected import forecast_cost
    from lambdasim.study.forecast.budget import budget_outlook, with_anomaly
    from lambdasim.study.forecast.forecast import forecast as foretold
    from lambdasim.study.forecast.sensitivity import sensitivity

    if budget is not None and not 0 < budget < float("inf"):
        raise InputError.single("forecast", "--budget", f"must be above 0, got {budget}")
    spec = traces.scenario(scenario) if history is None else ls.load_scenario(scenario)
    spec = including(spec, with_lines, "forecast")
    if anomaly is not None:
        spec = with_anomaly(spec, *_anomaly(anomaly, month))
    past = None if history is None else traces.trace(history)
    refuse_without_rates(spec)
    cost = forecast_cost(spec, month, past, paths=paths, engine=engine)
    agreed_to(cost, spec.name, "ask for fewer paths, or scale the history", workers=workers, points=paths)
    free_place(xlsx)
    _free_quantiles(focus, focus_version)
    made(out)
    shared = side_by_side(paths, workers, dask)
    with announcing_compilation(), shared as executor, run_progress() as tell:
        result = foretold(
            spec,
            month,
            past,
            paths=paths,
            move_history=move_history,
            engine=engine,
            executor=executor,
            progress=tell,
        )
    outlook = None if budget is None else budget_outlook(result, budget)
    found = sensitivity(result) if tornado else None
    told = [part.text() for part in (result, outlook, found) if part is not None]
    written = () if focus is None else _write_quantiles(result, focus, focus_version)
    present(lambda: "\n\n".join(told), lambda: forecast_page(result, outlook, found), out, as_json, xlsx)
    say_written(written, as_json)


def _free_quantiles(focus: Path | None, version: str) -> None:
    """Refuse a place or version of FOCUS before any work is done."""
    from lambdasim.finance.focus.columns import focus_version
    from lambdasim.finance.focus.writer import quantile_path
    from lambdasim.outputs import check_output
    from lambdasim.study.forecast.tables import QUANTILES

    if focus is not None:
        focus_version(version)
        for quantile in QUANTILES:
            check_output(quantile_path(focus, f"P{round(100 * quantile)}"), "focus")


def _write_quantiles(result: Forecast, focus: Path, version: str) -> tuple[Path, ...]:
    from lambdasim import finance

    origin = finance.Origin(scenario=result.scenario.name, run=f"forecast of {result.month}")
    return finance.write_focus_quantiles(result.bills, focus, origin=origin, version=version)


def _anomaly(text: str, month: str) -> tuple[date, float]:
    from lambdasim.errors import InputError

    day, _, factor = text.partition("=")
    try:
        found = date.fromisoformat(day), float(factor)
    except ValueError:
        found = None
    if found is None or not day.startswith(f"{month}-"):
        raise InputError.single(
            "forecast",
            "--anomaly",
            f"must be a day of {month[:7]} and a factor, such as {month[:7]}-10=3, got {text!r:.40}",
        )
    return found


@app.command()
@can_be_long
@takes_traces
def backtest(
    traces: TraceOptions,
    history: Annotated[Path, typer.Argument(help="Past traffic, any trace.")],
    days: Annotated[int, typer.Option(min=1, max=366, help="Length of each forecast, days.")] = 30,
    paths: Annotated[int, typer.Option(min=10, help="Paths of traffic.")] = 1000,
    xlsx: XlsxOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how far to trust a forecast, from past months."""
    from lambdasim.report.pages.backtest import backtest_page
    from lambdasim.study.expected import backtest_cost
    from lambdasim.study.forecast.backtest import backtest as tested

    past = traces.trace(history)
    free_place(xlsx)
    made(out)
    agreed_to(backtest_cost(past, days=days, paths=paths), "backtest", "ask for fewer paths")
    found = tested(past, name=history.stem, days=days, paths=paths)
    present(found.text, lambda: backtest_page(found, history.stem), out, as_json, xlsx)
