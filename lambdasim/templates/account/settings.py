"""Functions of an account: their configurations, and what other answers say of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from lambdasim.errors import TemplateError
from lambdasim.templates.account.answers import Answers, Item, Kind
from lambdasim.templates.account.arns import FunctionName, function_of
from lambdasim.templates.cloudformation.functions import PLAIN, event_settings, found_function
from lambdasim.templates.cloudformation.sam_events import zoned
from lambdasim.templates.cloudformation.stack import Notes, Resource
from lambdasim.templates.cloudformation.values import at, whole
from lambdasim.templates.found import FoundFunction, FoundProvisioned, Remark
from lambdasim.wording import clipped, count, listed

_COMPARED: Final = ("MemorySize", "Timeout", "Architectures", "Runtime", "PackageType")
_LATEST: Final = ("", "$LATEST")
_WORD: Final = re.compile(r"[A-Za-z0-9_-]+")
_ENDING: Final = re.compile(r"(?i)(\.(json|gz|txt|out))+$")
# What a file is called after the command that wrote it.
_COMMAND: Final = r"(get[ _-])?(function[ _-])?(reserved[ _-])?concurrency"
_CALLED: Final = re.compile(rf"(?i)[ ._-]{_COMMAND}$|^(\d+[ ._-])?{_COMMAND}[ ._-]")
_NAMED: Final = 5


def account_functions(answers: Answers, notes: Notes) -> dict[str, FoundFunction]:
    """Read every function of an export with its own settings.

    Parameters
    ----------
    answers : Answers
    notes : Notes
        Is given contradictions, and what is not modelled.

    Returns
    -------
    dict of str to FoundFunction
        By name, in the order of the files.

    Raises
    ------
    TemplateError
        Where no answer has a function's settings.
    """
    configurations: dict[str, Item] = {}
    tags: dict[str, Any] = {}
    for item, more in _configurations(answers):
        name = function_of(item.data.get("FunctionArn")) or function_of(item.data.get("FunctionName"))
        if name is None or str(item.data.get("Version") or "") not in _LATEST or name.qualifier:
            continue
        known = configurations.get(name.name)
        configurations[name.name] = item if known is None else _newer(name.name, known, item, notes)
        if isinstance(more.get("Tags"), dict):
            tags[name.name] = more["Tags"]
    if not configurations:
        raise TemplateError.single(
            "exports", "", "have no function's settings; aws lambda list-functions gives them"
        )
    functions = {
        name: _function(name, item.data, tags.get(name), notes) for name, item in configurations.items()
    }
    functions = _with_reserved(answers, functions, notes)
    functions = _with_provisioned(answers, functions, notes)
    return _with_events(answers, functions, notes)


def account_concurrency(answers: Answers, functions: Iterable[FoundFunction], notes: Notes) -> int | None:
    """Return the account's concurrency limit, and check that reserved concurrency adds up with it.

    Parameters
    ----------
    answers : Answers
    functions : iterable of FoundFunction
    notes : Notes
        Is given what does not add up.
    """
    limits = {
        limit
        for item in answers.of(Kind.ACCOUNT)
        if (limit := whole(at(item.data, "AccountLimit", "ConcurrentExecutions"))) is not None and limit > 0
    }
    if len(limits) > 1:
        told = f"answers differ, {listed(f'{one:,}' for one in sorted(limits))}; the largest is taken"
        notes.warnings.append(Remark("ConcurrentExecutions", told))
    for item in answers.of(Kind.ACCOUNT):
        free = whole(at(item.data, "AccountLimit", "UnreservedConcurrentExecutions"))
        whole_limit = whole(at(item.data, "AccountLimit", "ConcurrentExecutions"))
        if free is None or whole_limit is None:
            continue
        reserved = sum(one.reserved_concurrency or 0 for one in functions)
        if whole_limit - free > reserved:
            told = (
                f"{whole_limit - free:,} of the account's concurrency are reserved and the files have {reserved:,}: "
                "get-function-concurrency is missing for some functions"
            )
            notes.warnings.append(Remark(clipped(item.file, 120), told))
        elif whole_limit - free < reserved:
            told = (
                f"the files have {reserved:,} reserved, the account of {whole_limit - free:,}: "
                "they are of different times"
            )
            notes.warnings.append(Remark(clipped(item.file, 120), told))
        break
    return max(limits, default=None)


def _configurations(answers: Answers) -> Iterator[tuple[Item, dict[str, Any]]]:
    """Give each configuration with the answer around it."""
    for kind in (Kind.FUNCTIONS, Kind.CONFIGURATION):
        for item in answers.of(kind):
            yield item, item.data
    for item in answers.of(Kind.FUNCTION):
        inner = item.data["Configuration"]
        if isinstance(inner, dict):
            yield Item(item.file, inner), item.data


def _newer(name: str, known: Item, other: Item, notes: Notes) -> Item:
    """Choose between two answers about one function, and say where they differ."""
    chosen = (
        other if str(other.data.get("LastModified", "")) >= str(known.data.get("LastModified", "")) else known
    )
    for key in _COMPARED:
        first, second = known.data.get(key), other.data.get(key)
        if first is not None and second is not None and first != second:
            told = (
                f"{key} is {clipped(first, 30)} in {clipped(known.file, 50)} and {clipped(second, 30)} in "
                f"{clipped(other.file, 50)}; {clipped(chosen.file, 50)}, modified last, is taken"
            )
            notes.warnings.append(Remark(name, told))
    return chosen


def _function(name: str, data: dict[str, Any], tags: Any, notes: Notes) -> FoundFunction:
    properties = {**data, "FunctionName": name, "Tags": tags}
    properties.pop("Code", None)
    found = found_function(Resource(name, PLAIN, properties, {}, Path(), {"Properties": {}}), notes)
    size = whole(data.get("CodeSize"))
    return replace(found, name=name, package_bytes=size if size and size > 0 else None)


def _with_reserved(
    answers: Answers, functions: dict[str, FoundFunction], notes: Notes
) -> dict[str, FoundFunction]:
    """Take reserved concurrency over, which stands in get-function, or in a file that only its name ties."""
    said: dict[str, tuple[int, str]] = {}
    for item in answers.of(Kind.FUNCTION):
        name = function_of(at(item.data, "Configuration", "FunctionArn")) or function_of(
            at(item.data, "Configuration", "FunctionName")
        )
        number = whole(at(item.data, "Concurrency", "ReservedConcurrentExecutions"))
        if name is not None and number is not None:
            said[name.name] = (number, item.file)
    by_length = sorted(functions, key=len, reverse=True)
    for item in answers.of(Kind.CONCURRENCY):
        number = whole(item.data.get("ReservedConcurrentExecutions"))
        owner = _named_by_file(item.file, by_length)
        if owner is None:
            told = "says a reserved concurrency and its name names no function: call it FUNCTION.concurrency.json"
            notes.warnings.append(Remark(clipped(item.file, 120), told))
        elif number is not None:
            known = said.get(owner)
            if known is not None and known[0] != number:
                told = f"reserved concurrency is {known[0]:,} in {known[1]} and {number:,} in {item.file}, which is taken"
                notes.warnings.append(Remark(owner, told))
            said[owner] = (number, item.file)
    return {
        name: replace(one, reserved_concurrency=said[name][0]) if name in said else one
        for name, one in functions.items()
    }


def _named_by_file(file: str, by_length: list[str]) -> str | None:
    """Return the function that a file's name, or a folder's, names whole; what every such file is called counts last.

    ``orders.concurrency.json`` is about ``orders`` also where other functions are called ``json`` and ``concurrency``.
    """
    path = Path(file)
    places = [_ENDING.sub("", path.name), *reversed(path.parts[:-1])]
    for place in places:
        if place in by_length:
            return place
        for text in (_CALLED.sub("", place), place):
            words = _WORD.findall(text)
            for name in by_length:
                if name in words:
                    return name
    for name in by_length:
        if re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", path.name):
            return name
    return None


def _with_provisioned(
    answers: Answers, functions: dict[str, FoundFunction], notes: Notes
) -> dict[str, FoundFunction]:
    """Take provisioned concurrency over: what is allocated, and what a schedule sets."""
    asked: dict[str, dict[str, int]] = {}
    for item in answers.of(Kind.PROVISIONED):
        name = function_of(item.data.get("FunctionArn"))
        number = whole(item.data.get("RequestedProvisionedConcurrentExecutions"))
        if name is not None and number:
            asked.setdefault(name.name, {})[name.qualifier] = number
    steps: dict[str, list[FoundProvisioned]] = {}
    for owner, by_version in asked.items():
        steps[owner] = [FoundProvisioned(sum(by_version.values()))]
        if len(by_version) > 1:
            many = count(len(by_version), "version")
            told = f"provisioned concurrency of {many} is added up to {steps[owner][0].count:,}"
            notes.warnings.append(Remark(owner, told))
    for item in answers.of(Kind.TARGETS):
        name, least = _scaled(item), whole(item.data.get("MinCapacity"))
        if name is not None and name.name not in asked and least:
            steps.setdefault(name.name, []).append(FoundProvisioned(least))
    for item in answers.of(Kind.ACTIONS):
        name, least = _scaled(item), whole(at(item.data, "ScalableTargetAction", "MinCapacity"))
        schedule = item.data.get("Schedule")
        if name is not None and least is not None and isinstance(schedule, str):
            text = zoned(schedule, item.data.get("Timezone"))
            steps.setdefault(name.name, []).append(FoundProvisioned(least, text))
    for item in answers.of(Kind.POLICIES):
        name = _scaled(item)
        if name is not None:
            told = "its policy that scales provisioned concurrency is not followed; lambdasim limits works it out"
            notes.not_modelled.append(Remark(name.name, told))
    for owner in [owner for owner in steps if owner not in functions]:
        del steps[owner]
    return {
        name: replace(one, provisioned=tuple(steps[name])) if name in steps else one
        for name, one in functions.items()
    }


def _scaled(item: Item) -> FunctionName | None:
    """Return the function of a scalable target of Lambda."""
    if item.data.get("ServiceNamespace") not in (None, "lambda"):
        return None
    target = item.data.get("ResourceId")
    return function_of(target) if isinstance(target, str) and target.startswith("function:") else None


def _with_events(
    answers: Answers, functions: dict[str, FoundFunction], notes: Notes
) -> dict[str, FoundFunction]:
    """Take retries, age and destination of asynchronous events over; a version's stand for a function without."""
    said: dict[str, tuple[str, dict[str, Any]]] = {}
    for item in answers.of(Kind.EVENTS):
        name = function_of(item.data.get("FunctionArn"))
        settings = event_settings(item.data)
        if name is None or name.name not in functions:
            continue
        known = said.get(name.name)
        if known is not None and known[1] != settings:
            told = "has event-invoke configurations that differ by version; that of $LATEST, else the first, is taken"
            notes.warnings.append(Remark(name.name, told))
        if known is None or (known[0] and not name.qualifier):
            said[name.name] = (name.qualifier, settings)
    return {name: replace(one, **said[name][1]) if name in said else one for name, one in functions.items()}


def without_settings(names: Iterable[str], what: str) -> Remark:
    """Say which functions are named and have no settings in the export."""
    shown = listed((clipped(name, 60) for name in names), most=_NAMED)
    return Remark("", f"{what} of functions that list-functions does not have are left out: {shown}")
