"""SAM and CloudFormation templates, and what CDK synthesized, read into the neutral model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lambdasim.errors import TemplateError
from lambdasim.templates.cloudformation.functions import TYPES, found_function
from lambdasim.templates.cloudformation.links.concurrency import tie_concurrency
from lambdasim.templates.cloudformation.links.deployment import (
    leave_out_deployment,
    tie_callers,
    tie_deployment,
    tie_permissions,
)
from lambdasim.templates.cloudformation.links.events import tie_destinations, tie_events
from lambdasim.templates.cloudformation.links.front_doors import tie_front_doors
from lambdasim.templates.cloudformation.links.machines import tie_machines
from lambdasim.templates.cloudformation.links.ties import Ties
from lambdasim.templates.cloudformation.sam_events import sam_sources
from lambdasim.templates.cloudformation.stack import Notes, Resource, Stack
from lambdasim.templates.documents import Document
from lambdasim.templates.folder_files import FolderFiles
from lambdasim.templates.found import Found, FoundFunction, Remark
from lambdasim.wording import clipped, listed

DEFAULT_REGION = "us-east-1"
_ELSEWHERE: Final = "functions of its template are left out; import that template too"
_FUNCTIONS_OF_OTHER_KINDS: Final = {
    **dict.fromkeys(
        ("AWS::Serverless::WebFunction", "AWS::Lambda::WebFunction"),
        "a web function has prices and scaling of its own and was left out",
    ),
    **dict.fromkeys(
        ("AWS::CloudFormation::StackSet", "AWS::ServiceCatalog::CloudFormationProvisionedProduct"), _ELSEWHERE
    ),
    "AWS::Synthetics::Canary": "the function that Synthetics makes for a canary was left out",
}
"""Resources that bring functions along which the file does not describe, or which are not simulated."""


def read_template(
    document: Document,
    folder: Path,
    parameters: Mapping[str, str] | None = None,
    region: str | None = None,
) -> Found:
    """Read one template with the files that it names.

    Parameters
    ----------
    document : Document
        The template.
    folder : Path
        Of the template; nothing outside of it is read.
    parameters : mapping, optional
        Values of the template's parameters.
    region : str, optional
        Stands for ``AWS::Region``; default: us-east-1.

    Returns
    -------
    Found

    Raises
    ------
    TemplateError
        Where the template is none, or a parameter is given that it does not have.
    """
    notes = Notes()
    files = FolderFiles(folder)
    stack = Stack(document.data, document.name, folder, files, notes, region or DEFAULT_REGION, parameters)
    unknown = set(parameters or ()) - set(stack.known_parameters())
    if unknown:
        allowed = listed(stack.known_parameters()) or "none"
        raise TemplateError.single(
            document.name, clipped(min(unknown), 60), f"is no parameter of the template; it has {allowed}"
        )
    notes.warnings += _remarks(document)
    return found_in(list(stack.resources()), notes, files, _kind(document.data), document.name, region)


def _remarks(document: Document) -> list[Remark]:
    return [Remark(f"line {line}", text) for line, text in document.remarks]


def _kind(data: Any) -> str:
    resources = data.get("Resources") if isinstance(data, dict) else None
    held = resources.values() if isinstance(resources, dict) else ()
    types = {str(one.get("Type")) for one in held if isinstance(one, dict)}
    return (
        "SAM template"
        if any(kind.startswith("AWS::Serverless::") for kind in types)
        else "CloudFormation template"
    )


def found_in(
    resources: list[Resource], notes: Notes, files: FolderFiles, kind: str, name: str, region: str | None
) -> Found:
    """Make functions of evaluated resources, and tie them to what invokes them.

    Parameters
    ----------
    resources : list of Resource
        Of one stack or of several that were synthesized together.
    notes : Notes
    files : FolderFiles
    kind, name : str
        What the file is, and its name.
    region : str or None
    """
    by_id = {resource.id: resource for resource in resources}
    functions: dict[str, FoundFunction] = {}
    for resource in resources:
        if resource.type in TYPES:
            made = found_function(resource, notes)
            functions[resource.id] = made.with_sources(*sam_sources(resource, by_id, notes))
        elif told := _FUNCTIONS_OF_OTHER_KINDS.get(resource.type):
            notes.not_modelled.append(Remark(resource.id, told))
        elif resource.type.endswith("::MODULE"):
            notes.unresolved.append(
                Remark(
                    resource.id,
                    "a module's resources are known only to a deployment; give get-template's answer",
                )
            )
    ties = Ties(resources, functions, notes, files)
    tie_deployment(ties)
    tie_front_doors(ties)
    tie_events(ties)
    tie_destinations(ties)
    tie_machines(ties)
    tie_concurrency(ties)
    tie_permissions(ties)
    tie_callers(ties)
    left = leave_out_deployment(ties)
    return Found(
        kind,
        Path(name).name or name,
        tuple(ties.functions.values()),
        region,
        tuple(left),
        tuple(dict.fromkeys(notes.not_modelled)),
        tuple(dict.fromkeys(notes.unresolved)),
        tuple(dict.fromkeys(notes.warnings)),
    )
