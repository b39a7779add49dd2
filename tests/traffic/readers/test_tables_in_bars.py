"""Tables between bars, of consoles and Markdown, are read as the CSV file with the same cells."""

from pathlib import Path

import pytest

from lambdasim.errors import TraceError
from lambdasim.specs.traffic import TrafficSpec
from lambdasim.traffic.opening import open_trace
from lambdasim.traffic.trace import Trace

HEADER = ("@timestamp", "@requestId", "@duration", "@billedDuration", "@initDuration", "@memorySize")
ROWS = [
    ("2026-09-14 06:30:01.000", "a-1", "81.50", "482", "400.10", "512000000"),
    ("2026-09-14 06:30:09.000", "a-2", "61.25", "62", "", "512000000"),
    ("2026-09-14 06:30:19.000", "a-3", "63.00", "63", "", "512000000"),
]
WIDTHS = (25, 12, 11, 17, 15, 13)


def barred(cells: tuple[str, ...]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True))
    return f"| {' | '.join(padded)} |"


CONSOLE = "\n".join(
    ["-" * 112, barred(HEADER), "|" + "|".join("-" * (width + 2) for width in WIDTHS) + "|"]
    + [barred(row) for row in ROWS]
    + ["-" * 112, ""]
)
MARKDOWN = "\n".join(
    [
        "# Last night",
        "",
        "It took long, see below.",
        "",
        f"| {' | '.join(HEADER)} |",
        "|---|:--|--:|---|---|---|",
    ]
    + [f"| {' | '.join(row)} |" for row in ROWS]
    + ["", "That is all.", ""]
)
MYSQL = "\n".join(
    ["+" + "+".join("-" * (width + 2) for width in WIDTHS) + "+", barred(HEADER)]
    + ["+" + "+".join("-" * (width + 2) for width in WIDTHS) + "+"]
    + [barred(row) for row in ROWS]
    + ["+" + "+".join("-" * (width + 2) for width in WIDTHS) + "+", ""]
)
CSV = "\n".join(",".join(row) for row in [HEADER, *ROWS]) + "\n"


def read(folder: Path, text: str, encoding: str = "utf-8") -> Trace:
    (folder / "t.txt").write_bytes(text.encode(encoding))
    return open_trace(folder, "f", TrafficSpec(trace="t.txt"))


@pytest.mark.parametrize("text", [CONSOLE, MARKDOWN, MYSQL, MARKDOWN.replace("\n", "\r\n")])
def test_results_of_logs_insights_between_bars(tmp_path: Path, text: str) -> None:
    expected = read(tmp_path, CSV).frame()
    assert len(expected) == 3
    assert read(tmp_path, text).frame().equals(expected)
    assert read(tmp_path, text, "utf-16").frame().equals(expected)


def test_counts_between_bars_whose_text_has_bars_and_quotes(tmp_path: Path) -> None:
    rows = ["| time | count | note |", "|---|---|---|", '| 2026-11-02T00:00:00Z | 7 | a \\| "b", c |']
    rows.append("| 2026-11-02T00:01:00Z | 8 |  |")
    assert read(tmp_path, "\n".join(rows)).summary().invocations == 15


def test_a_bad_cell_is_named_by_its_line_in_the_file(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"row 8: @?duration"):
        read(tmp_path, MARKDOWN.replace("61.25", "oh")).frame()
