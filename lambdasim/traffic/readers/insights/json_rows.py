"""Results of a Logs Insights query as JSON: what GetQueryResults answers, what the console exports, or rows on lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdasim.errors import Fault, TraceError
from lambdasim.traffic.readers.csv.table import Column, CsvTable, find_columns
from lambdasim.traffic.readers.json_text import ANSWER_LIMIT_BYTES, json_sequence, parse_json
from lambdasim.traffic.readers.logs.events import fields_of
from lambdasim.traffic.readers.source import SourceFile
from lambdasim.traffic.trace import BadRows


@dataclass(frozen=True)
class QueryAnswer:
    """What a query gave.

    Attributes
    ----------
    file : SourceFile
    results : list of dict of str to str, or Fault
        Fields by name, or the fault, of each result.
    matched : int
        How many log events matched, where the answer says it; 0 otherwise.
    """

    file: SourceFile
    results: list[dict[str, str] | Fault]
    matched: int

    @classmethod
    def of(cls, file: SourceFile) -> QueryAnswer:
        """Read the results of a query.

        Raises
        ------
        TraceError
            When the file is no such answer, or its query had not completed.
        """
        text = file.text(ANSWER_LIMIT_BYTES)
        lines = _rows_one_after_another(text)
        content = {"results": lines} if lines else parse_json(file.path, text)
        if isinstance(content, list) and content:
            content = {"results": content}
        if not isinstance(content, dict) or not isinstance(content.get("results"), list):
            raise TraceError.single(file.path, "results", "must be an object with a list of results")
        status = content.get("status", "Complete")
        if status != "Complete":
            raise TraceError.single(
                file.path, "status", f"must be Complete, got {status!r:.40}; fetch the results again"
            )
        if not content["results"]:
            raise TraceError.single(file.path, "results", "there is no result")
        statistics = content.get("statistics")
        matched = statistics.get("recordsMatched", 0) if isinstance(statistics, dict) else 0
        whole = int(matched) if isinstance(matched, int | float) else 0
        return cls(file, [_read(result) for result in content["results"]], whole)

    def table(self, layout: tuple[Column, ...], chosen: Mapping[str, str], bad_rows: BadRows) -> CsvTable:
        """Find the columns of a layout among the fields.

        Raises
        ------
        TraceError
            When a required or chosen column is missing.
        """
        names = dict.fromkeys(
            name for fields in self.results if not isinstance(fields, Fault) for name in fields
        )
        header = tuple(names)
        places = find_columns(f"{self.file.path}, results", header, layout, chosen)
        return CsvTable(self.file, header, places, bad_rows)


def _rows_one_after_another(text: str) -> list[Any]:
    """Parse rows that stand on lines of their own; nothing where the text is one JSON value."""
    if not text.lstrip().startswith("{"):
        return []
    items = json_sequence("", text)
    first = next(items, None)
    if not isinstance(first, dict) or not any(name.startswith("@") for name in first):
        return []
    return [first, *items]


def _read(result: object) -> dict[str, str] | Fault:
    return result if isinstance(result, Fault) else fields_of(result)
