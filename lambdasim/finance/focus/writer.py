"""A bill as FOCUS, CSV or Parquet: every charge a row, exact decimals, one file for one quantile."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from lambdasim.billing import Bill, ExchangeRate, LineItem, Share, converted, plain
from lambdasim.billing.accounts import account_of, is_account_id
from lambdasim.billing.exact import product, total
from lambdasim.billing.neighbours.counts import SHARED
from lambdasim.catalog import ChargeKind, usage_type
from lambdasim.catalog.prices.meters import meter
from lambdasim.catalog.region_names import region_name, seller_of
from lambdasim.errors import InputError
from lambdasim.finance.focus.columns import CUSTOM_COLUMNS, FocusVersion, Kind, focus_columns, focus_version
from lambdasim.finance.guard import guarded
from lambdasim.finance.origin import UNKNOWN_ACCOUNT, Origin
from lambdasim.outputs import write_output

if TYPE_CHECKING:
    import pyarrow as pa

_AWS: Final = "AWS"
_UNITS: Final = {
    ChargeKind.REQUEST: "Requests",
    ChargeKind.DURATION: "GB-Seconds",
    ChargeKind.EPHEMERAL: "GB-Seconds",
    ChargeKind.PC_IDLE: "GB-Seconds",
    ChargeKind.PC_DURATION: "GB-Seconds",
    ChargeKind.SNAPSTART_CACHE: "GB-Seconds",
    ChargeKind.SNAPSTART_RESTORE: "GB",
    ChargeKind.STREAMING: "GB",
}
_PARTITIONS: Final = {"us-gov-": "aws-us-gov", "cn-": "aws-cn"}
_DIGITS_128, _DIGITS_256 = 38, 76
FocusRow = dict[str, str | None]


def write_focus(
    bill: Bill,
    path: str | os.PathLike[str],
    *,
    origin: Origin | None = None,
    version: str = "1.2",
    by_function: bool = True,
    exchange: ExchangeRate | None = None,
) -> Path:
    """Write a bill as a FOCUS file.

    Parameters
    ----------
    bill : Bill
        Of one run, or of one quantile of a forecast.
    path : path-like
        ``.parquet`` is written as Parquet with exact decimals, anything else as CSV.
    origin : Origin, optional
        Scenario, run, quantile, account and tags.
    version : str
        ``1.2`` or ``1.4``.
    by_function : bool
        Whether each line is shared out to functions, which then are the ``ResourceId``. Otherwise one row for each line,
        without a resource.
    exchange : ExchangeRate, optional
        Bill in this currency; prices stay in USD in the ``PricingCurrency`` columns.
        Of a bill of China both are CNY.

    Returns
    -------
    Path
        Of the file, which is whole or not there.

    Raises
    ------
    InputError
        When the version is unknown, or the bill is in another currency already.
    """
    rows = focus_rows(bill, origin=origin, version=version, by_function=by_function, exchange=exchange)
    known = focus_version(version)
    place = Path(path)
    if place.suffix == ".parquet":
        content = io.BytesIO()
        _write_parquet(rows, known, content)
        write_output(place, content.getvalue(), "focus")
    else:
        write_output(place, focus_csv(rows, known).encode(), "focus")
    return place


def write_focus_quantiles(
    bills: Mapping[str, Bill],
    path: str | os.PathLike[str],
    *,
    origin: Origin | None = None,
    version: str = "1.2",
    by_function: bool = True,
    exchange: ExchangeRate | None = None,
) -> tuple[Path, ...]:
    """Write a forecast's quantiles, one FOCUS file each: ``bill.csv`` becomes ``bill.P10.csv`` and so on.

    Parameters
    ----------
    bills : mapping of str to Bill
        By name of the quantile, letters and digits only.
    path : path-like
    origin, version, by_function, exchange
        As for ``write_focus``.

    Returns
    -------
    tuple of Path
        One for each quantile.

    Raises
    ------
    InputError
        When the name of a quantile could not stand in a file's name.
    """
    for name in bills:
        if not (name.isascii() and name.isalnum()):
            raise InputError.single("focus", "quantile", f"must be letters and digits, got {name[:40]!r}")
    return tuple(
        write_focus(
            bill,
            quantile_path(path, name),
            origin=replace(origin or Origin(), quantile=name),
            version=version,
            by_function=by_function,
            exchange=exchange,
        )
        for name, bill in bills.items()
    )


def quantile_path(path: str | os.PathLike[str], name: str) -> Path:
    """Return where the file of a quantile is written.

    Examples
    --------
    >>> quantile_path("bill.csv", "P10").name
    'bill.P10.csv'
    """
    place = Path(path)
    return place.with_name(f"{place.stem}.{name}{place.suffix}")


def focus_rows(
    bill: Bill,
    *,
    origin: Origin | None = None,
    version: str = "1.2",
    by_function: bool = True,
    exchange: ExchangeRate | None = None,
) -> list[FocusRow]:
    """Return a bill's rows of FOCUS as text by column; parameters as for ``write_focus``.

    Parameters
    ----------
    bill : Bill
    origin, version, by_function, exchange
        As for ``write_focus``.

    Returns
    -------
    list of dict of str to str
        By column; a row for each tier of a line and each function's part in it.

    Notes
    -----
    ``ContractedCost``, ``EffectiveCost`` and ``BilledCost`` are quantity times rate, and sum to the bill without
    rounding; ``ListCost`` is at the list rate, before a price book. The free tier's rows have price and cost 0. ``SkuId``
    and ``SkuPriceId`` are made of AWS's usage type and the tier, for a price list's own identifiers are not part of a
    price sheet. ``MemorySize`` is not among the details of a price, which memory sizes share.
    """
    if bill.currency != bill.priced_in:
        wanted = f"must be in {bill.priced_in}, as its prices are, is in {bill.currency[:3]}; give exchange="
        raise InputError.single("focus", "bill", wanted)
    source = origin or Origin()
    columns = focus_columns(focus_version(version))
    listed = _charges(bill, by_function)
    billed = listed if exchange is None else _charges(converted(bill, exchange), by_function)
    currencies = (bill.priced_in, bill.priced_in if exchange is None else exchange.currency)
    rows = []
    for priced, charged in zip(listed, billed, strict=True):
        everything = {**_names(priced, source), **_costs(priced, charged, *currencies)}
        rows.append({name: everything.get(name) or None for name in (*columns, *CUSTOM_COLUMNS)})
    return rows


def _charges(bill: Bill, by_function: bool) -> list[Share]:
    """Return what becomes a row each: shares of functions, or lines as they are."""
    shares = list(bill.shares()) if by_function else [_whole(item) for item in bill.items]
    if total(share.amount for share in shares) != bill.total:
        raise InputError.single(
            "focus", "bill", "has lines without functions; price() makes bills that can be shared out"
        )
    return shares


def _whole(item: LineItem) -> Share:
    return Share(item, item.region, item.architecture, "", item.usage_type, item.quantity, item.amount)


def _names(share: Share, origin: Origin) -> FocusRow:
    """Fill every column that is not money."""
    line = share.line
    named = _named(share)
    begin, end = month_span(line.month)
    sku = f"{named.code}/{line.usage_type}"
    details: dict[str, str | int] = {"x_Tier": line.tier}
    if line.architecture:
        details["x_Architecture"] = line.architecture
    tags = origin.tags.get(share.function, {})
    account, function = account_of(share.function)
    owner = account if is_account_id(account) else UNKNOWN_ACCOUNT if account else origin.account_id
    return {
        "BillingAccountId": origin.account_id,
        "BillingAccountName": origin.account_name,
        "BillingAccountType": "AWS Account",
        "BillingPeriodStart": begin,
        "BillingPeriodEnd": end,
        "ChargeCategory": "Usage",
        "ChargeDescription": f"{line.service}: {line.description}",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodStart": begin,
        "ChargePeriodEnd": end,
        "HostProviderName": _AWS,
        "InvoiceIssuerName": seller_of(share.region),
        "PricingCategory": "Standard",
        "ProviderName": _AWS,
        "PublisherName": seller_of(""),
        "RegionId": share.region,
        "RegionName": region_name(share.region) if share.region else None,
        "ResourceId": function_arn(share.region, owner, function),
        "ResourceName": None if function == SHARED else function,
        "ResourceType": "Function" if share.function and function != SHARED else None,
        "ServiceCategory": named.category,
        "ServiceName": line.service,
        "ServiceProviderName": _AWS,
        "ServiceSubcategory": named.subcategory,
        "SkuId": sku,
        "SkuMeter": named.meter,
        "SkuPriceDetails": json.dumps(details, sort_keys=True),
        "SkuPriceId": f"{sku}/{f'tier-{line.tier}' if line.tier else 'free'}",
        "SubAccountId": owner,
        "SubAccountName": account or origin.account_name,
        "SubAccountType": "AWS Account",
        "Tags": json.dumps(dict(tags), sort_keys=True, ensure_ascii=False) if tags else None,
        "x_UsageType": line.usage_type,
        "x_ServiceCode": named.code,
        "x_Scenario": origin.scenario,
        "x_Quantile": origin.quantile,
        "x_Run": origin.run,
        "x_AsOf": line.price_as_of.isoformat(),
        "x_RateQuality": line.note or "confirmed",
    }


class _Named(NamedTuple):
    """How FOCUS names a line's service and meter."""

    code: str
    category: str
    subcategory: str
    meter: str


