"""A scenario folder brought up to date with its template: the user's changes stay, the template's come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from lambdasim.atomic import refuse_linked_folder, write_bytes_atomically
from lambdasim.errors import ScenarioError, TemplateError
from lambdasim.outputs import claimed, refuse_no_file
from lambdasim.specs.loading import load_scenario_text
from lambdasim.templates.documents import parse_document
from lambdasim.templates.writing.commented_yaml import Noted, commented_yaml, plain
from lambdasim.templates.writing.scenario_writer import RECORD, SCENARIO, changed_by_hand, read_record
from lambdasim.wording import clipped

_FUNCTIONS: Final = "functions"
_SHOWN: Final = 48
_COMMENT: Final = 160


@dataclass
class Refreshed:
    """What a refresh did.

    Attributes
    ----------
    changed : list of str
        What the template changed and the scenario now has.
    kept : list of str
        What the template changed too, and the user's value stays.
    files : dict of str to bytes
        What is to be written, by relative name.
    """

    changed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    def text(self) -> str:
        """Say both, one line each."""
        lines = [f"changed by the template: {len(self.changed)}", *(f"  {one}" for one in self.changed)]
        if self.kept:
            lines += [f"kept as you have it: {len(self.kept)}", *(f"  {one}" for one in self.kept)]
        return "\n".join(lines)


def refreshed(folder: Path, files: dict[str, bytes], scenario: dict[str, Any]) -> Refreshed:
    """Work out a folder's files after its template changed.

    Parameters
    ----------
    folder : Path
        Of an earlier import.
    files : dict of str to bytes
        What a new import would write, see ``scenario_files``.
    scenario : dict
        The new import's scenario, with its comments.

    Returns
    -------
    Refreshed
        Of each setting there are three values: as imported before, as imported now, and the user's. Where the first two
        differ and the user's is as before, the new one is set, in its place in the text; where the user's is another, it
        stays and both are said. Comments and the order of the file stay.

    Raises
    ------
    TemplateError
        Where the folder was not imported, or its scenario can no longer be read.
    """
    before = read_record(folder)
    if before is None:
        raise TemplateError.single(
            str(folder), "--refresh", f"needs a folder with {RECORD} from an earlier import"
        )
    path = folder / SCENARIO
    refuse_no_file(path)
    try:
        content = path.read_bytes()
    except OSError:
        raise TemplateError.single(str(path), "--refresh", "is gone; import without --refresh") from None
    try:
        load_scenario_text(content, str(path), folder)
    except ScenarioError as error:
        raise TemplateError(error.faults) from None
    text = content.decode("utf-8-sig")
    merge = _Merge(text, before.scenario, scenario, parse_document(text, str(path)).data)
    merged = merge.run()
    result = Refreshed(merge.changed, merge.kept)
    by_hand = set(changed_by_hand(folder, {name: held for name, held in files.items() if name != SCENARIO}))
    for name, held in files.items():
        if name not in by_hand and name != SCENARIO:
            result.files[name] = held
    result.kept += [f"{clipped(name, 80)}: changed by hand, so not rewritten" for name in sorted(by_hand)]
    result.files[SCENARIO] = merged.encode()
    return result


def write_refreshed(result: Refreshed, folder: Path) -> None:
    """Write the files of a refresh, the scenario only where it still loads, the record last.

    Raises
    ------
    TemplateError
        Where the scenario would no longer load; nothing is written then.
    """
    refuse_linked_folder(folder)
    with claimed(folder):
        _write(result, folder)


def _write(result: Refreshed, folder: Path) -> None:
    beside = [name for name in result.files if name not in (SCENARIO, RECORD)]
    for name in (*sorted(beside), SCENARIO, RECORD):
        if name == SCENARIO:
            try:
                load_scenario_text(result.files[name], str(folder / name), folder)
            except ScenarioError as error:
                first = error.faults[0]
                told = f"would no longer load ({first.field}: {first.message}); change the file, then refresh again"
                raise TemplateError.single(str(folder / name), "--refresh", told) from None
        if name in result.files:
            write_bytes_atomically(folder / name, result.files[name])


class _Merge:
    """Three ways: as imported before, as imported now, and as the user has it, in the user's text."""

    def __init__(self, text: str, before: dict[str, Any], now: dict[str, Any], mine: dict[str, Any]) -> None:
        self._lines = text.splitlines()
        self._before, self._now, self._mine = before, now, mine
        self._root = yaml.compose(text, Loader=yaml.SafeLoader)
        self._edits: list[tuple[int, int, list[str]]] = []
        self.changed: list[str] = []
        self.kept: list[str] = []

    def run(self) -> str:
        for key in [*self._now, *(one for one in self._before if one not in self._now)]:
            if key != _FUNCTIONS:
                self._setting("", self._root, self._before, self._now, self._mine, key, 0)
        self._functions()
        lines = list(self._lines)
        for first, last, new in sorted(self._edits, key=lambda edit: (edit[0], edit[1]), reverse=True):
            lines[first:last] = new
        return "\n".join(lines) + "\n"

    def _functions(self) -> None:
        before, now, mine = (
            {one["name"]: one for one in plain(side).get(_FUNCTIONS, [])}
            for side in (self._before, self._now, self._mine)
        )
        noted = {plain(one)["name"]: one for one in self._now.get(_FUNCTIONS, [])}
        items = _items(self._root)
        nodes = {mine_one["name"]: node for mine_one, node in zip(self._mine[_FUNCTIONS], items, strict=True)}
        added: list[str] = []
        for name, new in now.items():
            if name in mine and name in before:
                held = noted[name].value if isinstance(noted[name], Noted) else noted[name]
                self._function(name, nodes[name], before[name], held, mine[name])
                if isinstance(noted[name], Noted):
                    self._comment(nodes[name].start_mark.line - 1, noted[name].note)
            elif name not in mine and name not in before:
                added += commented_yaml({_FUNCTIONS: [noted[name]]}).splitlines()[1:]
                self.changed.append(f"{clipped(name, 60)}: new in the template")
            elif name not in mine:
                self.kept.append(f"{clipped(name, 60)}: you took it out")
            elif new != mine[name]:
                self.kept.append(f"{clipped(name, 60)}: you added it, and the template now has it too")
        for name in before:
            if name not in now and name in mine:
                if mine[name] == before[name] and len(mine) > 1:
                    self._drop(nodes[name])
                    self.changed.append(f"{clipped(name, 60)}: no longer in the template")
                else:
                    self.kept.append(f"{clipped(name, 60)}: no longer in the template")
        if added:
            last = max(map(_last_line, items))
            indent = items[0].start_mark.column - 2
            self._edits.append((last + 1, last + 1, [" " * max(indent - 2, 0) + line for line in added]))

    def _comment(self, line: int, note: str) -> None:
        """Write the comment above a function anew, where it is still the importer's."""
        note = clipped(note, _COMMENT)
        own = f"# {note.partition(':')[0]}:"
        if (
            line >= 0
            and self._lines[line].strip().startswith(own)
            and self._lines[line].strip() != f"# {note}"
        ):
            indent = self._lines[line][: len(self._lines[line]) - len(self._lines[line].lstrip())]
            self._edits.append((line, line + 1, [f"{indent}# {note}"]))

    def _function(
        self, name: str, node: Any, before: dict[str, Any], now: dict[str, Any], mine: dict[str, Any]
    ) -> None:
        if node.flow_style:
            new = plain(now)
            merged = dict(mine)
            for key in {**new, **before}:
                if new.get(key) != before.get(key):
                    self._say(name, key, before, new, mine)
                    if mine.get(key) == before.get(key):
                        merged = (
                            {**merged, key: new[key]}
                            if key in new
                            else {k: v for k, v in merged.items() if k != key}
                        )
            if merged != mine:
                first, last = node.start_mark, node.end_mark
                if first.line == last.line:
                    line = self._lines[first.line]
                    flow = json.dumps(merged, ensure_ascii=True)
                    self._edits.append(
                        (first.line, first.line + 1, [line[: first.column] + flow + line[last.column :]])
                    )
            return
        for key in [*now, *(one for one in before if one not in now)]:
            self._setting(name, node, before, now, mine, key, node.start_mark.column // 2)

    def _setting(
        self,
        owner: str,
        node: Any,
        before: dict[str, Any],
        now: dict[str, Any],
        mine: dict[str, Any],
        key: str,
        depth: int,
    ) -> None:
        new = plain(now)
        if new.get(key) == before.get(key):
            return
        if not self._say(owner, key, before, new, mine):
            return
        place = next(((one, value) for one, value in node.value if one.value == key), None)
        indent = " " * (node.value[0][0].start_mark.column if node.value else 2 * depth)
        rendered = (
            [indent + line for line in commented_yaml({key: now[key]}).splitlines()] if key in now else []
        )
        if place is None:
            last = max(_last_line(value) for _, value in node.value)
            self._edits.append((last + 1, last + 1, rendered))
            return
        first, last = place[0].start_mark.line, _last_line(place[1])
        if self._lines[first].lstrip().startswith("- ") and rendered:
            mark = self._lines[first]
            rendered[0] = mark[: len(mark) - len(mark.lstrip())] + "- " + rendered[0].lstrip()
        above = first - 1
        notes = [line for line in rendered if line.lstrip().startswith("#")]
        if notes and above >= 0 and self._lines[above].strip().startswith("# assumed"):
            first = above
        self._edits.append((first, last + 1, rendered))

    def _say(
        self, owner: str, key: str, before: dict[str, Any], new: dict[str, Any], mine: dict[str, Any]
    ) -> bool:
        """Note a change, and tell whether it is made."""
        where = f"{clipped(owner, 60)}.{key}" if owner else key
        if mine.get(key) == new.get(key):
            return False
        if mine.get(key) == before.get(key):
            self.changed.append(f"{where}: {_shown(before.get(key))} -> {_shown(new.get(key))}")
            return True
        self.kept.append(
            f"{where}: yours {_shown(mine.get(key))}; the template has {_shown(new.get(key))} now"
        )
        return False

    def _drop(self, node: Any) -> None:
        first = node.start_mark.line
        while first > 0 and self._lines[first - 1].lstrip().startswith("#"):
            first -= 1
        self._edits.append((first, _last_line(node) + 1, []))


def _items(root: Any) -> list[Any]:
    return next(list(value.value) for key, value in root.value if key.value == _FUNCTIONS)


def _last_line(node: Any) -> int:
    """Return the last line of a node's own text; a block's end mark stands at what follows it."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        line = node.end_mark.line
        return int(line - 1 if node.end_mark.column == 0 and line > node.start_mark.line else line)
    return max(_last_line(child) for child in _children(node))


def _children(node: Any) -> Iterator[Any]:
    for one in node.value:
        if isinstance(one, tuple):
            yield from one
        else:
            yield one


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    return clipped(value if isinstance(value, str) else json.dumps(value, ensure_ascii=True), _SHOWN)
