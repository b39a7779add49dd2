"""Names in ARNs, and one account in one region."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from lambdasim.errors import TemplateError
from lambdasim.templates.account.answers import Answers, Item, Kind
from lambdasim.wording import clipped, listed

_FUNCTION: Final = re.compile(r"arn:[a-z-]+:lambda:([a-z0-9-]*):([0-9]*):function:([^:]+)(?::([^:]+))?")
_OWNED: Final = {
    Kind.FUNCTIONS: "FunctionArn",
    Kind.CONFIGURATION: "FunctionArn",
    Kind.MAPPINGS: "FunctionArn",
    Kind.PROVISIONED: "FunctionArn",
    Kind.EVENTS: "FunctionArn",
    Kind.OPTIMIZER: "functionArn",
}
_LATEST: Final = "$LATEST"


@dataclass(frozen=True)
class FunctionName:
    """A function as an ARN or a plain name has it.

    Attributes
    ----------
    name : str
    qualifier : str
        Version or alias; empty where none is named.
    region, account : str
        Empty where only a name is given.
    """

    name: str
    qualifier: str = ""
    region: str = ""
    account: str = ""


def function_of(text: Any) -> FunctionName | None:
    """Read an ARN, partial ARN or name of a function; None where it is none.

    Examples
    --------
    >>> function_of("arn:aws:lambda:eu-west-1:123456789012:function:orders:live")
    FunctionName(name='orders', qualifier='live', region='eu-west-1', account='123456789012')
    >>> function_of("orders:3")
    FunctionName(name='orders', qualifier='3', region='', account='')
    """
    if not isinstance(text, str) or not text:
        return None
    if (match := _FUNCTION.fullmatch(text)) is not None:
        qualifier = match[4] or ""
        return FunctionName(match[3], "" if qualifier == _LATEST else qualifier, match[1], match[2])
    if text.startswith("arn:"):
        return None
    name, _, qualifier = text.removeprefix("function:").partition(":")
    return FunctionName(name, "" if qualifier == _LATEST else qualifier) if name else None


def one_region(answers: Answers, region: str | None) -> str | None:
    """Find the one account and region that an export is of, and leave out what is of another region.

    Parameters
    ----------
    answers : Answers
        What belongs to another region than the one asked for is taken out.
    region : str or None
        Asked for.

    Returns
    -------
    str or None
        The region; None where no ARN says it.

    Raises
    ------
    TemplateError
        Where files of two accounts are mixed, or of two regions and none was asked for. No account id is shown.
    """
    places: dict[tuple[str, str], str] = {}
    for item, name in _owned(answers):
        places.setdefault((name.region, name.account), item.file)
    regions = list(dict.fromkeys(place[0] for place in places))
    if region is not None and region in regions:
        for kind, key in _OWNED.items():
            kept = [item for item in answers.of(kind) if _lies_in(item.data.get(key), region)]
            if kind in answers.items:
                answers.items[kind] = kept
        if Kind.FUNCTION in answers.items:
            answers.items[Kind.FUNCTION] = [
                item for item in answers.of(Kind.FUNCTION) if _lies_in(_inner(item), region)
            ]
        places = {place: file for place, file in places.items() if place[0] == region}
        regions = [region]
    accounts = {account: file for (_, account), file in places.items()}
    if len(accounts) > 1:
        files = listed([clipped(file, 60) for file in accounts.values()][:4], last=" and ")
        told = f"mixes functions of {len(accounts)} accounts; give the files of one account at a time"
        raise TemplateError.single(files, "FunctionArn", told)
    if len(regions) > 1:
        shown = listed(sorted(regions), last=" and ")
        told = f"mixes functions of {shown}, whose limits are apart; choose one with --region"
        raise TemplateError.single(next(iter(places.values())), "FunctionArn", told)
    return regions[0] if regions else None


def _owned(answers: Answers) -> Iterator[tuple[Item, FunctionName]]:
    for kind, key in _OWNED.items():
        for item in answers.of(kind):
            yield from _named(item, item.data.get(key))
    for item in answers.of(Kind.FUNCTION):
        yield from _named(item, _inner(item))


def _named(item: Item, text: Any) -> Iterable[tuple[Item, FunctionName]]:
    name = function_of(text)
    return [(item, name)] if name is not None and name.region else []


def _inner(item: Item) -> Any:
    inner = item.data.get("Configuration")
    return inner.get("FunctionArn") if isinstance(inner, dict) else None


def _lies_in(text: Any, region: str) -> bool:
    name = function_of(text)
    return name is None or name.region in ("", region)
