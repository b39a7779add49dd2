"""The same functions, rendered as SAM, CloudFormation, Terraform and serverless.yml, come back the same."""
# ruff: noqa: E501

import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from lambdasim.templates.account.read import read_account
from lambdasim.templates.found import FoundFunction
from lambdasim.templates.reading import read_source


@dataclass(frozen=True)
class Truth:
    name: str
    memory_mb: int
    timeout_s: int
    architecture: str
    runtime: str
    ephemeral_mb: int
    layers: int
    vpc: bool
    snap_start: bool
    reserved: int | None
    provisioned: int | None
    retries: int | None
    age_s: int | None
    on_failure: str
    variables: tuple[tuple[str, str], ...]
    source: str
    batch: int
    visibility_s: int


WORD = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
TRUTH = st.builds(
    Truth,
    name=WORD,
    memory_mb=st.integers(128, 10_240),
    timeout_s=st.integers(1, 900),
    architecture=st.sampled_from(["x86_64", "arm64"]),
    runtime=st.sampled_from(["python3.12", "nodejs22.x", "java21"]),
    ephemeral_mb=st.integers(512, 10_240),
    layers=st.integers(0, 5),
    vpc=st.booleans(),
    snap_start=st.booleans(),
    reserved=st.none() | st.integers(0, 50),
    provisioned=st.none() | st.integers(1, 20),
    retries=st.none() | st.integers(0, 2),
    age_s=st.none() | st.integers(60, 21_600),
    on_failure=st.sampled_from(["none", "dlq", "destination"]),
    variables=st.lists(st.tuples(WORD, WORD), max_size=3, unique_by=lambda pair: pair[0]).map(tuple),
    source=st.sampled_from(["none", "http", "rest", "url", "schedule", "sqs"]),
    batch=st.integers(1, 10),
    visibility_s=st.integers(0, 43_200),
)
NAMED_AS_ANY_WORD = Truth(
    name="x", memory_mb=128, timeout_s=1, architecture="x86_64", runtime="python3.12", ephemeral_mb=512, layers=0, vpc=False,
    snap_start=False, reserved=None, provisioned=None, retries=None, age_s=None, on_failure="destination", variables=(),
    source="none", batch=1, visibility_s=0,
)  # fmt: skip
GIVEN_UP = "arn:aws:sqs:eu-west-1:123456789012:given-up"
"""Where events go that were given up; serverless.yml would take a bare word for the key of a function."""
TRUTHS = st.lists(TRUTH, min_size=1, max_size=4, unique_by=lambda one: one.name)
TYPES = {
    "http": "api_gateway_http",
    "rest": "api_gateway_rest",
    "url": "function_url",
    "schedule": "schedule",
    "sqs": "sqs",
}


def seen(one: FoundFunction) -> tuple[Any, ...]:
    source = one.sources[0] if one.sources else None
    queue = source.queue if source is not None else None
    return (
        one.name, one.memory_mb, one.timeout_s, one.architecture, one.runtime, one.ephemeral_mb, one.layers, one.vpc,
        one.snap_start, one.reserved_concurrency, tuple(step.count for step in one.provisioned), one.retry_attempts,
        one.max_event_age_s, one.on_failure, one.environment_bytes, source.type if source else None,
        source.schedules if source else (), (source.batch_size, queue.visibility_s) if source and queue else None,
    )  # fmt: skip


def expected(one: Truth) -> tuple[Any, ...]:
    queue = (one.batch, one.visibility_s) if one.source == "sqs" else None
    return (
        one.name, one.memory_mb, one.timeout_s, one.architecture, one.runtime, one.ephemeral_mb, one.layers, one.vpc,
        one.snap_start, one.reserved, () if one.provisioned is None else (one.provisioned,), one.retries, one.age_s,
        one.on_failure, sum(len(key) + len(value) for key, value in one.variables), TYPES.get(one.source),
        ("rate(5 minutes)",) if one.source == "schedule" else (), queue,
    )  # fmt: skip


def present(**settings: Any) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if value is not None}


def queue(one: Truth) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": one.visibility_s}}


def shared(one: Truth) -> dict[str, Any]:
    return present(
        FunctionName=one.name, MemorySize=one.memory_mb, Timeout=one.timeout_s, Architectures=[one.architecture],
        Runtime=one.runtime, EphemeralStorage={"Size": one.ephemeral_mb}, Layers=["l"] * one.layers or None,
        VpcConfig={"SubnetIds": ["s"]} if one.vpc else None, SnapStart={"ApplyOn": "PublishedVersions" if one.snap_start else "None"},
        ReservedConcurrentExecutions=one.reserved, Environment={"Variables": dict(one.variables)},
    )  # fmt: skip


