"""Commands about money beside a bill: Compute Savings Plans, and what security and compliance cost."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lambdasim.cli.app import (
    EngineOption,
    JsonOption,
    OutOption,
    PerOption,
    PriceBookOption,
    PriceDateOption,
    RegionOption,
    ScenarioArgument,
    XlsxOption,
    announcing_compilation,
    app,
    day_of,
    free_place,
    made,
    present,
)
from lambdasim.cli.neighbours import WithOption, including
from lambdasim.cli.traces import TraceOptions, takes_traces
from lambdasim.cli.writing import agreed

if TYPE_CHECKING:
    from lambdasim.study.commitment.other import OtherUsage


@app.command("commit")
def commit(
    folders: Annotated[
        list[Path],
        typer.Argument(help="Folders that `simulate --out` wrote; several are equally likely futures."),
    ],
    region: RegionOption = None,
    price_date: PriceDateOption = None,
    discount: Annotated[
        str | None, typer.Option(help="Discount of your own contract, in percent, in place of AWS's.")
    ] = None,
    price_book: PriceBookOption = None,
    requests_use_commitment: Annotated[
        bool, typer.Option(help="Requests also draw on the commitment, at no discount.")
    ] = False,
    other_usd: Annotated[
        str | None,
        typer.Option(help="What Fargate and EC2 cost on demand per hour, USD; with --other-percent."),
    ] = None,
    other_percent: Annotated[
        str | None,
        typer.Option(help="The plan's discount on that, in percent: 28, or 28,46 for 1 and 3 years."),
    ] = None,
    accounts: Annotated[
        bool,
        typer.Option(
            "--accounts", help="The folders are accounts of one payer, covered together, not futures."
        ),
    ] = False,
    xlsx: XlsxOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the Compute Savings Plan that costs least.

    Also the hourly commitment, and what a wrong guess of the usage costs.
    """
    from decimal import Decimal, InvalidOperation

    from lambdasim.errors import InputError
    from lambdasim.finance import read_price_book
    from lambdasim.report.pages.money import commitment_page
    from lambdasim.study.commitment.advise import advise_commitment

    try:
        percent = None if discount is None else Decimal(discount)
    except InvalidOperation:
        raise InputError.single(
            "commit", "--discount", f"must be a percentage, got {discount!r:.40}"
        ) from None
    free_place(xlsx)
    made(out)
    found = advise_commitment(
        folders,
        region=region,
        on=day_of(price_date, "commit"),
        percent=percent,
        requests_use_commitment=requests_use_commitment,
        price_book=None if price_book is None else read_price_book(price_book),
        other=_other_usage(other_usd, other_percent),
        accounts=accounts,
    )
    present(found.text, partial(commitment_page, found), out, as_json, xlsx)


@app.command("safety")
@takes_traces
def safety(
    traces: TraceOptions,
    scenario: ScenarioArgument,
    region: RegionOption = None,
    with_lines: WithOption = None,
    per: PerOption = None,
    xlsx: XlsxOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
    engine: EngineOption = "auto",
) -> None:
    """Say what security and compliance cost beside the runs.

    Secrets, keys, tracing, logs for audits, VPC: what the scenario has, and what the rest would add.
    """
    import lambdasim as ls
    from lambdasim.report.pages.safety import safety_page

    spec = including(traces.scenario(scenario), with_lines, "safety")
    if region is not None:
        spec = ls.revised(spec, {"region": region})
    agreed(spec, engine=engine)
    free_place(xlsx)
    made(out)
    with announcing_compilation():
        found = ls.safety_costs(ls.simulate(spec, engine=engine, keep_records=False), per)
    present(found.text, partial(safety_page, found), out, as_json, xlsx, [spec])


def _other_usage(usd: str | None, percent: str | None) -> OtherUsage | None:
    """Make usage beside Lambda's of two options, which come together.

    Raises
    ------
    InputError
        When one is missing, or no number.
    """
    from decimal import Decimal, InvalidOperation

    from lambdasim.errors import InputError
    from lambdasim.study.commitment.other import OtherUsage

    if usd is None and percent is None:
        return None
    if usd is None or percent is None:
        missing = "--other-usd" if usd is None else "--other-percent"
        raise InputError.single("commit", missing, "must come with --other-usd and --other-percent")
    try:
        one, *three = (Decimal(part) for part in percent.split(","))
        hourly = Decimal(usd)
    except InvalidOperation:
        got = f"{usd[:20]} and {percent[:20]}"
        raise InputError.single(
            "commit", "--other-usd", f"and --other-percent must be numbers, got {got}"
        ) from None
    if len(three) > 1:
        raise InputError.single(
            "commit", "--other-percent", f"must be one number, or two with a comma, got {percent!r:.40}"
        )
    return OtherUsage(hourly, one, three[0] if three else one)
