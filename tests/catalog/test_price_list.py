"""Price List files of AWS: what they become, and what is refused with one clear error."""

import copy
import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lambdasim.billing import ExchangeRate, Usage, converted, plain, price
from lambdasim.catalog import price_sheet
from lambdasim.catalog.prices.book import BookEntry, PriceBook
from lambdasim.errors import InputError
from lambdasim.finance import check_focus, fitting_sheets, load_price_sheets, refresh_prices, write_focus
from lambdasim.finance.focus.writer import focus_rows

# Usage type in us-east-1, group, unit, bands (begin, end, USD): the shape and the prices that AWS published in 2026.
TIERS = [
    ("0", "6000000000", "0.0000166667"),
    ("6000000000", "15000000000", "0.0000150000"),
    ("15000000000", "Inf", "0.0000133334"),
]
ARM_TIERS = [
    ("0", "7500000000", "0.0000133334"),
    ("7500000000", "18750000000", "0.0000120001"),
    ("18750000000", "Inf", "0.0000106667"),
]


def one(usd: str) -> list[tuple[str, str, str]]:
    return [("0", "Inf", usd)]


SKUS = [
    ("Request", "AWS-Lambda-Requests", one("0.0000002000")),
    ("Request-ARM", "AWS-Lambda-Requests-ARM", one("0.0000002000")),
    ("Lambda-GB-Second", "AWS-Lambda-Duration", TIERS),
    ("Lambda-GB-Second-ARM", "AWS-Lambda-Duration-ARM", ARM_TIERS),
    ("Lambda-Provisioned-Concurrency", "AWS-Lambda-Provisioned-Concurrency", one("0.0000041667")),
    ("Lambda-Provisioned-Concurrency-ARM", "AWS-Lambda-Provisioned-Concurrency-ARM", one("0.0000033334")),
    ("Lambda-Provisioned-GB-Second", "AWS-Lambda-Duration-Provisioned", one("0.0000097222")),
    ("Lambda-Provisioned-GB-Second-ARM", "AWS-Lambda-Duration-Provisioned-ARM", one("0.0000077778")),
    ("Lambda-Storage-GB-Second", "AWS-Lambda-Storage-Duration", one("0.0000000309")),
    ("Lambda-Storage-GB-Second-ARM", "AWS-Lambda-Storage-Duration-ARM", one("0.0000000309")),
    # rows of other things that share groups
    ("Lambda-Edge-Request", "AWS-Lambda-Edge-Requests", one("0.0000006000")),
    ("Global-Request", "AWS-Lambda-Requests", [("0", "1000000", "0.0000000000")]),
    ("Lambda-Managed-Instances-Request", "AWS-Lambda-Requests", one("0.0000002000")),
]
CSV_HEADER = (
    "SKU,OfferTermCode,RateCode,TermType,PriceDescription,EffectiveDate,StartingRange,EndingRange,Unit,PricePerUnit,"
    "Currency,Product Family,serviceCode,Location,Location Type,Group,Group Description,usageType,operation,Region Code,"
    "serviceName"
)


def offer(region: str = "us-east-1", prefix: str = "", currency: str = "USD") -> dict[str, Any]:
    products: dict[str, Any] = {}
    terms: dict[str, Any] = {}
    for number, (name, group, bands) in enumerate(SKUS):
        sku = f"{region.upper()}{number}"
        is_global = name.startswith("Global")
        attributes = {
            "servicecode": "AWSLambda",
            "location": region,
            "regionCode": "" if is_global else region,
            "group": group,
            "groupDescription": f"Price of {name}",
            "usagetype": name if is_global or not prefix else f"{prefix}-{name}",
            "operation": "",
        }
        products[sku] = {"sku": sku, "productFamily": "Serverless", "attributes": attributes}
        rates = {
            f"{sku}.T.{place}": {
                "rateCode": f"{sku}.T.{place}",
                "description": "d",
                "beginRange": begin,
                "endRange": end,
                "unit": "Lambda-GB-Second",
                "pricePerUnit": {currency: usd},
                "appliesTo": [],
            }
            for place, (begin, end, usd) in enumerate(bands)
        }
        term = {
            "offerTermCode": "T",
            "sku": sku,
            "effectiveDate": "2026-09-01T00:00:00Z",
            "termAttributes": {},
        }
        terms[sku] = {f"{sku}.T": {**term, "priceDimensions": rates}}
    return {
        "formatVersion": "v1.0",
        "disclaimer": "x",
        "offerCode": "AWSLambda",
        "version": "20260919",
        "publicationDate": "2026-10-19T08:00:00Z",
        "products": products,
        "terms": {"OnDemand": terms},
    }


