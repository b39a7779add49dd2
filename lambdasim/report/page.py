"""The result of a study as a page, a folder of files, and JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lambdasim.finance.guard import guarded
from lambdasim.outputs import STUDY, OutputFolder
from lambdasim.report.html import (
    Fact,
    bullets,
    document,
    figure,
    folded,
    heading,
    headline,
    paragraph,
    table_html,
    warning,
)
from lambdasim.report.pictures import Chart, Drawn
from lambdasim.wording import count

if TYPE_CHECKING:
    import pandas as pd

_MOST_ROWS: Final = 24


@dataclass(frozen=True, eq=False)
class StudyPage:
    """What a study found.

    Attributes
    ----------
    title : str
        The study's name.
    answer : tuple of str
        What it says, a thought in each; the first is the answer.
    tables : mapping of str to DataFrame
        By heading, every column; the files and the JSON have them whole.
    pictures : mapping of str to Chart
        By the name of their file; drawn when the page or its folder is written.
    shown : mapping of str to DataFrame
        Tables that the page shows in another form, by heading; an empty one is left out of the page.
    titles : mapping of str to str
        Headings that say more than the table's name does.
    folded : tuple of str
        Tables that a reader opens, as are those of many rows.
    workbook : mapping of str to DataFrame
        Tables whose columns have other names in a workbook, by heading: with their unit as suffix.
    facts : mapping of str to any
        What scripts ask for beside the tables; becomes JSON.
    headline : tuple of Fact
        The figures that a reader takes away, as cards above everything else.
    notes : tuple of str
        What the figures rest on, below everything else.
    warnings : tuple of str
        What a reader must know of the input before any figure.
    """

    title: str
    answer: tuple[str, ...]
    tables: Mapping[str, pd.DataFrame]
    pictures: Mapping[str, Chart] = field(default_factory=dict)
    shown: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    folded: tuple[str, ...] = ("parameters",)
    workbook: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    headline: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @cached_property
    def _drawn(self) -> dict[str, Drawn]:
        return {name: chart.drawn() for name, chart in self.pictures.items()}

    def to_html(self) -> str:
        """Write the page; everything is inside it, and all text is escaped."""
        parts = [*map(warning, self.warnings), headline(self.headline), *_said(self.answer)]
        parts += [figure(drawn) for drawn in self._drawn.values()]
        for name, table in {**self.tables, **self.shown}.items():
            if len(table):
                title = self.titles.get(name) or name.replace("_", " ").capitalize()
                inside = table_html(table, title)
                is_long = len(table) > _MOST_ROWS or name in self.folded
                shown = folded(f"Show {count(len(table), 'row')}", inside) if is_long else inside
                parts += [heading(title), shown]
        parts.append(bullets(self.notes))
        return document(self.title, parts)

    def to_json(self) -> str:
        """Write answer, facts and tables, each table a list of rows."""
        tables = {
            heading: json.loads(table.to_json(orient="records", double_precision=12, default_handler=str))
            for heading, table in self.tables.items()
        }
        content = {
            "title": self.title,
            "answer": " ".join(self.answer),
            "warnings": list(self.warnings),
            "notes": list(self.notes),
            **_known(self.facts),
            **tables,
        }
        return json.dumps(content, indent=1, ensure_ascii=False)

    def write(self, folder: Path) -> list[Path]:
        """Write ``report.html``, ``result.json``, and each table and picture as a file of its own.

        Parameters
        ----------
        folder : Path
            Made if it is missing. Each file is whole or not there; text cannot become a spreadsheet's formula.

        Returns
        -------
        list of Path
            What was written, the page first.
        """
        files = {
            f"{heading}.csv": table.map(_harmless).to_csv(index=False, lineterminator="\n").encode()
            for heading, table in self.tables.items()
        }
        files |= {f"{name}.png": drawn.png for name, drawn in self._drawn.items()}
        files |= {"result.json": f"{self.to_json()}\n".encode(), "report.html": self.to_html().encode()}
        with OutputFolder(folder, STUDY) as place:
            for name, content in files.items():
                place.add(name, content)
        first = ["report.html", "result.json"]
        return [folder / name for name in (*first, *(name for name in files if name not in first))]


def _said(answer: tuple[str, ...]) -> list[str]:
    """Write the answer as a paragraph, and what goes with it as a list."""
    return [paragraph(answer[0]), bullets(answer[1:], "")]


def _known(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Replace numbers that are not known by null, which JSON has, as the tables do."""
    known: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            known[name] = _known(value)
        else:
            known[name] = None if isinstance(value, float) and isnan(value) else value
    return known


def _harmless(value: object) -> object:
    return guarded(value) if isinstance(value, str) else value
