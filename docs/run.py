"""The commands of a page, run one after the other in an empty folder, and shown with what they print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
_BLOCK: Final = re.compile(
    r"^```(?P<kind>console|yaml|python)\n(?P<inside>.*?)^```$", re.MULTILINE | re.DOTALL
)
_FILE: Final = re.compile(r"# file: (\S+)\n")
_NOT_RUN: Final = "# doc: not run"
_MOST_LINES: Final = 60
_TIMEOUT_S: Final = 300


class CommandFailedError(Exception):
    """A command of a page that ended with a fault."""


def with_outputs(text: str, name: str) -> str:
    """Run what a page shows.

    Parameters
    ----------
    text : str
        The page. YAML that begins with ``# file: NAME`` becomes that file, each line of a console block that begins
        with ``$`` is run by bash in the same folder, Python that is no doctest is executed there.
    name : str
        The page's, for errors.

    Returns
    -------
    str
        The page with what each command printed.

    Raises
    ------
    CommandFailedError
        With the page, the command and what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        private = Path(folder)

        def ran(found: re.Match[str]) -> str:
            kind, inside = found["kind"], found["inside"]
            if kind == "yaml":
                named = _FILE.match(inside)
                if named:
                    (private / named[1]).write_text(inside[named.end() :], encoding="utf-8")
                    return f"```yaml\n{inside}```".replace(named[0], f"# {named[1]}\n")
                return found[0]
            if kind == "python":
                if not inside.startswith(">>>"):
                    _printed([sys.executable, "-c", inside], private, f"{name}: Python")
                return found[0]
            lines = []
            for line in inside.splitlines():
                lines.append(line.replace(_NOT_RUN, "").rstrip())
                if line.startswith("$ ") and _NOT_RUN not in line:
                    command = f'lambdasim() {{ "{sys.executable}" -m lambdasim "$@"; }}; {line[2:]}'
                    said = _printed(["bash", "-euc", command], private, f"{name}: {line}").splitlines()
                    more = [f"... ({len(said) - _MOST_LINES} more lines)"] if len(said) > _MOST_LINES else []
                    lines += [*said[:_MOST_LINES], *more]
            return "\n".join(["```console", *lines, "```"])

        return _BLOCK.sub(ran, text)


def _printed(command: list[str], folder: Path, what: str) -> str:
    known = {"REPO": str(ROOT), "COLUMNS": "80", "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | known,
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    if done.returncode:
        raise CommandFailedError(
            f"{what}: status {done.returncode}: {done.stdout[-500:]}{done.stderr[-1500:]}"
        )
    return done.stdout.replace(str(folder), ".")
