"""What invokes a function, as a scenario's trigger and traffic: the main source, its stand-in, and what is asked."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic import ValidationError

from lambdasim.catalog import InvocationKind, limit, retry_rule, timing
from lambdasim.catalog.guesses import traffic_guess
from lambdasim.errors import LambdaSimError
from lambdasim.results.usage.as_month import MONTH_HOURS
from lambdasim.specs.schedules import parse_schedule
from lambdasim.specs.trigger import TriggerSpec
from lambdasim.templates.found import FoundFunction, FoundMeasured, FoundSource
from lambdasim.templates.writing.commented_yaml import Noted, plain
from lambdasim.templates.writing.polled import polled_trigger
from lambdasim.wording import listed

_ORDER: Final = (
    "api_gateway_rest", "api_gateway_http", "api_gateway_websocket", "function_url", "alb", "sqs", "kinesis", "dynamodb",
    "kafka",
    "s3", "sns", "eventbridge", "async", "schedule", "sdk",
)  # fmt: skip
_GATEWAYS: Final = {
    "api_gateway_rest": "gateway_rest_timeout_s",
    "api_gateway_http": "gateway_http_timeout_s",
    "api_gateway_websocket": "gateway_websocket_timeout_s",
}
_POLLED: Final = {"queue": ("sqs",), "stream": ("kinesis", "dynamodb", "kafka")}
_ZONED: Final = re.compile(r"(.*\)) +([^ ()]+)")
_RATE: Final = re.compile(r"rate\(\s*([0-9]+)\s+(minute|hour|day)s?\s*\)", re.IGNORECASE)
_CRON: Final = re.compile(r"cron\(([^()]*)\)", re.IGNORECASE)
_UNITS: Final = {
    "api_gateway_rest": "requests", "api_gateway_http": "requests", "function_url": "requests", "alb": "requests",
    "api_gateway_websocket": "messages", "kafka": "records",
    "sqs": "messages", "kinesis": "records", "dynamodb": "records", "sns": "notifications", "sdk": "calls",
}  # fmt: skip


@dataclass
class Invoked:
    """A function's trigger and traffic.

    Attributes
    ----------
    trigger : dict
        As a scenario has it.
    traffic : dict
        As a scenario has it; empty where ``schedules`` are several, or there are ``counts``, which go into a file.
    schedules : tuple of str
        Several schedules of one function, each valid.
    counts : tuple of (int, int)
        First second of an interval [s since 1970] with what arrived in it, where it was counted.
    asked : str
        What the traffic is a guess of: ``requests``, ``messages`` ...; empty where the file says it.
    remarks : list of str
        What stands for what, and what is left out.
    """

    trigger: dict[str, Any]
    traffic: dict[str, Any] | Noted
    schedules: tuple[str, ...] = ()
    counts: tuple[tuple[int, int], ...] = ()
    asked: str = ""
    remarks: list[str] = field(default_factory=list)


def ways_in(function: FoundFunction) -> list[FoundFunction]:
    """Split a function by what invokes it.

    Parameters
    ----------
    function : FoundFunction

    Returns
    -------
    list of FoundFunction
        The same function, each time with the sources that one trigger describes: those that differ only by name, and all
        schedules together. The first has the source that `main_source` chooses. Disabled ones stay with the first. What
        was counted, of runs or by a file of usage, is of all together, so of such a function there is one.
    """
    enabled = [source for source in function.sources if source.enabled]
    if len(enabled) < 2 or (function.measured is not None and function.measured.counts is not None):
        return [function]
    groups: dict[Any, list[FoundSource]] = {}
    for source in sorted(enabled, key=lambda source: _ORDER.index(source.type)):
        groups.setdefault(_alike(function, source), []).append(source)
    disabled = [source for source in function.sources if not source.enabled]
    first, *others = groups.values()
    return [
        replace(function, sources=(*first, *disabled)),
        *(replace(function, sources=tuple(group)) for group in others),
    ]


def _alike(function: FoundFunction, source: FoundSource) -> Any:
    """Give what tells a source from others that need a trigger of their own: each queue and stream does, no schedule."""
    if source.type == "schedule":
        return source.type
    if any(source.type in types for types in _POLLED.values()):
        return source
    return json.dumps(plain(_trigger(function, source, [])), sort_keys=True)


def invoked_by(function: FoundFunction) -> Invoked:
    """Choose a function's main source, and make trigger and traffic of it.

    Parameters
    ----------
    function : FoundFunction

    Returns
    -------
    Invoked
        A synchronous source before a queue or stream, these before events, schedules last: the others are remarks. See
        `ways_in` for those.
    """
    enabled = [source for source in function.sources if source.enabled]
    main = main_source(function)
    if main is None:
        return _without_source(function)
    ordered = sorted(enabled, key=lambda source: _ORDER.index(source.type))
    remarks: list[str] = []
    trigger = _trigger(function, main, remarks)
    kinds = sorted({source.type for source in enabled} - {main.type}, key=_ORDER.index)
    if kinds:
        others = listed(dict.fromkeys(source.label for source in enabled if source.type != main.type), most=5)
        remarks.append(
            f"also invoked by {others}; what was counted is of all together, so one trigger stands for them"
        )
    if disabled := [source.label for source in function.sources if not source.enabled]:
        remarks.append(f"{listed(disabled, most=5)}: disabled, so no traffic")
    if function.measured is not None and function.measured.counts is not None:
        return _measured(trigger, function.measured, remarks)
    if main.type == "schedule":
        return _scheduled(trigger, [source for source in ordered if source.type == "schedule"], remarks)
    invoked = _guessed(trigger, main, remarks, function.requests_per_month)
    return invoked


def main_source(function: FoundFunction) -> FoundSource | None:
    """Return the source that stands for all of a function's; None where none is enabled.

    Parameters
    ----------
    function : FoundFunction
    """
    enabled = [source for source in function.sources if source.enabled]
    return min(enabled, key=lambda source: _ORDER.index(source.type), default=None)


def _without_source(function: FoundFunction) -> Invoked:
    measured = function.measured
    if measured is not None and measured.counts is not None:
        if function.sources:
            trigger = _trigger(function, function.sources[0], [])
        else:
            trigger = {"type": Noted("sdk", "assumed: nothing in the files invokes it")}
        return _measured(trigger, measured, [])
    if function.sources:
        names = listed((source.label for source in function.sources), most=5)
        trigger = _trigger(function, function.sources[0], [])
        idle = Noted({"constant": {"rate_per_s": 0}}, f"disabled in the file: {names}")
        return Invoked(trigger, idle, remarks=[f"{names}: disabled, so no traffic"])
    remark = "nothing in the file invokes it; taken as called through the SDK"
    trigger = {"type": Noted("sdk", "assumed: nothing in the file invokes it")}
    return _guessed(trigger, None, [remark], function.requests_per_month)


def _measured(trigger: dict[str, Any], measured: FoundMeasured, remarks: list[str]) -> Invoked:
    """Let arrivals come as they were counted, and nothing be counted twice."""
    counts = measured.counts or ()
    total = sum(number for _, number in counts)
    if measured.repeats_counted:
        repeats = "CloudWatch counts each call: repeats are among the events"
        if retry_rule(plain(trigger["type"])).kind is InvocationKind.SYNCHRONOUS:
            trigger = {**trigger, "client_retries": Noted(0, repeats)}
    for key in ("queue", "stream"):
        if measured.one_for_batch and trigger["type"] in _POLLED[key]:
            kept = {name: value for name, value in trigger.get(key, {}).items() if name != "batch_window"}
            batch = Noted(1, "a message stands for each batch, which is what CloudWatch counts")
            trigger = {
                **trigger,
                key: {"batch_size": batch, **{k: v for k, v in kept.items() if k != "batch_size"}},
            }
    if not total:
        idle = Noted({"constant": {"rate_per_s": 0}}, f"none counted: {measured.counted}")
        return Invoked(trigger, idle, remarks=remarks)
    return Invoked(trigger, {}, counts=counts, remarks=remarks)


def _guessed(
    trigger: dict[str, Any],
    main: FoundSource | None,
    remarks: list[str],
    requests_per_month: float | None = None,
) -> Invoked:
    guess = traffic_guess()
    if requests_per_month is not None:
        rate = float(f"{requests_per_month / (MONTH_HOURS * 3600):.6g}")
        known: dict[str, Any] = {
            "rate_per_s": Noted(rate, f"{requests_per_month:,.0f} a month, from the file of usage")
        }
        if rate > 0:
            known["daily"] = Noted(list(guess.daily), "assumed: office hours, UTC")
        return Invoked(trigger, {"poisson": known}, remarks=remarks)
    asked = _UNITS.get(main.type if main else "sdk", "events")
    poisson = {
        "rate_per_s": Noted(guess.rate_per_s, f"assumed; how many {asked} a second?"),
        "daily": Noted(list(guess.daily), "assumed: office hours, UTC"),
    }
    return Invoked(trigger, {"poisson": poisson}, asked=asked, remarks=remarks)


def _scheduled(trigger: dict[str, Any], sources: Sequence[FoundSource], remarks: list[str]) -> Invoked:
    valid: list[str] = []
    for source in sources:
        for text in source.schedules:
            schedule = valid_schedule(text)
            if schedule is None:
                remarks.append(f"{source.label}: {text[:60]} is no schedule that can be followed")
            else:
                valid.append(schedule)
    if not valid:
        return _guessed(trigger, sources[0], remarks)
    if len(valid) == 1:
        return Invoked(trigger, {"schedule": valid[0]}, remarks=remarks)
    return Invoked(trigger, {}, tuple(valid), remarks=remarks)


def valid_schedule(text: str) -> str | None:
    """Return a schedule expression as scenarios take it, None where it is none.

    Parameters
    ----------
    text : str
        As people write it: a wrong plural or commas between fields are put right, as AWS's own parsers do not.

    Examples
    --------
    >>> valid_schedule("rate(5 minute)"), valid_schedule("cron(5, 0, 1, *, ?, *)"), valid_schedule("at(2026-11-20)")
    ('rate(5 minutes)', 'cron(5 0 1 * ? *)', None)
    """
    text = text.strip()
    zone = ""
    if match := _ZONED.fullmatch(text):
        text, zone = match[1], f" {match[2]}"
    if match := _RATE.fullmatch(text):
        number, unit = int(match[1][:12]), match[2].lower()
        text = f"rate({number} {unit}{'' if number == 1 else 's'})"
    elif match := _CRON.fullmatch(text):
        fields = match[1].split()
        if len(fields) == 6 and all(part.endswith(",") for part in fields[:5]):
            fields = [part.rstrip(",") for part in fields]
        if len(fields) == 6 and fields[2] == "*" and fields[4] == "*":
            fields[4] = "?"
        text = f"cron({' '.join(fields)})"
    text += zone
    try:
        parse_schedule(text)
    except (ValueError, LambdaSimError):
        return None
    return text


def _trigger(function: FoundFunction, source: FoundSource, remarks: list[str]) -> dict[str, Any]:
    if source.stands_for:
        remarks.append(f"{source.label}: {source.stands_for} is not modelled; {source.type} stands in for it")
    trigger: dict[str, Any] = {"type": source.type}
    if source.type in _GATEWAYS and source.integration_timeout_s is not None:
        default = timing(_GATEWAYS[source.type]).value
        if source.asynchronous:
            pass
        elif 0 < source.integration_timeout_s < 10 * default and source.integration_timeout_s != default:
            trigger["integration_timeout"] = f"{source.integration_timeout_s:g}s"
    if source.asynchronous and source.type in _GATEWAYS:
        trigger = {"type": Noted("async", f"{source.label} hands requests over without waiting")}
    trigger |= polled_trigger(function, source, remarks)
    if not _is_modelled(trigger):
        remarks.append(f"{source.label}: its settings do not go together; AWS's defaults are taken")
        trigger = {"type": trigger["type"]}
    if TriggerSpec.model_validate(plain(trigger)).kind is InvocationKind.ASYNCHRONOUS:
        trigger |= _retries(function)
    if not _is_modelled(trigger):
        trigger = {"type": trigger["type"]}
    return trigger


def _retries(function: FoundFunction) -> dict[str, Any]:
    low, high = limit("async_error_retries_min").value, limit("async_error_retries_max").value
    young, old = limit("async_event_age_min_s").value, limit("async_event_age_max_s").value
    said: dict[str, Any] = {}
    if function.retry_attempts is not None and low <= function.retry_attempts <= high:
        said["retry_attempts"] = function.retry_attempts
    if function.max_event_age_s is not None and young <= function.max_event_age_s <= old:
        said["max_event_age"] = f"{function.max_event_age_s}s"
    if function.on_failure != "none":
        said["on_failure"] = function.on_failure
    return said


def _is_modelled(trigger: dict[str, Any]) -> bool:
    try:
        TriggerSpec.model_validate(plain(trigger))
    except ValidationError:
        return False
    return True