def _named(share: Share) -> _Named:
    line = share.line
    if line.kind is ChargeKind.NEIGHBOUR:
        one = meter(line.usage_type)
        return _Named(one.service.code, one.service.category, one.service.subcategory, one.name)
    named = usage_type(line.kind, share.architecture or "x86_64")
    return _Named("AWSLambda", "Compute", "Serverless Compute", named.name if line.tier else named.free_name)


def _costs(priced: Share, charged: Share, listed_in: str, currency: str) -> FocusRow:
    """Fill the columns of money, quantity and unit."""
    cost, rate = plain(charged.amount), plain(charged.line.rate)
    listed_rate, quantity = plain(priced.line.rate), plain(priced.quantity)
    list_rate = charged.line.list_rate
    unit = _UNITS.get(priced.line.kind, priced.line.unit)
    return {
        "BilledCost": cost,
        "BillingCurrency": currency,
        "ConsumedQuantity": quantity,
        "ConsumedUnit": unit,
        "ContractedCost": cost,
        "ContractedUnitPrice": rate,
        "EffectiveCost": cost,
        "ListCost": plain(product(charged.quantity, list_rate)),
        "ListUnitPrice": plain(list_rate),
        "PricingCurrency": listed_in,
        "PricingCurrencyContractedUnitPrice": listed_rate,
        "PricingCurrencyEffectiveCost": plain(priced.amount),
        "PricingCurrencyListUnitPrice": plain(priced.line.list_rate),
        "PricingQuantity": quantity,
        "PricingUnit": unit,
    }


