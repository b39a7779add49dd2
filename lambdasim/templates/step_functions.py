"""Definitions of state machines: which tasks invoke a function, in both query languages and ways of naming one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lambdasim.errors import TemplateError
from lambdasim.templates.documents import parse_document

_PLACE: Final = re.compile(r"\$\{([A-Za-z0-9_.:/-]{1,200})\}")
_INVOKE: Final = re.compile(r":states:::lambda:invoke|:states:::aws-sdk:lambda:invoke")
_SECTIONS: Final = ("Iterator", "ItemProcessor")


def with_substitutions(text: str, substitutions: Mapping[str, str]) -> str:
    """Put values where a definition names them, in its text, quoted or not.

    Parameters
    ----------
    text : str
    substitutions : mapping
        Text by name; names that it lacks stay.

    Examples
    --------
    >>> with_substitutions('{"Resource": "${Arn}", "Other": "${X}"}', {"Arn": "arn:1"})
    '{"Resource": "arn:1", "Other": "${X}"}'
    """
    return _PLACE.sub(lambda found: substitutions.get(found[1], found[0]), text)


def parsed_definition(text: str, name: str) -> Any:
    """Read a definition, JSON or YAML.

    Raises
    ------
    TemplateError
        Naming file and line.
    """
    document = parse_document(text, name)
    if not isinstance(document.data, dict):
        raise TemplateError.single(name, "", "must be a mapping with States")
    return document.data


def invoked_by_tasks(definition: Any) -> Iterator[Any]:
    """Give what each task of a definition invokes: a function's ARN or name, or an open value.

    Parameters
    ----------
    definition : object
        Plain data, or with open values in it; states within Map and Parallel are walked too.
    """
    stack = [definition]
    while stack:
        one = stack.pop()
        if not isinstance(one, dict):
            continue
        states = one.get("States")
        for state in states.values() if isinstance(states, dict) else ():
            if not isinstance(state, dict):
                continue
            if state.get("Type") == "Task":
                yield from _task(state)
            stack.extend(state[key] for key in _SECTIONS if isinstance(state.get(key), dict))
            branches = state.get("Branches")
            stack.extend(branches if isinstance(branches, list) else [])


def _task(state: dict[str, Any]) -> Iterator[Any]:
    resource = state.get("Resource")
    text = resource if isinstance(resource, str) else getattr(resource, "text", "")
    if ":states:::" not in text:
        yield resource
        return
    if _INVOKE.search(text):
        for key in ("Parameters", "Arguments"):
            arguments = state.get(key)
            if isinstance(arguments, dict):
                for name in ("FunctionName", "FunctionName.$"):
                    if name in arguments:
                        yield arguments[name]
