"""Templates in the shapes that people publish, with the right answer beside each: see ``shapes/``.

Each function has memory [MB], timeout [s], architecture and the types of its triggers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from lambdasim.errors import TemplateError
from lambdasim.specs import load_scenario
from lambdasim.templates.reading import read_source
from lambdasim.templates.writing.draft import draft_scenario
from lambdasim.templates.writing.scenario_writer import scenario_files, write_folder

SHAPES = {
    f"{path.stem}: {case['name']}": case
    for path in sorted((Path(__file__).parent / "shapes").glob("*.yaml"))
    for case in yaml.safe_load(path.read_text(encoding="utf-8"))
}


def answers(case: dict[str, Any], folder: Path) -> dict[str, list[Any]]:
    for name, text in case["files"].items():
        path = folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8", newline="")
    entry = folder / "in" / case.get("entry", next(iter(case["files"])))
    found = read_source(entry, case.get("parameters"), None, case.get("stage"))
    draft = draft_scenario(found)
    write_folder(scenario_files(found, draft), folder / "app")
    resources = {name: resource for resource, name in draft.names.items()}
    answers: dict[str, list[Any]] = {}
    for one in load_scenario(folder / "app").functions:
        settings = [one.memory_mb, one.timeout_us // 1_000_000, one.architecture.value]
        held = answers.setdefault(resources[one.shares or one.name], [*settings, []])
        held[3] = sorted({*held[3], one.trigger.type.value})
    return answers


@pytest.mark.filterwarnings("ignore::lambdasim.errors.NotModelledWarning")
@pytest.mark.parametrize("name", SHAPES)
def test_a_template_gives_its_functions_or_one_reason(name: str, tmp_path: Path) -> None:
    case = SHAPES[name]
    if "error" in case:
        with pytest.raises(TemplateError) as refused:
            answers(case, tmp_path)
        assert case["error"] in str(refused.value)
        assert len(refused.value.faults) == 1
    else:
        assert answers(case, tmp_path) == case["functions"]
