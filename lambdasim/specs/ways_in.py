"""Several ways into one function: each is an item of `functions` with the settings of the function that it shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from lambdasim.catalog import InvocationKind
from lambdasim.errors import LambdaSimError
from lambdasim.specs.base import CrossFault
from lambdasim.specs.callers.calls import CallHow, CallSpec
from lambdasim.specs.faults import not_among
from lambdasim.specs.function import FunctionSpec
from lambdasim.specs.trigger import TriggerSpec
from lambdasim.specs.work.keep_warm import KeepWarmSpec
from lambdasim.wording import clipped

OF_THE_FUNCTION: Final = (
    "memory_mb", "architecture", "runtime", "package_type", "package_mb", "unzipped_mb", "image_mb", "vpc",
    "snap_start", "layers", "timeout_us", "ephemeral_mb", "environment_bytes", "qualifier", "init_ms", "placement_ms",
    "keep_alive_us", "recursive_loop",
)  # fmt: skip
"""Settings that all ways into a function have in common."""
OF_ITS_LIMITS: Final = ("reserved_concurrency", "provisioned_concurrency", "target_tracking")
"""Settings that stand with the function alone, since they are there once."""
UNLESS_GIVEN: Final = ("work", "payload", "uses", "tags", "calls")
"""What a way in has as the function has it, unless it says otherwise."""


def with_settings_of_shared(functions: Sequence[Any]) -> list[Any]:
    """Give each way into a function that names the function which it shares that function's settings.

    Parameters
    ----------
    functions : sequence of dict or FunctionSpec
        As a file has them, or checked before.

    Returns
    -------
    list
        What a file says against the function stays, for `entry_faults` to find; a spec that was checked before follows.
    """
    functions = [*functions, *_pings(functions)]
    by_name = {_of(function, "name"): function for function in functions if _of(function, "shares") is None}
    return [_with_settings(function, by_name) for function in functions]


def _pings(functions: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Make the ways in of pings that keep environments warm, as far as they are not there yet."""
    names = {_of(function, "name") for function in functions}
    for function in functions:
        wanted = function.get("keep_warm") if isinstance(function, dict) else None
        name = pings_of(_of(function, "name") or "")
        if not isinstance(wanted, dict) or name in names or _of(function, "shares") is not None:
            continue
        with suppress(ValueError, TypeError, LambdaSimError):  # its faults are reported where it stands
            kept = KeepWarmSpec.model_validate(wanted)
            yield {
                "name": name,
                "shares": function["name"],
                "trigger": {"type": "schedule", "retry_attempts": 0},
                "work": {"io_ms": kept.ping_ms},
                "payload": {},
                "uses": {},
                "calls": [],
                "traffic": {"schedule": kept.schedule, "scale": kept.environments},
            }


def pings_of(name: str) -> str:
    """Name the way in of the pings that keep a function warm.

    Parameters
    ----------
    name : str
        The function's.

    Returns
    -------
    str
    """
    return f"{name}-pings"


def _of(function: Any, key: str) -> Any:
    found = function.get(key) if isinstance(function, dict) else getattr(function, key, None)
    return found if isinstance(found, str) else None


def _with_settings(entry: Any, by_name: dict[Any, Any]) -> Any:
    name = _of(entry, "shares")
    owner = by_name.get(name) if name is not None else None
    if isinstance(entry, FunctionSpec) and isinstance(owner, FunctionSpec):
        return entry.model_copy(update={key: getattr(owner, key) for key in OF_THE_FUNCTION})
    if not isinstance(entry, dict) or owner is None:
        return entry
    settings = (
        {key: owner[key] for key in _KEYS if key in owner}
        if isinstance(owner, dict)
        else {key: getattr(owner, key) for key in (*OF_THE_FUNCTION, *UNLESS_GIVEN)}
    )
    if isinstance(settings.get("calls"), list | tuple):
        settings["calls"] = [call for call in settings["calls"] if _follows(call, entry)]
    given = {_as_attribute(key) for key in entry}
    return {key: value for key, value in settings.items() if _as_attribute(key) not in given} | entry


_TIMES: Final = {"timeout_us": "timeout", "keep_alive_us": "keep_alive"}
_KEYS: Final = (*OF_THE_FUNCTION, *_TIMES.values(), *UNLESS_GIVEN)


