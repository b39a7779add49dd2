"""The readme of an imported folder: what to answer, what was assumed, what is left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from lambdasim.templates.found import Found, Remark, without_accounts
from lambdasim.templates.writing.draft import Draft
from lambdasim.wording import clipped

_MARKS: Final = re.compile(r"([\\`*_{}\[\]<>|#])")
_MOST_ROWS: Final = 500


def readme_text(found: Found, draft: Draft) -> str:
    """Write the readme of an imported folder as Markdown.

    Parameters
    ----------
    found : Found
    draft : Draft

    Returns
    -------
    str
        Whatever comes from the file is escaped.
    """
    return without_accounts("\n".join(_lines(found, draft))) + "\n"


def _lines(found: Found, draft: Draft) -> Iterator[str]:
    number = len(found.functions)
    yield f"# {_text(found.origin)}"
    yield ""
    article = "an" if found.kind[:1].lower() in "aeiou" else "a"
    yield f"Imported from {article} {_text(found.kind)}: {number:,} function{'s' if number != 1 else ''}."
    yield ""
    yield "    lambdasim validate ."
    yield "    lambdasim simulate . --out out/"
    yield ""
    yield from _questions(draft)
    yield from _functions(found, draft)
    yield from _section("Taken for what the file does not say", draft.remarks)
    yield from _section("Known only to a deployment", found.unresolved)
    yield from _section("Not modelled", found.not_modelled)
    yield from _section("Left out: they run only at a deployment", found.left_out)
    yield from _section("Odd in the file, and read all the same", found.warnings)


def _questions(draft: Draft) -> Iterator[str]:
    yield "## What only you know"
    yield ""
    yield "Each value stands in `scenario.yaml` with the comment *assumed*. Traffic matters most, then work."
    yield ""
    yield "| function | key | question | until then |"
    yield "|---|---|---|---|"
    for one in draft.questions[:_MOST_ROWS]:
        yield f"| {_text(one.function)} | {one.key} | {one.text} | {_text(one.guess)} |"
    if len(draft.questions) > _MOST_ROWS:
        yield f"| and {len(draft.questions) - _MOST_ROWS:,} more | | | |"
    yield ""


def _functions(found: Found, draft: Draft) -> Iterator[str]:
    yield "## Functions"
    yield ""
    yield "| function | resource | memory MB | timeout s | architecture | invoked by |"
    yield "|---|---|--:|--:|---|---|"
    for one in found.functions[:_MOST_ROWS]:
        sources = ", ".join(dict.fromkeys(source.label for source in one.sources)) or "nothing in the file"
        row = (
            _text(draft.names[one.resource]), _text(one.resource), clipped(one.memory_mb, 20),
            clipped(one.timeout_s, 20), one.architecture, _text(sources),
        )  # fmt: skip
        yield f"| {' | '.join(row)} |"
    if len(found.functions) > _MOST_ROWS:
        yield f"| and {len(found.functions) - _MOST_ROWS:,} more | | | | | |"
    yield ""


def _section(title: str, remarks: Iterable[Remark]) -> Iterator[str]:
    listed = list(dict.fromkeys(remarks))
    if not listed:
        return
    yield f"## {title}"
    yield ""
    for remark in listed[:_MOST_ROWS]:
        yield f"- {_text(str(remark), 400)}"
    if len(listed) > _MOST_ROWS:
        yield f"- and {len(listed) - _MOST_ROWS:,} more"
    yield ""


def _text(text: str, width: int = 160) -> str:
    """Keep what a file says from being read as Markdown or HTML."""
    return _MARKS.sub(r"\\\1", clipped(text, width))
