"""A report from a scenario or a finished run and a template: one page, one notebook, one PDF."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Final

from lambdasim.errors import InputError
from lambdasim.outputs import OutputFolder, noted_input, write_output
from lambdasim.report.html import bullets, folded
from lambdasim.report.notebook.execute import executed
from lambdasim.report.notebook.packages import needed_packages
from lambdasim.report.notebook.page import notebook_page
from lambdasim.report.notebook.parameters import parameter_cell, with_parameters
from lambdasim.report.notebook.pdf import pdf_of
from lambdasim.report.notebook.what_if import what_if_script
from lambdasim.version import __version__

if TYPE_CHECKING:
    from nbformat import NotebookNode

REPORT: Final = "report"
"""Kind of the files of a report, in the manifest of their folder."""
PAGE: Final = "report.html"
NOTEBOOK: Final = "report.ipynb"
PDF: Final = "report.pdf"
SOURCE: Final = "SCENARIO"
"""Name that a notebook gives to the scenario, or the folder of a finished run."""
_FOLDER: Final = Path(__file__).with_name("templates")
_FIRST: Final = Path(__file__).with_name("my_scenario.ipynb")
_MOST_BYTES: Final = 20_000_000


@dataclass(frozen=True)
class Report:
    """A finished report.

    Attributes
    ----------
    page : str
        HTML that needs nothing beside it.
    notebook : str
        The executed notebook, as an ``.ipynb`` file has it.
    """

    page: str
    notebook: str

    def write(self, folder: str | os.PathLike[str], *, pdf: bool = False) -> list[Path]:
        """Write ``report.html`` and ``report.ipynb``, and ``report.pdf`` where asked for.

        Parameters
        ----------
        folder : path-like
            Made if it is missing.
        pdf : bool
            Print the page with Chromium, which the machine must have.

        Returns
        -------
        list of Path
            What was written, the page first.

        Raises
        ------
        InputError, OSError
            As ``OutputFolder``; or there is no Chromium.
        """
        files = {PAGE: self.page.encode(), NOTEBOOK: self.notebook.encode()}
        if pdf:
            files[PDF] = pdf_of(self.page)
        with OutputFolder(folder, REPORT) as place:
            for name, content in files.items():
                place.add(name, content)
        return [Path(folder) / name for name in files]


def template_names() -> tuple[str, ...]:
    """Return the names of the templates that ship."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.ipynb")))


def build_report(
    source: str | os.PathLike[str],
    template: str = "architect",
    *,
    folder: str | os.PathLike[str] = ".",
    parameters: Mapping[str, object] | None = None,
) -> Report:
    """Execute a template on a scenario or a finished run.

    Parameters
    ----------
    source : path-like
        Scenario file, or folder that ``lambdasim simulate --out`` or ``save`` wrote.
    template : str
        ``architect``, ``finance``, ``incident``, or the path of your own notebook (.ipynb, or .py in cells), whose code
        is executed: a cell of it must give ``SCENARIO`` a value at its outermost level.
    folder : path-like
        Where the notebook will be, made if it is missing. ``SCENARIO`` is relative to it, so that the notebook runs there
        again. Your own notebook works where it is.
    parameters : mapping of str to object, optional
        Other values for names that the same cell gives a value to.

    Returns
    -------
    Report
        The same inputs give the same bytes.

    Raises
    ------
    InputError
        When the source, the template or a parameter is none, or a cell fails.
    """
    given = dict(parameters or {})
    path = Path(source)
    if not path.exists():
        raise InputError.single(
            str(path), "", "must be a scenario file, or a folder of an import or a finished run"
        )
    shipped = template in template_names()
    place = _FOLDER / f"{template}.ipynb" if shipped else Path(template)
    notebook = _opened(place, template)
    name = template if shipped else place.name
    cell = parameter_cell(notebook.cells, SOURCE, name)
    works = Path(folder) if shipped else place.parent
    works.mkdir(parents=True, exist_ok=True)
    code = sha256("\n".join(cell.source for cell in notebook.cells).encode()).hexdigest()
    cell.source = with_parameters(cell.source, {SOURCE: _relative(path, works), **given}, name)
    if "what_if" in "".join(cell.source for cell in notebook.cells):
        Thread(target=_prepare_sliders, daemon=True).start()  # while the kernel works
    done = executed(notebook, works, name)
    lines = _again(path, template if shipped else place.name, given, code)
    ending = folded("How to build this page again", bullets(lines))
    return Report(notebook_page(done, path.stem, works, [ending]), _written(done, lines))


