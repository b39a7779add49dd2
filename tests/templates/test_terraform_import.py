"""Terraform's JSON: plans whose links are known to expressions alone, states with ARNs, and the raw state file."""
# ruff: noqa: E501 - one case a line

import json
from pathlib import Path
from typing import Any

import pytest

from lambdasim.errors import TemplateError
from lambdasim.templates.found import Found, FoundFunction, FoundProvisioned
from lambdasim.templates.reading import read_source

CLEAR = "hunter2-in-clear"


def imported(folder: Path, data: Any) -> Found:
    path = folder / "plan.json"
    path.write_text(json.dumps(data))
    found = read_source(path)
    assert CLEAR not in repr(found)
    assert "123456789012" not in repr([one.name for one in found.functions])
    return found


def function(name: str, index: object = None, module: str = "", **values: Any) -> dict[str, Any]:
    return resource("aws_lambda_function", name, index, module, memory_size=128, timeout=3, package_type="Zip",
                    reserved_concurrent_executions=-1, function_name=None, **values) if "memory_size" not in values else (
        resource("aws_lambda_function", name, index, module, **{"timeout": 3, "package_type": "Zip", **values})
    )  # fmt: skip


def resource(
    type_: str, name: str, index: object = None, module: str = "", /, **values: Any
) -> dict[str, Any]:
    ending = "" if index is None else f"[{json.dumps(index)}]"
    address = f"{module}.{type_}.{name}{ending}".lstrip(".")
    held = {"address": address, "mode": "managed", "type": type_, "name": name, "values": values}
    return held if index is None else {**held, "index": index}


def configured(type_: str, name: str, **references: str | list[Any]) -> dict[str, Any]:
    expressions = {
        key: held if isinstance(held, list) else {"references": [held, held.rsplit(".", 1)[0]]}
        for key, held in references.items()
    }
    return {
        "address": f"{type_}.{name}",
        "mode": "managed",
        "type": type_,
        "name": name,
        "expressions": expressions,
    }


def plan(resources: list[Any], configuration: list[Any], **more: Any) -> dict[str, Any]:
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": resources}},
        "configuration": {"root_module": {"resources": configuration}},
        **more,
    }


def types(one: FoundFunction) -> list[str]:
    return [source.type for source in one.sources]


def test_settings_of_a_planned_function(tmp_path: Path) -> None:
    one = function(
        "api", memory_size=512, timeout=30, architectures=["arm64"], runtime="python3.12", function_name="api-prod",
        reserved_concurrent_executions=7, ephemeral_storage=[{"size": 1024}], snap_start=[{"apply_on": "PublishedVersions"}],
        layers=["a", "b"], vpc_config=[{"subnet_ids": []}], dead_letter_config=[{}], tags={"team": "web"},
        environment=[{"variables": {"KEY": CLEAR}}],
    )  # fmt: skip
    data = {
        "address": "data.aws_x.y",
        "mode": "data",
        "type": "aws_lambda_function",
        "name": "y",
        "values": {},
    }
    (found,) = imported(tmp_path, plan([one, data], [])).functions
    assert (found.resource, found.name, found.memory_mb, found.timeout_s) == (
        "aws_lambda_function.api",
        "api-prod",
        512,
        30,
    )
    assert (found.architecture, found.runtime, found.reserved_concurrency, found.ephemeral_mb) == (
        "arm64",
        "python3.12",
        7,
        1024,
    )
    assert (found.snap_start, found.layers, found.vpc, found.on_failure) == (True, 2, True, "dlq")
    assert found.environment_bytes == len("KEY") + len(CLEAR)
    assert found.tags == (("team", "web"),)


def test_what_terraform_leaves_open_takes_the_defaults(tmp_path: Path) -> None:
    (found,) = imported(
        tmp_path, plan([function("f", environment=[], vpc_config=[], snap_start=[], layers=None)], [])
    ).functions
    assert (found.memory_mb, found.timeout_s, found.architecture, found.ephemeral_mb) == (
        128,
        3,
        "x86_64",
        512,
    )
    assert (found.reserved_concurrency, found.vpc, found.snap_start, found.name) == (None, False, False, "f")


F = "aws_lambda_function.f.arn"


