"""Which kind of file a template is, known by its content; each kind has one reader."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lambdasim.errors import TemplateError
from lambdasim.outputs import refuse_no_file
from lambdasim.templates.cloudformation.assembly import MANIFEST, is_assembly, read_assembly
from lambdasim.templates.cloudformation.read import read_template
from lambdasim.templates.documents import Document, parse_document, read_document
from lambdasim.templates.found import Found
from lambdasim.templates.samconfig import sam_settings
from lambdasim.templates.serverless.read import is_serverless, read_serverless
from lambdasim.templates.terraform.hcl import is_terraform_syntax
from lambdasim.templates.terraform.hcl_module import source_files
from lambdasim.templates.terraform.read import is_terraform, read_hcl, read_terraform
from lambdasim.templates.usage_file import functions_of_usage, is_usage_file
from lambdasim.wording import clipped, listed

READS: Final = (
    "SAM or CloudFormation templates, cdk.out, terraform show -json of a plan or state, *.tf, serverless.yml"
)
_IN_FOLDERS: Final = (
    "template.yaml", "template.yml", "template.json", "serverless.yml", "serverless.yaml", "serverless.json",
)  # fmt: skip
_HCL: Final = re.compile(
    rb"^[ \t]*(resource|module|variable|provider|terraform|data|locals|output)\b[^:\n]*\{", re.MULTILINE
)
_PLAN_LOG: Final = re.compile(rb'^\s*\{"@level"')
_TERRAGRUNT: Final = (
    "is of Terragrunt; run terragrunt plan -out PLAN, and give what terragrunt show -json PLAN prints"
)
_ARCHITECT: Final = "is of Architect; run arc deploy --dry-run, and give the sam.json that it writes"
_SOURCES: Final = (
    ("cdk.json", "has no cdk.out yet; run cdk synth"),
    ("terragrunt.hcl", _TERRAGRUNT),
    (".chalice/config.json", "is of Chalice; run chalice package out/, and give out/sam.json"),
    ("app.arc", _ARCHITECT),
    ("serverless.ts", "has a serverless.ts; run serverless package, and give the template that it writes"),
    ("serverless.js", "has a serverless.js; run serverless package, and give the template that it writes"),
)
_OF_TOOLS: Final = {"terragrunt.hcl": _TERRAGRUNT, "app.arc": _ARCHITECT}
_KEEPS_NONE: Final = "keeps no template; export the deployed account: lambdasim import aws --commands"
_GET_TEMPLATE: Final = "aws cloudformation get-template --stack-name NAME --template-stage Processed"
_HEAD: Final = 65_536
_OF_TERRAFORM: Final = (".tf", ".tofu")


def read_source(
    path: str | os.PathLike[str],
    parameters: Mapping[str, str] | None = None,
    region: str | None = None,
    stage: str | None = None,
) -> Found:
    """Read whatever describes functions.

    Parameters
    ----------
    path : path-like
        A file, or a folder that holds one: ``cdk.out``, or one with ``template.yaml`` or ``serverless.yml``.
    parameters : mapping, optional
        Values of parameters, or of ``${param:...}`` and ``${opt:...}`` of serverless.yml.
    region : str, optional
        For what the file leaves open.
    stage : str, optional
        Of serverless.yml; table of samconfig.toml.

    Returns
    -------
    Found

    Raises
    ------
    TemplateError
        Saying what the file is instead, or what is wrong with it.
    """
    path = Path(path)
    try:
        is_folder = path.is_dir()
    except OSError as error:
        raise TemplateError.single(clipped(path), "", f"cannot be read: {error.strerror}") from None
    if is_folder:
        return _read_folder(path, parameters, region, stage)
    if path.name == MANIFEST and is_assembly(path.parent):
        return read_assembly(path.parent, region)
    if path.suffix in _OF_TERRAFORM:
        return read_hcl(path.parent, parameters, region)
    _refuse_foreign_text(path)
    return _read_data(read_document(path), path, dict(parameters or {}), region, stage)


def _read_folder(
    path: Path, parameters: Mapping[str, str] | None, region: str | None, stage: str | None
) -> Found:
    for folder in (path, path / "cdk.out"):
        if is_assembly(folder):
            return read_assembly(folder, region)
    present = [name for name in _IN_FOLDERS if (path / name).is_file()]
    if not present and source_files(path):
        return read_hcl(path, parameters, region)
    if not present:
        _refuse_foreign_folder(path)
    if len(present) != 1:
        got = (
            f"has {listed(present, last=' and ')}; name one"
            if present
            else f"has none of {listed(_IN_FOLDERS)} and no cdk.out"
        )
        raise TemplateError.single(str(path), "", got)
    return read_source(path / present[0], parameters, region, stage)


def _refuse_foreign_folder(path: Path) -> None:
    """Say of a folder with sources alone what to make of them first."""
    for pattern, told in _SOURCES:
        if any(path.glob(pattern)):
            raise TemplateError.single(str(path), "", told)


def _refuse_foreign_text(path: Path) -> None:
    """Say of text that is no YAML or JSON what to give instead."""
    refuse_no_file(path)
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except (OSError, ValueError):
        return
    if _PLAN_LOG.search(head):
        told = "is the log of terraform plan -json; give terraform show -json PLAN > plan.json instead"
        raise TemplateError.single(str(path), "", told)
    if path.name in _OF_TOOLS:
        raise TemplateError.single(str(path), "", _OF_TOOLS[path.name])
    if path.suffix == ".hcl" or (_HCL.search(head) and not head.lstrip().startswith((b"{", b"---"))):
        told = "is in Terraform's language; name its folder or a file that ends in .tf, or give terraform show -json"
        raise TemplateError.single(str(path), "", told)
    if path.stem == "serverless" and path.suffix in (".ts", ".js"):
        told = "is a program; run serverless package, and give the template that it writes"
        raise TemplateError.single(str(path), "", told)
    if path.stem == "sst.config":
        told = f"is a program of SST, which {_KEEPS_NONE}"
        raise TemplateError.single(str(path), "", told)
    if path.suffix in (".ts", ".js", ".py", ".go", ".java", ".cs"):
        raise TemplateError.single(str(path), "", "is a program; run cdk synth, and give cdk.out")


def _read_data(
    document: Document, path: Path, parameters: dict[str, str], region: str | None, stage: str | None
) -> Found:
    data = document.data
    if not isinstance(data, dict):
        raise TemplateError.single(document.name, "", f"is not recognised; lambdasim import reads {READS}")
    if is_terraform(data):
        return read_terraform(document, path.parent, region)
    if is_terraform_syntax(data):
        return read_hcl(path.parent, parameters, region, only=path)
    if "TemplateBody" in data and not isinstance(data.get("Resources"), dict):
        body = data["TemplateBody"]
        inner = (
            parse_document(body, document.name) if isinstance(body, str) else Document(document.name, body)
        )
        return read_template(inner, path.parent, parameters, region)
    if isinstance(data.get("Resources"), dict) and not _is_foreign(data):
        overrides, own_region = sam_settings(path.parent, stage or "default")
        declared = data.get("Parameters")
        known = {
            key: value for key, value in overrides.items() if isinstance(declared, dict) and key in declared
        }
        return read_template(document, path.parent, {**known, **parameters}, region or own_region)
    if is_serverless(data):
        return read_serverless(document, path.parent, parameters, region, stage)
    if is_usage_file(data):
        return functions_of_usage(document)
    raise TemplateError.single(document.name, "", _what_else(data))


def _is_foreign(data: dict[str, Any]) -> bool:
    return "format_version" in data or ("service" in data and "provider" in data)


def _is_deployed(data: dict[str, Any]) -> bool:
    """Return whether a mapping is a state of Pulumi or settings of Zappa, whose tools deploy without a template."""
    deployment = data.get("deployment")
    if isinstance(deployment, dict) and "manifest" in deployment:
        return True
    stages = list(data.values())
    return bool(stages) and all(
        isinstance(stage, dict) and {"app_function", "django_settings"} & set(stage) for stage in stages
    )


def _is_of_containers(services: Any) -> bool:
    held = services.values() if isinstance(services, dict) else ()
    return any(isinstance(one, dict) and {"image", "build"} & set(one) for one in held)


def _what_else(data: dict[str, Any]) -> str:
    """Say what a mapping is that no reader takes."""
    keys = set(data)
    if "StartAt" in keys and "States" in keys:
        return "is a definition of Step Functions; give the template that deploys it"
    if "openapi" in keys or "swagger" in keys:
        return "is an OpenAPI definition; give the template that deploys it"
    if {"functions", "start", "duration"} <= keys:
        return "is a scenario already: lambdasim simulate runs it"
    if "Functions" in keys or "EventSourceMappings" in keys or "Configuration" in keys:
        return "is an answer of the AWS CLI and no template; lambdasim import aws FOLDER reads those"
    if {"Stacks", "StackResourceSummaries", "StackResources", "StackSummaries"} & keys:
        return f"is an answer of CloudFormation without the template; give that of {_GET_TEMPLATE}"
    if _is_deployed(data):
        return f"is of a tool that {_KEEPS_NONE}"
    if "services" in keys and _is_of_containers(data["services"]):
        return f"describes containers and no functions; lambdasim import reads {READS}"
    if "services" in keys:
        return "is a composition of services; give the serverless.yml of one"
    if {"@level", "@message"} & keys:
        return "is the log of terraform plan -json; give terraform show -json PLAN > plan.json instead"
    if {"AWSTemplateFormatVersion", "Transform", "Globals"} & keys:
        return "has no Resources mapping"
    shown = listed((clipped(key, 30) for key in data), most=6) or "no keys"
    return f"is not recognised (it has {shown}); lambdasim import reads {READS}"
