"""A run as a folder of files: its own, its pictures and its page."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import IO

from lambdasim.report.page import page_of
from lambdasim.report.pictures import PLOTS, Album
from lambdasim.results.atomic import write_atomically
from lambdasim.results.files import save
from lambdasim.results.run import RunResult


def write_folder(run: RunResult, folder: Path) -> None:
    """Write all there is to see of a run; each file is whole or not there.

    Parameters
    ----------
    run : RunResult
    folder : Path
        Made if it is missing.
    """
    save(run, folder)
    album = Album(run)
    for name in PLOTS:
        write_atomically(folder / f"{name}.png", partial(_write, album[name].png))
    write_atomically(folder / "report.html", partial(_write, page_of(album).encode()))


def _write(content: bytes, stream: IO[bytes]) -> None:
    stream.write(content)
