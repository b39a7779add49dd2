"""CDK's ``cdk.out``: every stack of the assembly, with what they export to one another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from lambdasim.errors import TemplateError
from lambdasim.templates.cloudformation.read import DEFAULT_REGION, found_in
from lambdasim.templates.cloudformation.stack import Notes, Resource, Stack
from lambdasim.templates.cloudformation.values import at
from lambdasim.templates.documents import read_document
from lambdasim.templates.folder_files import FolderFiles, NotFollowedError
from lambdasim.templates.found import Found, Remark
from lambdasim.wording import clipped

MANIFEST: Final = "manifest.json"
_DEEPEST: Final = 6
_TEMPLATES: Final = (".template.json", ".template.yaml")
_MOST_STACKS: Final = 500


def is_assembly(folder: Path) -> bool:
    """Return whether a folder is what ``cdk synth`` wrote."""
    return (folder / MANIFEST).is_file() and any(folder.glob("*.json"))


def read_assembly(folder: Path, region: str | None = None) -> Found:
    """Read every stack of an assembly, stages included.

    Parameters
    ----------
    folder : Path
        Such as ``cdk.out``.
    region : str, optional
        For stacks that name none.

    Raises
    ------
    TemplateError
        Where there is no stack, or a file cannot be read.
    """
    notes = Notes()
    files = FolderFiles(folder)
    named = list(_stacks(folder, files, 0))
    if not named:
        raise TemplateError.single(
            str(folder / MANIFEST), "artifacts", "names a stack that is not in the folder"
        )
    if len(named) > _MOST_STACKS:
        raise TemplateError.single(
            str(folder / MANIFEST), "artifacts", f"names more than {_MOST_STACKS} stacks"
        )
    stacks = []
    for folder_of in {path.parent for _, path, _ in named}:
        _note_uploads(folder_of, files)
    for name, path, own in named:
        document = files.document(path)
        if isinstance(document.data, dict) and not isinstance(document.data.get("Resources"), dict):
            continue
        prefix = f"{name}/" if len(named) > 1 else ""
        stack = Stack(
            document.data,
            document.name,
            path.parent,
            files,
            notes,
            own or region or DEFAULT_REGION,
            {},
            prefix,
        )
        stacks.append(stack)
        notes.warnings += [Remark(f"{document.name}, line {line}", text) for line, text in document.remarks]
    for stack in stacks:
        stack.collect_exports()
    resources: list[Resource] = []
    for stack in stacks:
        resources += stack.resources()
    regions = {own for _, _, own in named if own}
    if len(regions) > 1:
        notes.not_modelled.append(Remark("", f"stacks lie in {len(regions)} regions; one scenario has one"))
    return found_in(
        resources,
        notes,
        files,
        "CDK assembly",
        folder.name or "cdk.out",
        region or min(regions, default=None),
    )


def _stacks(folder: Path, files: FolderFiles, depth: int) -> Iterator[tuple[str, Path, str | None]]:
    """Give name, file and region of each stack that a manifest names."""
    manifest = read_document(folder / MANIFEST).data
    artifacts = manifest.get("artifacts") if isinstance(manifest, dict) else None
    for name, artifact in artifacts.items() if isinstance(artifacts, dict) else ():
        said = artifact.get("properties") if isinstance(artifact, dict) else None
        if not isinstance(said, dict):
            continue
        kind = artifact.get("type")
        location = (
            said.get("templateFile") if kind == "aws:cloudformation:stack" else said.get("directoryName")
        )
        if not isinstance(location, str):
            continue
        try:
            if kind == "aws:cloudformation:stack":
                yield clipped(name, 80), files.path(folder, location), _region(artifact.get("environment"))
            elif kind == "cdk:cloud-assembly" and depth < _DEEPEST:
                yield from _stacks(files.path(folder, f"{location}/{MANIFEST}").parent, files, depth + 1)
        except NotFollowedError:
            continue


def _note_uploads(folder: Path, files: FolderFiles) -> None:
    """Note which templates of an assembly are uploaded under which name; nested stacks are named by it."""
    for manifest in sorted(folder.glob("*.assets.json")):
        data = read_document(manifest).data
        assets = data.get("files") if isinstance(data, dict) else None
        for asset in assets.values() if isinstance(assets, dict) else ():
            location = at(asset, "source", "path")
            if not isinstance(location, str) or not location.endswith(_TEMPLATES):
                continue
            destinations = at(asset, "destinations")
            for one in destinations.values() if isinstance(destinations, dict) else ():
                key = at(one, "objectKey")
                try:
                    if isinstance(key, str):
                        files.upload(key.rsplit("/", 1)[-1], files.path(folder, location))
                except NotFollowedError:
                    continue


def _region(environment: Any) -> str | None:
    region = (
        environment.rsplit("/", 1)[-1]
        if isinstance(environment, str) and environment.startswith("aws://")
        else ""
    )
    return None if not region or region.startswith("unknown") else region
