"""Prices: exact decimals as published, for every region, newest first, derived ones told."""

from copy import deepcopy
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest

from lambdasim.billing import Usage, price
from lambdasim.catalog import PriceSheet, Rate, Tier, billing_rules, price_sheet, regions, usage_type
from lambdasim.catalog.files import json_of, toml_of
from lambdasim.catalog.prices.sheets import sheets_of
from lambdasim.catalog.usage_types import ChargeKind
from lambdasim.errors import CatalogError

# Typed from AWS's calculator, the Price List and, for the youngest regions, public tables: first tier of x86_64 and of
# arm64 [USD per GB-s], request [USD]; "" where not known.
ORDINARY = ("0.0000166667", "0.0000133334", "0.0000002")
PUBLISHED = dict.fromkeys(
    [
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-south-2",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-southeast-3",
        "ap-southeast-4",
        "ca-central-1",
        "ca-west-1",
        "eu-central-1",
        "eu-north-1",
        "eu-south-2",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    ],
    ORDINARY,
) | {
    "af-south-1": ("0.0000221", "0.00001768", "0.00000027"),
    "ap-east-1": ("0.00002292", "0.0000183", "0.00000028"),
    "ap-southeast-5": ("0.000015", "0.000012", "0.00000018"),
    "eu-central-2": ("0.0000183334", "0.0000146667", "0.00000022"),
    "eu-south-1": ("0.0000195172", "0.0000156138", "0.00000023"),
    "il-central-1": ("0.0000175", "0.000014", "0.00000021"),
    "me-central-1": ("0.0000206667", "0.0000165334", "0.00000025"),
    "me-south-1": ("0.0000206667", "0.0000165334", "0.00000025"),
    "us-gov-east-1": ("0.0000166667", "0.0000133334", ""),
    "us-gov-west-1": ("0.0000166667", "0.0000133334", ""),
}
CONTENT, PREFIXES = json_of("prices_aws_lambda.json"), toml_of("billing_prefixes.toml")


def test_all_regions_of_the_price_data_are_there_and_no_other() -> None:
    assert set(regions()) == set(PUBLISHED)
    assert len(regions()) == 32


@pytest.mark.parametrize("region", sorted(PUBLISHED))
def test_first_tier_and_request_are_the_published_digits(region: str) -> None:
    sheet = price_sheet(region)
    x86, arm, request = PUBLISHED[region]
    expected = Decimal(request) if request else None
    assert sheet.rates("x86_64").tiers[0].rate.usd == Decimal(x86)
    assert sheet.rates("arm64").tiers[0].rate.usd == Decimal(arm)
    assert sheet.rates("x86_64").request.usd == sheet.rates("arm64").request.usd == expected


def test_northern_virginia_to_the_last_digit() -> None:
    # Price List of 2026-09-19, offer AWSLambda.
    sheet = price_sheet("us-east-1")
    flat = ("request", "ephemeral", "pc_idle", "pc_duration", "snapstart_cache", "snapstart_restore")
    for architecture, tiers, rest in (
        (
            "x86_64",
            {6_000_000_000: "0.0000166667", 15_000_000_000: "0.0000150000", None: "0.0000133334"},
            ("0.0000002", "0.0000000309", "0.0000041667", "0.0000097222", "0.0000015046", "0.0001397998"),
        ),
        (
            "arm64",
            {7_500_000_000: "0.0000133334", 18_750_000_000: "0.0000120001", None: "0.0000106667"},
            ("0.0000002", "0.0000000309", "0.0000033334", "0.0000077778", "0.0000015046", "0.0001397998"),
        ),
    ):
        rates = sheet.rates(architecture)
        assert {tier.up_to_gb_s: str(tier.rate.usd) for tier in rates.tiers} == tiers
        assert tuple(getattr(rates, name).usd for name in flat) == tuple(map(Decimal, rest))
        assert all(getattr(rates, name).is_confirmed for name in flat)
    assert sheet.streaming.usd == Decimal("0.008")
    assert sheet.as_of == date(2026, 9, 19)


@pytest.mark.parametrize("region", sorted(set(PUBLISHED) - {"us-east-1"}))
def test_outside_northern_virginia_higher_tiers_are_derived_and_say_so(region: str) -> None:
    for architecture in ("x86_64", "arm64"):
        first, *higher = price_sheet(region).rates(architecture).tiers
        assert first.rate.usd is not None
        for share, tier in zip(("0.9", "0.8"), higher, strict=True):
            assert not tier.rate.is_confirmed
            assert "derived" in tier.rate.quality
            assert tier.rate.usd is not None
            assert abs(tier.rate.usd - Decimal(share) * first.rate.usd) < Decimal("0.0000000002")


def test_a_bill_with_a_derived_rate_says_so_on_its_line_and_in_its_notes() -> None:
    row = Usage("2026-11", "eu-central-1", "f", "x86_64", 1024, 512, "zip", "python3.13")
    ms = 6_000_000_001_000
    bill = price([replace(row, billed_ms_with_init=ms, billed_ms_without_init=ms)], free_tier=False)
    first, second = bill.items
    assert (first.is_derived, first.note) == (False, "")
    assert second.is_derived
    assert second.note.startswith("derived as 0.9")
    assert any("EUC1-Lambda-GB-Second, tier 2: rate derived" in note for note in bill.notes)
    assert bill.frame()["is_derived"].tolist() == [False, True]
    assert '"is_derived": true' in bill.to_json()


def test_a_third_partys_rate_is_not_confirmed_either() -> None:
    row = Usage("2026-11", "il-central-1", "f", "arm64", 1024, 512, "zip", "python3.13", requests=1)
    (item,) = price([row], free_tier=False).items
    assert item.is_derived
    assert "third-party" in item.note