@pytest.mark.parametrize(
    ("resources", "configuration", "type_", "more"),
    [
        ([resource("aws_lambda_event_source_mapping", "m", batch_size=None, enabled=True, scaling_config=[{"maximum_concurrency": 5}]),
          resource("aws_sqs_queue", "q", visibility_timeout_seconds=60, redrive_policy='{"maxReceiveCount": "3"}', fifo_queue=False)],
         [configured("aws_lambda_event_source_mapping", "m", function_name=F, event_source_arn="aws_sqs_queue.q.arn")],
         "sqs", {"batch_size": 10, "maximum_concurrency": 5}),
        ([resource("aws_lambda_event_source_mapping", "m", starting_position="LATEST"), resource("aws_kinesis_stream", "k", shard_count=2)],
         [configured("aws_lambda_event_source_mapping", "m", function_name=F, event_source_arn="aws_kinesis_stream.k.arn")],
         "kinesis", {"batch_size": 100, "shards": 2}),
        ([resource("aws_lambda_event_source_mapping", "m", starting_position="LATEST", enabled=False), resource("aws_dynamodb_table", "t")],
         [configured("aws_lambda_event_source_mapping", "m", function_name=F, event_source_arn="aws_dynamodb_table.t.stream_arn")],
         "dynamodb", {"enabled": False}),
        ([resource("aws_lambda_permission", "p", principal="apigateway.amazonaws.com")],
         [configured("aws_lambda_permission", "p", function_name=F)], "api_gateway_rest", {}),
        ([resource("aws_s3_bucket_notification", "n", lambda_function=[{"events": ["x"]}])],
         [configured("aws_s3_bucket_notification", "n", lambda_function=[{"lambda_function_arn": {"references": [F]}}])], "s3", {}),
        ([resource("aws_cloudwatch_event_rule", "r", schedule_expression="rate(1 hour)"), resource("aws_cloudwatch_event_target", "t")],
         [configured("aws_cloudwatch_event_target", "t", rule="aws_cloudwatch_event_rule.r.name", arn=F)],
         "schedule", {"schedules": ("rate(1 hour)",)}),
        ([resource("aws_cloudwatch_event_rule", "r", name="r1", event_pattern="{}", is_enabled=False),
          resource("aws_cloudwatch_event_target", "t", rule="r1")],
         [configured("aws_cloudwatch_event_target", "t", arn=F)], "eventbridge", {"enabled": False}),
        ([resource("aws_scheduler_schedule", "s", schedule_expression="rate(1 day)", target=[{}])],
         [configured("aws_scheduler_schedule", "s", target=[{"arn": {"references": [F]}}])], "schedule", {}),
        ([resource("aws_api_gateway_integration", "i", timeout_milliseconds=9000)],
         [configured("aws_api_gateway_integration", "i", uri="aws_lambda_function.f.invoke_arn")],
         "api_gateway_rest", {"integration_timeout_s": 9.0}),
        ([resource("aws_apigatewayv2_integration", "i"), resource("aws_apigatewayv2_api", "a", protocol_type="HTTP")],
         [configured("aws_apigatewayv2_integration", "i", integration_uri="aws_lambda_function.f.invoke_arn", api_id="aws_apigatewayv2_api.a.id")],
         "api_gateway_http", {"stands_for": ""}),
        ([resource("aws_apigatewayv2_api", "a", protocol_type="HTTP")],
         [configured("aws_apigatewayv2_api", "a", target=F)], "api_gateway_http", {}),
        ([resource("aws_api_gateway_rest_api", "a")], [configured("aws_api_gateway_rest_api", "a", body=F)], "api_gateway_rest", {}),
        ([resource("aws_lb_target_group_attachment", "a")],
         [configured("aws_lb_target_group_attachment", "a", target_id=F)], "alb", {}),
        ([resource("aws_lambda_function_url", "u")], [configured("aws_lambda_function_url", "u", function_name=F)], "function_url", {}),
        ([resource("aws_sns_topic_subscription", "s", protocol="lambda")],
         [configured("aws_sns_topic_subscription", "s", endpoint=F)], "sns", {}),
        ([resource("aws_sfn_state_machine", "s")], [configured("aws_sfn_state_machine", "s", definition=F)], "sdk",
         {"label": "state machine aws_sfn_state_machine.s"}),
        ([resource("aws_cloudwatch_log_subscription_filter", "s")],
         [configured("aws_cloudwatch_log_subscription_filter", "s", destination_arn=F)], "async", {}),
        ([resource("aws_cognito_user_pool", "s", lambda_config=[{}])],
         [configured("aws_cognito_user_pool", "s", lambda_config=[{"pre_sign_up": {"references": [F]}}])], "sdk", {}),
        ([resource("aws_pipes_pipe", "p", source_parameters=[{"sqs_queue_parameters": [{"batch_size": 4}]}]), resource("aws_sqs_queue", "q")],
         [configured("aws_pipes_pipe", "p", source="aws_sqs_queue.q.arn", target=F)], "sqs", {"batch_size": 4}),
        ([resource("aws_lambda_alias", "live"), resource("aws_lambda_event_source_mapping", "m"), resource("aws_sqs_queue", "q")],
         [configured("aws_lambda_alias", "live", function_name=F),
          configured("aws_lambda_event_source_mapping", "m", function_name="aws_lambda_alias.live.arn", event_source_arn="aws_sqs_queue.q.arn")],
         "sqs", {}),
    ],
)  # fmt: skip
def test_every_tie_of_a_plan(
    tmp_path: Path, resources: list[Any], configuration: list[Any], type_: str, more: dict[str, Any]
) -> None:
    found = imported(tmp_path, plan([function("f"), function("g"), *resources], configuration))
    one, other = found.functions
    (source,) = one.sources
    assert source.type == type_
    assert other.sources == ()
    assert {name: getattr(source, name) for name in more} == more
    if (
        type_ == "sqs"
        and "m" in [held["name"] for held in resources]
        and source.queue
        and source.queue.visibility_s
    ):
        assert (source.queue.visibility_s, source.queue.max_receives) == (60, 3)


