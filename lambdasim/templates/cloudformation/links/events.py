"""Events: mappings of queues and streams, rules, schedules, buckets, topics, pipes, logs, and whatever else names one."""

from __future__ import annotations

import json
from typing import Any, Final

from lambdasim.templates.cloudformation.functions import TYPES
from lambdasim.templates.cloudformation.links.ties import Ties
from lambdasim.templates.cloudformation.mappings import mapping_source, resource_of
from lambdasim.templates.cloudformation.sam_events import scheduled
from lambdasim.templates.cloudformation.stack import Resource
from lambdasim.templates.cloudformation.values import at, edges_in, items_of, texts_in
from lambdasim.templates.found import FoundSource
from lambdasim.wording import clipped

_POLLED_TYPES: Final = {
    "AWS::SQS::Queue": ("sqs", ""),
    "AWS::Kinesis::Stream": ("kinesis", ""), "AWS::Kinesis::StreamConsumer": ("kinesis", ""),
    "AWS::DynamoDB::Table": ("dynamodb", ""), "AWS::DynamoDB::GlobalTable": ("dynamodb", ""),
    "AWS::Serverless::SimpleTable": ("dynamodb", ""), "AWS::MSK::Cluster": ("kafka", ""),
    "AWS::MSK::ServerlessCluster": ("kafka", ""), "AWS::AmazonMQ::Broker": ("kinesis", "Amazon MQ"),
    "AWS::DocDB::DBCluster": ("kinesis", "DocumentDB change streams"),
}  # fmt: skip
POLLED_ARNS: Final = (
    (":sqs:", "sqs", ""),
    (":dynamodb:", "dynamodb", ""), (":kinesis:", "kinesis", ""), (":kafka:", "kafka", ""),
    (":mq:", "kinesis", "Amazon MQ"), (":rds:", "kinesis", "DocumentDB change streams"),
)  # fmt: skip
_ASYNCHRONOUS: Final = {
    "AWS::Logs::SubscriptionFilter": ("log subscription", "DestinationArn"),
    "AWS::IoT::TopicRule": ("IoT rule", ""), "AWS::SES::ReceiptRule": ("SES rule", ""),
    "AWS::CodeCommit::Repository": ("repository trigger", ""), "AWS::Config::ConfigRule": ("Config rule", ""),
    "AWS::Logs::AccountPolicy": ("log subscription", "PolicyDocument"),
    "AWS::CodePipeline::Pipeline": ("pipeline", ""), "AWS::CodePipeline::CustomActionType": ("pipeline", ""),
    "AWS::Events::EventBus": ("event bus", ""), "AWS::SSM::MaintenanceWindowTask": ("maintenance window", ""),
}  # fmt: skip
_EXISTING: Final = {
    "Custom::S3": ("s3", "bucket"), "Custom::EventBridge": ("eventbridge", "event bus"),
    "Custom::CognitoUserPool": ("sdk", "user pool"),
}  # fmt: skip
"""By what the Serverless Framework ties a function to something that exists already."""
_NO_CALLERS: Final = (
    "AWS::IAM::", "AWS::Logs::", "AWS::Lambda::", "AWS::CodeBuild::", "AWS::ApplicationSignals::",
    "AWS::ApplicationInsights::", "AWS::ServiceCatalogAppRegistry::", "AWS::DevOpsGuru::", "AWS::Oam::", "AWS::RUM::",
    "AWS::Signer::", "AWS::SSM::Parameter", "AWS::CloudWatch::Dashboard", "AWS::CodeDeploy::",
    "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::S3::BucketPolicy", "AWS::ApplicationAutoScaling::",
    "AWS::Serverless::Connector", "AWS::Serverless::LayerVersion", "AWS::ApiGateway::", "AWS::ApiGatewayV2::",
    "AWS::Serverless::Api", "AWS::Serverless::HttpApi",
    "AWS::Serverless::WebSocketApi", "AWS::StepFunctions::", "AWS::Serverless::StateMachine",
    "AWS::CloudFormation::", "Custom::", "AWS::ResourceGroups::", "AWS::CloudWatch::", "AWS::KMS::",
    "AWS::ElasticLoadBalancingV2::", "AWS::XRay::", "AWS::Events::", "AWS::Scheduler::", "AWS::Pipes::", "AWS::SNS::",
    "AWS::ServiceDiscovery::", "AWS::Synthetics::", "AWS::FIS::", "AWS::Budgets::", "AWS::CDK::",
)  # fmt: skip


def tie_events(ties: Ties) -> None:
    """Tie functions to what hands events over to them."""
    for resource in ties.others():
        kind = resource.type
        if kind == "AWS::Lambda::EventSourceMapping":
            _mapping(ties, resource)
        elif kind == "AWS::Events::Rule":
            _rule(ties, resource)
        elif kind == "AWS::Scheduler::Schedule":
            _scheduler(ties, resource)
        elif kind in ("AWS::S3::Bucket", "Custom::S3BucketNotifications"):
            _bucket(ties, resource)
        elif kind in _EXISTING:
            type_, what = _EXISTING[kind]
            ids = ties.functions_in(resource.properties.get("FunctionName"), named=True)
            ties.add(ids, FoundSource(type_, f"{what} of {resource.id}"))
        elif kind in ("AWS::SNS::Subscription", "AWS::SNS::Topic"):
            _topic(ties, resource)
        elif kind == "AWS::Pipes::Pipe":
            _pipe(ties, resource)
        elif kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
            acts = [
                resource.properties.get(key)
                for key in ("AlarmActions", "OKActions", "InsufficientDataActions")
            ]
            ties.add(ties.functions_in(acts), FoundSource("async", f"alarm {resource.id}"))
        elif kind in _ASYNCHRONOUS:
            name, key = _ASYNCHRONOUS[kind]
            held = resource.properties.get(key) if key else resource.properties
            ties.add(ties.functions_in(held), FoundSource("async", f"{name} {resource.id}"))
        elif not kind.startswith(_NO_CALLERS):
            service = kind.removeprefix("AWS::").replace("::", " ")
            ties.add(
                ties.functions_in(resource.properties),
                FoundSource("sdk", f"{clipped(service, 60)} {resource.id}"),
            )


