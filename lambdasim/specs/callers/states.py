"""Amazon States Language: what a definition must have, and one clear fault where it has not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from lambdasim.wording import clipped, listed

_ARN: Final = re.compile(r":function:([A-Za-z0-9_-]{1,140})")
KINDS: Final = ("Task", "Pass", "Wait", "Choice", "Succeed", "Fail", "Parallel", "Map")
_ENDS: Final = ("Succeed", "Fail")
_WAITS: Final = ("SecondsPath", "TimestampPath", "Timestamp")
_DEEPEST: Final = 20
_TOLERANCE: Final = 1e-6
_LONGEST_S: Final = 99_999_999
_ALL: Final = "States.ALL"


class UnclearError(Exception):
    """What is wrong with a definition.

    Parameters
    ----------
    key : str
        Of the state machine's keys, the one to change.
    text : str
    """

    def __init__(self, key: str, text: str) -> None:
        super().__init__(text)
        self.key = key
        self.text = text


def sections_of(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Give the definitions within a state: branches of a Parallel, the processor of a Map.

    Parameters
    ----------
    state : mapping

    Returns
    -------
    list of mapping
    """
    if state.get("Type") == "Parallel":
        branches = state.get("Branches")
        return list(branches) if isinstance(branches, list) else []
    section = state.get("ItemProcessor", state.get("Iterator"))
    return [section] if state.get("Type") == "Map" and section is not None else []


def is_distributed(state: Mapping[str, Any]) -> bool:
    """Return whether a Map state starts an execution of its own for each item, or batch of them.

    Parameters
    ----------
    state : mapping

    Returns
    -------
    bool
    """
    config = (sections_of(state) or [{}])[0].get("ProcessorConfig")
    return state.get("Type") == "Map" and isinstance(config, Mapping) and config.get("Mode") == "DISTRIBUTED"