def test_modules_variables_outputs_count_and_for_each(tmp_path: Path) -> None:
    worker = 'module.worker["a"]', 'module.worker["b"]'
    children = [
        {"address": module, "resources": [
            function("this", 0, module), resource("aws_lambda_event_source_mapping", "m", None, module)]}
        for module in worker
    ] + [{"address": "module.queue", "resources": [resource("aws_sqs_queue", "q", None, "module.queue", visibility_timeout_seconds=77)]}]  # fmt: skip
    mapping = {"function_name": {"references": ["aws_lambda_function.this[0].arn", "aws_lambda_function.this[0]", "aws_lambda_function.this"]},
               "event_source_arn": {"references": ["var.source"]}}  # fmt: skip
    data = {
        "format_version": "1.2",
        "planned_values": {
            "root_module": {
                "resources": [function("many", 0), function("many", 1), resource("aws_lambda_function_url", "u", 1)],
                "child_modules": children,
            }
        },
        "configuration": {
            "root_module": {
                "resources": [
                    {**configured("aws_lambda_function_url", "u"), "expressions": {"function_name": {"references": ["aws_lambda_function.many", "count.index"]}}}
                ],
                "module_calls": {
                    "worker": {
                        "expressions": {"source": {"references": ["module.queue.arn", "module.queue"]}},
                        "module": {"resources": [{**configured("aws_lambda_event_source_mapping", "m"), "expressions": mapping}]},
                    },
                    "queue": {"module": {"outputs": {"arn": {"expression": {"references": ["aws_sqs_queue.q.arn", "aws_sqs_queue.q"]}}}}},
                },
            }
        },
    }  # fmt: skip
    found = imported(tmp_path, data)
    assert {one.resource: types(one) for one in found.functions} == {
        "aws_lambda_function.many[0]": [],
        "aws_lambda_function.many[1]": ["function_url"],
        'module.worker["a"].aws_lambda_function.this[0]': ["sqs"],
        'module.worker["b"].aws_lambda_function.this[0]': ["sqs"],
    }
    assert found.functions[2].sources[0].queue is not None
    assert found.functions[2].sources[0].queue.visibility_s == 77
    assert [one.name for one in found.functions] == ["many-0", "many-1", 'worker["a"]', 'worker["b"]']


