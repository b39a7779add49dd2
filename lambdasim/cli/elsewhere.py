"""Commands that hold Lambda against what it could run on instead: servers, other platforms."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from lambdasim.cli.app import (
    DaskOption,
    EngineOption,
    JsonOption,
    OutOption,
    PerOption,
    RegionOption,
    ScenarioArgument,
    WorkersOption,
    XlsxOption,
    announcing_compilation,
    app,
    free_place,
    made,
    present,
    run_progress,
    side_by_side,
)
from lambdasim.cli.traces import TraceOptions, takes_traces
from lambdasim.cli.writing import agreed_to, refuse_without_rates

if TYPE_CHECKING:
    from lambdasim.study.server_costs import OwnServer

UtilizationOption = Annotated[
    float, typer.Option(help="Share of the servers that the peak may fill, above 0 to 1.")
]
LeastServersOption = Annotated[int, typer.Option(help="Servers kept whatever the traffic.")]
HourlyOption = Annotated[
    bool, typer.Option("--hourly", help="Servers follow each hour's peak instead of the month's.")
]


@app.command("break-even")
@takes_traces
def break_even(
    traces: TraceOptions,
    scenario: ScenarioArgument,
    utilization: UtilizationOption = 0.6,
    instance: Annotated[
        str | None, typer.Option(help="EC2 instance type; default: the cheapest at each volume.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="Fargate task, such as '1 vCPU 2 GB'; default: the cheapest.")
    ] = None,
    server_usd: Annotated[
        str | None, typer.Option(help="Price of a server of your own in USD an hour; with the two below.")
    ] = None,
    server_vcpus: Annotated[str | None, typer.Option(help="Its vCPUs.")] = None,
    server_gb: Annotated[str | None, typer.Option(help="Its memory in GB.")] = None,
    per_process: Annotated[
        int, typer.Option(help="Concurrent requests that share one process's memory.")
    ] = 1,
    least: LeastServersOption = 2,
    hourly: HourlyOption = False,
    multiple: Annotated[
        list[float] | None,
        typer.Option(
            help="Multiple of the traffic to simulate; repeat for more. Default: until the lines cross."
        ),
    ] = None,
    replications: Annotated[int, typer.Option(min=2, help="Seeds.")] = 3,
    region: RegionOption = None,
    per: PerOption = None,
    xlsx: XlsxOption = None,
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
    from lambdasim.study.expected import break_even_cost
    from lambdasim.study.server_costs import Scaling, ServerTerms

    spec = traces.scenario(scenario)
    if region is not None:
        spec = ls.revised(spec, {"region": region})
    refuse_without_rates(spec)
    cost = break_even_cost(spec, replications=replications, multiples=multiple, engine=engine)
    agreed_to(cost, spec.name, workers=workers, points=3 * replications)
    terms = ServerTerms(
        utilization=utilization,
        requests_per_process=per_process,
        least_servers=least,
        scaling=Scaling.HOURLY if hourly else Scaling.PEAK,
        instance=instance,
        task=task,
        own=_own_server(server_usd, server_vcpus, server_gb),
    )
    free_place(xlsx)
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
            per=per,
        )
    present(found.text, partial(break_even_page, found), out, as_json, xlsx, [spec])


@app.command("platforms")
@takes_traces
def platforms(
    traces: TraceOptions,
    scenario: ScenarioArgument,
    only: Annotated[
        str | None,
        typer.Option(
            help="Comma-separated platforms: cloud_run, cloud_run_instances, azure_flex, azure_consumption, "
            "workers, vercel, knative, fargate, ec2, managed_instances. Default: all."
        ),
    ] = None,
    at_once: Annotated[
        int | None,
        typer.Option(
            min=1, help="Requests that an instance serves at once; default: both ends, 1 and the platform's."
        ),
    ] = None,
    leaving_usd: Annotated[
        str | None, typer.Option(help="What a move would cost once, in USD: shows when it pays for itself.")
    ] = None,
    google_off: Annotated[
        str | None,
        typer.Option(help="What a committed use discount takes off Cloud Run, in percent, such as 17."),
    ] = None,
    always_ready: Annotated[
        int, typer.Option(min=0, help="Instances of each function that Azure's Flex plan holds always ready.")
    ] = 0,
    utilization: UtilizationOption = 0.6,
    least: LeastServersOption = 2,
    hourly: HourlyOption = False,
    replications: Annotated[int, typer.Option(min=1, help="Seeds.")] = 3,
    region: RegionOption = None,
    per: PerOption = None,
    xlsx: XlsxOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
    workers: WorkersOption = 1,
    dask: DaskOption = None,
    engine: EngineOption = "auto",
) -> None:
    """Run the same traffic on other platforms: cost and latency of each.

    Cloud Run, Azure Functions, Cloudflare Workers, Vercel, Fargate, EC2, Lambda Managed Instances, Knative on EKS.
    """
    import lambdasim as ls
    from lambdasim.report.pages.platforms import platforms_page
    from lambdasim.study.expected import platforms_cost
    from lambdasim.study.platforms.everywhere import platforms as everywhere
    from lambdasim.study.platforms.settings import PlatformTerms
    from lambdasim.study.server_costs import Scaling, ServerTerms

    spec = traces.scenario(scenario)
    if region is not None:
        spec = ls.revised(spec, {"region": region})
    refuse_without_rates(spec)
    cost = platforms_cost(spec, replications=replications, engine=engine)
    agreed_to(cost, spec.name, workers=workers, points=replications)
    servers = ServerTerms(
        utilization=utilization,
        least_servers=least,
        scaling=Scaling.HOURLY if hourly else Scaling.PEAK,
    )
    terms = PlatformTerms(
        requests_at_once=at_once,
        only=() if only is None else tuple(name.strip() for name in only.split(",")),
        servers=servers,
        leaving_usd=_amount(leaving_usd, "platforms", "--leaving-usd"),
        google_off_percent=_amount(google_off, "platforms", "--google-off") or Decimal(0),
        always_ready=always_ready,
    )
    free_place(xlsx)
    made(out)
    with (
        announcing_compilation(),
        side_by_side(replications, workers, dask) as executor,
        run_progress() as tell,
    ):
        found = everywhere(
            spec,
            terms=terms,
            replications=replications,
            engine=engine,
            executor=executor,
            progress=tell,
            per=per,
        )
    present(found.text, partial(platforms_page, found), out, as_json, xlsx, [spec])


def _own_server(usd: str | None, vcpus: str | None, gb: str | None) -> OwnServer | None:
    """Make a server of three options, which come together.

    Raises
    ------
    InputError
        When one is missing, or no number.
    """
    from lambdasim.errors import InputError
    from lambdasim.study.server_costs import OwnServer

    given = {"--server-vcpus": vcpus, "--server-gb": gb, "--server-usd": usd}
    if all(text is None for text in given.values()):
        return None
    for option, text in given.items():
        if text is None:
            raise InputError.single("break-even", option, f"must come with {', '.join(given)}")
    found = [_amount(text, "break-even", option) for option, text in given.items()]
    return OwnServer(*(value for value in found if value is not None))


def _amount(text: str | None, command: str, option: str) -> Decimal | None:
    """Read a number.

    Raises
    ------
    InputError
        When it is none.
    """
    from lambdasim.errors import InputError

    try:
        return None if text is None else Decimal(text.replace(",", ""))
    except InvalidOperation:
        raise InputError.single(
            command, option, f"must be a number, such as 2000, got {text!r:.40}"
        ) from None
