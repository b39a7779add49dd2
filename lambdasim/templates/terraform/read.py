"""A plan, a state or a raw state file of Terraform, read into the neutral model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lambdasim.templates.cloudformation.read import found_in
from lambdasim.templates.cloudformation.stack import Notes
from lambdasim.templates.cloudformation.values import at
from lambdasim.templates.documents import Document
from lambdasim.templates.folder_files import FolderFiles
from lambdasim.templates.found import Found, Remark
from lambdasim.templates.terraform.hcl import HclPlan
from lambdasim.templates.terraform.modules import (
    Configuration,
    TfResource,
    resources_of,
)
from lambdasim.templates.terraform.translation import Translation

_REGION: Final = re.compile(r"arn:aws[a-z-]*:lambda:([a-z]{2}(?:-[a-z]+)+-[0-9]):")


def is_terraform(data: dict[str, Any]) -> bool:
    """Return whether JSON is a plan, a state or a raw state file."""
    shown = "format_version" in data and (
        {"planned_values", "values", "terraform_version", "resource_changes"} & set(data)
    )
    raw = "terraform_version" in data and "version" in data and ("resources" in data or "modules" in data)
    return bool(shown or raw)


def read_terraform(document: Document, folder: Path, region: str | None = None) -> Found:
    """Read Terraform's JSON.

    Parameters
    ----------
    document : Document
    folder : Path
        Of the file.
    region : str, optional
        Default: of the first function's ARN, where a state has one; else of the provider's constant.

    Raises
    ------
    TemplateError
        Where its format is another.
    """
    data = document.data
    found = Translation(resources_of(data, document.name), Configuration(data))
    notes = Notes(warnings=[Remark(f"line {line}", text) for line, text in document.remarks])
    kind = "Terraform plan" if "planned_values" in data else "Terraform state"
    region = region or _region(data, found.functions)
    return found_in(found.resources(), notes, FolderFiles(folder), kind, document.name, region)


def read_hcl(
    folder: Path, given: Mapping[str, str] | None = None, region: str | None = None, only: Path | None = None
) -> Found:
    """Read a folder of Terraform's own files as a draft: nothing is planned, so what an apply knows is open.

    Parameters
    ----------
    folder : Path
        Of the root module; local modules below it are followed.
    given : mapping, optional
        Values of variables, before those of ``terraform.tfvars`` and defaults.
    region : str, optional
        Default: of the provider ``aws``.
    only : Path, optional
        One file in JSON syntax, such as CDK for Terraform writes.

    Raises
    ------
    TemplateError
        Where a file cannot be read, or python-hcl2 is not installed.
    """
    plan = HclPlan(folder, given or {}, only)
    found = Translation(resources_of(plan.data, str(folder)), Configuration(plan.data))
    notes = Notes(unresolved=list(plan.remarks))
    region = region or _region(plan.data, found.functions)
    name = only.name if only is not None else folder.resolve().name or "main.tf"
    return found_in(found.resources(), notes, FolderFiles(folder), "Terraform configuration", name, region)


def _region(data: dict[str, Any], functions: list[TfResource]) -> str | None:
    for one in functions:
        match = _REGION.match(str(one.values.get("arn", "")))
        if match:
            return match[1]
    providers = at(data.get("configuration"), "provider_config")
    for provider in providers.values() if isinstance(providers, dict) else ():
        said = at(provider, "expressions", "region", "constant_value")
        if at(provider, "name") == "aws" and isinstance(said, str) and not at(provider, "alias"):
            return said
    said = at(data.get("variables"), "region", "value") or at(data.get("variables"), "aws_region", "value")
    return said if isinstance(said, str) else None