def merged(*offers: dict[str, Any]) -> dict[str, Any]:
    whole = copy.deepcopy(offers[0])
    for other in offers[1:]:
        whole["products"] |= other["products"]
        whole["terms"]["OnDemand"] |= other["terms"]["OnDemand"]
    return whole


def as_csv(content: dict[str, Any]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(("FormatVersion", content["formatVersion"]))
    writer.writerow(("Disclaimer", "x"))
    writer.writerow(("Publication Date", content["publicationDate"]))
    writer.writerow(("Version", content["version"]))
    writer.writerow(("OfferCode", content["offerCode"]))
    writer.writerow(CSV_HEADER.split(","))
    for sku, product in content["products"].items():
        found = product["attributes"]
        for term in content["terms"]["OnDemand"][sku].values():
            for code, rate in term["priceDimensions"].items():
                ((currency, usd),) = rate["pricePerUnit"].items()
                row = [sku, "T", code, "OnDemand", "d", term["effectiveDate"][:10]]
                row += [rate["beginRange"], rate["endRange"], rate["unit"], usd, currency]
                row += ["Serverless", "AWSLambda", found["location"], "AWS Region", found["group"]]
                row += [found["groupDescription"], found["usagetype"], "", found["regionCode"], "AWS Lambda"]
                writer.writerow(row)
    return text.getvalue()


def written(folder: Path, content: dict[str, Any], kind: str = "json") -> Path:
    path = folder / f"index.{kind}"
    path.write_text(json.dumps(content) if kind == "json" else as_csv(content))
    return path


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_the_published_list_gives_the_sheet_in_use(tmp_path: Path, kind: str) -> None:
    found = refresh_prices(written(tmp_path, offer(), kind), tmp_path / "sheets.json")
    assert found.differences == ()
    sheet, known = found.sheets["us-east-1"], price_sheet("us-east-1")
    assert sheet.as_of.isoformat() == "2026-10-19"
    for architecture in ("x86_64", "arm64"):
        rates, old = sheet.rates(architecture), known.rates(architecture)
        assert [(t.up_to_gb_s, t.rate.usd) for t in rates.tiers] == [
            (t.up_to_gb_s, t.rate.usd) for t in old.tiers
        ]
        assert all(tier.rate.is_confirmed for tier in rates.tiers)
        assert rates.pc_idle.usd == old.pc_idle.usd
        assert rates.snapstart_cache.usd == old.snapstart_cache.usd
        assert not rates.snapstart_cache.is_confirmed
        assert rates.snapstart_cache.quality.startswith("carried over from the sheet of 2026-09-19")
    assert load_price_sheets(tmp_path / "sheets.json") == found.sheets
    assert found.notes == (
        "Price List published 2026-10-19, 1 region",
        "us-east-1: not in the file, carried over from 2026-09-19: x86_64.snapstart_cache, x86_64.snapstart_restore, "
        "arm64.snapstart_cache, arm64.snapstart_restore, streaming",
    )


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_a_global_list_gives_every_region_and_leaves_the_free_tier_of_china_out(
    tmp_path: Path, kind: str
) -> None:
    china = offer("cn-north-1", "CNN1", "CNY")
    trap = offer("eu-west-1", "EU")
    for product in trap["products"].values():
        product["attributes"]["groupDescription"] = "China free tier"
    trap = json.loads(json.dumps(trap).replace("EU-WEST-1", "TRAP"))
    content = merged(offer("eu-west-1", "EU"), offer("us-east-2", "USE2"), china, trap)
    found = refresh_prices(written(tmp_path, content, kind))
    assert list(found.sheets) == ["cn-north-1", "eu-west-1", "us-east-2"]
    assert [sheet.currency for sheet in found.sheets.values()] == ["CNY", "USD", "USD"]
    assert found.sheets["us-east-2"].usage_prefix == "USE2"
    assert any("of China's free tier left out" in note for note in found.notes)
    assert list(refresh_prices(written(tmp_path, content, kind), region="us-east-2").sheets) == ["us-east-2"]
    with pytest.raises(
        InputError, match="region: must be one of cn-north-1, eu-west-1, us-east-2, got 'mars'"
    ):
        refresh_prices(written(tmp_path, content, kind), region="mars")


def change(name: str, **what: Any) -> Callable[[dict[str, Any]], None]:
    """Change the last band of a usage type."""

    def apply(content: dict[str, Any]) -> None:
        sku = next(
            sku for sku, product in content["products"].items() if product["attributes"]["usagetype"] == name
        )
        (term,) = content["terms"]["OnDemand"][sku].values()
        band = list(term["priceDimensions"].values())[-1]
        band.update(what)

    return apply


def without(name: str) -> Callable[[dict[str, Any]], None]:
    def apply(content: dict[str, Any]) -> None:
        sku = next(
            sku for sku, product in content["products"].items() if product["attributes"]["usagetype"] == name
        )
        del content["products"][sku], content["terms"]["OnDemand"][sku]

    return apply


def twice(name: str) -> Callable[[dict[str, Any]], None]:
    def apply(content: dict[str, Any]) -> None:
        sku = next(
            sku for sku, product in content["products"].items() if product["attributes"]["usagetype"] == name
        )
        content["products"]["AGAIN"] = content["products"][sku]
        content["terms"]["OnDemand"]["AGAIN"] = content["terms"]["OnDemand"][sku]

    return apply


DURATION = "Lambda-GB-Second"
FAULTS: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (change(DURATION, beginRange="16000000000"), "a tier is missing, nothing prices 15000000000 to 16000000000"),
    (change(DURATION, endRange="20000000000"), "a tier is missing, nothing prices from 20000000000"),
    (change(DURATION, beginRange="14000000000"), "bands overlap, one begins at 14000000000 before 15000000000"),
    (change(DURATION, beginRange="0"), "bands overlap"),
    (change(DURATION, endRange="1"), "a band must end after it begins, got 15000000000 to 1"),
    (change(DURATION, beginRange="-1"), "must be a whole number or Inf, got '-1'"),
    (change(DURATION, pricePerUnit={"USD": "0.0000133333999999"}), "at most 12 decimals, got '0.0000133333999999'"),
    (change(DURATION, pricePerUnit={"USD": "1.33334E-05"}), "must be text such as"),
    (change(DURATION, pricePerUnit={"USD": "-0.1"}), "must be text such as"),
    (change(DURATION, pricePerUnit={"USD": "0.0000159"}), "rates must not rise from tier to tier"),
    (change(DURATION, pricePerUnit={"EUR": "0.0000133334"}), "prices must be in USD, got 'EUR'"),
    (change("Request", endRange="5"), "a tier is missing, nothing prices from 5"),
    (without(DURATION), "us-east-1: has no price of Lambda-GB-Second"),
    (without("Request"), "us-east-1: has no price of Request"),
    (twice("Request"), "Request is priced twice, as US-EAST-10 and AGAIN"),
    (lambda content: content.update(formatVersion="v2.0"), "must be v1.0, the version that is known, got 'v2.0'"),
    (lambda content: content.update(offerCode="AmazonEC2"), "offerCode: must be AWSLambda, got 'AmazonEC2'"),
    (lambda content: content.update(publicationDate="soon"), "must begin with a day such as 2026-11-01, got 'soon'"),
]  # fmt: skip


