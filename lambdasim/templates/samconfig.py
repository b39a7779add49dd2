"""Values of parameters and region from ``samconfig.toml`` beside a template."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any, Final

from lambdasim.outputs import noted_input

_FILES: Final = ("samconfig.toml",)
_MOST_BYTES: Final = 1_000_000
_LONG: Final = re.compile(r"ParameterKey=(?P<key>[^,]+),ParameterValue=(?P<value>.*)", re.DOTALL)


def sam_settings(folder: Path, environment: str = "default") -> tuple[dict[str, str], str | None]:
    """Read what ``sam deploy`` would be given.

    Parameters
    ----------
    folder : Path
        Of the template.
    environment : str
        Table of the file.

    Returns
    -------
    tuple of (dict, str or None)
        Values by parameter, and the region; empty where there is no such file, or it cannot be read.
    """
    for name in _FILES:
        try:
            noted_input(folder / name)
            with (folder / name).open("rb") as stream:
                data = tomllib.loads(stream.read(_MOST_BYTES).decode("utf-8-sig"))
        except (OSError, ValueError, RecursionError):  # a number of 5,000 digits is no TOMLDecodeError
            continue
        overrides: dict[str, str] = {}
        region = None
        table = data.get(environment)
        for command in ("global", "deploy"):
            part = table.get(command) if isinstance(table, dict) else None
            said = part.get("parameters") if isinstance(part, dict) else None
            if isinstance(said, dict):
                overrides |= parameter_overrides(said.get("parameter_overrides"))
                region = said["region"] if isinstance(said.get("region"), str) else region
        return overrides, region
    return {}, None


def parameter_overrides(said: Any) -> dict[str, str]:
    """Read overrides of parameters in any of their forms.

    Examples
    --------
    >>> parameter_overrides("Stage=prod Size='512'"), parameter_overrides(["A=1", "ParameterKey=B,ParameterValue=2"])
    ({'Stage': 'prod', 'Size': '512'}, {'A': '1', 'B': '2'})
    """
    if isinstance(said, dict):
        return {str(key): str(value) for key, value in said.items()}
    if isinstance(said, str):
        try:
            said = shlex.split(said)
        except ValueError:
            said = said.split()
    found: dict[str, str] = {}
    for one in said if isinstance(said, list) else []:
        text = str(one)
        if match := _LONG.fullmatch(text):
            found[match["key"]] = match["value"]
        elif "=" in text:
            key, _, value = text.partition("=")
            found[key.strip()] = value
    return found
