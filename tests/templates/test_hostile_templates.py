"""Templates with junk anywhere give functions or one clear error, never a traceback, and a scenario that loads."""
# ruff: noqa: E501, PT017

import copy
import json
import tempfile
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdasim.errors import NotModelledWarning, TemplateError
from lambdasim.specs import load_scenario
from lambdasim.templates.reading import read_source
from lambdasim.templates.writing.draft import draft_scenario
from lambdasim.templates.writing.scenario_writer import scenario_files, write_folder
from tests.templates.test_round_trip import Truth, as_cloudformation, as_sam, as_serverless, as_terraform

SOURCES = ("http", "rest", "url", "schedule", "sqs")
TRUTHS = [
    Truth(f"f{k}", 256, 9, "arm64", "python3.12", 1024, 1, True, False, 3, 2, 1, 90, "destination", (("a", "b"),), source, 5, 60)
    for k, source in enumerate(SOURCES)
]  # fmt: skip
WHOLE = [
    json.loads(json.dumps(render(TRUTHS)))
    for render in (as_sam, as_cloudformation, as_terraform, as_serverless)
]
JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**30), 10**30), st.floats(allow_nan=False), st.text(max_size=12),
    st.sampled_from([
        [], {}, [[]], [None], {"": None}, {"Ref": 5}, {"Ref": {"Ref": "x"}}, {"Fn::GetAtt": []}, {"Fn::GetAtt": [{}, {}]},
        {"Fn::Sub": []}, {"Fn::Sub": ["${a}", 5]}, {"Fn::Join": [None, 5]}, {"Fn::Select": [99, {"Ref": "AWS::Region"}]},
        {"Fn::If": ["x", 1, 2]}, {"Fn::FindInMap": [1, 2, 3]}, {"Fn::Split": [",", 5]}, {"Fn::ImportValue": None},
        {"Fn::Transform": {"Name": "AWS::Include", "Parameters": 5}}, {"Ref": "AWS::NoValue"}, "${self:custom.a, opt:b}",
        "${file(x.yml):a}", "rate(0 minutes)", "cron()", "{{resolve:ssm:x}}", {"references": [5, "var.x", "module.a.b", "a.b[0]"]},
        "arn:aws:lambda:x:123456789012:function:f1", "\x1b[2J\u202e", "9" * 400, ["a", {"b": 1}], {"Type": 5, "Properties": 5},
    ]),
)  # fmt: skip


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at] if at else []
    if isinstance(value, dict):
        for key, held in value.items():
            found += places(held, (*at, key))
    elif isinstance(value, list):
        for number, held in enumerate(value):
            found += places(held, (*at, number))
    return found


PLACES = [places(one) for one in WHOLE]


@st.composite
def spoilt(draw: st.DrawFn) -> Any:
    which = draw(st.integers(0, len(WHOLE) - 1))
    data = copy.deepcopy(WHOLE[which])
    for _ in range(draw(st.integers(1, 4))):
        *way, last = draw(st.sampled_from(PLACES[which]))
        held: Any = data
        try:
            for key in way:
                held = held[key]
            held[last] = draw(JUNK)
        except (KeyError, IndexError, TypeError):
            continue
    return data


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
@given(spoilt())
def test_junk_gives_functions_or_one_error(data: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.json"
        path.write_text(json.dumps(data))
        try:
            found = read_source(path)
            draft = draft_scenario(found)
            write_folder(scenario_files(found, draft), Path(folder) / "app")
        except TemplateError as error:
            assert len(error.faults) == 1
            assert "\x1b" not in str(error)
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotModelledWarning)
            load_scenario(Path(folder) / "app")
        for written in (Path(folder) / "app").rglob("*.*"):
            text = written.read_text()
            assert "\x1b" not in text
            assert "123456789012" not in text


@settings(max_examples=80)
@given(st.sampled_from(WHOLE), st.integers(0, 10_000), st.binary(max_size=4))
def test_a_file_cut_or_spoilt_in_its_bytes_is_one_error_or_is_read(data: Any, at: int, junk: bytes) -> None:
    content = json.dumps(data, indent=1).encode()
    at %= len(content)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.json"
        path.write_bytes(content[:at] + junk + content[at + len(junk) :] if junk else content[:at])
        try:
            read_source(path)
        except TemplateError as error:
            assert len(error.faults) == 1


@pytest.mark.parametrize("name", ["..", ".", "a\0b", "x" * 5_000])
def test_odd_paths_are_one_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(TemplateError):
        read_source(tmp_path / "none" / name)
