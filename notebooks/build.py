"""Notebooks from their scripts: executed, written with their outputs, and as pages that open without network.

``python notebooks/build.py`` builds all; ``--check`` proves that each notebook holds its script's cells and that the
scripts keep the rules of ``faults``.
"""

from __future__ import annotations

import ast
import html
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import jupytext
import nbformat
from matplotlib.font_manager import findfont
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from pygments.formatters import HtmlFormatter

from lambdasim.catalog import limits, price_sheet, timings
from lambdasim.report.notebook.execute import executed as execute

HERE: Final = Path(__file__).parent
ALLOWED_IMPORTS: Final = {"lambdasim", "pandas", "matplotlib"}
_LOGIC: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_SMALL: Final = {-1, 0, 1}
_NUMBER_IN_PROSE: Final = re.compile(r"(?<![\w`])\d[\d.,]*")
_PAGE_STYLE: Final = """
body { font: 16px/1.55 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
.input { background: #f6f6f4; border-left: 3px solid #bbb; margin: 1rem 0 .3rem; padding: .1rem .8rem; overflow-x: auto }
.input pre { margin: .4rem 0; font-size: 13px; line-height: 1.4; white-space: pre-wrap; overflow-wrap: anywhere }
.output_area { margin: .3rem 0 .8rem; overflow-x: auto }
.output_text pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; margin: .4rem 0; background: #eef5fa; padding: .5rem .8rem }
table { border-collapse: collapse; border: 0; font-size: 14px; margin: .5rem 0 }
th, td { padding: .25rem .7rem; border: 0; border-bottom: 1px solid #ddd; text-align: right }
th:first-child, .dataframe thead th:first-child { text-align: left } thead th { border-bottom: 2px solid #999 }
img { max-width: 100%; height: auto } code { background: #f6f6f4 } .input code, .anchor-link { background: none }
.anchor-link { display: none }
@media print { body { margin: 0; max-width: none } .input, .output_area, img, tr { break-inside: avoid } }
"""


def scripts(folder: Path = HERE) -> list[Path]:
    """Return the notebooks' sources, in order."""
    return sorted(folder.glob("[0-9][0-9]_*.py"))


def executed(script: Path) -> NotebookNode:
    """Run a script's cells in a fresh kernel.

    Returns
    -------
    NotebookNode
        With outputs, and nothing in it that another build would not give.

    Raises
    ------
    InputError
        When a cell fails.
    RuntimeError
        When a cell writes a warning.
    """
    findfont("DejaVu Sans")  # fills the cache of fonts here, so that no kernel has to say so
    notebook = execute(cells_of(script), script.parent, script.name, timeout_s=300)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.get("name") == "stderr":
                raise RuntimeError(f"{script.name}: {cell.id} warns: {output.text}")
    return notebook


def cells_of(script: Path) -> NotebookNode:
    """Read a script in the percent format, with cells numbered."""
    notebook = jupytext.read(script, fmt="py:percent")
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number:02}"
        cell.metadata = NotebookNode()
    notebook.metadata = NotebookNode()
    return notebook


def written(notebook: NotebookNode) -> str:
    """Give the text of an .ipynb file."""
    nbformat.validate(notebook)
    text: str = nbformat.writes(notebook, version=4)
    return text.rstrip("\n") + "\n"


def page(notebook: NotebookNode) -> str:
    """Give a notebook as one HTML page, without script and without anything to fetch."""
    exporter = HTMLExporter(template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True)
    body, _ = exporter.from_notebook_node(_with_alternatives(notebook))
    title = next(line for line in notebook.cells[0].source.splitlines() if line).lstrip("# ")
    colours = HtmlFormatter().get_style_defs(".highlight")
    head = f"<meta charset='utf-8'><meta name='viewport' content='width=device-width'><title>{html.escape(title)}</title>"
    return (
        f"<!doctype html>\n<html lang='en'><head>{head}<style>{colours}{_PAGE_STYLE}</style></head>\n"
        f"<body>{body}</body></html>\n"
    )


def _with_alternatives(notebook: NotebookNode) -> NotebookNode:
    """Let each picture be described by the code that drew it."""
    copy = nbformat.from_dict(notebook)
    for cell in copy.cells:
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", {}):
                output.metadata["image/png"] = {"alt": f"Picture: {cell.source.splitlines()[-1]}"}
    return copy


