"""The folder that an import writes: a scenario to run and edit, what was assumed, and a record of what the file said."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lambdasim.atomic import refuse_what_is_no_file
from lambdasim.errors import TemplateError
from lambdasim.outputs import OutputFolder, forced, refuse_no_file
from lambdasim.templates.found import Found
from lambdasim.templates.writing.commented_yaml import commented_yaml, plain
from lambdasim.templates.writing.draft import Draft, draft_scenario
from lambdasim.templates.writing.readme_text import readme_text

SCENARIO: Final = "scenario.yaml"
README: Final = "README.md"
RECORD: Final = "imported.json"
COUNTED: Final = "counted.json"
COUNTED_FORM: Final = "lambdasim counted 1"
_IMPORT: Final = "import"
_FORM: Final = "lambdasim import 1"


@dataclass(frozen=True)
class Imported:
    """What an earlier import wrote into a folder.

    Attributes
    ----------
    scenario : dict
        The scenario's values as the file gave them.
    digests : dict of str to str
        SHA-256 of each file as it was written, by relative name.
    origin, kind : str
        The file, and what it is.
    """

    scenario: dict[str, Any]
    digests: dict[str, str]
    origin: str = ""
    kind: str = ""


def scenario_files(found: Found, draft: Draft) -> dict[str, bytes]:
    """Return every file of the folder, by relative name.

    Parameters
    ----------
    found : Found
    draft : Draft

    Returns
    -------
    dict of str to bytes
        Scenario, readme, moments of schedules, and last the record, which holds the digests of the others.
    """
    head = (
        f"# Made by lambdasim import from {_article(found.kind)}; README.md lists what was assumed.\n"
        "# Edit freely: lambdasim import --refresh keeps what you change.\n"
    )
    files = {
        SCENARIO: head + commented_yaml(draft.scenario),
        README: readme_text(found, draft),
        **draft.files,
    }
    if found.counted is not None:
        files[COUNTED] = json.dumps(_by_name(found.counted, draft), indent=1, ensure_ascii=True) + "\n"
    written = {name: text.encode() for name, text in files.items()}
    record = {
        "form": _FORM,
        "origin": found.origin,
        "kind": found.kind,
        "digests": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(written.items())},
        "scenario": plain(draft.scenario),
    }
    written[RECORD] = (json.dumps(record, indent=1, ensure_ascii=True) + "\n").encode()
    return written


def _article(noun: str) -> str:
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"


def _by_name(counted: dict[str, Any], draft: Draft) -> dict[str, Any]:
    """Return what was counted under the names that functions have in the scenario."""
    rows = {draft.names.get(name, name): row for name, row in counted["functions"].items()}
    return {**counted, "functions": rows}


def write_folder(files: dict[str, bytes], folder: Path) -> None:
    """Write the files of an import, and replace none that a person made or changed.

    Parameters
    ----------
    files : dict of str to bytes
        See ``scenario_files``.
    folder : Path
        Made where it is missing.

    Raises
    ------
    TemplateError
        Naming the file that would be replaced.
    """
    if folder.exists() and not folder.is_dir():
        raise TemplateError.single(str(folder), "", "must be a folder, and is a file")
    for name in files:
        refuse_what_is_no_file(folder / name)
    for name in [] if forced() else changed_by_hand(folder, files):
        told = (
            "was changed since it was imported; use --refresh to keep the changes"
            if name == SCENARIO
            else ("is there already and was not written by lambdasim import")
        )
        raise TemplateError.single(str(folder / name), "", told)
    with OutputFolder(folder, _IMPORT, whole=False, known=tuple(files)) as place:
        for name, content in files.items():
            place.add(name, content)


def write_import(found: Found, folder: str | os.PathLike[str], region: str | None = None) -> None:
    """Write what was imported as a scenario folder: ``scenario.yaml``, its tables, and what was assumed.

    Parameters
    ----------
    found : Found
        See ``read_source`` and ``read_account``.
    folder : path-like
        Made where it is missing; what a person changed in it is not replaced.
    region : str, optional
        For prices; default: as was found, else us-east-1.

    Raises
    ------
    TemplateError
        Where there is no function to simulate, or a file would be replaced that a person made or changed.
    """
    write_folder(scenario_files(found, draft_scenario(found, region=region)), Path(folder))


def changed_by_hand(folder: Path, files: dict[str, bytes]) -> list[str]:
    """Return the files of these names that are in the folder, not as an import wrote them and not as they would be."""
    before = read_record(folder)
    known = before.digests if before is not None else {}
    changed = []
    for name, content in files.items():
        if name == RECORD and before is not None:
            continue
        refuse_no_file(folder / name)
        try:
            present = (folder / name).read_bytes()
        except FileNotFoundError:
            continue
        if present != content and hashlib.sha256(present).hexdigest() != known.get(name):
            changed.append(name)
    return changed


def read_record(folder: Path) -> Imported | None:
    """Return what an earlier import wrote, None where there was none.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    TemplateError
        Where the record is there and cannot be read.
    """
    path = folder / RECORD
    refuse_no_file(path)
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        data = json.loads(content)
        good = (
            data["form"] == _FORM and isinstance(data["scenario"], dict) and isinstance(data["digests"], dict)
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        good = False
    if not good:
        raise TemplateError.single(str(path), "", "is not a record of an import; remove it to import again")
    return Imported(data["scenario"], data["digests"], str(data.get("origin", "")), str(data.get("kind", "")))
