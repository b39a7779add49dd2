"""Progress bars: in a notebook a widget that reaches its end, in a file nothing."""

from pathlib import Path

import nbformat
import pytest

import lambdasim as ls
from lambdasim.report.notebook.execute import executed

CELL = """
import time
import lambdasim as ls
with ls.progress_bar() as tell:
    for finished in range(4):
        time.sleep(0.4)
        tell(finished, 3)
"""


def test_in_a_notebook_it_is_a_widget(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    outputs = executed(notebook, tmp_path, "n.ipynb").cells[0].outputs
    assert any("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in outputs)
    assert not [output for output in outputs if output.output_type == "error"]


def test_where_nobody_looks_it_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with ls.progress_bar() as tell:
        for finished in range(3):
            tell(finished, 2)
    assert capfd.readouterr() == ("", "")
