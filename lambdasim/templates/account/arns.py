"""Names in ARNs, and one account in one region."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lambdasim.errors import TemplateError
from lambdasim.templates.account.answers import Answers, Item, Kind
from lambdasim.templates.found import Remark
from lambdasim.wording import clipped, count, listed

_FUNCTION: Final = re.compile(r"arn:[a-z-]+:lambda:([a-z0-9-]*):([0-9]*):function:([^:]+)(?::([^:]+))?")
_OWNED: Final = {
    Kind.FUNCTIONS: "FunctionArn",
    Kind.CONFIGURATION: "FunctionArn",
    Kind.MAPPINGS: "FunctionArn",
    Kind.PROVISIONED: "FunctionArn",
    Kind.EVENTS: "FunctionArn",
    Kind.OPTIMIZER: "functionArn",
}
_ARNS: Final = {
    Kind.TARGETS: "ScalableTargetARN",
    Kind.POLICIES: "PolicyARN",
    Kind.ACTIONS: "ScheduledActionARN",
    Kind.RULES: "Arn",
    Kind.SCHEDULE: "Arn",
    Kind.URLS: "FunctionArn",
}
_LOOSE: Final = (Kind.CONCURRENCY, Kind.METRICS, Kind.STATISTICS, Kind.ACCOUNT)
"""Answers in which nothing says a region."""
_REGION: Final = re.compile(r"arn:[a-z-]+:[a-z-]+:([a-z0-9-]+):")
_IS_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
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
        _leave_others_out(answers, region)
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


def _leave_others_out(answers: Answers, region: str) -> None:
    """Take out what is of another region, by an ARN in it, else by the other answers of its folder."""
    folders: dict[Path, set[str]] = {}
    for item, name in _owned(answers):
        folders.setdefault(Path(item.file).parent, set()).add(name.region)
    mixed = {folder for folder, regions in folders.items() if len(regions) > 1}
    loose = [
        item
        for kind in _LOOSE
        for item in answers.of(kind)
        if Path(item.file).parent in mixed and not _IS_REGION.search(item.file)
    ]
    if loose:
        many = count(len({item.file for item in loose}), "file")
        told = f"{many} beside functions of several regions say no region and are taken for {region}"
        told += "; keep each region's answers in a folder of its own"
        answers.warnings.append(Remark(clipped(loose[0].file, 120), told))
    for kind, items in answers.items.items():
        answers.items[kind] = [item for item in items if _is_of(kind, item, region, folders)]


def _is_of(kind: Kind, item: Item, region: str, folders: dict[Path, set[str]]) -> bool:
    key = _OWNED.get(kind)
    if kind is Kind.FUNCTION or key is not None:
        return _lies_in(_inner(item) if key is None else item.data.get(key), region)
    said = _ARNS.get(kind)
    text = item.data.get(said) if said is not None else None
    place = _REGION.match(text) if isinstance(text, str) else None
    if place is not None:
        return place[1] == region
    named = [part for part in Path(item.file).parts if _IS_REGION.fullmatch(part)]
    if named:
        return named[-1] == region
    return folders.get(Path(item.file).parent, {region}) >= {region}


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
