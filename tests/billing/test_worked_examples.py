"""Worked examples of every meter and platform, by hand from the published prices: each to the cent, and as documented."""

import itertools
import json
from decimal import Decimal

import pytest
from typer.testing import CliRunner

import lambdasim as ls
from docs.worked_examples import PAGE, examples, ours, written
from lambdasim.billing.exact import total
from lambdasim.billing.quantities.aws import LAMBDA_QUANTITIES
from lambdasim.catalog.prices.listed import ListedMeter, listed_platforms
from lambdasim.catalog.prices.meters import meters
from lambdasim.cli import app
from lambdasim.errors import CatalogError, InputError
from lambdasim.wording import money

EXAMPLES = examples()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"{one['example'][:40]} {one['region']}")
def test_to_the_cent(example: dict[str, str]) -> None:
    found = ours(example)
    assert f"${float(example['usd'].replace(',', '')):,.2f}" == (
        money(found) if found >= 0.01 else f"${found:.2f}"
    )


def test_every_meter_and_every_line_of_lambdas_is_tried() -> None:
    of_aws = (one["quantities"].split() for one in EXAMPLES if one["platform"] == "aws")
    tried = {pair.split("=")[0] for pairs in of_aws for pair in pairs}
    assert set(LAMBDA_QUANTITIES) <= tried
    assert [name for name, one in meters().items() if name not in tried and not one.asked] == []


def test_every_meter_of_every_platform_that_is_priced_by_quantity_alone_is_tried() -> None:
    for key, platform in listed_platforms().items():
        pairs = (one["quantities"].split() for one in EXAMPLES if one["platform"] == key)
        tried = {pair.split("=")[0] for found in pairs for pair in found}
        left = {name for name in platform.quantities() if name not in tried}
        assert left <= {"idle_ghz_s", "disk_gb_s"}


@pytest.mark.parametrize(
    ("key", "name", "meter"),
    [
        (key, name, one)
        for key, platform in listed_platforms().items()
        for name, one in platform.meters.items()
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_listed_meters_below_at_and_above_every_bound(key: str, name: str, meter: ListedMeter) -> None:
    """One unit below and at the end of what is free cost nothing, one above costs one; so do bounds of volume."""

    def usd(units: Decimal) -> Decimal:
        found = ls.price_platform(key, {name: units}).charges
        return total(one.amount for one in found if one.measure == name)

    free = meter.free * meter.per
    first = (meter.tiers[0] if meter.tiers else meter.volume[0][1]) / meter.per
    if free:
        assert usd(free - 1) == usd(free) == 0
    assert usd(free + 1) == first
    assert usd(Decimal(0)) == 0
    for (bound, below), (_, above) in itertools.pairwise(meter.volume):
        assert bound is not None
        edge = bound * meter.per
        assert (usd(edge) - usd(edge - 1), usd(edge + 1) - usd(edge)) == (
            below / meter.per,
            above / meter.per,
        )


def test_the_table_of_the_documentation_is_this_one() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert written(page) == page, "python -m docs.worked_examples"


def test_what_a_page_prints_is_ours_unless_the_page_says_why() -> None:
    for one in EXAMPLES:
        assert one["printed"] in ("", one["usd"]) or "the page" in one["example"]


def heard(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout


def test_from_the_command_line() -> None:
    for one in EXAMPLES[:3]:
        options = ["--region", one["region"], "--json"]
        content = json.loads(heard("bill", "units", *one["quantities"].split(), *options))
        assert money(float(content["total"])) == f"${one['usd']}"
    text = heard("bill", "units", "requests=10M", "vcpu_s=334000", "gib_s=500000", "--platform", "cloud_run")
    assert "$7.25" in text
    assert "4.32 taken off" in " ".join(text.split())


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"nat_gb": "x"}, "nat_gb: must be a number from 0"), ({"nat_gb": -1}, "nat_gb"), ({"nat_gb": "1e400"}, "nat_gb"),
        ({"nat_gb": "nan"}, "nat_gb"), ({"nat_gb": ""}, "nat_gb"), ({"nat_gb": True}, "nat_gb"), ({"nat": 1}, "nat"),
    ],
)  # fmt: skip
def test_what_is_no_quantity_is_refused(given: dict[str, str], wrong: str) -> None:
    with pytest.raises(InputError, match=wrong):
        ls.price_quantities(given)


def test_another_platforms_names_and_plans_are_checked() -> None:
    with pytest.raises(InputError, match="must be one of"):
        ls.price_platform("cloud_run", {"gb_s": 1})
    with pytest.raises(InputError, match="plan_percent"):
        ls.price_platform("managed_instances", {"plan_percent": 101})
    with pytest.raises(CatalogError):
        ls.price_platform("nowhere", {})
    # A plan whose price is only assumed is counted when it is asked for.
    assert ls.price_platform("vercel", {"requests": "1.5M"}).total * 10 == 3
    assert ls.price_platform("vercel", {"requests": "1.5M", "months": 1}).total > 20
