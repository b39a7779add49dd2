"""A run as a folder of files: its own, its pictures and its page."""

from __future__ import annotations

from pathlib import Path

from lambdasim.atomic import write_bytes_atomically
from lambdasim.report.pages.run import page_of
from lambdasim.report.pictures import PLOTS, Album
from lambdasim.results.files.saved import save
from lambdasim.results.run import RunResult


def write_folder(run: RunResult, folder: Path) -> list[str]:
    """Write all there is to see of a run; each file is whole or not there.

    Parameters
    ----------
    run : RunResult
    folder : Path
        Made if it is missing.

    Returns
    -------
    list of str
        Names of the page and the pictures, which stand beside what ``save`` writes.
    """
    save(run, folder)
    album = Album(run)
    for name in PLOTS:
        write_bytes_atomically(folder / f"{name}.png", album[name].png)
    write_bytes_atomically(folder / "report.html", page_of(album).encode())
    return ["report.html", *(f"{name}.png" for name in PLOTS)]