def invoke_config(one: Truth) -> dict[str, Any]:
    destination = {"OnFailure": {"Destination": GIVEN_UP}} if one.on_failure == "destination" else None
    return present(
        MaximumRetryAttempts=one.retries, MaximumEventAgeInSeconds=one.age_s, DestinationConfig=destination
    )


def as_sam(truths: list[Truth]) -> Any:
    resources: dict[str, Any] = {}
    for one in truths:
        key = f"F{one.name}"
        events = {
            "http": {"Type": "HttpApi"}, "rest": {"Type": "Api"},
            "schedule": {"Type": "Schedule", "Properties": {"Schedule": "rate(5 minutes)"}},
            "sqs": {"Type": "SQS", "Properties": {"Queue": {"Fn::GetAtt": [f"Q{one.name}", "Arn"]}, "BatchSize": one.batch}},
        }  # fmt: skip
        more = present(
            Events={"E": events[one.source]} if one.source in events else None,
            FunctionUrlConfig={"AuthType": "NONE"} if one.source == "url" else None,
            EventInvokeConfig=invoke_config(one) or None,
            DeadLetterQueue={"TargetArn": GIVEN_UP} if one.on_failure == "dlq" else None,
            ProvisionedConcurrencyConfig=one.provisioned
            and {"ProvisionedConcurrentExecutions": one.provisioned},
        )
        resources[key] = {"Type": "AWS::Serverless::Function", "Properties": shared(one) | more}
        resources[f"Q{one.name}"] = queue(one)
    return {"Resources": resources}


def as_cloudformation(truths: list[Truth]) -> Any:
    resources: dict[str, Any] = {}
    for one in truths:
        key, arn = f"F{one.name}", {"Fn::GetAtt": [f"F{one.name}", "Arn"]}
        dead = {"DeadLetterConfig": {"TargetArn": GIVEN_UP}} if one.on_failure == "dlq" else {}
        resources[key] = {"Type": "AWS::Lambda::Function", "Properties": shared(one) | dead}
        resources[f"Q{one.name}"] = queue(one)
        uri = {
            "Fn::Sub": f"arn:aws:apigateway:${{AWS::Region}}:lambda:path/functions/${{{key}.Arn}}/invocations"
        }
        ties = {
            "http": ("AWS::ApiGatewayV2::Integration", {"IntegrationUri": arn}),
            "rest": ("AWS::ApiGateway::Method", {"Integration": {"Uri": uri}}),
            "url": ("AWS::Lambda::Url", {"TargetFunctionArn": arn}),
            "schedule": ("AWS::Events::Rule", {"ScheduleExpression": "rate(5 minutes)", "Targets": [{"Arn": arn}]}),
            "sqs": (
                "AWS::Lambda::EventSourceMapping",
                {"FunctionName": {"Ref": key}, "BatchSize": one.batch, "EventSourceArn": {"Fn::GetAtt": [f"Q{one.name}", "Arn"]}},
            ),
        }  # fmt: skip
        if one.source in ties:
            type_, properties = ties[one.source]
            resources[f"T{one.name}"] = {"Type": type_, "Properties": properties}
        if config := invoke_config(one):
            resources[f"C{one.name}"] = {
                "Type": "AWS::Lambda::EventInvokeConfig",
                "Properties": {"FunctionName": {"Ref": key}, **config},
            }
        if one.provisioned:
            alias = {
                "FunctionName": {"Ref": key},
                "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": one.provisioned},
            }
            resources[f"A{one.name}"] = {"Type": "AWS::Lambda::Alias", "Properties": alias}
    return {"Resources": resources}