@pytest.mark.parametrize("kind", ["json", "csv"])
@pytest.mark.parametrize(("fault", "message"), FAULTS, ids=[message for _, message in FAULTS])
def test_a_fault_is_one_clear_error(
    tmp_path: Path, kind: str, fault: Callable[[dict[str, Any]], object], message: str
) -> None:
    content = offer()
    fault(content)
    with pytest.raises(InputError) as caught:
        refresh_prices(written(tmp_path, content, kind), tmp_path / "out.json")
    assert message in str(caught.value)
    assert f"index.{kind}" in str(caught.value)
    assert len(caught.value.faults) == 1
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ('{"formatVersion": "v1.0", "formatVersion": "v1.0"}', "appears twice in one object"),
        ("{}", "formatVersion: is missing"),
        ('{"a": ' + "[" * 100_000, "is not JSON"),
        ('{"a": ' + "9" * 5_000 + "}", "is not JSON that can be read"),
        ("a,b\n1,2\n", "must be a Price List of AWS"),
        ('"FormatVersion","v1.0\n', "must be CSV"),
        ("SKU,TermType,RateCode\n", "formatVersion: must be v1.0"),
    ],
)
def test_what_is_no_price_list_is_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "index.json"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        refresh_prices(path)
    assert message in str(caught.value)


