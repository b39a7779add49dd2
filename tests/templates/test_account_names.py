"""What is joined by a name: equal names in two regions, rules of two buses, log groups that are called otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import account_export as ae
import pytest
from test_account_import import START, function, functions, metrics, only, read, series

from lambdasim.templates.account.read import read_account
from lambdasim.templates.found import Found

HOME, ABROAD = "eu-west-1", "us-east-1"


def allowed(service: str, function_arn: str, source_arn: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Resource": function_arn,
        "Condition": {"ArnLike": {"AWS:SourceArn": source_arn}},
    }
    return json.dumps({"Statement": [statement]})


def export(folder: Path, region: str, memory_mb: int, reserved: int, runs: float) -> None:
    folder.mkdir(parents=True)
    one = function("orders", FunctionArn=ae.arn("orders", region=region), MemorySize=memory_mb)
    policy = allowed("sns", one["FunctionArn"], f"arn:aws:sns:{region}:{ae.ACCOUNT}:from-{region}")
    target = {
        "ResourceId": "function:orders:live",
        "MinCapacity": reserved,
        "ScalableTargetARN": f"arn:aws:application-autoscaling:{region}:{ae.ACCOUNT}:scalable-target/1",
    }
    files: dict[str, Any] = {
        "functions.json": {"Functions": [one]},
        "orders.concurrency.json": {"ReservedConcurrentExecutions": reserved},
        "policy.json": {"Policy": policy},
        "targets.json": {"ScalableTargets": [target]},
        "account.json": {"AccountLimit": {"ConcurrentExecutions": 100 * reserved}},
        "metrics.json": metrics(series("orders", "Invocations", "Sum", {START: runs})),
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))


def facts(found: Found) -> list[object]:
    one = only(found)
    assert one.measured is not None
    assert one.measured.counts is not None
    labels, steps = [source.label for source in one.sources], [step.count for step in one.provisioned]
    runs = sum(number for _, number in one.measured.counts)
    return [one.memory_mb, one.reserved_concurrency, labels, steps, found.account_concurrency, runs]


@pytest.mark.parametrize(("first", "second"), [("one", "two"), (f"x/{HOME}", f"x/{ABROAD}")])
def test_equal_names_in_two_regions_are_two_functions(tmp_path: Path, first: str, second: str) -> None:
    export(tmp_path / first, HOME, 512, 5, 70.0)
    export(tmp_path / second, ABROAD, 1024, 7, 90.0)
    for sources in ([tmp_path], [tmp_path / first, tmp_path / second]):
        found = read_account(sources, region=HOME)
        assert facts(found) == [512, 5, [f"topic from-{HOME}"], [5], 500, 70.0]
        assert not found.warnings
        found = read_account(sources, region=ABROAD)
        assert facts(found) == [1024, 7, [f"topic from-{ABROAD}"], [7], 700, 90.0]


def test_files_that_say_no_region_beside_two_are_told(tmp_path: Path) -> None:
    abroad = {"Functions": [function("orders", FunctionArn=ae.arn("orders", region=ABROAD))]}
    files = {"a": functions("orders"), "b": abroad, "orders.concurrency": {"ReservedConcurrentExecutions": 9}}
    for name, content in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    found = read_account([tmp_path], region=HOME)
    assert only(found).reserved_concurrency == 9
    assert "say no region and are taken for eu-west-1" in str(found.warnings[0])


def test_a_rule_of_another_bus_is_another_rule(tmp_path: Path) -> None:
    def rule(bus: str, **said: str) -> dict[str, Any]:
        arn = f"arn:aws:events:{HOME}:{ae.ACCOUNT}:rule/{bus}nightly"
        return {"Rules": [{"Name": "nightly", "Arn": arn, "State": "ENABLED", **said}]}

    policy = allowed("events", ae.arn("orders"), f"arn:aws:events:{HOME}:{ae.ACCOUNT}:rule/shop/nightly")
    scheduled = rule("", ScheduleExpression="rate(1 day)")
    common = {
        "functions": functions("orders"),
        "policy": {"Policy": policy},
        "scheduled": scheduled,
    }
    for more in ({}, {"other": rule("shop/", EventPattern="{}")}):
        found = read(tmp_path / str(len(more)), **common, **more)
        assert [source.type for source in only(found).sources] == ["eventbridge"]


def logged(group: str) -> dict[str, Any]:
    cells = {"@log": f"{ae.ACCOUNT}:{group}", "n": "1000", "mean": "100", "used": "200"}
    row = [{"field": key, "value": value} for key, value in cells.items()]
    return {"results": [row], "statistics": {}, "status": "Complete"}


def test_rows_of_a_log_group_belong_to_who_logs_into_it(tmp_path: Path) -> None:
    def used(folder: str, group: str, **groups: str) -> tuple[dict[str, float | None], str]:
        settings = [function(name, LoggingConfig={"LogGroup": group}) for name, group in groups.items()]
        found = read(tmp_path / folder, functions={"Functions": settings}, rows=logged(group))
        mb = {one.name: one.measured.memory_used_mb for one in found.functions if one.measured is not None}
        return mb, "\n".join(map(str, found.warnings))

    assert used("own", "/shop/orders", orders="/shop/orders", api="/aws/lambda/api")[0]["orders"] == 200
    # The group is named after another function.
    found, _ = used("other", "/aws/lambda/api", orders="/aws/lambda/api", api="/shop/api")
    assert (found.get("orders"), found.get("api")) == (200, None)
    found, told = used("shared", "/shop/all", orders="/shop/all", api="/shop/all")
    assert not any(found.values())
    assert "/shop/all are left out: 2 functions log into it" in told
    _, told = used("nobody", "/shop/x", orders="/aws/lambda/orders")
    assert "no function of the files logs into it" in told
