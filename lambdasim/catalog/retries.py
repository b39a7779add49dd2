"""Who tries an event again, by trigger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

from lambdasim.catalog.facts import Fact, Knowledge, pick, timing
from lambdasim.catalog.files import toml_of


class InvocationKind(StrEnum):
    """How a trigger hands an event to the function."""

    SYNCHRONOUS = "synchronous"
    ASYNCHRONOUS = "asynchronous"
    QUEUE = "queue"
    STREAM = "stream"


@dataclass(frozen=True)
class RetryRule:
    """What happens to an event of a trigger that is throttled or fails.

    Attributes
    ----------
    trigger : str
    kind : InvocationKind
    on_throttle, on_error, gives_up : str
        In words.
    client_retries : Fact or None
        Retries of the client, synchronous triggers only.
    error_retries : Fact or None
        Retries of Lambda after a function error.
    error_delays : tuple of Fact
        Delay before each of them.
    throttle_backoff_first, throttle_backoff_max : Fact or None
        Delay after the first throttle, doubling up to the greatest.
    event_age : Fact or None
        Default greatest age of an event.
    integration_timeout : Fact or None
        After which a gateway answers without waiting for the function.
    source : str
    as_of : date
    knowledge : Knowledge
    """

    trigger: str
    kind: InvocationKind
    on_throttle: str
    on_error: str
    gives_up: str
    client_retries: Fact | None
    error_retries: Fact | None
    error_delays: tuple[Fact, ...]
    throttle_backoff_first: Fact | None
    throttle_backoff_max: Fact | None
    event_age: Fact | None
    integration_timeout: Fact | None
    source: str
    as_of: date
    knowledge: Knowledge


def retry_rule(trigger: str) -> RetryRule:
    """Look up who retries for a trigger.

    Parameters
    ----------
    trigger : str
        Such as ``api_gateway_rest`` or ``s3``; see ``retry_rules()``.

    Raises
    ------
    CatalogError
        When the trigger is unknown.

    Examples
    --------
    >>> [delay.value for delay in retry_rule("s3").error_delays]
    [60, 120]
    """
    return pick(retry_rules(), trigger, "trigger")


@cache
def retry_rules() -> Mapping[str, RetryRule]:
    """Return the rules of all triggers by name."""
    content = toml_of("retry_rules.toml")
    return MappingProxyType(
        {name: _rule(name, entry, content) for name, entry in content["triggers"].items()}
    )


def _rule(trigger: str, entry: dict[str, Any], content: dict[str, Any]) -> RetryRule:
    """Join what holds for the kind of invocation with what is the trigger's own."""
    merged = content["kinds"][entry["kind"]] | entry

    def referred(key: str) -> Fact | None:
        return timing(merged[key]) if key in merged else None

    return RetryRule(
        trigger=trigger,
        kind=InvocationKind(merged["kind"]),
        on_throttle=merged["on_throttle"],
        on_error=merged["on_error"],
        gives_up=merged["gives_up"],
        client_retries=referred("client_retries"),
        error_retries=referred("error_retries"),
        error_delays=tuple(timing(name) for name in merged.get("error_delays", ())),
        throttle_backoff_first=referred("throttle_backoff_first"),
        throttle_backoff_max=referred("throttle_backoff_max"),
        event_age=referred("event_age"),
        integration_timeout=referred("integration_timeout"),
        source=content["sources"][merged["source"]],
        as_of=content["as_of"],
        knowledge=Knowledge(content["knowledge"]),
    )
