"""Commands about money: bills of finished runs, price sheets."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from lambdasim.cli.app import JsonOption, RegionOption, app, write

prices = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Price sheets.")
app.add_typer(prices, name="prices")


@app.command()
def bill(
    folder: Annotated[Path, typer.Argument(help="Folder that `simulate --out` wrote.")],
    region: RegionOption = None,
    month: Annotated[str | None, typer.Option(help="Price as if it had been this month, YYYY-MM.")] = None,
    price_date: Annotated[
        str | None, typer.Option(help="Day whose rates and rules apply, YYYY-MM-DD.")
    ] = None,
    free_tier: Annotated[
        bool | None,
        typer.Option(help="Whether this bill gets the account's free tier; default: as the scenario says."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Price a finished run again, for any region, month or date, without simulating."""
    import lambdasim as ls
    from lambdasim.errors import InputError
    from lambdasim.report.text import bill_text
    from lambdasim.results.files import load_free_tier

    try:
        on = None if price_date is None else date.fromisoformat(price_date)
    except ValueError:
        raise InputError.single(
            "bill", "--price-date", f"must be YYYY-MM-DD, got {price_date!r:.40}"
        ) from None
    usages = ls.load_usage(folder)
    free = load_free_tier(folder) if free_tier is None else free_tier
    priced = ls.price(usages, region=region, month=month, on=on, free_tier=free)
    write(priced.to_json() if as_json else bill_text(priced))


@prices.command("show")
def prices_show(
    region: Annotated[str, typer.Option(help="AWS region.")] = "us-east-1", as_json: JsonOption = False
) -> None:
    """Show the price sheet of a region, with source and date."""
    import lambdasim as ls
    from lambdasim.billing import plain

    sheet = ls.price_sheet(region)
    rows = []
    for architecture in ("x86_64", "arm64"):
        rates = sheet.rates(architecture)
        for number, tier in enumerate(rates.tiers, start=1):
            bound = "above" if tier.up_to_gb_s is None else f"to {tier.up_to_gb_s:,} GB-s"
            rows.append((architecture, f"duration tier {number}", tier.rate, bound))
        for name in (
            "request",
            "ephemeral",
            "pc_idle",
            "pc_duration",
            "snapstart_cache",
            "snapstart_restore",
        ):
            rows.append((architecture, name, getattr(rates, name), ""))
    content = [
        {
            "architecture": architecture,
            "rate": name,
            "usd": None if rate.usd is None else plain(rate.usd),
            "bound": bound,
            "quality": rate.quality,
        }
        for architecture, name, rate, bound in rows
    ]
    if as_json:
        write(json.dumps({"region": region, "as_of": str(sheet.as_of), "rates": content}, indent=1))
        return
    write(f"{region}, USD, as of {sheet.as_of}")
    for row in content:
        usd = row["usd"] or "unknown"
        write(
            f"{row['architecture']:8}{row['rate']:18}{usd:>14}  {row['bound']:24}{str(row['quality'])[:14]}".rstrip()
        )
    qualities = dict.fromkeys(str(row["quality"]) for row in content)
    write("\n".join(f"- {quality}" for quality in qualities))
