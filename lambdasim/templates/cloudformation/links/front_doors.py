"""Callers that wait: REST, HTTP and WebSocket APIs with their OpenAPI bodies and authorizers, load balancers, URLs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from lambdasim.templates.cloudformation.links.ties import Ties
from lambdasim.templates.cloudformation.mappings import resource_of
from lambdasim.templates.cloudformation.stack import Resource
from lambdasim.templates.cloudformation.values import at, items_of, texts_in, whole
from lambdasim.templates.found import FoundSource
from lambdasim.wording import clipped

_INTEGRATION: Final = "x-amazon-apigateway-integration"
_ASYNC_HEADERS: Final = ("x-amz-invocation-type", "integration.request.header.x-amz-invocation-type")
_BODIES: Final = {
    "AWS::ApiGateway::RestApi": ("api_gateway_rest", "Body"),
    "AWS::Serverless::Api": ("api_gateway_rest", "DefinitionBody"),
    "AWS::ApiGatewayV2::Api": ("api_gateway_http", "Body"),
    "AWS::Serverless::HttpApi": ("api_gateway_http", "DefinitionBody"),
}


def tie_front_doors(ties: Ties) -> None:
    """Tie functions to what calls them and waits for their answer."""
    for resource in ties.others():
        kind = resource.type
        if kind == "AWS::ApiGateway::Method":
            _method(ties, resource)
        elif kind == "AWS::ApiGatewayV2::Integration":
            _integration(ties, resource)
        elif kind in _BODIES:
            _api(ties, resource)
        elif kind == "AWS::Serverless::WebSocketApi":
            _socket(ties, resource)
        elif kind in ("AWS::ApiGateway::Authorizer", "AWS::ApiGatewayV2::Authorizer"):
            ids = ties.functions_in(resource.properties.get("AuthorizerUri"))
            ties.add(ids, FoundSource("sdk", f"authorizer {resource.id}"))
        elif kind == "AWS::ElasticLoadBalancingV2::TargetGroup":
            ties.add(
                ties.functions_in(resource.properties.get("Targets")),
                FoundSource("alb", f"target group {resource.id}"),
            )
        elif kind == "AWS::Lambda::Url":
            ids = ties.functions_in(resource.properties.get("TargetFunctionArn"), named=True)
            ties.add(ids, FoundSource("function_url", f"function URL {resource.id}"))


def _method(ties: Ties, resource: Resource) -> None:
    integration = resource.properties.get("Integration")
    ids = ties.functions_in(at(integration, "Uri"))
    waits_ms = whole(at(integration, "TimeoutInMillis"))
    method = resource.properties.get("HttpMethod")
    source = FoundSource(
        "api_gateway_rest",
        f"REST method {clipped(method, 10) if isinstance(method, str) else ''} {resource.id}".replace(
            "  ", " "
        ),
        integration_timeout_s=None if waits_ms is None else waits_ms / 1000,
        asynchronous=_is_asynchronous(integration),
    )
    ties.add(ids, source)


def _is_asynchronous(integration: Any) -> bool:
    """Return whether a REST integration sets Lambda's invocation type to Event."""
    for key in ("RequestParameters", "requestParameters"):
        parameters = at(integration, key)
        for name, value in parameters.items() if isinstance(parameters, dict) else ():
            if name.lower() in _ASYNC_HEADERS and "Event" in next(texts_in(value), ""):
                return True
    return False


def _integration(ties: Ties, resource: Resource) -> None:
    properties = resource.properties
    api = resource_of(properties.get("ApiId"), ties.resources)
    waits_ms = whole(properties.get("TimeoutInMillis"))
    socket = api is not None and api.properties.get("ProtocolType") == "WEBSOCKET"
    source = FoundSource(
        "api_gateway_websocket" if socket else "api_gateway_http",
        f"{'WebSocket' if socket else 'HTTP'} integration {resource.id}",
        integration_timeout_s=None if waits_ms is None else waits_ms / 1000,
    )
    ties.add(ties.functions_in(properties.get("IntegrationUri")), source)


def _socket(ties: Ties, resource: Resource) -> None:
    """Tie the routes of SAM's WebSocket API, and what authorizes its connections."""
    routes = resource.properties.get("Routes")
    for name, route in routes.items() if isinstance(routes, dict) else ():
        waits_ms = whole(at(route, "IntegrationTimeout"))
        source = FoundSource(
            "api_gateway_websocket",
            f"route {clipped(name, 60)} of {resource.id}",
            integration_timeout_s=None if waits_ms is None else waits_ms / 1000,
        )
        ties.add(ties.functions_in(at(route, "FunctionArn")), source)
    ids = ties.functions_in(at(resource.properties, "Auth", "AuthArn"))
    ties.add(ids, FoundSource("sdk", f"authorizer of {resource.id}"))


def _api(ties: Ties, resource: Resource) -> None:
    type_, key = _BODIES[resource.type]
    properties = resource.properties
    ties.add(ties.functions_in(properties.get("Target")), FoundSource(type_, f"API {resource.id}"))
    body = properties.get(key)
    for integration in integrations_in(body):
        waits_ms = whole(integration.get("timeoutInMillis"))
        source = FoundSource(
            type_,
            f"OpenAPI of {resource.id}",
            integration_timeout_s=None if waits_ms is None else waits_ms / 1000,
            asynchronous=_is_asynchronous(integration),
        )
        ties.add(ties.functions_in(integration.get("uri")), source)
    authorizers = [*_authorizers(body), *items_of(at(properties, "Auth", "Authorizers"))]
    ties.add(ties.functions_in(authorizers), FoundSource("sdk", f"authorizer of {resource.id}"))


def integrations_in(body: Any) -> Iterator[dict[str, Any]]:
    """Give every integration of an OpenAPI body."""
    stack = [body]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            found = one.get(_INTEGRATION)
            if isinstance(found, dict):
                yield found
            stack.extend(reversed(one.values()))
        elif isinstance(one, list):
            stack.extend(reversed(one))


def _authorizers(body: Any) -> list[Any]:
    schemes = at(body, "components", "securitySchemes") or at(body, "securityDefinitions")
    schemes = schemes if isinstance(schemes, dict) else {}
    return [
        scheme.get("x-amazon-apigateway-authorizer")
        for scheme in schemes.values()
        if isinstance(scheme, dict)
    ]
