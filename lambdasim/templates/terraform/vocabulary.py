"""Terraform's resources in CloudFormation's words, so that one set of rules ties both."""

from __future__ import annotations

import json
from typing import Any, Final

from lambdasim.errors import TemplateError
from lambdasim.templates.documents import parse_document

SIMPLE: Final = {
    "aws_lambda_event_source_mapping": ("AWS::Lambda::EventSourceMapping", {
        "function_name": "FunctionName", "event_source_arn": "EventSourceArn", "batch_size": "BatchSize",
        "enabled": "Enabled", "maximum_batching_window_in_seconds": "MaximumBatchingWindowInSeconds",
        "parallelization_factor": "ParallelizationFactor", "maximum_retry_attempts": "MaximumRetryAttempts",
        "maximum_record_age_in_seconds": "MaximumRecordAgeInSeconds",
        "bisect_batch_on_function_error": "BisectBatchOnFunctionError",
        "function_response_types": "FunctionResponseTypes",
        "starting_position": "StartingPosition", "topics": "Topics", "queues": "Queues",
    }),
    "aws_lambda_alias": ("AWS::Lambda::Alias", {"function_name": "FunctionName"}),
    "aws_lambda_function_url": ("AWS::Lambda::Url", {"function_name": "TargetFunctionArn"}),
    "aws_lambda_permission": ("AWS::Lambda::Permission", {
        "function_name": "FunctionName", "principal": "Principal", "source_arn": "SourceArn",
        "function_url_auth_type": "FunctionUrlAuthType",
    }),
    "aws_lambda_function_event_invoke_config": ("AWS::Lambda::EventInvokeConfig", {
        "function_name": "FunctionName", "maximum_retry_attempts": "MaximumRetryAttempts",
        "maximum_event_age_in_seconds": "MaximumEventAgeInSeconds",
    }),
    "aws_sns_topic_subscription": ("AWS::SNS::Subscription", {
        "protocol": "Protocol", "endpoint": "Endpoint", "filter_policy": "FilterPolicy",
    }),
    "aws_apigatewayv2_integration": ("AWS::ApiGatewayV2::Integration", {
        "integration_uri": "IntegrationUri", "timeout_milliseconds": "TimeoutInMillis", "api_id": "ApiId",
    }),
    "aws_apigatewayv2_api": ("AWS::ApiGatewayV2::Api", {"protocol_type": "ProtocolType", "target": "Target"}),
    "aws_api_gateway_rest_api": ("AWS::ApiGateway::RestApi", {}),
    "aws_api_gateway_authorizer": ("AWS::ApiGateway::Authorizer", {"authorizer_uri": "AuthorizerUri"}),
    "aws_apigatewayv2_authorizer": ("AWS::ApiGatewayV2::Authorizer", {"authorizer_uri": "AuthorizerUri"}),
    "aws_sqs_queue": ("AWS::SQS::Queue", {
        "visibility_timeout_seconds": "VisibilityTimeout", "redrive_policy": "RedrivePolicy", "fifo_queue": "FifoQueue",
        "message_retention_seconds": "MessageRetentionPeriod", "delay_seconds": "DelaySeconds",
    }),
    "aws_kinesis_stream": ("AWS::Kinesis::Stream", {"shard_count": "ShardCount"}),
    "aws_kinesis_stream_consumer": ("AWS::Kinesis::StreamConsumer", {"stream_arn": "StreamARN"}),
    "aws_dynamodb_table": ("AWS::DynamoDB::Table", {}),
    "aws_msk_cluster": ("AWS::MSK::Cluster", {}),
    "aws_msk_serverless_cluster": ("AWS::MSK::ServerlessCluster", {}),
    "aws_mq_broker": ("AWS::AmazonMQ::Broker", {}),
    "aws_docdb_cluster": ("AWS::DocDB::DBCluster", {}),
    "aws_sfn_state_machine": ("AWS::StepFunctions::StateMachine", {"definition": "DefinitionString"}),
    "aws_cloudwatch_log_subscription_filter": ("AWS::Logs::SubscriptionFilter", {"destination_arn": "DestinationArn"}),
    "aws_lambda_invocation": ("Custom::Invocation", {"function_name": "ServiceToken"}),
    "aws_appautoscaling_target": ("AWS::ApplicationAutoScaling::ScalableTarget", {
        "resource_id": "ResourceId", "min_capacity": "MinCapacity", "scalable_dimension": "ScalableDimension",
        "service_namespace": "ServiceNamespace",
    }),
    "aws_appautoscaling_policy": ("AWS::ApplicationAutoScaling::ScalingPolicy", {"policy_type": "PolicyType"}),
}  # fmt: skip
"""Type and names of attributes that only change their names."""
GENERAL: Final = {
    "aws_iot_topic_rule": "AWS::IoT::TopicRule", "aws_ses_receipt_rule": "AWS::SES::ReceiptRule",
    "aws_cognito_user_pool": "AWS::Cognito::UserPool", "aws_appsync_datasource": "AWS::AppSync::DataSource",
    "aws_kinesis_firehose_delivery_stream": "AWS::KinesisFirehose::DeliveryStream",
    "aws_config_config_rule": "AWS::Config::ConfigRule", "aws_codepipeline": "AWS::CodePipeline::Pipeline",
    "aws_secretsmanager_secret_rotation": "AWS::SecretsManager::RotationSchedule",
    "aws_codecommit_trigger": "AWS::CodeCommit::Repository",
    "aws_ssm_maintenance_window_task": "AWS::SSM::MaintenanceWindowTask",
    "aws_bedrockagent_agent_action_group": "AWS::Bedrock::Agent", "aws_lex_intent": "AWS::Lex::Intent",
    "aws_lexv2models_intent": "AWS::Lex::Intent", "aws_connect_lambda_function_association": "AWS::Connect::Instance",
    "aws_appsync_graphql_api": "AWS::AppSync::GraphQLApi", "aws_ecs_task_definition": "AWS::ECS::TaskDefinition",
    "aws_cloudfront_distribution": "AWS::CloudFront::Distribution", "aws_transfer_workflow": "AWS::Transfer::Workflow",
    "aws_s3control_object_lambda_access_point": "AWS::S3ObjectLambda::AccessPoint",
    "aws_cloudformation_stack": "AWS::CloudFormation::StackSet",
    "aws_cloudformation_stack_set": "AWS::CloudFormation::StackSet",
    "aws_serverlessapplicationrepository_cloudformation_stack": "AWS::CloudFormation::StackSet",
    "aws_servicecatalog_provisioned_product": "AWS::ServiceCatalog::CloudFormationProvisionedProduct",
    "aws_synthetics_canary": "AWS::Synthetics::Canary",
}  # fmt: skip
"""Types whose every reference to a function is a call."""


