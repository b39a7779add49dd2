"""The program, and what its commands share: options, output, progress, workers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated

import typer

from lambdasim.cli.group import ProgramGroup

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Executor
    from datetime import date

    from lambdasim.report.page import StudyPage
    from lambdasim.results.run import RunResult
    from lambdasim.specs import ScenarioSpec
    from lambdasim.study.targets import Target

app = typer.Typer(
    cls=ProgramGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Cost and limit simulation of AWS Lambda: offline, without credentials, repeatable.",
)

ScenarioArgument = Annotated[Path, typer.Argument(help="Scenario file, YAML, or its folder.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
OutOption = Annotated[
    Path | None,
    typer.Option("-o", "--out", help="Folder for a report page, pictures and tables; made if missing."),
]
RegionOption = Annotated[str | None, typer.Option(help="Price as if all had run in this region.")]
PriceBookOption = Annotated[Path | None, typer.Option(help="Own discounts or rates, .yaml or .csv.")]
PriceSheetOption = Annotated[
    Path | None,
    typer.Option(
        help="Price sheets that `prices refresh` wrote, in place of those in use, for their regions."
    ),
]
PriceDateOption = Annotated[str | None, typer.Option(help="Day whose rates and rules apply, YYYY-MM-DD.")]
SkipBadRowsOption = Annotated[
    bool, typer.Option("--skip-bad-rows", help="Skip bad rows, and count and list them.")
]
PerOption = Annotated[
    str | None,
    typer.Option(
        help="Show money per month or per run; default: per run where it does not stand for a month."
    ),
]
EngineOption = Annotated[
    str, typer.Option(help="auto, kernel (compiled) or reference (SimPy); equal results.")
]
WorkersOption = Annotated[
    int, typer.Option(min=1, help="Processes that share runs and accounts (one run is never split).")
]
DaskOption = Annotated[
    str | None, typer.Option(help="Scheduler of a Dask cluster that shares them, tcp://HOST:PORT.")
]

XlsxOption = Annotated[Path | None, typer.Option(help="Write all tables as an Excel workbook.")]
ResumeOption = Annotated[
    Path | None, typer.Option(help="Folder that keeps finished runs, and from which to continue.")
]
SloOption = Annotated[
    str | None, typer.Option(help="Targets, such as age=5min,backlog=10k,drain=1h,lost=0.1%,p95=300ms.")
]


_STUDY_NAMES = ("report.html", "result.json")


def write(text: str) -> None:
    """Print text, ended by one line end; what names of others may do to a terminal is escaped, as JSON does it too."""
    from lambdasim.wording import printable

    sys.stdout.write(printable(text.rstrip("\n")) + "\n")


def free_place(xlsx: Path | None) -> None:
    """Refuse a place for a workbook before any work is done."""
    if xlsx is not None:
        from lambdasim.outputs import check_output

        check_output(xlsx, "workbook")


def made(folder: Path | None, *, of_study: bool = True) -> Path | None:
    """Make a folder where it is missing and try to write there, before any work is done.

    A study's folder is also kept from other processes, and from replacing what is not a study's.
    """
    if folder is not None:
        from lambdasim.atomic import named, refuse_linked_folder

        refuse_linked_folder(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with named(folder), TemporaryFile(dir=folder):
            pass
        if of_study:
            from lambdasim.outputs import STUDY, OutputFolder, claimed_to_the_end

            claimed_to_the_end(folder)
            with OutputFolder(folder, STUDY) as place:
                place.check(_STUDY_NAMES)
    return folder


def targets_of(text: str | None) -> tuple[Target, ...]:
    """Read the targets of ``--slo``; none where it is left out."""
    from lambdasim.study.targets import parse_targets

    return () if text is None else parse_targets(text)


def counted(number: int, one: str) -> str:
    """Say how many there are of what has a regular plural: 1 function, 2 functions."""
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def present(
    text: Callable[[], str],
    page: Callable[[], StudyPage],
    out: Path | None,
    as_json: bool,
    xlsx: Path | None = None,
    about: Iterable[ScenarioSpec] = (),
    markdown: bool = False,
) -> None:
    """Write a study's folder and workbook where they are asked for, and print what it found, also where writing fails.

    Parameters
    ----------
    text, page : callable
        Give the study's views.
    out : Path or None
        Folder for the page, pictures and tables.
    as_json : bool
        Whether JSON is printed in the text's place.
    xlsx : Path, optional
    about : iterable of ScenarioSpec
        What was simulated: what is noticed of it stands in every view.
    markdown : bool
        Whether the text is Markdown.
    """
    said = _noticed(about)
    shown = page() if as_json or out is not None or xlsx is not None else None
    if shown is not None:
        shown = replace(shown, warnings=(*shown.warnings, *said))
    written: list[Path] = []
    try:
        if shown is not None and out is not None:
            written = shown.write(out)
        if shown is not None and xlsx is not None:
            from lambdasim.finance.workbook.tables import write_tables

            sentences = (*shown.answer, *shown.warnings, *shown.notes)
            written.append(
                write_tables({**shown.tables, **shown.workbook}, xlsx, title=shown.title, answer=sentences)
            )
    finally:
        if shown is not None and as_json:
            write(shown.to_json())
        else:
            write(_with_warnings(text(), said, markdown))
    if written:
        say_written(written, as_json)


def _with_warnings(text: str, said: tuple[str, ...], markdown: bool) -> str:
    """Put what was noticed before a text; in Markdown below its heading, escaped."""
    from lambdasim.study.comparison.text import escaped
    from lambdasim.wording import wrapped

    if not said:
        return text
    if not markdown:
        return "\n".join([*(wrapped(f"WARNING: {one}") for one in said), text])
    head, _, rest = text.partition("\n\n")
    return "\n".join([head, "", *(f"- WARNING: {escaped(one)}" for one in said), "", rest])


def _noticed(about: Iterable[ScenarioSpec]) -> tuple[str, ...]:
    """Say what was noticed of some scenarios, by their names where it is not so of all."""
    from lambdasim.results.foreseen import noticed
    from lambdasim.wording import clipped

    found = [(spec.name, noticed(spec)) for spec in about]
    of_all = set.intersection(*(set(said) for _, said in found)) if found else set()
    named = ((name, one) for name, said in found for one in said)
    return tuple(
        dict.fromkeys(one if one in of_all else f"{clipped(name, 40)}: {one}" for name, one in named)
    )


def say_written(paths: Iterable[Path], as_json: bool = False) -> None:
    """Say which files were written, by folder, on the error stream where the output is JSON.

    Parameters
    ----------
    paths : iterable of Path
    as_json : bool
        Whether standard output holds JSON.
    """
    from lambdasim.wording import printable, wrapped

    folders: dict[Path, list[str]] = {}
    for path in paths:
        folders.setdefault(path.parent, []).append(path.name)
    lines = [] if as_json else [""]
    for folder, names in folders.items():
        lines.append(f"wrote {printable(str(folder / names[0]))}")
        if names[1:]:
            lines.append(wrapped(", ".join(names[1:]), "  and beside it ", "  "))
    if folders:
        (sys.stderr if as_json else sys.stdout).write("".join(f"{line}\n" for line in lines))


def day_of(text: str | None, command: str, option: str = "--price-date") -> date | None:
    """Read the day of an option.

    Parameters
    ----------
    text : str or None
        YYYY-MM-DD.
    command, option : str
        Named in the error.

    Returns
    -------
    date or None

    Raises
    ------
    InputError
        When it is no day.
    """
    from datetime import date

    from lambdasim.errors import InputError

    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise InputError.single(command, option, f"must be YYYY-MM-DD, got {text!r:.40}") from None


def _version(wanted: bool) -> None:
    if wanted:
        from lambdasim.version import __version__

        write(f"lambdasim {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def tell_readings(run: RunResult) -> None:
    """List on the error stream the rows of traces that were left out."""
    for name, report in run.readings().items():
        if report.skipped:
            sys.stderr.write(f"traffic of {name}: {report}\n")


def announcing_compilation() -> AbstractContextManager[None]:
    """Say on a terminal that the engine is compiled, where that takes longer than a second."""
    if not sys.stderr.isatty():
        return nullcontext()
    from lambdasim.compiling import compilation_announced

    def tell() -> None:
        sys.stderr.write("compiling the engine, once for this version on this machine ...\n")

    return compilation_announced(tell)


def side_by_side(points: int, workers: int, dask: str | None) -> AbstractContextManager[Executor | None]:
    """Start or find what shares some points of work; nothing where this process does them."""
    if points < 2 or (dask is None and workers == 1):
        return nullcontext()
    from lambdasim.errors import InputError
    from lambdasim.results.points.workers import dask_cluster, process_pool

    if dask is not None and workers > 1:
        raise InputError.single("lambdasim", "--dask", "must come without --workers: the cluster has its own")
    return process_pool(min(workers, points)) if dask is None else dask_cluster(dask)


@contextmanager
def progress(total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal, once a second has passed."""
    from tqdm import tqdm

    with tqdm(total=100, unit="%", delay=1, disable=None, leave=False, bar_format="{l_bar}{bar}") as shown:
        yield lambda reached: shown.update(min(reached * 100 // total, 100) - shown.n) and None


def run_progress() -> AbstractContextManager[Callable[..., None]]:
    """Show on a terminal how many runs are finished, once a second has passed; their number may grow."""
    from lambdasim.report.notebook.progress import progress_bar

    return progress_bar()
