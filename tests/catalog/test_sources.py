"""Everything the catalog returns says where it comes from, and when that was seen."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files

import pytest

from lambdasim import catalog
from lambdasim.catalog import Knowledge, Rate, price_sheet, regions
from lambdasim.catalog.prices.meters import meters
from lambdasim.catalog.usage_types import LAMBDA_KINDS

TODAY = date(2027, 1, 1)  # no source of this catalog can be younger


def cited() -> Iterator[tuple[str, object]]:
    for name, fact in (*catalog.limits().items(), *catalog.timings().items()):
        yield name, fact
    yield "older limit", catalog.limit("payload_request_async_max_kb", date(2025, 1, 1))
    for family in catalog.snap_start_families():
        yield family.family, family
    for name, rule in catalog.retry_rules().items():
        yield name, rule
    for name, price in catalog.neighbour_prices().items():
        yield name, price
    for rule_in_force in catalog.billing_rules(date(2026, 11, 1)).in_force:
        yield rule_in_force.name, rule_in_force
    for prior in catalog.init_priors():
        yield prior.runtime, prior
    for kind in LAMBDA_KINDS:
        for architecture in ("x86_64", "arm64"):
            yield kind, catalog.usage_type(kind, architecture)
    yield "keep-alive", catalog.keep_alive_curve()


def test_every_fact_rule_price_and_measurement_has_source_and_date() -> None:
    seen = list(cited())
    assert len(seen) > 150
    for name, entry in seen:
        assert len(entry.source) > 10, name  # type: ignore[attr-defined]
        assert type(entry.as_of) is date, name  # type: ignore[attr-defined]
        assert date(2020, 1, 1) < entry.as_of < TODAY, name  # type: ignore[attr-defined]


@pytest.mark.parametrize("region", catalog.regions())
def test_every_price_sheet_has_sources_date_and_how_each_rate_is_known(region: str) -> None:
    sheet = catalog.price_sheet(region)
    assert date(2020, 1, 1) < sheet.as_of < TODAY
    assert sheet.as_of_note
    rates = [sheet.streaming]
    for architecture in ("x86_64", "arm64"):
        found = sheet.rates(architecture)
        assert found.sources
        assert all(len(source) > 10 for source in found.sources)
        rates += [tier.rate for tier in found.tiers]
        rates += [
            getattr(found, name.value) for name in LAMBDA_KINDS if name not in ("duration", "streaming")
        ]
    assert len(rates) == 1 + 2 * (3 + 6)
    for rate in rates:
        assert rate.quality
        assert (rate.usd is None) == (rate.quality == "unknown")


def test_what_is_general_knowledge_is_not_passed_off_as_read_on_a_page() -> None:
    assumed = {name for name, fact in catalog.timings().items() if fact.knowledge is Knowledge.ASSUMED}
    assert {"placement_ms", "environment_max_life_s", "client_retries", "scheduler_delivery_age_s"} <= assumed
    known = {name for name, fact in catalog.limits().items() if fact.knowledge is not Knowledge.AWS_PAGE}
    assert known == {"step_functions_inline_map_max", "step_functions_distributed_map_max"}
    prices = catalog.neighbour_prices().values()
    assert {(price.knowledge, price.as_of.year) for price in prices} == {(Knowledge.AWS_PAGE, 2025)}
    for name, one in meters().items():
        for price in one.prices.values():
            is_read = "general knowledge" not in price.source and "third parties" not in price.source
            assert (price.knowledge is Knowledge.AWS_PAGE) is is_read, name


def test_no_amount_of_money_ever_was_a_float() -> None:
    def decimals(value: object) -> Iterator[object]:
        if isinstance(value, (Decimal, float)):
            yield value
        elif isinstance(value, (tuple, list)):
            for part in value:
                yield from decimals(part)
        elif is_dataclass(value):
            for field in fields(value):
                yield from decimals(getattr(value, field.name))
        elif hasattr(value, "values"):
            yield from decimals(tuple(value.values()))

    sheets = [catalog.price_sheet(region) for region in catalog.regions()]
    amounts = list(decimals((*sheets, *catalog.neighbour_prices().values(), *meters().values())))
    assert len(amounts) > 400
    assert {type(amount) for amount in amounts} == {Decimal}
    # A Decimal that had been a float would carry some fifty digits.
    assert max(len(amount.as_tuple().digits) for amount in amounts) <= 10  # type: ignore[attr-defined]


def test_every_data_file_is_named_in_the_list_of_sources() -> None:
    folder = files(catalog.__name__)
    listed = folder.joinpath("SOURCES.md").read_text(encoding="utf-8")
    data = [
        path.name
        for path in folder.joinpath("data").iterdir()
        if path.name.endswith((".toml", ".json", ".csv"))
    ]
    assert len(data) >= 10
    assert [name for name in data if f"`{name}`" not in listed] == []


def test_what_is_derived_follows_the_rates_of_provisioned_concurrency() -> None:
    # Both rates of provisioned concurrency stand to us-east-1's in one ratio in every region where AWS's own are known,
    # from 1 to 1.6, while most regions pay one duration rate. SnapStart, of the same kind, is derived from that ratio.
    home, derived = price_sheet("us-east-1").rates("x86_64"), 0
    for region in regions():
        rates = price_sheet(region).rates("x86_64")
        if not rates.pc_idle.is_confirmed:
            continue
        ratio = Fraction(_usd(rates.pc_idle)) / Fraction(_usd(home.pc_idle))
        assert abs(
            Fraction(_usd(rates.pc_duration)) / Fraction(_usd(home.pc_duration)) / ratio - 1
        ) < Fraction("0.001")
        for name in ("snapstart_cache", "snapstart_restore"):
            found = getattr(rates, name)
            assert abs(Fraction(_usd(found)) / Fraction(_usd(getattr(home, name))) / ratio - 1) < Fraction(
                "0.0001"
            )
            assert found.is_confirmed is (region == "us-east-1")
            derived += found.quality.startswith("derived: us-east-1's")
    assert derived >= 40


def test_streaming_has_a_rate_in_every_region_and_says_where_it_is_from() -> None:
    for region in regions():
        rate = price_sheet(region).streaming
        assert _usd(rate)
        assert rate.is_confirmed is (region == "us-east-1")
        assert rate.is_confirmed or rate.quality.startswith("derived: us-east-1's")


def _usd(rate: Rate) -> Decimal:
    assert rate.usd is not None
    return rate.usd