def function_properties(values: dict[str, Any]) -> dict[str, Any]:
    """Return a function's attributes in CloudFormation's words.

    Parameters
    ----------
    values : dict
        Of an ``aws_lambda_function``; nothing and empty blocks are absent settings.
    """
    reserved = values.get("reserved_concurrent_executions")
    environment = block(values, "environment").get("variables")
    said = {
        "FunctionName": values.get("function_name"),
        "MemorySize": values.get("memory_size"),
        "Timeout": values.get("timeout"),
        "Runtime": values.get("runtime") or None,
        "Architectures": values.get("architectures") or None,
        "PackageType": values.get("package_type"),
        "ImageUri": values.get("image_uri") or None,
        "ReservedConcurrentExecutions": None if reserved in (-1, "-1") else reserved,
        "Layers": values.get("layers"),
        "EphemeralStorage": {"Size": block(values, "ephemeral_storage").get("size")},
        "SnapStart": {"ApplyOn": block(values, "snap_start").get("apply_on")},
        "VpcConfig": {"SubnetIds": ["subnet"]} if _has_vpc(values) else None,
        "DeadLetterConfig": {"TargetArn": "queue"} if values.get("dead_letter_config") else None,
        "FileSystemConfigs": values.get("file_system_config") or None,
        "DurableConfig": values.get("durable_config") or None,
        "CapacityProviderConfig": values.get("capacity_provider_config") or None,
        "TenancyConfig": values.get("tenancy_config") or None,
        "Environment": {"Variables": environment if isinstance(environment, dict) else {}},
        "Tags": values.get("tags"),
    }
    return {key: value for key, value in said.items() if value is not None}


def _has_vpc(values: dict[str, Any]) -> bool:
    """Return whether a function lies in a VPC: one whose lists of subnets and groups are known to be empty does not."""
    said = block(values, "vpc_config")
    empty = [said.get(key) for key in ("subnet_ids", "security_group_ids")] == [[], []]
    return bool(values.get("vpc_config")) and not empty


def mapping_blocks(values: dict[str, Any]) -> dict[str, Any]:
    """Return the blocks of an event source mapping in CloudFormation's words."""
    scaling, pollers = block(values, "scaling_config"), block(values, "provisioned_poller_config")
    said: dict[str, Any] = {}
    if scaling.get("maximum_concurrency") is not None:
        said["ScalingConfig"] = {"MaximumConcurrency": scaling["maximum_concurrency"]}
    if pollers:
        said["ProvisionedPollerConfig"] = {
            "MinimumPollers": pollers.get("minimum_pollers"), "MaximumPollers": pollers.get("maximum_pollers")
        }  # fmt: skip
    if block(block(values, "destination_config"), "on_failure"):
        said["DestinationConfig"] = {"OnFailure": {"Destination": "destination"}}
    if block(values, "filter_criteria").get("filter"):
        said["FilterCriteria"] = {"Filters": [{}]}
    for key, name in (
        ("self_managed_event_source", "SelfManagedEventSource"),
        ("amazon_managed_kafka_event_source_config", "AmazonManagedKafkaEventSourceConfig"),
        ("document_db_event_source_config", "DocumentDBEventSourceConfig"),
    ):
        if values.get(key):
            said[name] = {"Set": True}
    return said


def block(values: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the first block of a name; empty where there is none."""
    held = values.get(name)
    first = held[0] if isinstance(held, list) and held else held
    return first if isinstance(first, dict) else {}


def decoded(text: Any) -> Any:
    """Return the data of JSON or YAML text, and anything else as it is."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        data = parse_document(text, "text").data
    except TemplateError:
        return text
    return data if isinstance(data, dict) else text