@pytest.mark.parametrize("region", ["eu-central-3", "", "us-east-1 ", "US-EAST-1"])
def test_an_unknown_region_is_one_clear_error(region: str) -> None:
    with pytest.raises(CatalogError) as caught:
        price_sheet(region)
    assert len(caught.value.faults) == 1
    assert str(caught.value).startswith("price sheets: region: must be one of af-south-1, ")
    assert "given with --price-sheet FILE" in str(caught.value)
    assert repr(region) in str(caught.value)


def test_an_unknown_region_is_an_error_of_the_bill_even_without_any_charge() -> None:
    with pytest.raises(CatalogError, match="mars-north-1"):
        price([Usage("2026-11", "mars-north-1", "f", "arm64", 128, 512, "zip", "python3.13")])


@pytest.mark.parametrize("on", ["2026-11", "2026-11-01", 2026, datetime(2026, 11, 1)])  # noqa: DTZ001
def test_what_is_no_day_is_one_clear_error(on: object) -> None:
    for look_up in (lambda: price_sheet("us-east-1", on), lambda: billing_rules(on)):  # type: ignore[arg-type]
        with pytest.raises(CatalogError, match=r"date: must be a datetime\.date, got") as caught:
            look_up()
        assert len(caught.value.faults) == 1


def test_an_unknown_architecture_is_one_clear_error() -> None:
    with pytest.raises(CatalogError, match="riscv"):
        price_sheet("us-east-1").rates("riscv")
    with pytest.raises(CatalogError, match="riscv"):
        usage_type(ChargeKind.DURATION, "riscv")


def dated(*pairs: tuple[str, str]) -> dict[str, object]:
    """Give Ireland a history: first-tier rate of x86_64 by day."""
    content = deepcopy(CONTENT)
    sheets = []
    for as_of, usd in pairs:
        sheet = deepcopy(CONTENT["regions"]["eu-west-1"])
        sheet["as_of"] = as_of
        sheet["architectures"]["x86_64"]["tiers"][0]["usd"] = usd
        sheets.append(sheet)
    content["regions"]["eu-west-1"] = sheets
    return content


def test_the_newest_sheet_wins_and_older_days_get_the_sheet_known_by_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Not in the order of days, and the newest is not the dearest: neither place nor height may decide.
    known = sheets_of(
        dated(("2026-06-01", "0.00002"), ("2022-01-01", "0.00005"), ("2024-01-01", "0.00003")), PREFIXES
    )
    monkeypatch.setattr("lambdasim.catalog.prices.sheets._all_sheets", lambda: known)

    def first(on: date | None) -> Decimal | None:
        return price_sheet("eu-west-1", on).rates("x86_64").tiers[0].rate.usd

    assert first(None) == Decimal("0.00002")
    assert first(date(2030, 1, 1)) == Decimal("0.00002")
    assert first(date(2026, 6, 1)) == Decimal("0.00002")
    assert first(date(2026, 5, 31)) == Decimal("0.00003")
    assert first(date(2024, 1, 1)) == Decimal("0.00003")
    assert first(date(2023, 12, 31)) == Decimal("0.00005")
    assert first(date(2021, 1, 1)) == Decimal("0.00005")  # none older is known; the bill says so

    row = Usage("2024-02", "eu-west-1", "f", "x86_64", 1024, 512, "zip", "python3.13")
    row = replace(row, billed_ms_with_init=1000, billed_ms_without_init=1000)
    assert price([row], free_tier=False).total == Decimal("0.00003")
    assert price([row], free_tier=False, month="2026-11").total == Decimal("0.00002")
    assert price([row], free_tier=False, on=date(2022, 5, 1)).total == Decimal("0.00005")
    old = price([replace(row, month="2021-02")], free_tier=False)
    assert any("none older are known for 2021-02-01" in note for note in old.notes)
    assert not any("none older" in note for note in price([row], free_tier=False).notes)


def test_two_sheets_of_one_day_contradict_each_other() -> None:
    with pytest.raises(CatalogError, match=r"prices_aws_lambda\.json: regions\.eu-west-1: "):
        sheets_of(dated(("2026-06-01", "0.00002"), ("2026-06-01", "0.00003")), PREFIXES)


def own_sheet(**changes: object) -> PriceSheet:
    return replace(price_sheet("us-east-1"), **changes)  # type: ignore[arg-type]


def test_a_sheet_of_ones_own_cannot_leave_usage_unpriced() -> None:
    rates = price_sheet("us-east-1").rates("x86_64")
    rate = Rate(Decimal("0.00001"), "confirmed: contract")
    for tiers in (
        (),
        (Tier(10, rate),),
        (Tier(None, rate), Tier(None, rate)),
        (Tier(10, rate), Tier(10, rate), Tier(None, rate)),
        (Tier(20, rate), Tier(10, rate), Tier(None, rate)),
        (Tier(0, rate), Tier(None, rate)),
    ):
        with pytest.raises(CatalogError, match="tiers"):
            replace(rates, tiers=tiers)


@pytest.mark.parametrize(
    "usd", [0.0000166667, "0.0000166667", 1, Decimal("-0.1"), Decimal("NaN"), Decimal("Infinity")]
)
def test_a_rate_of_ones_own_is_a_decimal_from_zero(usd: object) -> None:
    with pytest.raises(CatalogError, match="usd"):
        Rate(usd, "confirmed")  # type: ignore[arg-type]


def test_a_sheet_that_would_be_ignored_is_refused() -> None:
    row = Usage("2026-11", "eu-west-1", "f", "x86_64", 1024, 512, "zip", "python3.13", requests=5)
    with pytest.raises(ValueError, match=r"price_sheet: is of us-east-1, the usage of eu-west-1"):
        price([row], price_sheet=price_sheet("us-east-1"))
