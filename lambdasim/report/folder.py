"""A run as a folder of files: its own, its pictures and its page."""

from __future__ import annotations

from typing import Final

from lambdasim.outputs import OutputFolder
from lambdasim.report.pages.run import page_of
from lambdasim.report.pictures import PLOTS, SOURCE_PLOTS, Album
from lambdasim.results.files.saved import PARTS, TABLES, add_tables
from lambdasim.results.run import RunResult
from lambdasim.templates.account.comparison import Beside

_PAGE: Final = "report.html"
BESIDE: Final = "beside_cloudwatch.csv"
NAMES: Final = (*PARTS, *TABLES, *(f"{name}.png" for name in (*PLOTS, *SOURCE_PLOTS)), _PAGE, BESIDE)
"""Every file that a run may leave."""


def write_folder(run: RunResult, place: OutputFolder, beside: Beside | str | None = None) -> list[str]:
    """Write all there is to see of a run; each file is whole or not there.

    Parameters
    ----------
    run : RunResult
    place : OutputFolder
        Of kind ``results.files.saved.RUN``.
    beside : Beside or str, optional
        What CloudWatch counted of the same account, or why it is not held beside.

    Returns
    -------
    list of str
        Names of the page and the pictures, which stand beside what ``save`` writes.
    """
    add_tables(run, place)
    album = Album(run)
    for name in album.names():
        place.add(f"{name}.png", album[name].png)
    place.add(_PAGE, page_of(album, beside).encode())
    names = [_PAGE, *(f"{name}.png" for name in album.names())]
    if beside is not None and not isinstance(beside, str):
        place.add(BESIDE, beside.frame().to_csv(index=False, lineterminator="\n").encode())
        names.append(BESIDE)
    return names