def write_first_notebook(scenario: Path) -> Path:
    """Write ``my_scenario.ipynb`` beside a scenario: a notebook of fifteen lines, to be changed.

    Parameters
    ----------
    scenario : Path

    Returns
    -------
    Path
        The notebook.

    Raises
    ------
    InputError
        When there is one that lambdasim did not write.
    """
    content = json.loads(_FIRST.read_text(encoding="utf-8"))
    cell = next(cell for cell in content["cells"] if cell["cell_type"] == "code")
    source = with_parameters("".join(cell["source"]), {SOURCE: scenario.name}, _FIRST.name)
    cell["source"] = source.splitlines(keepends=True)
    target = scenario.with_name(_FIRST.name)
    write_output(target, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode(), "notebook")
    return target


def _prepare_sliders() -> None:
    """Make the script of the sliders; where that fails, the page says so when it needs it."""
    with suppress(InputError):
        what_if_script()


def _opened(place: Path, template: str) -> NotebookNode:
    """Read a template."""
    with needed_packages("report"):
        import nbformat
    if not place.is_file() or place.suffix not in {".ipynb", ".py"}:
        known = ", ".join(template_names())
        raise InputError.single(
            "report", "--template", f"must be of {known}, or your own .ipynb or .py, got {template!r:.80}"
        )
    noted_input(place)
    if place.stat().st_size > _MOST_BYTES:
        raise InputError.single(str(place), "", f"must have at most {_MOST_BYTES:,} bytes")
    try:
        text = place.read_text(encoding="utf-8")
        notebook: NotebookNode
        if place.suffix == ".py":
            with needed_packages("report"):
                import jupytext
            notebook = jupytext.reads(text, fmt="py:percent")
        else:
            notebook = nbformat.reads(text, as_version=4)
            nbformat.validate(notebook)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, nbformat.ValidationError):
        raise InputError.single(str(place), "", "must be a notebook, in UTF-8") from None
    metadata = notebook.metadata
    spoken = metadata.get("language_info", {}).get("name") or metadata.get("kernelspec", {}).get("language")
    if str(spoken or "python").lower() not in {"python", "ipython"}:
        raise InputError.single(str(place), "language", f"must be Python, got {spoken!r:.40}")
    return notebook


def _relative(path: Path, works: Path) -> str:
    """Write a path as it is seen from the folder in which the notebook works."""
    try:
        return Path(os.path.relpath(path.resolve(), works.resolve())).as_posix()
    except ValueError:  # another drive
        return path.resolve().as_posix()


def _again(path: Path, template: str, given: Mapping[str, object], code: str) -> list[str]:
    """Say how to build the report again, without the place where it was built."""
    options = [f"-p {shlex.quote(f'{name}={value}')}" for name, value in given.items()]
    command = ["lambdasim", "report", shlex.quote(path.name), "--template", shlex.quote(template), *options]
    lines = [
        f"command: {' '.join(command)}",
        f"lambdasim: {__version__}",
        f"template: {template}, sha256 {code}",
    ]
    if path.is_file():
        lines.append(f"{path.name}: sha256 {sha256(path.read_bytes()).hexdigest()}")
    return lines


def _written(notebook: NotebookNode, lines: list[str]) -> str:
    """Give the text of the .ipynb file, with how to build it again at its end."""
    import nbformat

    said = "".join(f"- {line}\n" for line in lines)
    cell = nbformat.v4.new_markdown_cell(f"How to build this again:\n\n{said}".rstrip("\n"))
    cell.id = f"cell-{len(notebook.cells) + 1:02}"
    notebook.cells.append(cell)
    nbformat.validate(notebook)
    text: str = nbformat.writes(notebook, version=4)
    return text.rstrip("\n") + "\n"
