"""Several ways into one function: each is an item of `functions` with the settings of the function that it shares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from lambdasim.specs.base import CrossFault
from lambdasim.specs.faults import not_among
from lambdasim.specs.function import FunctionSpec
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
    by_name = {_of(function, "name"): function for function in functions if _of(function, "shares") is None}
    return [_with_settings(function, by_name) for function in functions]


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
    """Tell whether a way in makes a function's call: those that follow an event's end want Lambda's queue."""
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
    for place, entry in enumerate(functions):
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


def _belongs(place: int, key: str, owner: FunctionSpec) -> CrossFault:
    return CrossFault(
        ("functions", place, key), f"belongs to {clipped(owner.name)}, which this shares; leave it out"
    )
