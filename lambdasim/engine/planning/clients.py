"""From what a scenario says of clients and gateways to what engines run: repeats, quotas, token buckets, payloads."""

from __future__ import annotations

from typing import Final

from lambdasim.catalog import limit, retry_rule, timing
from lambdasim.engine.contract import NEVER, ClientPace, Invoker, RetryPolicy, RetryQuota, Throttle
from lambdasim.specs.callers.clients import Repeats, RetryMode, ThrottleSpec
from lambdasim.specs.function import FunctionSpec
from lambdasim.specs.trigger import TriggerSpec, TriggerType

_NS_PER_S: Final = 1_000_000_000
_WITHOUT_LIMIT_US: Final = 1 << 50


def bucket(throttle: ThrottleSpec | None) -> Throttle | None:
    """Make the token bucket of a gateway's throttle.

    Parameters
    ----------
    throttle : ThrottleSpec or None

    Returns
    -------
    Throttle or None

    Examples
    --------
    >>> bucket(ThrottleSpec(rate_per_s=4.0, burst=2))
    Throttle(burst=2, interval_ns=250000000)
    """
    return None if throttle is None else Throttle(throttle.burst, round(_NS_PER_S / throttle.rate_per_s))


def client_retries(trigger: TriggerSpec) -> RetryPolicy:
    """Say how the clients of a synchronous trigger wait and repeat.

    Parameters
    ----------
    trigger : TriggerSpec

    Returns
    -------
    RetryPolicy
        Without a retry mode as the SDK's standard mode, with the repeats of the trigger's kind.
    """
    rule = retry_rule(trigger.type.value)
    sdk, mode = trigger.type is TriggerType.SDK, trigger.retry_mode
    cut_us = rule.integration_timeout.us if rule.integration_timeout else NEVER
    cut_us = min(trigger.integration_timeout_us or cut_us, trigger.read_timeout_us or NEVER)
    retries = rule.client_retries.value if rule.client_retries else 0
    if mode is not None:
        retries = timing("sdk_retries_legacy" if mode is RetryMode.LEGACY else "sdk_retries").value
    default = (Repeats.THROTTLED, Repeats.UNANSWERED) if sdk else (Repeats.THROTTLED,)
    repeats = default if trigger.repeats is None else trigger.repeats
    quick = mode not in (RetryMode.LEGACY, RetryMode.STANDARD_BEFORE_2026)
    return RetryPolicy(
        invoker=Invoker.CLIENT,
        client_timeout_us=cut_us,
        repeats_timeouts=Repeats.UNANSWERED in repeats,
        repeats_failures=Repeats.FAILED in repeats,
        repeats_throttles=Repeats.THROTTLED in repeats,
        timeout_backoff_us=timing("sdk_backoff_timeout_first_ms" if quick else "sdk_backoff_first_s").us,
        throttle_retries=retries if trigger.client_retries is None else trigger.client_retries,
        throttle_backoff_us=timing("sdk_backoff_first_s").us,
        throttle_backoff_cap_us=(
            _WITHOUT_LIMIT_US if mode is RetryMode.LEGACY else timing("sdk_backoff_max_s").us
        ),
        jittered=True,
        quota=_quota(trigger),
    )


def _quota(trigger: TriggerSpec) -> RetryQuota | None:
    if trigger.client_processes is None:
        return None
    costs = ("sdk_quota_throttle", "sdk_quota_other", "sdk_quota_other")
    if trigger.retry_mode is RetryMode.STANDARD_BEFORE_2026:
        costs = ("sdk_quota_before_retry", "sdk_quota_before_timeout", "sdk_quota_before_retry")
    throttle, timeout, failure = (limit(name).value for name in costs)
    return RetryQuota(
        processes=trigger.client_processes,
        tokens=limit("sdk_quota_tokens").value,
        throttle_cost=throttle,
        timeout_cost=timeout,
        failure_cost=failure,
        pace=ClientPace.ADAPTIVE if trigger.retry_mode is RetryMode.ADAPTIVE else ClientPace.NONE,
    )


def payload_limits(function: FunctionSpec) -> tuple[int, int]:
    """Give the largest request and response of a function by what invokes it [KB].

    Parameters
    ----------
    function : FunctionSpec

    Returns
    -------
    tuple of int
        Of Lambda, or of a load balancer or a WebSocket API before it, which take less.
    """
    trigger, streamed = function.trigger, function.payload.streamed
    kind = "sync" if trigger.is_synchronous else "async"
    request = limit(f"payload_request_{kind}_max_kb").value
    response = limit(f"payload_response_{'streamed' if streamed else 'sync'}_max_kb").value
    if trigger.type is TriggerType.ALB:
        most = timing("payload_alb_max_kb").value
        return min(request, most), min(response, most)
    if trigger.type is TriggerType.API_GATEWAY_WEBSOCKET:
        return min(request, limit("payload_websocket_max_kb").value), response
    return request, response