def tie_destinations(ties: Ties) -> None:
    """Tie functions to those whose asynchronous events end with them."""
    for resource in ties.resources.values():
        config: Any = resource.properties
        if resource.type != "AWS::Lambda::EventInvokeConfig":
            config = at(config, "EventInvokeConfig") if resource.type in TYPES else None
        for key in ("OnSuccess", "OnFailure"):
            ids = ties.functions_in(at(config, "DestinationConfig", key, "Destination"))
            ties.add(ids, FoundSource("async", f"destination of {resource.id}"))


def polled_type(ties: Ties, source: Any, properties: dict[str, Any]) -> tuple[str, str]:
    """Tell what a mapping polls: our type, and what it stands for."""
    if {"SelfManagedEventSource", "SelfManagedKafkaEventSourceConfig"} & set(properties):
        return "kafka", ""
    if "DocumentDBEventSourceConfig" in properties:
        return "kinesis", "DocumentDB change streams"
    if any(edge.attribute == "StreamArn" for edge in edges_in(source)):
        return "dynamodb", ""
    origin = resource_of(source, ties.resources)
    if origin is not None and origin.type in _POLLED_TYPES:
        return _POLLED_TYPES[origin.type]
    if properties.get("AmazonManagedKafkaEventSourceConfig") or properties.get("Topics"):
        return "kafka", ""
    if properties.get("Queues"):
        return "kinesis", "Amazon MQ"
    for text in texts_in(source):
        for part, type_, stands_for in POLLED_ARNS:
            if part in text:
                return type_, stands_for
    return ("kinesis", "") if properties.get("StartingPosition") else ("sqs", "")


def _mapping(ties: Ties, resource: Resource) -> None:
    properties = resource.properties
    source = properties.get("EventSourceArn")
    type_, stands_for = polled_type(ties, source, properties)
    label = f"{stands_for or type_} mapping {resource.id}"
    found = mapping_source(type_, label, properties, ties.resources, source, stands_for)
    ids = ties.functions_in(properties.get("FunctionName"), named=True)
    if not ids:
        ties.unresolved(resource, "its function is not in the file")
    ties.add(ids, found)


def _rule(ties: Ties, resource: Resource) -> None:
    properties = resource.properties
    ids = ties.functions_in(properties.get("Targets"))
    if not ids:
        return
    if properties.get("ScheduleExpression"):
        ties.add(
            ids,
            scheduled(
                f"rule {resource.id}", properties, properties["ScheduleExpression"], resource, ties.notes
            ),
        )
    if properties.get("EventPattern") or not properties.get("ScheduleExpression"):
        state = properties.get("State")
        ties.add(ids, FoundSource("eventbridge", f"rule {resource.id}", enabled=state != "DISABLED"))


def _scheduler(ties: Ties, resource: Resource) -> None:
    properties = resource.properties
    target = properties.get("Target")
    ids = ties.functions_in(at(target, "Arn"))
    if not ids and any(":aws-sdk:lambda:" in text for text in texts_in(at(target, "Arn"))):
        ids = ties.functions_in(_decoded(at(target, "Input")), named=True)
    if ids:
        label = f"schedule {resource.id}"
        ties.add(
            ids, scheduled(label, properties, properties.get("ScheduleExpression"), resource, ties.notes)
        )


def _decoded(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _bucket(ties: Ties, resource: Resource) -> None:
    configuration = resource.properties.get("NotificationConfiguration")
    for key, target in (
        ("LambdaConfigurations", "Function"),
        ("LambdaFunctionConfigurations", "LambdaFunctionArn"),
    ):
        for one in items_of(at(configuration, key)):
            ties.add(ties.functions_in(at(one, target)), FoundSource("s3", f"bucket {resource.id}"))


def _topic(ties: Ties, resource: Resource) -> None:
    properties = resource.properties
    subscriptions = (
        [properties] if resource.type.endswith("Subscription") else items_of(properties.get("Subscription"))
    )
    for one in subscriptions:
        if at(one, "Protocol") == "lambda":
            filtered = bool(at(one, "FilterPolicy"))
            ties.add(
                ties.functions_in(at(one, "Endpoint")),
                FoundSource("sns", f"topic {resource.id}", filtered=filtered),
            )


def _pipe(ties: Ties, resource: Resource) -> None:
    properties = resource.properties
    source = properties.get("Source")
    enrichment = ties.functions_in(properties.get("Enrichment"))
    targets = ties.functions_in(properties.get("Target"))
    type_, stands_for = polled_type(ties, source, properties)
    parameters = properties.get("SourceParameters")
    settings: dict[str, Any] = {}
    for name, held in parameters.items() if isinstance(parameters, dict) else ():
        if isinstance(held, dict) and name.endswith("Parameters"):
            settings |= held
        if name == "FilterCriteria":
            settings[name] = held
    state = properties.get("DesiredState")
    if state == "STOPPED":
        settings["Enabled"] = False
    label = f"pipe {resource.id} from {stands_for or type_}"
    batch = {"BatchSize": 1} if type_ == "sqs" and "BatchSize" not in settings else {}
    found = mapping_source(type_, label, {**batch, **settings}, ties.resources, source, stands_for)
    ties.add([*enrichment, *(one for one in targets if one not in enrichment)], found)
