"""Terraform's own files, evaluated without Terraform: a draft of the plan that ``terraform show -json`` would print.

Variables have their defaults or what a user gives, modules are followed inside the folder, and what only an apply or a
registry knows is left out and listed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lambdasim.errors import TemplateError
from lambdasim.outputs import noted_input
from lambdasim.templates.documents import read_document
from lambdasim.templates.found import Remark
from lambdasim.templates.terraform.expressions import evaluated
from lambdasim.templates.terraform.hcl_module import HclModule
from lambdasim.templates.terraform.nodes import Scope
from lambdasim.wording import clipped

_MOST_BYTES: Final = 3_000_000
_MOST_FILES: Final = 500
_MOST_INSTANCES: Final = 5_000
_MOST_NAMES: Final = 1_000
_VALUES_FILES: Final = ("terraform.tfvars", "terraform.tfvars.json", "*.auto.tfvars", "*.auto.tfvars.json")


def is_terraform_syntax(data: Mapping[str, Any]) -> bool:
    """Return whether JSON is Terraform's configuration, as CDK for Terraform writes it."""
    return isinstance(data.get("resource"), dict) and bool(
        {"terraform", "provider", "variable", "//"} & set(data)
    )


class HclPlan:
    """Makes a plan of a folder.

    Parameters
    ----------
    folder : Path
    given : mapping
        Values of variables.
    only : Path, optional
        A single file of JSON syntax.
    """

    def __init__(self, folder: Path, given: Mapping[str, str], only: Path | None = None) -> None:
        self._root = folder.resolve()
        self._bytes = self._files = self._instances = 0
        self._parsed: dict[Path, dict[str, Any]] = {}
        self.remarks: list[Remark] = []
        self.unknown: dict[str, dict[str, str]] = {}
        """Of each resource's address what only an apply knows, with what it waits for."""
        given = {name: _typed(value) for name, value in given.items()}
        values = {**(self._values(folder) if only is None else {}), **given}
        root = HclModule(self, folder, values, "", 0, only)
        unknown = sorted(set(given) - set(root.variables))
        if unknown:
            allowed = ", ".join(sorted(root.variables)) or "none"
            told = f"is no variable of the configuration; it has {clipped(allowed, 200)}"
            raise TemplateError.single(str(folder), clipped(unknown[0], 60), told)
        planned = root.planned()
        self.data = {
            "format_version": "1.2",
            "planned_values": {"root_module": planned},
            "configuration": {"root_module": {}, "provider_config": root.providers()},
            "resource_changes": [
                {"address": address, "change": {"after_unknown": held}}
                for address, held in self.unknown.items()
            ],
        }

    def parsed(self, path: Path) -> dict[str, Any]:
        """Read one file; what was read before is not read again.

        Raises
        ------
        TemplateError
            Where it cannot be read, or there is too much to read.
        """
        if path not in self._parsed:
            content = self._content(path)
            if path.suffix == ".json":
                data = read_document(path).data
                self._parsed[path] = data if isinstance(data, dict) else {}
            else:
                self._parsed[path] = _hcl(content, path)
        return self._parsed[path]

    def _content(self, path: Path) -> bytes:
        noted_input(path)
        self._files += 1
        try:
            content = path.read_bytes()
        except OSError as error:
            raise TemplateError.single(str(path), "", f"cannot be read: {error.strerror}") from None
        self._bytes += len(content)
        if self._bytes > _MOST_BYTES or self._files > _MOST_FILES:
            told = f"has more than {_MOST_BYTES:,} bytes or {_MOST_FILES} files; give terraform show -json PLAN instead"
            raise TemplateError.single(str(path.parent), "", told)
        return content

    def text(self, location: str) -> str | None:
        """Return the text of a file that an expression names; None outside of the folder, or where it is no text."""
        path = self._inside(self._root, location)
        if path is None or not path.is_file():
            return None
        try:
            return self._content(path).decode("utf-8-sig")
        except UnicodeDecodeError:
            return None

    def names(self, location: str, pattern: str) -> list[str] | None:
        """Return the files below a folder whose names fit a pattern, as ``fileset`` does; None outside."""
        folder = self._inside(self._root, location)
        if folder is None or not folder.is_dir() or pattern.startswith("/") or ".." in pattern:
            return None
        found = []
        for path in folder.glob(pattern):
            if path.is_file():
                found.append(path.relative_to(folder).as_posix())
            if len(found) > _MOST_NAMES:
                return None
        return sorted(found)

    def _values(self, folder: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for pattern in _VALUES_FILES:
            for path in sorted(folder.glob(pattern)):
                found |= {key: evaluated(held, Scope({})) for key, held in self.parsed(path).items()}
        return found

    def folder(self, beside: Path, location: str) -> Path | None:
        """Return a module's folder where it lies inside of the first one."""
        path = self._inside(beside, location)
        return path if path is not None and path.is_dir() else None

    def shown(self, folder: Path) -> str:
        """Return a module's folder as ``path.module`` gives it: relative to the first one."""
        return folder.resolve().relative_to(self._root).as_posix()

    def _inside(self, beside: Path, location: str) -> Path | None:
        try:
            path = (beside / location).resolve()
            return path if path.is_relative_to(self._root) else None
        except (OSError, ValueError):
            return None

    def counted(self) -> bool:
        """Count an instance; return whether there may be more."""
        self._instances += 1
        if self._instances == _MOST_INSTANCES + 1:
            text = f"beyond {_MOST_INSTANCES:,} instances the rest was left out; terraform show -json PLAN has all"
            self.remarks.append(Remark("", text))
        return self._instances <= _MOST_INSTANCES


def _hcl(content: bytes, path: Path) -> dict[str, Any]:
    try:
        import hcl2
        from hcl2.utils import SerializationOptions
        from lark.exceptions import LarkError
    except ImportError:
        raise TemplateError.single(str(path), "", WITHOUT_EXTRA) from None
    options = SerializationOptions(strip_string_quotes=True, explicit_blocks=False)
    try:
        data = hcl2.loads(content.decode("utf-8-sig") + "\n", serialization_options=options)
    except UnicodeDecodeError as error:
        raise TemplateError.single(str(path), "", f"must be UTF-8, byte {error.start} is not") from None
    except (LarkError, ValueError, RecursionError) as error:
        line = getattr(error, "line", None)
        where = f"{path}:{line}" if isinstance(line, int) and line > 0 else str(path)
        told = "cannot be read as Terraform's language; give terraform show -json PLAN > plan.json instead"
        raise TemplateError.single(where, "", told) from None
    return data if isinstance(data, dict) else {}


WITHOUT_EXTRA: Final = (
    "is Terraform's own language; give terraform show -json PLAN > plan.json instead, or "
    "pip install 'lambda-costsim[terraform]' to have it read as a draft"
)


def _typed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