ARN = "arn:aws:lambda:eu-west-1:123456789012:function:jobs"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders"
LIVE = (
    function("f", function_name="jobs", memory_size=256, arn=ARN, architectures=["arm64"]),
    resource("aws_sqs_queue", "q", arn=QUEUE, visibility_timeout_seconds=45),
    resource("aws_lambda_event_source_mapping", "m", function_name=ARN, event_source_arn=QUEUE, batch_size=3),
    resource("aws_lambda_provisioned_concurrency_config", "p", function_name="jobs", provisioned_concurrent_executions=6),
    resource("aws_lambda_function_event_invoke_config", "c", function_name="jobs", maximum_retry_attempts=1,
             destination_config=[{"on_failure": [{"destination": "x"}]}]),
)  # fmt: skip


@pytest.mark.parametrize("form", ["state", "raw"])
def test_a_state_links_by_arn(tmp_path: Path, form: str) -> None:
    data: dict[str, Any] = {"format_version": "1.0", "values": {"root_module": {"resources": list(LIVE)}}}
    if form == "raw":
        held = [
            {
                "mode": "managed",
                "type": one["type"],
                "name": one["name"],
                "instances": [{"attributes": one["values"]}],
            }
            for one in LIVE
        ]
        data = {
            "version": 4,
            "terraform_version": "1.9.0",
            "serial": 3,
            "resources": [*held, {"mode": "data"}],
        }
    found = imported(tmp_path, data)
    (one,) = found.functions
    assert (found.region, one.name, one.memory_mb, one.architecture) == ("eu-west-1", "jobs", 256, "arm64")
    (source,) = one.sources
    assert (source.type, source.batch_size) == ("sqs", 3)
    assert source.queue is not None
    assert (source.queue.name, source.queue.visibility_s) == ("aws_sqs_queue.q", 45)
    assert (one.provisioned, one.retry_attempts, one.on_failure) == ((FoundProvisioned(6),), 1, "destination")


def test_for_each_of_the_raw_state(tmp_path: Path) -> None:
    instances = [
        {"index_key": key, "attributes": {"memory_size": size, "timeout": 3}}
        for key, size in (("a", 128), ("b", 512))
    ]
    held = {
        "module": "module.x",
        "mode": "managed",
        "type": "aws_lambda_function",
        "name": "f",
        "instances": instances,
    }
    found = imported(tmp_path, {"version": 4, "terraform_version": "1.9.0", "resources": [held]})
    assert [(one.resource, one.memory_mb) for one in found.functions] == [
        ('module.x.aws_lambda_function.f["a"]', 128), ('module.x.aws_lambda_function.f["b"]', 512),
    ]  # fmt: skip


def test_a_function_that_only_terraform_calls_is_left_out(tmp_path: Path) -> None:
    found = imported(
        tmp_path,
        plan(
            [function("f"), function("g"), resource("aws_lambda_invocation", "i")],
            [configured("aws_lambda_invocation", "i", function_name=F)],
        ),
    )
    assert [one.name for one in found.functions] == ["g"]
    assert str(found.left_out[0]) == "aws_lambda_function.f: custom resource aws_lambda_invocation.i"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"format_version": "2.0", "planned_values": {}}, "format_version: must be 1.x, got 2.0"),
        ({"version": 3, "terraform_version": "0.11", "modules": []}, "version: must be 4, got 3"),
    ],
)
def test_other_formats_are_refused(tmp_path: Path, data: dict[str, Any], told: str) -> None:
    with pytest.raises(TemplateError) as caught:
        imported(tmp_path, data)
    assert told in str(caught.value)


def test_odd_shapes_give_no_traceback(tmp_path: Path) -> None:
    odd: list[Any] = [None, 5, "x", [], [None], {}, {"resources": 5}, {"resources": [None, 5, {"values": 5}]}]
    for one in odd:
        data = {
            "format_version": "1.0",
            "planned_values": {"root_module": one},
            "configuration": {"root_module": one},
        }
        assert imported(tmp_path, {**data, "resource_changes": one}).functions == ()
    deep: dict[str, Any] = {"resources": [function("f")]}
    for _ in range(20):
        deep = {"child_modules": [deep]}
    assert len(imported(tmp_path, {"format_version": "1.0", "values": {"root_module": deep}}).functions) == 1
