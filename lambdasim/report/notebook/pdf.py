"""A page as PDF, printed by Chromium where the machine has one."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from lambdasim.errors import InputError, LambdaSimError

BROWSERS: Final = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
)
_QUIET: Final = (
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-pdf-header-footer",
    "--virtual-time-budget=10000",
)
_TIMEOUT_S: Final = 120
_NODE: Final = re.compile(rb"node(\d{8})(?=\))")
"""Name of an element; Chromium counts from where it happens to stand."""
_DATED: Final = re.compile(rb"/(CreationDate|ModDate) ?\(D:[^)]*\)")


def browser() -> str | None:
    """Return the path of a Chromium on this machine, None where there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def pdf_of(page: str) -> bytes:
    """Print a page.

    Parameters
    ----------
    page : str
        HTML that needs nothing beside it.

    Returns
    -------
    bytes
        Without the time of its making: the same page gives the same bytes, from the same Chromium.

    Raises
    ------
    InputError
        When this machine has no Chromium.
    LambdaSimError
        When Chromium does not print it.
    """
    program = browser()
    if program is None:
        raise InputError.single("report", "--pdf", f"needs one of {', '.join(BROWSERS)} on this machine")
    with tempfile.TemporaryDirectory() as private:
        source, printed = Path(private) / "report.html", Path(private) / "report.pdf"
        source.write_text(page, encoding="utf-8")
        # The page runs no script but its own, and Chromium's sandbox does not work for root.
        root = ["--no-sandbox"] if sys.platform != "win32" and _is_root() else []
        command = [program, *_QUIET, *root, f"--user-data-dir={private}/profile", f"--print-to-pdf={printed}"]
        try:
            done = subprocess.run(  # noqa: S603 - a program of this machine, arguments of ours
                [*command, source.as_uri()],
                capture_output=True,
                check=False,
                timeout=_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired:
            raise LambdaSimError(f"{program} did not print the page within {_TIMEOUT_S} s") from None
        if done.returncode or not printed.is_file():
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise LambdaSimError(
                f"{program} did not print the page: {said[-1] if said else 'no reason given'}"
            )
        return _steady(printed.read_bytes())


def _is_root() -> bool:
    import os

    return os.geteuid() == 0


def _steady(printed: bytes) -> bytes:
    """Leave out of a PDF what another printing would not give: its date, and from where its elements are counted."""
    ranks = {name: rank for rank, name in enumerate(sorted(set(_NODE.findall(printed))))}
    named = _NODE.sub(lambda found: b"node%08d" % ranks[found[1]], printed)
    return _DATED.sub(_same_length, named)


def _same_length(found: re.Match[bytes]) -> bytes:
    """Replace a date by another of as many bytes, so that every offset of the file still holds."""
    text = found[0]
    place = text.index(b"D:") + 2
    digits = re.sub(rb"\d", b"0", text[place:])
    return text[:place] + b"20000101" + digits[8:]