def differences(script: Path) -> Iterator[str]:
    """Tell where the .ipynb beside a script does not hold its cells."""
    path = script.with_suffix(".ipynb")
    if not path.is_file():
        yield f"{path.name}: missing; run `make notebooks`"
        return
    stored = [(cell.cell_type, cell.source) for cell in nbformat.read(path, as_version=4).cells]
    source = [(cell.cell_type, cell.source) for cell in cells_of(script).cells]
    if stored != source:
        place = next(
            (n for n, pair in enumerate(zip(stored, source, strict=False), start=1) if pair[0] != pair[1]),
            min(len(stored), len(source)) + 1,
        )
        yield f"{path.name}: differs from {script.name} from cell {place} on; run `make notebooks`"


def faults(script: Path) -> Iterator[str]:
    """Tell where a script breaks the rules of notebooks.

    Notes
    -----
    No function, class or lambda; imports of lambdasim, pandas and matplotlib only; numbers in the first code cell only
    (save -1, 0 and 1), none of them a constant of the platform; no number typed into prose, neither in Markdown nor in
    what code prints (names such as p95, and code in backquotes, may hold digits).
    """
    is_first = True
    for number, cell in enumerate(cells_of(script).cells, start=1):
        where = f"{script.name}: cell {number}"
        if cell.cell_type == "code":
            yield from (f"{where}: {text}" for text in _code_faults(cell.source, is_first))
            is_first = False
        elif typed := _NUMBER_IN_PROSE.findall(re.sub(r"`[^`]*`", "", cell.source)):
            yield f"{where}: numbers typed into the text: {', '.join(typed)}"


def _code_faults(source: str, is_first: bool) -> Iterator[str]:
    tree = ast.parse(source)
    specs = [node.format_spec for node in ast.walk(tree) if isinstance(node, ast.FormattedValue)]
    formats = {id(part) for spec in specs if spec is not None for part in ast.walk(spec)}
    for node in ast.walk(tree):
        if id(node) in formats:
            continue
        if isinstance(node, _LOGIC):
            yield f"line {node.lineno}: defines a {type(node).__name__}"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = (
                [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            )
            yield from (f"imports {n}" for n in names if n.split(".")[0] not in ALLOWED_IMPORTS)
        elif isinstance(node, ast.Constant):
            yield from _constant_faults(node.value, is_first)


def _constant_faults(value: object, is_first: bool) -> Iterator[str]:
    if isinstance(value, str):
        if not is_first and (typed := _NUMBER_IN_PROSE.findall(value)):
            yield f"numbers typed into the text: {', '.join(typed)}"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if not is_first and value not in _SMALL:
            yield f"the number {value} belongs to the inputs in the first code cell"
        if value in platform_constants():
            yield f"the number {value} is a constant of the platform; take it from lambdasim.catalog"


@cache
def platform_constants() -> frozenset[float]:
    """Return rates, and limits and timings that nobody would choose as an input by chance."""
    sheet = price_sheet("us-east-1")
    rates: set[float] = set()
    for architecture in ("x86_64", "arm64"):
        found: Any = sheet.rates(architecture)
        named = [getattr(found, name) for name in ("request", "ephemeral", "pc_idle", "pc_duration")]
        tiers = [tier.rate for tier in found.tiers]
        rates |= {float(rate.usd) for rate in (*named, *tiers) if rate.usd is not None}
    facts = {float(fact.value) for fact in (*limits().values(), *timings().values())}
    return frozenset(rates | {value for value in facts if value > 100 and value % 10 and value % 128})


def build(script: Path, pages: Path) -> None:
    """Execute a script and write notebook and page."""
    notebook = executed(script)
    script.with_suffix(".ipynb").write_text(written(notebook), encoding="utf-8")
    pages.mkdir(exist_ok=True)
    (pages / f"{script.stem}.html").write_text(page(notebook), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Build, or check with ``--check``; 1 where a fault was found."""
    found = [text for script in scripts() for text in faults(script)]
    if arguments == ["--check"]:
        found += [text for script in scripts() for text in differences(script)]
    elif not found:
        for script in scripts():
            build(script, HERE / "html")
            print(f"{script.stem}: .ipynb and html/{script.stem}.html")
    print("\n".join(found), end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
