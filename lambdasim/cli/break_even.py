"""The command that asks where Lambda stops being the cheapest."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from lambdasim.cli.app import (
    DaskOption,
    EngineOption,
    JsonOption,
    OutOption,
    RegionOption,
    ScenarioArgument,
    WorkersOption,
    announcing_compilation,
    app,
    made,
    present,
    run_progress,
    side_by_side,
)
from lambdasim.cli.traces import TraceOptions, takes_traces
from lambdasim.cli.writing import agreed


@app.command("break-even")
@takes_traces
def break_even(
    traces: TraceOptions,
    scenario: ScenarioArgument,
    utilization: Annotated[
        float, typer.Option(help="Share of the servers that the peak may fill, above 0 to 1.")
    ] = 0.6,
    instance: Annotated[
        str | None, typer.Option(help="EC2 instance type; default: the cheapest at each volume.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="Fargate task, such as '1 vCPU 2 GB'; default: the cheapest.")
    ] = None,
    per_process: Annotated[
        int, typer.Option(help="Concurrent requests that share one process's memory.")
    ] = 1,
    least: Annotated[int, typer.Option(help="Servers kept whatever the traffic.")] = 2,
    hourly: Annotated[
        bool, typer.Option("--hourly", help="Servers follow each hour's peak instead of the month's.")
    ] = False,
    multiple: Annotated[
        list[float] | None,
        typer.Option(
            help="Multiple of the traffic to simulate; repeat for more. Default: until the lines cross."
        ),
    ] = None,
    replications: Annotated[int, typer.Option(min=2, help="Seeds.")] = 3,
    region: RegionOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
    workers: WorkersOption = 1,
    dask: DaskOption = None,
    engine: EngineOption = "auto",
) -> None:
    """Find the traffic above which servers are cheaper than Lambda.

    Servers are Fargate, EC2 and Lambda Managed Instances.
    """
    import lambdasim as ls
    from lambdasim.report.pages.money import break_even_page
    from lambdasim.study.break_even.search import break_even as crossed
    from lambdasim.study.server_costs import Scaling, ServerTerms

    spec = traces.scenario(scenario)
    if region is not None:
        spec = ls.revised(spec, {"region": region})
    agreed(spec, runs=max(sum(multiple or ()), 1.0) * replications, engine=engine)
    terms = ServerTerms(
        utilization=utilization,
        requests_per_process=per_process,
        least_servers=least,
        scaling=Scaling.HOURLY if hourly else Scaling.PEAK,
        instance=instance,
        task=task,
    )
    made(out)
    shared = side_by_side(3 * replications, workers, dask)
    with announcing_compilation(), shared as executor, run_progress() as tell:
        found = crossed(
            spec,
            terms=terms,
            multiples=multiple or None,
            replications=replications,
            engine=engine,
            executor=executor,
            progress=tell,
        )
    present(found.text, partial(break_even_page, found), out, as_json)