def as_terraform(truths: list[Truth]) -> Any:
    resources: list[Any] = []
    configuration: list[Any] = []

    def add(type_: str, name: str, values: dict[str, Any], **references: str) -> None:
        own = {"address": f"{type_}.{name}", "mode": "managed", "type": type_, "name": name}
        resources.append({**own, "values": values})
        expressions = {
            key: {"references": [held, held.rsplit(".", 1)[0]]} for key, held in references.items()
        }
        configuration.append({**own, "expressions": expressions})

    for one in truths:
        arn = f"aws_lambda_function.{one.name}.arn"
        values = {
            "function_name": one.name, "memory_size": one.memory_mb, "timeout": one.timeout_s, "runtime": one.runtime,
            "architectures": [one.architecture], "ephemeral_storage": [{"size": one.ephemeral_mb}], "layers": ["l"] * one.layers,
            "vpc_config": [{"subnet_ids": ["s"], "security_group_ids": []}] if one.vpc else [{"subnet_ids": [], "security_group_ids": []}], "package_type": "Zip",
            "snap_start": [{"apply_on": "PublishedVersions"}] if one.snap_start else [],
            "reserved_concurrent_executions": -1 if one.reserved is None else one.reserved,
            "environment": [{"variables": dict(one.variables)}] if one.variables else [],
            "dead_letter_config": [{"target_arn": GIVEN_UP}] if one.on_failure == "dlq" else [],
        }  # fmt: skip
        add("aws_lambda_function", one.name, values)
        add("aws_sqs_queue", one.name, {"visibility_timeout_seconds": one.visibility_s})
        if one.source == "http":
            add(
                "aws_apigatewayv2_integration",
                one.name,
                {},
                integration_uri=f"aws_lambda_function.{one.name}.invoke_arn",
            )
        elif one.source == "rest":
            add("aws_api_gateway_integration", one.name, {}, uri=f"aws_lambda_function.{one.name}.invoke_arn")
        elif one.source == "url":
            add("aws_lambda_function_url", one.name, {}, function_name=arn)
        elif one.source == "schedule":
            add("aws_cloudwatch_event_rule", one.name, {"schedule_expression": "rate(5 minutes)"})
            add(
                "aws_cloudwatch_event_target",
                one.name,
                {},
                rule=f"aws_cloudwatch_event_rule.{one.name}.name",
                arn=arn,
            )
        elif one.source == "sqs":
            add(
                "aws_lambda_event_source_mapping", one.name, {"batch_size": one.batch},
                function_name=arn, event_source_arn=f"aws_sqs_queue.{one.name}.arn",
            )  # fmt: skip
        if invoke_config(one):
            destination = (
                [{"on_failure": [{"destination": GIVEN_UP}]}] if one.on_failure == "destination" else []
            )
            add(
                "aws_lambda_function_event_invoke_config", one.name,
                {"maximum_retry_attempts": one.retries, "maximum_event_age_in_seconds": one.age_s, "destination_config": destination},
                function_name=arn,
            )  # fmt: skip
        if one.provisioned:
            count = {"provisioned_concurrent_executions": one.provisioned}
            add("aws_lambda_provisioned_concurrency_config", one.name, count, function_name=arn)
    return {
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": resources}},
        "configuration": {"root_module": {"resources": configuration}},
    }


def as_serverless(truths: list[Truth]) -> Any:
    functions = {}
    for one in truths:
        events = {
            "http": {"httpApi": "*"}, "rest": {"http": "GET /"}, "schedule": {"schedule": "rate(5 minutes)"},
            "sqs": {"sqs": {"arn": {"Fn::GetAtt": [f"Q{one.name}", "Arn"]}, "batchSize": one.batch}},
        }  # fmt: skip
        functions[one.name] = present(
            handler="x", name=one.name, memorySize=one.memory_mb, timeout=one.timeout_s, architecture=one.architecture,
            runtime=one.runtime, ephemeralStorageSize=one.ephemeral_mb, layers=["l"] * one.layers or None,
            vpc={"subnetIds": ["s"]} if one.vpc else None, snapStart=True if one.snap_start else None,
            reservedConcurrency=one.reserved, provisionedConcurrency=one.provisioned, maximumRetryAttempts=one.retries,
            maximumEventAge=one.age_s, onError=GIVEN_UP if one.on_failure == "dlq" else None,
            destinations={"onFailure": GIVEN_UP} if one.on_failure == "destination" else None,
            environment=dict(one.variables), url=True if one.source == "url" else None,
            events=[events[one.source]] if one.source in events else None,
        )  # fmt: skip
    resources = {"Resources": {f"Q{one.name}": queue(one) for one in truths}}
    return {"service": "s", "provider": {"name": "aws"}, "functions": functions, "resources": resources}


