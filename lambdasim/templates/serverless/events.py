"""Events of serverless.yml in SAM's words; short forms written out."""

from __future__ import annotations

from typing import Any, Final

from lambdasim.templates.cloudformation.values import at, items_of, whole

_STREAM_BATCH: Final = 10
_RENAMED: Final = {
    "batchSize": "BatchSize", "maximumBatchingWindow": "MaximumBatchingWindowInSeconds", "enabled": "Enabled",
    "batchWindow": "MaximumBatchingWindowInSeconds", "parallelizationFactor": "ParallelizationFactor",
    "maximumRetryAttempts": "MaximumRetryAttempts", "maximumRecordAgeInSeconds": "MaximumRecordAgeInSeconds",
    "bisectBatchOnFunctionError": "BisectBatchOnFunctionError", "functionResponseType": "FunctionResponseTypes",
    "startingPosition": "StartingPosition",
}  # fmt: skip
_SIMPLE: Final = {
    "s3": "S3", "eventBridge": "EventBridgeRule", "cloudwatchEvent": "CloudWatchEvent", "cloudwatchLog": "CloudWatchLogs",
    "iot": "IoTRule", "alexaSkill": "AlexaSkill", "alexaSmartHome": "AlexaSkill", "cognitoUserPool": "Cognito",
    "alb": "ALB", "websocket": "WebSocket", "cloudFront": "CloudFront", "iotFleetProvisioning": "AlexaSkill",
}  # fmt: skip
_BROKERS: Final = {"msk": "MSK", "kafka": "SelfManagedKafka", "activemq": "MQ", "rabbitmq": "MQ"}


def sam_events(events: Any, timeout_s: int | None) -> dict[str, dict[str, Any]]:
    """Write a function's events in SAM's words.

    Parameters
    ----------
    events : object
        A list of mappings with one key each, or of words.
    timeout_s : int or None
        The function's; an HTTP API waits half a second longer, at most 30 s.

    Returns
    -------
    dict
        By a name made of kind and number.
    """
    found: dict[str, dict[str, Any]] = {}
    for number, one in enumerate(items_of(events), start=1):
        said = {one: None} if isinstance(one, str) else one
        for kind, held in said.items() if isinstance(said, dict) else ():
            event = _event(kind, held, timeout_s)
            found[f"{kind}{number}" if len(items_of(events)) > 1 else kind] = event
    return found


def _event(kind: str, held: Any, timeout_s: int | None) -> dict[str, Any]:
    said = held if isinstance(held, dict) and not _is_intrinsic(held) else {}
    if kind == "http":
        waits = whole(said.get("timeoutInMillis"))
        return {"Type": "Api", "Properties": _present(TimeoutInMillis=waits, Async=said.get("async"))}
    if kind == "httpApi":
        waits = None if timeout_s is None else min(1000 * timeout_s + 500, 30_000)
        return {"Type": "HttpApi", "Properties": _present(TimeoutInMillis=waits)}
    if kind == "schedule":
        rates = said.get("rate") if said else held
        state = _present(Enabled=said.get("enabled"), ScheduleExpressionTimezone=said.get("timezone"))
        return {"Type": "Schedule", "Properties": {"Schedule": rates, **state}}
    if kind == "eventBridge" and said.get("schedule"):
        return {
            "Type": "Schedule",
            "Properties": {"Schedule": said["schedule"], **_present(Enabled=said.get("enabled"))},
        }
    if kind == "sns":
        return {
            "Type": "SNS",
            "Properties": {"Topic": "topic", **_present(FilterPolicy=said.get("filterPolicy"))},
        }
    if kind == "sqs":
        return {"Type": "SQS", "Properties": {**_mapping(said), "Queue": said.get("arn") if said else held}}
    if kind == "stream":
        arn = said.get("arn") if said else held
        return {
            "Type": _stream_type(said, arn),
            "Properties": {"BatchSize": _STREAM_BATCH, **_mapping(said), "Stream": arn},
        }
    if kind in _BROKERS:
        return {"Type": _BROKERS[kind], "Properties": _mapping(said)}
    state = {"State": "DISABLED"} if said.get("enabled") is False else {}
    return {"Type": _SIMPLE.get(kind, kind), "Properties": state}


def _stream_type(said: dict[str, Any], arn: Any) -> str:
    kind = said.get("type")
    if isinstance(kind, str):
        return "DynamoDB" if kind.lower() == "dynamodb" else "Kinesis"
    attribute = at(arn, "Fn::GetAtt")
    is_table = (isinstance(arn, str) and ":dynamodb:" in arn) or (
        isinstance(attribute, list) and attribute[-1:] == ["StreamArn"]
    )
    return "DynamoDB" if is_table else "Kinesis"


def _mapping(said: dict[str, Any]) -> dict[str, Any]:
    settings = {_RENAMED[key]: value for key, value in said.items() if key in _RENAMED}
    if said.get("maximumConcurrency") is not None:
        settings["ScalingConfig"] = {"MaximumConcurrency": said["maximumConcurrency"]}
    if said.get("consumer") not in (None, False):
        settings["Consumer"] = True
    if said.get("filterPatterns"):
        settings["FilterCriteria"] = {"Filters": said["filterPatterns"]}
    if at(said, "destinations", "onFailure"):
        settings["DestinationConfig"] = {"OnFailure": {"Destination": "destination"}}
    return settings


def _present(**settings: Any) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if value is not None}


def _is_intrinsic(value: dict[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref"))