def all_states(definition: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give each state of a definition with its name, those within others too.

    Parameters
    ----------
    definition : mapping
        That has been checked.

    Yields
    ------
    tuple of str and mapping
    """
    for name, state in definition["States"].items():
        yield name, state
        for section in sections_of(state):
            yield from all_states(section)


def targets_of(state: Mapping[str, Any]) -> list[str]:
    """Give the states that a Choice may go on to, each once.

    Parameters
    ----------
    state : mapping

    Returns
    -------
    list of str
    """
    rules = state.get("Choices")
    found = (
        [rule.get("Next") for rule in rules if isinstance(rule, Mapping)] if isinstance(rules, list) else []
    )
    return list(dict.fromkeys(str(name) for name in (*found, state.get("Default")) if name is not None))


def invoked_function(
    given: Mapping[str, str], name: str, state: Mapping[str, Any], known: Collection[str]
) -> str | None:
    """Say which function a task invokes.

    Parameters
    ----------
    given : mapping of str to str
        Functions by state, as the state machine's ``functions`` say.
    name : str
        The state's.
    state : mapping
    known : collection of str
        The scenario's functions.

    Returns
    -------
    str or None
        As given, or an ARN in Resource or FunctionName; None where it is no task of Lambda's, or
        its function is none of the scenario's.
    """
    if name in given:
        return given[name]
    places = [state.get("Resource")]
    for key in ("Parameters", "Arguments"):
        section = state.get(key)
        if isinstance(section, Mapping):
            places += [section.get("FunctionName"), section.get("FunctionName.$")]
    for text in places:
        if isinstance(text, str):
            found = _ARN.search(text)
            called = found[1] if found else text.partition(":")[0]
            if called in known:
                return called
    return None


def looks_like_lambda(state: Mapping[str, Any]) -> bool:
    """Return whether a task invokes some function of Lambda's.

    Parameters
    ----------
    state : mapping

    Returns
    -------
    bool
    """
    resource = str(state.get("Resource", ""))
    return _ARN.search(resource) is not None or "lambda:invoke" in resource


def check_definition(
    definition: Mapping[str, Any],
    choices: Mapping[str, Mapping[str, float]],
    items: Mapping[str, int],
    waits: Mapping[str, object],
) -> None:
    """Make sure that a definition can be run.

    Parameters
    ----------
    definition : mapping
    choices : mapping of str to mapping of str to float
        Shares by Choice state and target.
    items : mapping of str to int
        By Map state.
    waits : mapping of str to object
        By Wait state.

    Raises
    ------
    UnclearError
        With the first thing that is wrong.
    """
    _check_section(definition, "the definition", 0)
    _check_seconds("the definition", definition)
    states = list(all_states(definition))
    times = Counter(name for name, _ in states)
    if twice := [name for name, number in times.items() if number > 1]:
        raise UnclearError(
            "definition", f"has two states named {clipped(twice[0], 60)!r}; each needs a name of its own"
        )
    kinds = {name: state["Type"] for name, state in states}
    for key, given, kind in (
        ("choices", choices, "Choice"),
        ("items", items, "Map"),
        ("wait_ms", waits, "Wait"),
    ):
        for name in given:
            if kinds.get(name) != kind:
                raise UnclearError(key, f"{clipped(name, 60)} is no {kind} state of the definition")
    for name, state in states:
        _check_given(name, state, choices, items, waits)


def _check_given(
    name: str,
    state: Mapping[str, Any],
    choices: Mapping[str, Mapping[str, float]],
    items: Mapping[str, int],
    waits: Mapping[str, object],
) -> None:
    """Want what a definition does not say of a state."""
    shown = clipped(name, 60)
    if state["Type"] == "Choice":
        targets = targets_of(state)
        if name not in choices:
            raise UnclearError(
                "choices", f"lacks {shown}: the share of executions that go on to each of {listed(targets)}"
            )
        if other := sorted(set(choices[name]) - set(targets)):
            raise UnclearError(
                "choices", f"{shown} does not go on to {clipped(other[0], 60)}, but to {listed(targets)}"
            )
        if abs(sum(choices[name].values()) - 1) > _TOLERANCE:
            raise UnclearError(
                "choices", f"shares of {shown} must add up to 1, got {sum(choices[name].values()):g}"
            )
    if state["Type"] == "Map" and name not in items:
        raise UnclearError("items", f"lacks {shown}: how many items this Map state works on")
    if state["Type"] == "Wait" and name not in waits and any(key in state for key in _WAITS):
        raise UnclearError("wait_ms", f"lacks {shown}: how long this Wait state waits, which its input says")


def _check_section(section: object, where: str, depth: int) -> None:
    if (
        not isinstance(section, Mapping)
        or not isinstance(section.get("States"), Mapping)
        or not section["States"]
    ):
        raise UnclearError("definition", f"{where} must have States")
    if depth > _DEEPEST:
        raise UnclearError("definition", f"must nest at most {_DEEPEST} levels deep")
    states, start = section["States"], section.get("StartAt")
    if not isinstance(start, str) or start not in states:
        raise UnclearError(
            "definition", f"StartAt of {where} must be one of {listed(list(states), 8)}, got {start!r:.60}"
        )
    follow: dict[str, list[str]] = {}
    for name, state in states.items():
        follow[name] = _check_state(str(name), state, states, depth)
    seen, waiting = {start}, [start]
    while waiting:
        for name in follow[waiting.pop()]:
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    if lost := [name for name in states if name not in seen]:
        raise UnclearError(
            "definition", f"state {clipped(lost[0], 60)!r} cannot be reached from {clipped(start, 60)!r}"
        )


def _check_state(name: str, state: object, states: Mapping[str, Any], depth: int) -> list[str]:
    """Check one state; give the states that may follow it."""
    shown = clipped(name, 60)
    kind = state.get("Type") if isinstance(state, Mapping) else None
    if not isinstance(state, Mapping) or kind not in KINDS:
        raise UnclearError(
            "definition", f"state {shown!r} must have a Type, one of {listed(KINDS, 8)}, got {kind!r:.40}"
        )
    resource = state.get("Resource")
    if kind == "Task" and (not isinstance(resource, str) or not resource):
        raise UnclearError(
            "definition", f"Resource of {shown!r} must be an ARN as text, got {resource!r:.40}"
        )
    following: list[str] = []
    if kind == "Choice":
        following += targets_of(state)
        if not following:
            raise UnclearError("definition", f"state {shown!r} must have Choices")
    elif kind not in _ENDS:
        if ("Next" in state) == (state.get("End") is True):
            raise UnclearError("definition", f"state {shown!r} must have either Next or End: true")
        following += [str(state["Next"])] if "Next" in state else []
    catchers = state.get("Catch", [])
    for catcher in catchers if isinstance(catchers, list) else []:
        following.append(str(catcher.get("Next")) if isinstance(catcher, Mapping) else "")
    for other in following:
        if other not in states:
            raise UnclearError(
                "definition", f"state {shown!r} goes on to {clipped(other, 60)!r}, which is not there"
            )
    sections = sections_of(state)
    if kind in ("Parallel", "Map") and not sections:
        raise UnclearError(
            "definition", f"state {shown!r} must have {'Branches' if kind == 'Parallel' else 'ItemProcessor'}"
        )
    for number, inner in enumerate(sections, start=1):
        _check_section(
            inner, f"branch {number} of {shown!r}" if kind == "Parallel" else f"{shown!r}", depth + 1
        )
    _check_retries(shown, state)
    if kind == "Map":
        _check_map(shown, state)
    return following


def _check_map(shown: str, state: Mapping[str, Any]) -> None:
    config = sections_of(state)[0].get("ProcessorConfig", {})
    for key, known in (("Mode", ("INLINE", "DISTRIBUTED")), ("ExecutionType", ("STANDARD", "EXPRESS"))):
        value = config.get(key, known[0]) if isinstance(config, Mapping) else config
        if value not in known:
            raise UnclearError(
                "definition", f"{key} of {shown!r} must be {' or '.join(known)}, got {value!r:.40}"
            )
    for key in ("ToleratedFailurePercentagePath", "ToleratedFailureCountPath", "MaxConcurrencyPath"):
        if key in state:
            plain = key.removesuffix("Path")
            raise UnclearError(
                "definition", f"{key} of {shown!r} is taken from the input, which is not known: give {plain}"
            )
    batcher = state.get("ItemBatcher", {})
    if not isinstance(batcher, Mapping):
        raise UnclearError("definition", f"ItemBatcher of {shown!r} must have MaxItemsPerBatch")
    for key, value, low, high in (
        ("MaxItemsPerBatch", batcher.get("MaxItemsPerBatch", 1), 1, 100_000_000),
        ("ToleratedFailureCount", state.get("ToleratedFailureCount", 0), 0, 100_000_000),
        ("ToleratedFailurePercentage", state.get("ToleratedFailurePercentage", 0), 0, 100),
    ):
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise UnclearError(
                "definition", f"{key} of {shown!r} must be a number of {low} to {high:,}, got {value!r:.40}"
            )


def _check_retries(shown: str, state: Mapping[str, Any]) -> None:
    for key in ("Retry", "Catch"):
        rules = state.get(key, [])
        if not isinstance(rules, list) or any(
            not isinstance(rule, Mapping) or not isinstance(rule.get("ErrorEquals"), list) for rule in rules
        ):
            raise UnclearError("definition", f"{key} of {shown!r} must be a list of rules with ErrorEquals")
    for key, low, high in (
        ("IntervalSeconds", 1, 99_999_999), ("MaxAttempts", 0, 99_999_999), ("BackoffRate", 1.0, 1e6),
        ("MaxDelaySeconds", 1, 31_622_400),
    ):  # fmt: skip
        for rule in state.get("Retry", []):
            value = rule.get(key, low)
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise UnclearError(
                    "definition",
                    f"{key} of {shown!r} must be a number from {low} to {high:,}, got {value!r:.40}",
                )
    _check_errors(shown, state)
    for rule in state.get("Retry", []):
        if (value := rule.get("JitterStrategy", "NONE")) not in ("NONE", "FULL"):
            raise UnclearError(
                "definition", f"JitterStrategy of {shown!r} must be NONE or FULL, got {value!r:.40}"
            )
    _check_seconds(repr(shown), state)


def _check_errors(shown: str, state: Mapping[str, Any]) -> None:
    """Want States.ALL alone, and in the last rule, as the language has it."""
    for key in ("Retry", "Catch"):
        rules = state.get(key, [])
        for place, rule in enumerate(rules):
            errors = rule["ErrorEquals"]
            if not errors:
                raise UnclearError("definition", f"ErrorEquals in {key} of {shown!r} must name an error")
            if _ALL in errors and (len(errors) > 1 or place + 1 < len(rules)):
                raise UnclearError(
                    "definition", f"{_ALL} in {key} of {shown!r} must stand alone, and in the last rule"
                )


def _check_seconds(shown: str, state: Mapping[str, Any]) -> None:
    """Want times and widths that are numbers, and not taken from an input that nobody knows."""
    for key in ("Seconds", "TimeoutSeconds", "HeartbeatSeconds", "MaxConcurrency"):
        value = state.get(key, 1)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        is_over = key in ("TimeoutSeconds", "HeartbeatSeconds")  # after nothing, no task would ever run
        if not is_number or not 0 <= value <= _LONGEST_S or (is_over and not value):
            span = f"{'above' if is_over else 'from'} 0 to {_LONGEST_S:,}"
            raise UnclearError("definition", f"{key} of {shown} must be a number {span}, got {value!r:.40}")
    for key in ("TimeoutSecondsPath", "HeartbeatSecondsPath"):
        if key in state:
            plain = key.removesuffix("Path")
            raise UnclearError(
                "definition", f"{key} of {shown} is taken from the input, which is not known: give {plain}"
            )
    if "HeartbeatSeconds" in state and state["HeartbeatSeconds"] >= state.get("TimeoutSeconds", _LONGEST_S):
        raise UnclearError("definition", f"HeartbeatSeconds of {shown} must be below its TimeoutSeconds")
