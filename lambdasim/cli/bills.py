"""Commands about money: bills of finished runs, price sheets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lambdasim.cli.app import (
    JsonOption,
    OutOption,
    PriceBookOption,
    PriceDateOption,
    PriceSheetOption,
    RegionOption,
    XlsxOption,
    app,
    day_of,
    free_place,
    made,
    present,
    say_written,
    write,
)
from lambdasim.cli.group import DefaultGroup
from lambdasim.cli.neighbours import WithOption, lines_of
from lambdasim.cli.traces import DecimalOption, SeparatorOption, ThousandsOption, dialect_of
from lambdasim.wording import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambdasim.billing import Bill, ExchangeRate, Usage

bills = typer.Typer(cls=DefaultGroup, rich_markup_mode=None)
app.add_typer(bills, name="bill", help="Price finished runs; bill compare: check a real bill.")
prices = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Show price sheets, or make new ones.")
app.add_typer(prices, name="prices")


@bills.command("price")
def bill(
    folders: Annotated[
        list[Path],
        typer.Argument(help="Folders that `simulate --out` wrote; several are accounts of one payer."),
    ],
    reprice: Annotated[
        bool,
        typer.Option(
            "--reprice",
            help="Does not change anything: finished runs are always priced without simulating.",
        ),
    ] = False,
    region: RegionOption = None,
    month: Annotated[str | None, typer.Option(help="Price as if it had been this month, YYYY-MM.")] = None,
    price_date: PriceDateOption = None,
    price_book: PriceBookOption = None,
    price_sheet: PriceSheetOption = None,
    free_tier: Annotated[
        bool | None,
        typer.Option(help="Whether this bill gets the payer's free tier; default: as the scenarios say."),
    ] = None,
    with_lines: WithOption = None,
    currency: Annotated[
        str | None,
        typer.Option(help="Show the bill in this currency, such as EUR; with --per-usd and --rate-date."),
    ] = None,
    per_usd: Annotated[
        str | None,
        typer.Option(help="With --currency: what a dollar is worth in it. No rate is ever fetched."),
    ] = None,
    rate_date: Annotated[
        str | None, typer.Option(help="With --currency: day of that rate, YYYY-MM-DD.")
    ] = None,
    account: Annotated[
        list[str] | None,
        typer.Option(help="Account of each folder, in their order; default: the folders' names."),
    ] = None,
    payer: Annotated[str | None, typer.Option(help="Account that pays, twelve digits.")] = None,
    top: Annotated[
        int | None, typer.Option(min=1, help="Show this many functions, the most expensive first.")
    ] = None,
    tag: Annotated[str | None, typer.Option(help="With --top: group by this tag.")] = None,
    focus: Annotated[
        Path | None, typer.Option(help="Write the bill as a FOCUS file, .csv or .parquet.")
    ] = None,
    focus_version: Annotated[str, typer.Option(help="1.2 or 1.4.")] = "1.2",
    xlsx: Annotated[Path | None, typer.Option(help="Write the bill as an Excel workbook.")] = None,
    infracost: Annotated[Path | None, typer.Option(help="Write a month's usage for Infracost, YAML.")] = None,
    infracost_month: Annotated[
        str | None, typer.Option(help="Which month, if the runs span several, YYYY-MM.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Price finished runs again, for any region, month, date or price book, without simulating.

    `lambdasim bill compare` compares a real bill with a run.
    """
    from functools import partial

    import lambdasim as ls
    from lambdasim import finance
    from lambdasim.report.text import costs_text

    del reprice  # says what happens anyhow
    _refuse_alone("--tag", tag, "--top", top)
    _refuse_alone("--infracost-month", infracost_month, "--infracost", infracost)
    exchange = _exchange(currency, per_usd, rate_date)
    owned = finance.OwnedRuns.of_folders(folders, account or ())
    in_usd = partial(
        ls.price,
        region=region,
        month=month,
        on=day_of(price_date, "bill") or owned.price_date,
        price_book=None if price_book is None else finance.read_price_book(price_book),
        price_sheet=None if price_sheet is None else finance.fitting_sheets(price_sheet, owned.usage, region),
        neighbours=owned.neighbours(lines_of(with_lines, "bill")),
    )

    has_tier = owned.free_tier if free_tier is None else free_tier

    def priced(usages: Iterable[Usage], has_tier: bool = has_tier) -> Bill:
        usd = in_usd(usages, free_tier=has_tier)
        return usd if exchange is None else finance.converted(usd, exchange)

    found = priced(owned.usage)
    if has_tier:
        found = found.beside(priced(owned.usage, False))
    origin = owned.origin(payer) if any(option is not None for option in (focus, xlsx, top)) else None
    if focus is not None:
        bill_in_usd = in_usd(owned.usage, free_tier=has_tier)
        finance.write_focus(bill_in_usd, focus, origin=origin, version=focus_version, exchange=exchange)
    if xlsx is not None:
        finance.write_workbook(found, xlsx, origin=origin, days=finance.daily_costs(owned.hourly(), priced))
    if infracost is not None:
        finance.write_infracost_usage(owned.usage, infracost, month=infracost_month)
    written = [path for path in (focus, xlsx, infracost) if path is not None]
    if as_json:
        write(found.to_json())
        say_written(written, as_json)
        return
    text = found.text()
    if top is not None and origin is not None:
        views = [finance.allocated_costs(found, top=top, tag=tag, tags=origin.tags)]
        if len(folders) > 1:
            views.append(finance.allocated_costs(found, top=top, by_account=True))
        text += "".join(f"\n\n{costs_text(view, found.currency)}" for view in views)
    write(text)
    say_written(written)