def month_span(month: str) -> tuple[str, str]:
    """Return begin and exclusive end of a month.

    Examples
    --------
    >>> month_span("2026-12")
    ('2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z')
    """
    begin = date.fromisoformat(f"{month}-01")
    end = date(begin.year + begin.month // 12, begin.month % 12 + 1, 1)
    return f"{begin.isoformat()}T00:00:00Z", f"{end.isoformat()}T00:00:00Z"


def function_arn(region: str, account_id: str, function: str) -> str | None:
    """Return the name that AWS gives a function; None where a row belongs to none."""
    if not function or not region or function == SHARED:
        return None
    partition = next((name for start, name in _PARTITIONS.items() if region.startswith(start)), "aws")
    return f"arn:{partition}:lambda:{region}:{account_id}:function:{function}"


def focus_csv(rows: Iterable[FocusRow], version: FocusVersion) -> str:
    """Return rows as CSV text, null as nothing; text that would be a formula in a spreadsheet is guarded."""
    columns = focus_columns(version)
    names = (*columns, *CUSTOM_COLUMNS)
    free = [name for name in names if name not in columns or columns[name].kind is Kind.TEXT]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        safe = {name: guarded(row[name] or "") for name in free}
        writer.writerow([safe.get(name, row[name]) or "" for name in names])
    return text.getvalue()


def _write_parquet(rows: list[FocusRow], version: FocusVersion, stream: object) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = focus_columns(version)
    arrays = {
        name: _array([row[name] for row in rows], columns[name].kind if name in columns else Kind.TEXT)
        for name in (*columns, *CUSTOM_COLUMNS)
    }
    table = pa.table(arrays).replace_schema_metadata({"FocusVersion": version.value})
    pq.write_table(table, stream, compression="zstd")


def _array(cells: list[str | None], kind: Kind) -> pa.Array:
    """Make a column of Parquet; numbers get as many decimals as the longest one has, so that none is rounded."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind is Kind.MOMENT:
        stamps = pa.array([None if cell is None else cell.removesuffix("Z") for cell in cells], pa.string())
        return pc.assume_timezone(stamps.cast(pa.timestamp("us")), "UTC")
    if kind is not Kind.NUMBER:
        return pa.array(cells, pa.string())
    numbers = [None if cell is None else Decimal(cell) for cell in cells]
    known = [number for number in numbers if number is not None]
    decimals = max((-min(int(number.as_tuple().exponent), 0) for number in known), default=0)
    whole = max((max(number.adjusted() + 1, 1) for number in known), default=1)
    if whole + decimals <= _DIGITS_128:
        return pa.array(numbers, pa.decimal128(_DIGITS_128, decimals))
    if whole + decimals > _DIGITS_256:
        raise InputError.single("focus", "Parquet", f"holds at most {_DIGITS_256} digits; write CSV")
    return pa.array(numbers, pa.decimal256(_DIGITS_256, decimals))
