"""A scenario made of everything that was found, with the questions that no file answers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from typing import Any, Final

from lambdasim.catalog import limit, regions
from lambdasim.catalog.guesses import traffic_guess
from lambdasim.errors import TemplateError
from lambdasim.specs.schedules import parse_schedule
from lambdasim.templates.found import Found, FoundFunction, Remark, without_accounts
from lambdasim.templates.writing.commented_yaml import Noted, plain
from lambdasim.templates.writing.function_draft import FunctionDraft, function_draft
from lambdasim.templates.writing.measured import write_measured
from lambdasim.templates.writing.sources import main_source, ways_in
from lambdasim.units import US_PER_S, format_duration, parse_duration_us, to_epoch_us
from lambdasim.wording import clipped, listed

_FOREIGN: Final = re.compile(r"[^A-Za-z0-9_-]+")
_MOST_REASONS: Final = 3
_MOST_FUNCTIONS: Final = 10_000
_MOST_ROWS: Final = 2_000_000


@dataclass(frozen=True)
class Question:
    """What no file says, and the value that stands in the scenario until someone answers.

    Attributes
    ----------
    function : str
    key : str
        Place in the function: ``traffic``, ``work``, ``init_ms``.
    text : str
        The question.
    guess : str
        What is taken.
    is_measured : bool
        Whether the rest of it was measured.
    """

    function: str
    key: str
    text: str
    guess: str
    is_measured: bool = False


@dataclass
class Draft:
    """A scenario before it is written.

    Attributes
    ----------
    scenario : dict
        As a YAML file has it; values that no file said are ``Noted``.
    files : dict of str to str
        Files beside it, by relative name: moments of functions with several schedules.
    names : dict of str to str
        Name in the scenario by resource.
    questions : list of Question
    remarks : list of Remark
        What was taken for what, by function.
    """

    scenario: dict[str, Any]
    files: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


def draft_scenario(found: Found, name: str = "", region: str | None = None) -> Draft:
    """Make a scenario of what was found.

    Parameters
    ----------
    found : Found
    name : str
        What the scenario is called; default: the file's name.
    region : str, optional
        For prices; default: what the file says, else us-east-1.

    Returns
    -------
    Draft
        A month from a fixed day, so that the same file gives the same bytes.

    Raises
    ------
    TemplateError
        Where the file has no function to simulate, or more than 10,000.
    """
    if not found.functions:
        raise TemplateError.single(found.origin, "", _why_none(found))
    if len(found.functions) > _MOST_FUNCTIONS:
        many = f"has {len(found.functions):,} functions; one scenario holds at most {_MOST_FUNCTIONS:,}"
        raise TemplateError.single(found.origin, "", many)
    guess = traffic_guess()
    start = datetime.combine(limit("memory_min_mb").as_of, time(), UTC)
    duration = guess.duration
    if found.window is not None:
        start = datetime.fromtimestamp(found.window[0], UTC)
        duration = format_duration((found.window[1] - found.window[0]) * US_PER_S)
    draft = Draft({"name": clipped(name or found.origin, 80)})
    draft.scenario["region"] = _region(found, region, draft)
    draft.scenario["start"] = start.isoformat().replace("+00:00", "Z")
    draft.scenario["duration"] = duration
    functions = []
    taken: set[str] = set()
    for one in found.functions:
        unique = _unique(one.name, taken)
        draft.names[one.resource] = unique
        first, *others = ways_in(one)
        made = function_draft(first, unique)
        if one.measured is not None:
            write_measured(draft.files, made, one, unique, found.window)
        if made.invoked.schedules:
            _write_moments(draft, made, unique, start)
        idle = one.measured is not None and one.measured.counts == ()
        draft.questions += [] if idle else _questions(made, unique)
        draft.remarks += [Remark(unique, text) for text in made.remarks]
        functions.append(Noted(made.settings, _comment(found, first)))
        for way in others:
            functions.append(_way_in(found, way, made, draft, taken, start))
    account = _account([plain(one) for one in functions], found.account_concurrency)
    if account is not None:
        draft.scenario["account"] = account
    draft.scenario["functions"] = functions
    return draft


def _way_in(
    found: Found, way: FoundFunction, first: FunctionDraft, draft: Draft, taken: set[str], start: datetime
) -> Noted:
    """Make another way into a function: its trigger and traffic, and work where it does something else."""
    owner = first.settings["name"]
    kind = main_source(way)
    ending = kind.type.removeprefix("api_gateway_").replace("_", "-") if kind is not None else "other"
    name = _unique(f"{owner}-{ending}", taken)
    known = way.requests_per_month is not None
    made = function_draft(replace(way, notes=(), requests_per_month=0.0 if known else None), name)
    settings = {"name": name, "shares": owner}
    if not first.is_measured and plain(made.settings["work"]) != plain(first.settings["work"]) and not known:
        settings["work"] = made.settings["work"]
    settings |= {key: made.settings[key] for key in ("trigger", "traffic") if key in made.settings}
    if made.invoked.schedules:
        _write_moments(draft, FunctionDraft(settings, made.invoked), name, start)
    draft.questions += [one for one in _questions(made, name) if one.key == "traffic" or "work" in settings]
    draft.remarks += [Remark(name, text) for text in made.invoked.remarks]
    if known and ending != "schedule":
        draft.remarks.append(
            Remark(name, f"the file of usage counts all ways in together: they stand with {owner}")
        )
    return Noted(settings, _comment(found, way))


def _why_none(found: Found) -> str:
    if found.left_out:
        return f"has no function to simulate: its {len(found.left_out)} run only at a deployment"
    reasons = [*found.unresolved, *found.not_modelled]
    elsewhere = listed((str(one) for one in reasons), most=_MOST_REASONS)
    return f"has no function to simulate ({found.kind}){': ' if elsewhere else ''}{elsewhere}"


def _region(found: Found, asked: str | None, draft: Draft) -> Any:
    region = asked or found.region
    if region is not None and region not in regions():
        draft.remarks.append(
            Remark("region", f"{clipped(region, 40)} has no price sheet; us-east-1 is taken")
        )
        region = None
    return region or Noted("us-east-1", "assumed; which region?")


def _unique(wanted: str, taken: set[str]) -> str:
    longest = limit("function_name_max_chars").value
    base = _FOREIGN.sub("-", without_accounts(wanted)).strip("-")[:longest].strip("-") or "function"
    name, number = base, 1
    while name in taken:
        number += 1
        ending = f"-{number}"
        name = f"{base[: longest - len(ending)]}{ending}"
    taken.add(name)
    return name


def _comment(found: Found, one: FoundFunction) -> str:
    sources = (
        ", ".join(dict.fromkeys(source.label for source in one.sources)) or "nothing in the file invokes it"
    )
    return f"{one.resource} of {found.origin}: {sources}"


def _write_moments(draft: Draft, made: FunctionDraft, name: str, start: datetime) -> None:
    start_us = to_epoch_us(start)
    stop_us = start_us + parse_duration_us(str(draft.scenario["duration"]))
    moments: list[int] = []
    for schedule in made.invoked.schedules:
        for moment_us in parse_schedule(schedule).times_us(start_us, stop_us):
            moments.append(moment_us // US_PER_S)
            if len(moments) > _MOST_ROWS:
                raise TemplateError.single(name, "schedule", f"gives more than {_MOST_ROWS:,} events")
    if not moments:
        made.settings["traffic"] = {"schedule": made.invoked.schedules[0]}
        return
    file = f"traffic/{name}.csv"
    draft.files[file] = "timestamp\n" + "".join(f"{moment}\n" for moment in sorted(moments))
    traffic = {"trace": file, "format": "csv_events", "timestamp_unit": "s", "align": "none"}
    made.settings["traffic"] = Noted(traffic, f"moments of {', '.join(made.invoked.schedules)}")


def _questions(made: FunctionDraft, name: str) -> list[Question]:
    guess = traffic_guess()
    questions: list[Question] = []
    if made.invoked.asked:
        asked = f"How many {made.invoked.asked}, and when in the day?"
        month = guess.rate_per_s * 86_400 * 30
        questions.append(Question(name, "traffic", asked, f"{guess.rate_per_s:g}/s ({month:,.0f} a month)"))
    if made.is_measured:
        note = made.settings["work"].note
        if "plausible" in plain(made.settings["work"]):
            asked = "How much of a run is CPU time? It decides what another memory size does."
            guess = note.partition("; assumed: ")[2] or note.rpartition("; ")[2]
            questions.append(Question(name, "work", asked, guess, is_measured=True))
        return questions
    work = plain(made.settings["work"])
    laws = {key: work[key]["lognormal"] for key in ("cpu_ms", "io_ms")}
    shown = ", ".join(
        f"{key} {' '.join(f'{part} {value:g}' for part, value in law.items())}" for key, law in laws.items()
    )
    questions.append(Question(name, "work", "How much CPU time and waiting has a run?", shown))
    return questions


def _account(functions: list[dict[str, Any]], known: int | None) -> Any:
    """Say the account's concurrency where it is known, and raise it where the file's own settings need it."""
    default, spare = limit("account_concurrency_default").value, limit("unreserved_concurrency_min").value
    kept = 0
    for one in functions:
        steps = [step["count"] for step in one.get("provisioned_concurrency", ())]
        reserved = one.get("reserved_concurrency")
        kept += reserved if reserved is not None else max(steps, default=0)
    if known is not None and kept + spare <= known:
        return {"concurrency": known}
    if known is None and kept + spare <= default:
        return None
    return {
        "concurrency": Noted(kept + spare, f"assumed: reserved and provisioned concurrency need {kept:,}")
    }
