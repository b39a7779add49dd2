"""Worked examples of every meter and platform, by hand from the published prices: each to the cent, and as documented."""

import json

import pytest
from typer.testing import CliRunner

import lambdasim as ls
from docs.worked_examples import PAGE, examples, ours, written
from lambdasim.billing.quantities.aws import LAMBDA_QUANTITIES
from lambdasim.catalog.prices.meters import meters
from lambdasim.cli import app
from lambdasim.errors import CatalogError, InputError
from lambdasim.wording import money

EXAMPLES = examples()
LEFT_OUT = {
    # Priced by the same rule as a meter beside it; each is tried at its bounds in test_meters.py.
    "rest_cache", "logs_lambda_ia_gb", "logs_lambda_delivered_gb", "logs_put", "logs_live_tail", "alarms_", "metric_data",
    "sqs_fair", "sns_firehose", "eventbridge_cross_account", "kinesis_retention", "kinesis_on_demand_fan_out",
    "kinesis_advantage", "dynamodb_kinesis", "msk_m7g",
}  # fmt: skip


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
    left = [name for name, one in meters().items() if name not in tried and not one.asked]
    assert [name for name in left if not any(name.startswith(one) for one in LEFT_OUT)] == []


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