@bills.command("units")
def bill_units(
    quantities: Annotated[
        list[str],
        typer.Argument(help="NAME=QUANTITY, such as requests=3M gb_seconds=540000 api_gateway_rest=5M."),
    ],
    platform: Annotated[
        str | None,
        typer.Option(
            help="Another platform: cloud_run, azure_flex, workers, fargate, google_functions, ...; NAME is then a meter."
        ),
    ] = None,
    region: Annotated[str, typer.Option(help="AWS region.")] = "us-east-1",
    month: Annotated[str, typer.Option(help="Month, YYYY-MM.")] = "2026-11",
    price_date: PriceDateOption = None,
    price_book: PriceBookOption = None,
    architecture: Annotated[str, typer.Option(help="x86_64 or arm64.")] = "x86_64",
    free_tier: Annotated[bool, typer.Option(help="Whether free quantities are still available.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Price a month's quantities on their own: Lambda's, any meter's, another platform's.

    `lambdasim prices meters` lists the meters; Lambda's are requests, gb_seconds, tmp_gb_seconds, provisioned_requests,
    provisioned_gb_seconds, provisioned_duration_gb_seconds, snapstart_cache_gb_seconds, snapstart_restored_gb and
    streamed_gb.
    """
    import lambdasim as ls
    from lambdasim import finance
    from lambdasim.errors import InputError

    named: dict[str, str] = {}
    for text in quantities:
        name, sign, amount = text.partition("=")
        if not sign or name in named:
            why = "is given twice" if sign else "must be NAME=QUANTITY, such as api_gateway_rest=5M"
            raise InputError.single("bill units", text[:60], why)
        named[name] = amount
    if platform is None:
        found: ls.Bill | ls.PlatformBill = ls.price_quantities(
            named,
            region=region,
            month=month,
            on=day_of(price_date, "bill units"),
            architecture=architecture,
            free_tier=free_tier,
            price_book=None if price_book is None else finance.read_price_book(price_book),
        )
    else:
        for option, given in (("--price-book", price_book), ("--price-date", price_date)):
            if given is not None:
                raise InputError.single("bill units", option, "holds for AWS's lines alone")
        found = ls.price_platform(
            platform, named, region=region, architecture=architecture, free_tier=free_tier
        )
    write(found.to_json() if as_json else found.text())


def _exchange(currency: str | None, per_usd: str | None, rate_date: str | None) -> ExchangeRate | None:
    """Make an exchange rate of its three options, which come together."""
    from decimal import Decimal, InvalidOperation

    from lambdasim.billing import ExchangeRate
    from lambdasim.errors import InputError

    given = {"--currency": currency, "--per-usd": per_usd, "--rate-date": rate_date}
    if not any(given.values()):
        return None
    missing = [option for option, text in given.items() if not text]
    if missing:
        there = " and ".join(option for option, text in given.items() if text)
        raise InputError.single("bill", missing[0], f"must come with {there}")
    try:
        rate = Decimal(per_usd or "")
    except InvalidOperation:
        raise InputError.single(
            "bill", "--per-usd", f"must be a number such as 0.92, got {per_usd!r:.40}"
        ) from None
    day = day_of(rate_date, "bill", "--rate-date")
    return None if day is None else ExchangeRate(currency or "", rate, day)


def _refuse_alone(option: str, given: object, needed: str, there: object) -> None:
    if given is not None and there is None:
        from lambdasim.errors import InputError

        raise InputError.single("bill", option, f"must come with {needed}")


@bills.command("compare")
def compare_bill(
    actual: Annotated[
        Path,
        typer.Argument(
            help="A real bill: CUR 2.0, legacy CUR, FOCUS (.csv, .zip, .parquet, or the folder of its parts); Cost "
            "Explorer by usage type (.csv, .json)."
        ),
    ],
    folders: Annotated[
        list[Path],
        typer.Argument(help="Folders that `simulate --out` wrote; several are accounts of one payer."),
    ],
    account: Annotated[
        list[str] | None, typer.Option("--account", help="Only rows of this account; may be repeated.")
    ] = None,
    resource: Annotated[
        list[str] | None,
        typer.Option("--resource", help="Only this function, name or ARN, * for any text; may be repeated."),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--only-tag", help="Only rows with this tag, KEY=VALUE; may be repeated."),
    ] = None,
    only_region: Annotated[
        list[str] | None, typer.Option("--only-region", help="Only rows of this region; may be repeated.")
    ] = None,
    with_lines: WithOption = None,
    granularity: Annotated[
        str | None, typer.Option(help="How to read Cost Explorer's report: by day or by month.")
    ] = None,
    separator: SeparatorOption = None,
    decimal: DecimalOption = None,
    thousands: ThousandsOption = None,
    region: RegionOption = None,
    price_date: PriceDateOption = None,
    price_book: PriceBookOption = None,
    price_sheet: PriceSheetOption = None,
    free_tier: Annotated[
        bool | None,
        typer.Option(help="Whether our bill gets the payer's free tier; default: as the scenarios say."),
    ] = None,
    xlsx: XlsxOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare a real bill with a simulated one, line by line: differences in usage, in rate, and the rest."""
    from dataclasses import replace
    from functools import partial

    import lambdasim as ls
    from lambdasim import finance
    from lambdasim.report.pages.money import bill_comparison_page
    from lambdasim.results.files.saved import refuse_copies

    free_place(xlsx)
    made(out)
    choice = finance.BillChoice.of_texts(account or (), only_region or (), resource or (), tag or ())
    ours = choice if region is None else replace(choice, regions=())  # ours is priced as if it were there
    owned = finance.OwnedRuns.of_folders(folders, [] if len(folders) == 1 else _numbers(folders))
    refuse_copies("bill compare", folders)
    tags = owned.origin().tags
    priced = partial(
        ls.price,
        region=region,
        on=day_of(price_date, "bill compare") or owned.price_date,
        free_tier=owned.free_tier if free_tier is None else free_tier,
        price_book=None if price_book is None else finance.read_price_book(price_book),
        price_sheet=None if price_sheet is None else finance.fitting_sheets(price_sheet, owned.usage, region),
    )
    beside = owned.neighbours(lines_of(with_lines, "bill compare"))
    written = dialect_of("bill compare", separator, decimal, thousands)
    real = finance.read_actual_bill(actual, choice=choice, granularity=granularity, dialect=written)
    days = None
    if real.by_day:
        hours = [ours.our_hours(used, tags) for used in owned.hourly()]
        days = finance.daily_costs(hours, priced)
    found = finance.compare_bill(real, priced(ours.ours(owned.usage, tags), neighbours=beside), days=days)
    present(found.text, lambda: bill_comparison_page(found), out, as_json, xlsx)


def _numbers(folders: list[Path]) -> list[str]:
    """Name folders by their place: their functions stay apart, and their own names need not differ."""
    return [str(number) for number in range(1, len(folders) + 1)]


@prices.command("refresh")
def prices_refresh(
    source: Annotated[Path, typer.Option("--from", help="AWS Price List file, .json or .csv.")],
    sheets: Annotated[Path | None, typer.Option(help="Write the dated sheets to this file, JSON.")] = None,
    region: Annotated[str | None, typer.Option(help="Only this region of a global file.")] = None,
    effect_on: Annotated[
        Path | None, typer.Option(help="Show the effect on the bill of this `simulate --out` folder.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make price sheets from an AWS Price List file, and show what changed."""
    import lambdasim as ls
    from lambdasim import finance
    from lambdasim.billing import plain
    from lambdasim.report.text import refreshed_prices_text
    from lambdasim.results.files.saved import load_free_tier

    refreshed = finance.refresh_prices(source, out=sheets, region=region)
    effect = None
    if effect_on is not None:
        effect = refreshed.effect(ls.load_usage(effect_on), free_tier=load_free_tier(effect_on))
    if as_json:
        rows = refreshed.frame().to_json(orient="records", default_handler=str)
        content = {
            "regions": list(refreshed.sheets),
            "changes": json.loads(rows),
            "notes": list(refreshed.notes),
            "effect": effect and {name: plain(getattr(effect, name).total) for name in ("before", "after")},
        }
        write(json.dumps(content, indent=1, ensure_ascii=False))
    else:
        write(refreshed_prices_text(refreshed))
        if effect is not None:
            write(f"\n{effect}")
    say_written([] if sheets is None else [sheets], as_json)


@prices.command("meters")
def prices_meters(
    region: Annotated[str, typer.Option(help="AWS region.")] = "us-east-1", as_json: JsonOption = False
) -> None:
    """Show the meters of services beside Lambda: unit, prices, free part, source and date."""
    from lambdasim.billing import plain
    from lambdasim.catalog.prices.meters import priced_meters

    known = {
        name: None if one.asked else one.price(region) for name, one in priced_meters().items()
    }  # None where a scenario gives it
    content = [
        {
            "meter": name,
            "service": one.service.name,
            "unit": one.unit,
            "per": one.per,
            "free": plain(one.free),
            "counts": one.driver.value,
            "tiers": [[None if bound is None else plain(bound), plain(usd)] for bound, usd in price.tiers]
            if price
            else [],
            "source": price.source if price else "",
            "as_of": price.as_of.isoformat() if price else "",
            "quality": (price.note or "confirmed") if price else one.wanted,
            "note": one.note,
        }
        for name, one in priced_meters().items()
        for price in (known[name],)
    ]
    if as_json:
        write(json.dumps({"region": region, "meters": content}, indent=1, ensure_ascii=False))
        return
    lines = [f"{region}, USD; * not from AWS; yours: to give; --json has source, date"]
    for name, one in priced_meters().items():
        price = known[name]
        usd = " ".join(plain(rate) for _, rate in price.tiers) + "*" * bool(price.note) if price else "yours"
        many = {1: "", 1_000: "k ", 10_000: "10 k ", 1_000_000: "M "}
        per = f"{many.get(one.per, f'{one.per:,} ')}{one.unit}"
        free = f"{plain(one.free)} free" if one.free else ""
        lines.append(f"{name:31}{usd:22} {per:15}{free}".rstrip())
    write("\n".join(lines))


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
    lines = [f"{region}, {sheet.currency}, as of {sheet.as_of}"]
    for row in content:
        usd = row["usd"] or "unknown"
        lines.append(
            f"{row['architecture']:8}{row['rate']:18}{usd:>14}  {row['bound']:24}{str(row['quality'])[:14]}".rstrip()
        )
    qualities = dict.fromkeys(str(row["quality"]) for row in content)
    write("\n".join([*lines, *(wrapped(f"- {quality}") for quality in qualities)]))
