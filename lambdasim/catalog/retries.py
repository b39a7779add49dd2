"""Who tries an event again, by trigger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

from lambdasim.catalog.entries import Entry
from lambdasim.catalog.facts import Fact, Head, Knowledge, pick, timing, timings
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

    Returns
    -------
    RetryRule

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
    return retry_rules_of(toml_of("retry_rules.toml"))


def retry_rules_of(content: Mapping[str, Any], file: str = "retry_rules.toml") -> Mapping[str, RetryRule]:
    """Make retry rules of the content of a file.

    Parameters
    ----------
    content : mapping
        As ``retry_rules.toml`` has it.
    file : str
        Name of the file, for messages.

    Raises
    ------
    CatalogError
        With file and field, at the first thing that is missing, unknown, or of the wrong kind.
    """
    whole = Entry(content, file)
    head = Head.of(whole)
    kinds, triggers = whole.entry("kinds"), whole.named("triggers")
    rules = {}
    for name, entry in triggers.items():
        kind = entry.choice("kind", InvocationKind)
        own = content["triggers"][name]
        kinds.entry(kind)
        rules[name] = _rule(name, Entry(dict(content["kinds"][kind]) | own, file, entry.path), head)
    for name in kinds.names():
        if name not in list(InvocationKind):
            raise kinds.fault(name[:40], f"must be one of {', '.join(InvocationKind)}")
    whole.close()
    return MappingProxyType(rules)


def _rule(trigger: str, entry: Entry, head: Head) -> RetryRule:
    """Make a rule of what holds for the kind of invocation and what is the trigger's own."""

    def named(key: str, name: str) -> Fact:
        if name not in timings():
            raise entry.fault(key, f"must name a timing, got {name[:40]!r}")
        return timing(name)

    def referred(key: str) -> Fact | None:
        return named(key, entry.text(key)) if entry.has(key) else None

    delays = entry.texts("error_delays") if entry.has("error_delays") else ()
    rule = RetryRule(
        trigger=trigger,
        kind=entry.choice("kind", InvocationKind),
        on_throttle=entry.text("on_throttle"),
        on_error=entry.text("on_error"),
        gives_up=entry.text("gives_up"),
        client_retries=referred("client_retries"),
        error_retries=referred("error_retries"),
        error_delays=tuple(named("error_delays", name) for name in delays),
        throttle_backoff_first=referred("throttle_backoff_first"),
        throttle_backoff_max=referred("throttle_backoff_max"),
        event_age=referred("event_age"),
        integration_timeout=referred("integration_timeout"),
        source=entry.source("source", head.sources),
        as_of=head.as_of,
        knowledge=head.knowledge,
    )
    entry.close()
    if rule.error_retries is not None and rule.error_retries.value != len(rule.error_delays):
        raise entry.fault("error_delays", f"must be as many as the retries, {rule.error_retries.value}")
    return rule
