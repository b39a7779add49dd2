"""The program as a terminal would run it, in this process: an interpreter of its own takes a second and more each time.

`tests/cli/test_program.py` holds it against a real process; signals, locales and limits of the system need one.
"""

import io
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import chdir, contextmanager, nullcontext, redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess
from typing import Literal

from lambdasim import __main__ as program

# As Python sets them at its start, with all that is shown to a user.
_SILENT = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)


def lambdasim(
    *arguments: object,
    cwd: Path | None = None,
    on_warning: Literal["default", "error"] = "default",
    **environment: str,
) -> CompletedProcess[str]:
    """Run the program and return how it ended, as `subprocess.run` does; a traceback would stand in `stderr`."""
    words = ["lambdasim", *map(str, arguments)]
    out, told = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    place = nullcontext() if cwd is None else chdir(cwd)
    status = 0
    with _settings(words, environment, on_warning), place, redirect_stdout(out), redirect_stderr(told):
        try:
            program._run()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except Exception:
            traceback.print_exc()
            status = 1
    texts = (stream.buffer.getvalue().decode() for stream in (out, told))  # type: ignore[attr-defined]
    return CompletedProcess(words, status, *texts)


@contextmanager
def _settings(
    words: list[str], environment: dict[str, str], on_warning: Literal["default", "error"]
) -> Iterator[None]:
    before = sys.argv, os.environ.copy(), warnings.formatwarning
    sys.argv = words
    os.environ.update(environment)
    try:
        with warnings.catch_warnings():
            warnings.resetwarnings()
            warnings.simplefilter(on_warning)
            if on_warning == "default":
                for category in _SILENT:
                    warnings.simplefilter("ignore", category)
            warnings.showwarning = _shown
            yield
    finally:
        sys.argv, variables, warnings.formatwarning = before
        os.environ.clear()
        os.environ.update(variables)


def _shown(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
    sys.stderr.write(warnings.formatwarning(str(message), category, filename, lineno))