def as_account(truths: list[Truth]) -> dict[str, Any]:
    """Render what the AWS CLI prints of the deployed functions, a file for each command."""
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:"
    files: dict[str, Any] = {"functions": {"Functions": []}, "mappings": {"EventSourceMappings": []}}
    rule = "arn:aws:events:eu-west-1:123456789012:rule/tick"
    files["rules"] = {
        "Rules": [{"Name": "tick", "Arn": rule, "State": "ENABLED", "ScheduleExpression": "rate(5 minutes)"}]
    }
    for one in truths:
        function = shared(one) | {"FunctionArn": arn + one.name, "Version": "$LATEST", "PackageType": "Zip"}
        function.pop("ReservedConcurrentExecutions", None)
        function |= present(Layers=[{"Arn": "l"}] * one.layers or None)
        function |= {"DeadLetterConfig": {"TargetArn": GIVEN_UP}} if one.on_failure == "dlq" else {}
        files["functions"]["Functions"].append(function)
        if one.reserved is not None:
            files[f"{one.name}.concurrency"] = {"ReservedConcurrentExecutions": one.reserved}
        if one.provisioned:
            allocated = {
                "FunctionArn": f"{arn}{one.name}:live",
                "RequestedProvisionedConcurrentExecutions": one.provisioned,
            }
            files[f"{one.name}.provisioned"] = {"ProvisionedConcurrencyConfigs": [allocated]}
        if config := invoke_config(one):
            of = {"FunctionArn": f"{arn}{one.name}:$LATEST", "LastModified": 1.7e9}
            files[f"{one.name}.events"] = {"FunctionEventInvokeConfigs": [of | config]}
        principals = {"http": "apigateway", "rest": "apigateway", "schedule": "events"}
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Resource": arn + one.name,
            "Action": "lambda:InvokeFunction",
        }
        if one.source in principals:
            statement["Principal"] = {"Service": f"{principals[one.source]}.amazonaws.com"}
            statement["Condition"] = {"ArnLike": {"AWS:SourceArn": rule}} if one.source == "schedule" else {}
        elif one.source == "url":
            statement |= {
                "Principal": "*",
                "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
            }
        if "Principal" in statement:
            files[f"{one.name}.policy"] = {
                "Policy": json.dumps({"Statement": [statement]}),
                "RevisionId": "r",
            }
        if one.source == "sqs":
            queue_arn = f"arn:aws:sqs:eu-west-1:123456789012:Q{one.name}"
            mapping = {
                "UUID": one.name,
                "BatchSize": one.batch,
                "EventSourceArn": queue_arn,
                "FunctionArn": arn + one.name,
                "State": "Enabled",
            }
            files["mappings"]["EventSourceMappings"].append(mapping)
            files[f"queue {one.name}"] = {
                "Attributes": {"QueueArn": queue_arn, "VisibilityTimeout": str(one.visibility_s)}
            }
    return files


@settings(max_examples=60)
@given(TRUTHS, st.permutations(range(4 * 6 + 3)))
@example(
    [replace(NAMED_AS_ANY_WORD, name="json"), replace(NAMED_AS_ANY_WORD, name="a", reserved=0)], [*range(27)]
)
@example(
    [replace(NAMED_AS_ANY_WORD, name=word, reserved=7) for word in ("concurrency", "function", "json")],
    [*range(27)],
)
def test_an_account_gives_the_functions_that_are_deployed(truths: list[Truth], order: list[int]) -> None:
    # A policy does not tell an HTTP from a REST API.
    want = [expected(replace(one, source="rest" if one.source == "http" else one.source)) for one in truths]
    with tempfile.TemporaryDirectory() as folder:
        for place, (name, content) in zip(order, as_account(truths).items(), strict=False):
            (Path(folder) / f"{place:03} {name}.json").write_text(json.dumps(content))
        found = read_account([Path(folder)])
        assert {one.name: seen(one) for one in found.functions} == {one[0]: one for one in want}
        assert not found.warnings


@settings(max_examples=60)
@given(TRUTHS)
@example([NAMED_AS_ANY_WORD])
@example([replace(NAMED_AS_ANY_WORD, name=word) for word in ("l", "s", "d", "queue", "topic")])
def test_four_renderings_give_the_same_functions(truths: list[Truth]) -> None:
    want = [expected(one) for one in truths]
    with tempfile.TemporaryDirectory() as folder:
        for render in (as_sam, as_cloudformation, as_terraform, as_serverless):
            path = Path(folder) / f"{render.__name__}.json"
            path.write_text(json.dumps(render(truths)))
            assert [seen(one) for one in read_source(path).functions] == want, render.__name__
