"""Notebooks run from a clean start, keep their rules, and their pages open without network."""

import importlib.util
import re
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from program import lambdasim

from lambdasim.errors import InputError

FOLDER = Path(__file__).parents[2] / "notebooks"
SCRIPTS = sorted(FOLDER.glob("[0-9]*.py"))
QUICK = "02"
"""The first is run here; `make notebooks` runs all, and so does a build."""
SMALL = """# %% [markdown]
# # A small page with *words* & <signs>

# %%
import pandas as pd

import lambdasim as ls
from lambdasim import plots

ARRIVALS_S, DURATION_MS = range(100), 12

# %%
run = ls.simulate(arrivals_s=ARRIVALS_S, durations_ms=DURATION_MS)
print(f"{len(run.records)} records")

# %%
pd.DataFrame(run.summary())

# %%
plots.plot_latency(run)

# %%
pd.Series(ARRIVALS_S).plot()
"""


def _module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("notebooks_build", FOLDER / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build = _module()


class Resources(HTMLParser):
    """Everything that a browser would fetch or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.scripts = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        for name, value in attrs:
            if name in {"src", "srcset", "data", "poster"} or (name == "href" and tag != "a"):
                self.fetched.append(value or "")
            if name == "style":
                self.fetched += re.findall(r"url\(([^)]*)\)", value or "")


def opens_without_network(page: str) -> None:
    found = Resources(page)
    assert not found.scripts
    assert found.fetched
    assert all(source.startswith("data:image/") for source in found.fetched), found.fetched
    for style in re.findall(r"<style.*?</style>", page, flags=re.DOTALL):
        assert not re.search(r"@import|url\(|https?:", style)


@pytest.mark.parametrize(
    "script",
    [pytest.param(path, marks=pytest.mark.slow if path.stem > QUICK else ()) for path in SCRIPTS],
    ids=lambda path: path.stem,
)
def test_a_notebook_runs_and_its_page_opens_without_network(script: Path) -> None:
    notebook = build.executed(script)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 4
    assert not [output for output in outputs if output.output_type == "error"]
    opens_without_network(build.page(notebook))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_notebook_keeps_the_rules_and_holds_its_scripts_cells(script: Path) -> None:
    assert list(build.faults(script)) == []
    assert list(build.differences(script)) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_stored_notebook_has_outputs_and_nothing_of_its_making(script: Path) -> None:
    stored = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    code = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert all(not cell.metadata for cell in stored.cells)
    assert stored.metadata.language_info == {"name": "python"}
    for cell in code:
        for output in cell.outputs:
            assert output.output_type in {"stream", "execute_result", "display_data"}
            assert output.get("name") != "stderr"


def test_building_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    results = []
    for folder in ("one", "two"):
        script = tmp_path / folder / "01_small.py"
        script.parent.mkdir()
        script.write_text(SMALL)
        build.build(script, script.parent / "html")
        results.append([path.read_bytes() for path in sorted(script.parent.rglob("*.*")) if path.is_file()])
        assert list(build.differences(script)) == []
    assert results[0] == results[1]
    assert len(results[0]) == 3
    page = (tmp_path / "one" / "html" / "01_small.html").read_text()
    assert "<title>A small page with *words* &amp; &lt;signs&gt;</title>" in page
    opens_without_network(page)


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("def f():\n    return 1", "defines a FunctionDef"),
        ("class A:\n    pass", "defines a ClassDef"),
        ("list(map(lambda x: x, []))", "defines a Lambda"),
        ("import numpy as np", "imports numpy"),
        ("from os import path", "imports os"),
        ("x = 42", "the number 42 belongs to the inputs"),
        ("x = 0.0000166667", "is a constant of the platform"),
        ('print(f"p95 is {DURATION_MS:.2f} of 17 ms")', "numbers typed into the text: 17"),
    ],
)
def test_a_cell_that_breaks_a_rule_is_told(cell: str, told: str, tmp_path: Path) -> None:
    script = tmp_path / "01_small.py"
    script.write_text(f"{SMALL}\n# %%\n{cell}\n")
    found = list(build.faults(script))
    assert len([text for text in found if told in text]) == 1, found
    assert found[0].startswith("01_small.py: cell 7: ")


def test_a_number_typed_into_markdown_is_told(tmp_path: Path) -> None:
    script = tmp_path / "01_small.py"
    script.write_text(f"{SMALL}\n# %% [markdown]\n# The p95 of `x86_64` is 17 ms.\n")
    assert list(build.faults(script)) == ["01_small.py: cell 7: numbers typed into the text: 17"]


def test_a_notebook_that_differs_from_its_script_is_told(tmp_path: Path) -> None:
    script = tmp_path / "01_small.py"
    script.write_text(SMALL)
    assert list(build.differences(script)) == ["01_small.ipynb: missing; run `make notebooks`"]
    script.with_suffix(".ipynb").write_text(build.written(build.cells_of(script)))
    assert list(build.differences(script)) == []
    script.write_text(SMALL.replace("DURATION_MS = range(100), 12", "DURATION_MS = range(100), 13"))
    assert "from cell 2 on" in next(iter(build.differences(script)))
    script.write_text(SMALL + "\n# %%\nrun\n")
    assert "from cell 7 on" in next(iter(build.differences(script)))


@pytest.mark.parametrize("cell", ["missing_name", "import warnings; warnings.warn('careful')"])
def test_errors_and_warnings_are_fatal(cell: str, tmp_path: Path) -> None:
    script = tmp_path / "01_small.py"
    script.write_text(f"# %% [markdown]\n# # Title\n\n# %%\n{cell}\n")
    with pytest.raises((InputError, RuntimeError), match=r"missing_name|careful"):
        build.executed(script)


@pytest.mark.parametrize(
    "scenario", sorted((FOLDER / "scenarios").glob("*.yaml")), ids=lambda path: path.stem
)
def test_scenarios_are_valid(scenario: Path) -> None:
    done = lambdasim("validate", scenario)
    assert done.returncode == 0, done.stderr