def test_prices_as_numbers_are_refused(tmp_path: Path) -> None:
    content = offer()
    change(DURATION, pricePerUnit={"USD": 0.0000133334})(content)
    with pytest.raises(InputError, match=r"must be text, got 1.33334e-05"):
        refresh_prices(written(tmp_path, content))


def test_a_csv_without_a_column_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, offer(), "csv")
    path.write_text(path.read_text().replace('"usageType"', '"kind"'))
    with pytest.raises(InputError, match="row 6: usagetype: the header must name this column, once"):
        refresh_prices(path)


@pytest.mark.parametrize(
    ("region", "prefix", "currency"),
    [
        ("cn-north-1", "CNN1", "CNY"),
        ("cn-northwest-1", "CNW1", "CNY"),
        ("mx-central-1", "MXC1", "USD"),
        ("ap-southeast-7", "APS9", "USD"),
    ],
)
def test_regions_that_no_sheet_is_in_use_for(tmp_path: Path, region: str, prefix: str, currency: str) -> None:
    out = tmp_path / "sheets.json"
    refresh_prices(written(tmp_path, offer(region, prefix, currency)), out)
    row = Usage("2026-11", "us-east-1", "f", "x86_64", 1024, 512, "zip", "python3.13", requests=5_000_000)
    (sheet,) = fitting_sheets(out, [row], region)
    bill = price([row], region=region, price_sheet=sheet, free_tier=False)
    rate = sheet.rates("x86_64").request.usd
    assert rate is not None
    assert (bill.currency, bill.total) == (currency, 5_000_000 * rate)
    assert [item.usage_type for item in bill.items] == [f"{prefix}-Request"]
    assert currency in repr(bill) or currency == "USD"
    with pytest.raises(InputError, match="regions: must have us-east-1, has"):
        fitting_sheets(out, [row])


def test_a_bill_of_china_is_a_focus_file_in_its_own_currency(tmp_path: Path) -> None:
    """Billed and priced in CNY, by the company that operates the region; no exchange rate from CNY is taken."""
    sheet = refresh_prices(written(tmp_path, offer("cn-northwest-1", "CNW1", "CNY"))).sheets["cn-northwest-1"]
    row = Usage(
        "2026-11", "cn-northwest-1", "f", "x86_64", 1024, 512, "zip", "python3.13", requests=5_000_000
    )
    bill = price([row], price_sheet=sheet, free_tier=False)
    rate = sheet.rates("x86_64").request.usd
    assert rate is not None
    (found,) = focus_rows(bill)
    assert (found["BilledCost"], found["ListUnitPrice"]) == (plain(5_000_000 * rate), plain(rate))
    assert (found["BillingCurrency"], found["PricingCurrency"]) == ("CNY", "CNY")
    assert found["InvoiceIssuerName"] == "Ningxia Western Cloud Data Technology Co., Ltd."
    assert found["ResourceId"] == "arn:aws-cn:lambda:cn-northwest-1:000000000000:function:f"
    assert check_focus(write_focus(bill, tmp_path / "bill.csv")) == 5_000_000 * rate
    with pytest.raises(InputError, match="must be in USD, is in CNY"):
        focus_rows(bill, exchange=ExchangeRate("EUR", Decimal("0.9"), date(2026, 11, 1)))
    home = price([replace(row, region="us-east-1")], free_tier=False)
    with pytest.raises(InputError, match="must be in USD, as its prices are, is in CNY; give exchange="):
        focus_rows(converted(home, ExchangeRate("CNY", Decimal("7.1"), date(2026, 11, 1))))


def test_prices_in_another_currency_are_refused(tmp_path: Path) -> None:
    for region, currency in (("eu-west-1", "CNY"), ("cn-north-1", "USD")):
        with pytest.raises(InputError, match="prices must be in"):
            refresh_prices(written(tmp_path, offer(region, "EU", currency)))


