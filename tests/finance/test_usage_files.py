"""Usage for Infracost and for AWS's Pricing Calculator."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import yaml

from lambdasim.billing import Usage, price
from lambdasim.catalog import regions
from lambdasim.errors import InputError
from lambdasim.finance import Origin, write_infracost_usage, write_pricing_calculator

ROW = Usage("2026-11", "us-east-1", "api", "arm64", 1024, 512, "zip", "python3.13", requests=1000,
            provisioned_requests=400, extra_requests=5, provisioned_extra_requests=1, billed_ms_with_init=90_902,
            billed_ms_without_init=80_000, provisioned_billed_ms=20_000, provisioned_init_ms=50,
            provisioned_allocated_s=7_200)  # fmt: skip


def test_infracost_gets_whole_numbers_by_resource(tmp_path: Path) -> None:
    other = replace(ROW, function="1st job!", provisioned_requests=0, provisioned_extra_requests=0,
                    provisioned_billed_ms=0, provisioned_init_ms=0, provisioned_allocated_s=0)  # fmt: skip
    path = write_infracost_usage([ROW, other], tmp_path / "usage.yml")
    assert yaml.safe_load(path.read_text()) == {
        "version": 0.1,
        "resource_usage": {
            "aws_lambda_function.1st_job_": {"monthly_requests": 1005, "request_duration_ms": 90},
            "aws_lambda_function.api": {"monthly_requests": 604, "request_duration_ms": 151},
            "aws_lambda_provisioned_concurrency_config.api": {
                "monthly_duration_hrs": 2,
                "monthly_requests": 401,
                "request_duration_ms": 50,
                "architecture": "arm64",
                "memory_mb": 1024,
            },
        },
    }


def test_infracost_addresses_are_given_and_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "usage.yml"
    write_infracost_usage([ROW], path, addresses={"api": "module.x.aws_lambda_function.f"})
    assert (
        "module.x.aws_lambda_provisioned_concurrency_config.f"
        in yaml.safe_load(path.read_text())["resource_usage"]
    )
    with pytest.raises(InputError, match="must be a Terraform address"):
        write_infracost_usage([ROW], path, addresses={"api": "x: &a\n*a"})
    with pytest.raises(InputError, match="stands for two functions"):
        write_infracost_usage([ROW, replace(ROW, function="a.b"), replace(ROW, function="a/b")], path)
    with pytest.raises(InputError, match="month: must be one of 2026-11, 2026-12, got nothing"):
        write_infracost_usage([ROW, replace(ROW, month="2026-12")], path)


def test_the_pricing_calculator_gets_all_usage(tmp_path: Path) -> None:
    bill = price([ROW])
    (path,) = write_pricing_calculator(
        bill,
        tmp_path / "u.json",
        workload_estimate_id="abc-1",
        origin=Origin(scenario="my shop", account_id="1" * 12),
    )
    content = json.loads(path.read_text())
    assert content["workloadEstimateId"] == "abc-1"
    first = content["usage"][0]
    assert list(first) == [
        "serviceCode",
        "usageType",
        "operation",
        "key",
        "group",
        "usageAccountId",
        "amount",
    ]
    assert (first["operation"], first["group"]) == ("", "my-shop")
    amounts = {entry["usageType"]: entry["amount"] for entry in content["usage"]}
    assert amounts["Request-ARM"] == 1005
    billed = {part.usage_type: Fraction(part.quantity) for part in bill.allocations}
    assert {
        name: Fraction(amount) for name, amount in amounts.items() if name != "Request-ARM"
    } == pytest.approx({name: amount for name, amount in billed.items() if name != "Request-ARM"}, rel=1e-15)


def test_many_entries_are_several_requests(tmp_path: Path) -> None:
    places = [region for region in regions() if "gov" not in region][:20]
    small = Usage(
        "2026-11", "", "api", "arm64", 1024, 512, "zip", "python3.13", requests=9, billed_ms_with_init=7
    )
    bill = price([replace(small, region=region) for region in places])
    paths = write_pricing_calculator(bill, tmp_path / "u.json", workload_estimate_id="abc")
    assert [path.name for path in paths] == ["u.json", "u.2.json"]
    entries = [entry for path in paths for entry in json.loads(path.read_text())["usage"]]
    assert len({entry["key"] for entry in entries}) == len(entries) == 40
    with pytest.raises(InputError, match="workload_estimate_id: must be an identifier, got '; rm'"):
        write_pricing_calculator(bill, tmp_path / "u.json", workload_estimate_id="; rm")
