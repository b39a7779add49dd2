"""Every result is shown in one way: units in headings, nothing that only a program reads."""

import json

import numpy as np
import pandas as pd

from lambdasim.views import Result, cell, heading, readable


class _Two(Result):
    def frame(self) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "function": ["<b>a</b>", "b\x1b[2J"],
                "p95_ms": [1e4, np.nan],
                "usd_per_month": [0.00012345, 1234.5],
                "cold_share": [0.00001, 1.0],
                "fails": [True, False],
                "rate_per_s": [0.00001234, np.inf],
                "trace_sha256": ["ab" * 32, "cd" * 32],
                "memory_mb": [1769, 10240],
            }
        )

    def text(self) -> str:
        return "two"

    def __repr__(self) -> str:
        return "two <rows>"


def test_a_table_for_people_has_no_exponent_nan_truth_value_or_digest() -> None:
    table = readable(_Two().frame())
    assert list(table.columns) == [
        "function", "p95 [ms]", "per month [USD]", "cold", "fails", "rate [1/s]", "memory [MB]"
    ]  # fmt: skip
    assert table.iloc[0].tolist() == [
        "<b>a</b>", "10,000", "0.000123", "<0.01%", "yes", "0.00001234", "1,769"
    ]  # fmt: skip
    assert table.iloc[1].tolist() == [r"b\x1b[2J", "–", "1,234.50", "100.00%", "", "∞", "10,240"]


def test_html_escapes_what_comes_from_outside() -> None:
    page = _Two()._repr_html_()
    assert "<b>a</b>" not in page
    assert "two &lt;rows&gt;" in page
    for never in ("e+04", "NaN", "True", "ab" * 32, "\x1b"):
        assert never not in page


def test_json_holds_the_truth() -> None:
    (table,) = json.loads(_Two().to_json())["tables"].values()
    assert table[0]["usd_per_month"] == 0.00012345
    assert table[1]["p95_ms"] is None
    assert table[0]["fails"] is True


def test_numpy_cells_read_like_pythons() -> None:
    assert cell("fails", np.bool_(True)) == "yes"
    assert cell("runs", np.int64(1_000_000)) == "1,000,000"
    assert cell("start", pd.NaT) == "–"
    assert heading("usd") == "USD"


def test_no_column_is_dropped_for_a_heading_like_another() -> None:
    table = readable(pd.DataFrame({"hit_share": [0.5], "hit": [3]}))
    assert table.iloc[0].to_dict() == {"hit share": "50.00%", "hit": "3"}
