"""What an import found, as a terminal shows it, and as JSON for scripts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from lambdasim.templates.found import Found, Given, Remark, without_accounts
from lambdasim.templates.writing.commented_yaml import plain
from lambdasim.templates.writing.draft import Draft
from lambdasim.wording import clipped, count, wrapped

_MOST_ROWS: Final = 25
_MOST_REMARKS: Final = 8


def import_text(found: Found, draft: Draft) -> str:
    """Say what was found, what only the user knows, and what is not modelled: some forty lines at most.

    Parameters
    ----------
    found : Found
    draft : Draft
    """
    number = count(len(found.functions), "function")
    lines = [wrapped(f"{clipped(found.origin, 60)}: {number} ({found.kind})"), *_table(found, draft)]
    lines += ["", wrapped(_assumed(found, draft))]
    lines += _remarks("known only to a deployment", found.unresolved)
    lines += _remarks("not modelled", found.not_modelled)
    lines += _remarks("left out, runs only at a deployment", found.left_out)
    lines += _remarks("odd in the file", found.warnings)
    lines += _remarks("taken", draft.remarks)
    return without_accounts("\n".join(lines))


def _assumed(found: Found, draft: Draft) -> str:
    """Say of what traffic and work are known, and of what they are guesses."""
    traffic = [one.function for one in draft.questions if one.key == "traffic"]
    work = [one.function for one in draft.questions if one.key == "work" and not one.is_measured]
    measured = len(found.functions) - len(set(work) & set(draft.names.values()))
    asked = "README.md has each question"
    if not measured:
        if not traffic:
            return f"traffic is known from schedules; work is assumed: {asked}"
        many = count(len(traffic), "entry point")
        return f"traffic of {many} is assumed ({_names(traffic)}); so is all work: {asked}"
    parts = [f"durations of {count(measured, 'function')} were measured"]
    if traffic:
        parts.append(f"traffic of {count(len(traffic), 'entry point')} is assumed ({_names(traffic)})")
    else:
        parts.append("so was all traffic")
    if work:
        parts.append(f"work of {count(len(work), 'entry point')} is assumed ({_names(work)})")
    return f"{'; '.join(parts)}: {asked}"


def _table(found: Found, draft: Draft) -> list[str]:
    scenario: dict[str, Any] = {}
    ways_in: dict[str, list[str]] = {}
    for one in plain(draft.scenario["functions"]):
        scenario[one["name"]] = one
        ways_in.setdefault(one.get("shares", one["name"]), []).append(str(one["trigger"]["type"]))
    rows = [("function", "MB", "timeout", "architecture", "trigger")]
    for one in found.functions[:_MOST_ROWS]:
        said = scenario[draft.names[one.resource]]
        guessed = "*" if one.given.get("memory_mb") is Given.ASSUMED else ""
        rows.append(
            (
                clipped(said["name"], 34),
                f"{said['memory_mb']:,}{guessed}",
                said["timeout"],
                said["architecture"],
                _trigger(ways_in[said["name"]], [source.type for source in one.sources]),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        f"  {name:{widths[0]}} {memory:>{widths[1]}} {timeout:>{widths[2]}} {cpu:{widths[3]}} {trigger}".rstrip()
        for name, memory, timeout, cpu, trigger in rows
    ]
    more = len(found.functions) - _MOST_ROWS
    return [*lines, f"  and {more:,} more"] if more > 0 else lines


def _trigger(ways_in: list[str], types: list[str]) -> str:
    shown = ", ".join(dict.fromkeys(ways_in))
    others = [one for one in dict.fromkeys(types) if one != shown]
    return f"{shown} (for {others[0]})" if shown == "async" and others else shown


def _names(names: list[str]) -> str:
    shown = ", ".join(clipped(name, 30) for name in names[:4])
    return f"{shown} and {len(names) - 4:,} more" if len(names) > 4 else shown


def _remarks(title: str, remarks: Iterable[Remark]) -> list[str]:
    listed = list(dict.fromkeys(remarks))
    if not listed:
        return []
    lines = [
        f"{title}:",
        *(wrapped(clipped(str(one), 300), "  - ", "    ") for one in listed[:_MOST_REMARKS]),
    ]
    more = len(listed) - _MOST_REMARKS
    return [*lines, f"  and {more:,} more, see README.md"] if more > 0 else lines


def import_mapping(found: Found, draft: Draft) -> dict[str, Any]:
    """Return what was found for scripts.

    Parameters
    ----------
    found : Found
    draft : Draft

    Returns
    -------
    dict
        ``kind``, ``origin``, ``region``; ``functions`` with every setting and source, and their name in the scenario;
        ``questions``; remarks by sort.
    """
    functions = [{**asdict(one), "scenario_name": draft.names[one.resource]} for one in found.functions]
    sorts = ("unresolved", "not_modelled", "left_out", "warnings")
    told = {
        "kind": found.kind,
        "origin": found.origin,
        "region": plain(draft.scenario["region"]),
        "functions": functions,
        "questions": [asdict(one) for one in draft.questions],
        **{sort: [asdict(one) for one in getattr(found, sort)] for sort in sorts},
        "taken": [asdict(one) for one in draft.remarks],
    }
    return {key: _masked(value) for key, value in told.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return without_accounts(value)
    if isinstance(value, dict):
        return {key: _masked(held) for key, held in value.items()}
    return [_masked(held) for held in value] if isinstance(value, list | tuple) else value