def _as_attribute(key: Any) -> Any:
    return {value: name for name, value in _TIMES.items()}.get(key, key)


def _follows(call: Any, entry: dict[str, Any]) -> bool:
    """Return whether a way in makes a function's call: those that follow an event's end want Lambda's queue."""
    when = call.get("when", "each_run") if isinstance(call, dict) else getattr(call, "when", "each_run")
    return when == "each_run" or "calls" in entry


def entry_faults(functions: Sequence[FunctionSpec]) -> Iterator[CrossFault]:
    """Find what is wrong with ways into functions.

    Parameters
    ----------
    functions : sequence of FunctionSpec

    Yields
    ------
    CrossFault
    """
    owners = {function.name: function for function in functions if function.shares is None}
    shared = {entry.name: entry.shares for entry in functions}
    for place, entry in enumerate(functions):
        if entry.keep_warm is not None:
            yield from _keep_warm_faults(place, entry, shared)
        if entry.shares is None:
            continue
        owner = owners.get(entry.shares)
        if owner is None:
            text = not_among(entry.shares, sorted(owners))
            yield CrossFault(("functions", place, "shares"), text)
            continue
        for key in OF_ITS_LIMITS:
            if getattr(entry, key) != type(entry).model_fields[key].default:
                yield _belongs(place, key, owner)
        for key in OF_THE_FUNCTION:
            if getattr(entry, key) != getattr(owner, key):
                yield _belongs(place, _TIMES.get(key, key), owner)


def _keep_warm_faults(
    place: int, entry: FunctionSpec, shared: Mapping[str, str | None]
) -> Iterator[CrossFault]:
    """Want pings of a function itself, under a name that is free, and nothing else that keeps environments."""
    at = ("functions", place, "keep_warm")
    if entry.shares is not None:
        yield CrossFault(at, f"belongs to {clipped(entry.shares)}, which this shares; leave it out")
    elif shared.get(pings_of(entry.name), entry.name) != entry.name:
        text = (
            f"needs the name {clipped(pings_of(entry.name))} for its pings, which is that of another function"
        )
        yield CrossFault(at, text)


def _belongs(place: int, key: str, owner: FunctionSpec) -> CrossFault:
    return CrossFault(
        ("functions", place, key), f"belongs to {clipped(owner.name)}, which this shares; leave it out"
    )


def events_of_fault(function: FunctionSpec, by_name: Mapping[str, FunctionSpec]) -> str:
    """Find what is wrong with the function whose events another's are too; empty for nothing.

    Parameters
    ----------
    function : FunctionSpec
    by_name : mapping of str to FunctionSpec
        The scenario's functions.

    Returns
    -------
    str
    """
    name = function.trigger.events_of
    if name is None:
        return ""
    other = by_name.get(name)
    if other is None or other is function:
        return not_among(name, sorted(one for one in by_name if one != function.name))
    if other.trigger.type is not function.trigger.type or other.trigger.events_of is not None:
        kind = function.trigger.type.value
        return f"must be a function with a trigger of type {kind} that has no events_of itself, got {clipped(name)}"
    return ""


_READ_DEAD_LETTERS: Final = {
    InvocationKind.QUEUE: ("sqs",),
    InvocationKind.STREAM: ("sqs", "sns", "s3", "kafka"),
}


def given_up_fault(
    trigger: TriggerSpec, call: CallSpec, callee: FunctionSpec | None
) -> tuple[str, str] | None:
    """Find what is wrong with a call that follows what a queue or a stream gives up.

    Parameters
    ----------
    trigger : TriggerSpec
        With the queue or the stream.
    call : CallSpec
        With ``when: failed``.
    callee : FunctionSpec or None
        The function that is called; None where there is none.

    Returns
    -------
    tuple of str and str, or None
        Key and text.
    """
    if trigger.queue is not None and trigger.queue.max_receives is None:
        return "when", "needs max_receives of the queue: without a dead-letter queue no message is given up"
    known = _READ_DEAD_LETTERS[trigger.kind]
    if call.how is not CallHow.TRIGGER:
        return "how", f"must be trigger: what is given up goes to {' or '.join(known)}, got {call.how.value}"
    if callee is not None and callee.trigger.type.value not in known:
        got = callee.trigger.type.value
        text = f"must have a trigger of type {' or '.join(known)} to read what is given up, got {got}"
        return "function", text
    return None
