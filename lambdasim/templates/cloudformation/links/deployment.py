"""Functions that run only at a deployment, and callers that are proven but not otherwise described."""

from __future__ import annotations

import re
from typing import Any, Final

from lambdasim.templates.cloudformation.links.ties import Ties
from lambdasim.templates.cloudformation.mappings import resource_of
from lambdasim.templates.cloudformation.values import at, texts_in
from lambdasim.templates.found import FoundSource, Remark

_FRAMEWORK: Final = re.compile(
    r"(.*/)?(LogRetention[0-9a-fA-F]{8,}|BucketNotificationsHandler[0-9a-fA-F]{8,}|CustomS3AutoDelete|AWS679f53fac|"
    r"CustomCDKBucketDeployment|CustomVpcRestrictDefaultSG|CustomCrossRegionExport|CustomDynamoDB|AWSCDKCfnUtils|"
    r"CustomAWSCDKOpenIdConnect|CustomECRAutoDelete|SingletonLambda[0-9a-fA-F]{8,}|.*CustomResourceProviderHandler[0-9A-F]{8}|"
    r".*framework(onEvent|isComplete|onTimeout)[0-9A-F]{8}).*"
)
_PROVIDER: Final = re.compile(r".*/framework-(onEvent|isComplete|onTimeout)(/Resource)?")
_TRIGGER: Final = "Custom::Trigger"
_USERS: Final = ("USER_ON_EVENT_FUNCTION_ARN", "USER_IS_COMPLETE_FUNCTION_ARN")
_CALLERS: Final = {
    "apigateway.amazonaws.com": "api_gateway_rest", "s3.amazonaws.com": "s3", "sns.amazonaws.com": "sns",
    "events.amazonaws.com": "eventbridge", "scheduler.amazonaws.com": "schedule",
    "elasticloadbalancing.amazonaws.com": "alb", "iot.amazonaws.com": "async", "ses.amazonaws.com": "async",
    "codecommit.amazonaws.com": "async", "config.amazonaws.com": "async",
}  # fmt: skip


def tie_deployment(ties: Ties) -> None:
    """Find functions that only a deployment runs: custom resources, macros, hooks, and helpers of CDK."""
    for resource in ties.others():
        kind = resource.type
        if kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource":
            _only(ties, resource.properties.get("ServiceToken"), f"custom resource {resource.id}")
            if kind == _TRIGGER:
                _only(ties, resource.properties.get("HandlerArn"), f"trigger {resource.id} of CDK")
        elif kind == "AWS::CloudFormation::Macro":
            _only(ties, resource.properties.get("FunctionName"), f"macro {resource.id}")
    for id_ in list(ties.functions):
        resource = ties.resources[id_]
        path = resource.metadata.get("aws:cdk:path")
        provider = isinstance(path, str) and _PROVIDER.fullmatch(path)
        if _FRAMEWORK.fullmatch(id_) or provider:
            ties.deployment.setdefault(id_, "a helper that CDK adds")
            variables = at(resource.properties, "Environment", "Variables")
            for name in _USERS if isinstance(variables, dict) else ():
                _only(ties, variables.get(name), "a custom resource of CDK")
        hooks = at(resource.properties, "DeploymentPreference", "Hooks")
        if isinstance(hooks, dict):
            _only(ties, list(hooks.values()), f"hook of the deployment of {id_}")


def _only(ties: Ties, value: Any, what: str) -> None:
    for id_ in ties.functions_in(value, named=True):
        ties.deployment.setdefault(id_, what)


def leave_out_deployment(ties: Ties) -> list[Remark]:
    """Take functions out that nothing else invokes, and say which.

    Returns
    -------
    list of Remark
        One for each, with what runs it.
    """
    left = []
    for id_, what in ties.deployment.items():
        if not ties.functions[id_].sources or what.startswith("a helper"):
            left.append(Remark(id_, what))
            del ties.functions[id_]
    return left


def tie_permissions(ties: Ties) -> None:
    """Take a caller that a permission names where nothing else says what invokes a function."""
    for resource in ties.others():
        if resource.type != "AWS::Lambda::Permission":
            continue
        principal = next(texts_in(resource.properties.get("Principal")), "")
        for id_ in ties.functions_in(resource.properties.get("FunctionName"), named=True):
            if ties.functions[id_].sources or id_ in ties.deployment:
                continue
            type_ = _CALLERS.get(principal) or ("async" if principal.startswith("logs.") else "sdk")
            origin = resource_of(resource.properties.get("SourceArn"), ties.resources)
            if type_ == "api_gateway_rest" and origin is not None and _is_http(origin.type):
                type_ = "api_gateway_http"
            if resource.properties.get("FunctionUrlAuthType"):
                type_ = "function_url"
            if type_ == "schedule":
                type_ = "eventbridge"
            ties.add([id_], FoundSource(type_, f"permission {resource.id}"))


def _is_http(kind: str) -> bool:
    return kind.startswith(("AWS::ApiGatewayV2::", "AWS::Serverless::HttpApi"))


def tie_callers(ties: Ties) -> None:
    """Take another function as the caller where it holds the name of one that nothing else invokes."""
    for id_ in list(ties.functions):
        resource = ties.resources[id_]
        called = ties.functions_in(at(resource.properties, "Environment", "Variables"))
        for one in called:
            if one != id_ and one not in ties.deployment and not ties.functions[one].sources:
                ties.add([one], FoundSource("sdk", f"function {id_}"))