def test_a_bill_has_one_currency(tmp_path: Path) -> None:
    china = refresh_prices(written(tmp_path, offer("cn-north-1", "CNN1", "CNY"))).sheets["cn-north-1"]
    row = Usage("2026-11", "us-east-1", "f", "x86_64", 1024, 512, "zip", "python3.13", requests=5)
    both = [row, replace(row, region="cn-north-1")]
    with pytest.raises(InputError, match="must be in one currency for one bill, got CNY, USD"):
        price(both, price_sheet=china)
    own = PriceBook("corp", date(2026, 1, 1), [BookEntry("Request", None, None, Decimal("0.1"))])
    with pytest.raises(InputError, match="has own rates in USD, the bill is in CNY"):
        price(both[1:], price_sheet=china, price_book=own)


def test_what_changes_is_told_with_its_effect_on_usage(tmp_path: Path) -> None:
    content = offer()
    change("Request", pricePerUnit={"USD": "0.0000003"})(content)
    found = refresh_prices(written(tmp_path, content))
    (row,) = found.differences
    assert (row.region, row.architecture, row.rate) == ("us-east-1", "x86_64", "request")
    assert (row.before, row.after) == (Decimal("0.0000002"), Decimal("0.0000003"))
    assert row.change is not None
    assert float(row.change) == 0.5
    assert found.frame()["rate"].tolist() == ["request"]
    usage = Usage("2026-11", "us-east-1", "f", "x86_64", 128, 512, "zip", "python3.13", requests=11_000_000)
    elsewhere = Usage(
        "2026-11", "eu-west-1", "f", "x86_64", 128, 512, "zip", "python3.13", requests=11_000_000
    )
    effect = found.effect([usage, elsewhere])
    assert effect.before.total == price([usage, elsewhere]).total
    assert float(effect.difference) == pytest.approx(10.5 * 0.1)
    assert str(effect) == "$4.20 -> $5.25 ($1.05)"
    with pytest.raises(InputError, match="usage: has none in the regions of the file, us-east-1"):
        found.effect([elsewhere])


def test_a_carried_rate_is_marked_on_the_bill(tmp_path: Path) -> None:
    found = refresh_prices(written(tmp_path, offer()))
    usage = Usage("2026-11", "us-east-1", "f", "x86_64", 128, 512, "zip", "python3.13", streamed_bytes=10**12)
    (line,) = [item for item in price([usage], price_sheet=found.sheets["us-east-1"]).items if item.tier]
    assert line.is_derived
    assert "carried over" in line.note


def test_the_newest_of_several_terms_counts(tmp_path: Path) -> None:
    content = offer()
    sku = next(
        sku for sku, product in content["products"].items() if product["attributes"]["usagetype"] == "Request"
    )
    terms = content["terms"]["OnDemand"][sku]
    (old,) = terms.values()
    new = copy.deepcopy(old)
    new["effectiveDate"] = "2026-10-01T00:00:00Z"
    next(iter(new["priceDimensions"].values()))["pricePerUnit"]["USD"] = "0.0000001"
    terms["later"] = new
    assert refresh_prices(written(tmp_path, content)).sheets["us-east-1"].rates(
        "x86_64"
    ).request.usd == Decimal("0.0000001")


def test_a_bill_takes_one_sheet_for_each_region(tmp_path: Path) -> None:
    content = merged(offer("eu-west-1", "EU"), offer())
    sheets = refresh_prices(written(tmp_path, content)).sheets
    rows = [
        Usage("2026-11", region, "f", "x86_64", 128, 512, "zip", "python3.13", requests=10**7)
        for region in sheets
    ]
    assert {item.price_as_of for item in price(rows, price_sheet=sheets.values()).items if item.tier} == {
        sheets["us-east-1"].as_of
    }
    with pytest.raises(InputError, match="must be one for each region"):
        price(rows, price_sheet=[sheets["us-east-1"], price_sheet("us-east-1")])
    with pytest.raises(InputError, match="it would be ignored"):
        price(rows[:1], price_sheet=sheets.values())


def test_sheets_that_we_did_not_write_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "sheets.json"
    path.write_text('{"currency": "USD"}')
    with pytest.raises(InputError, match="usage_prefixes: must be a table"):
        load_price_sheets(path)
