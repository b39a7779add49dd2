"""What was found becomes a folder that loads, says what it assumes, and gives nothing away."""

import json
import re
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdasim.errors import NotModelledWarning, TemplateError
from lambdasim.specs import load_scenario, load_scenario_text
from lambdasim.templates.found import (
    Found,
    FoundFunction,
    FoundProvisioned,
    FoundSource,
    Given,
    Remark,
    environment_bytes,
)
from lambdasim.templates.reading import read_source
from lambdasim.templates.writing.commented_yaml import commented_yaml, plain
from lambdasim.templates.writing.draft import draft_scenario
from lambdasim.templates.writing.scenario_writer import scenario_files, write_folder
from lambdasim.templates.writing.sources import valid_schedule

HTTP = FoundSource("api_gateway_http", "HttpApi Get")


def found(*functions: FoundFunction) -> Found:
    return Found("SAM template", "template.yaml", functions)


def written(folder: Path, *functions: FoundFunction) -> Path:
    facts = found(*functions)
    write_folder(scenario_files(facts, draft_scenario(facts)), folder)
    return folder


def test_the_folder_loads_and_marks_what_was_assumed(tmp_path: Path) -> None:
    one = FoundFunction(
        "Api", "orders-api", memory_mb=512, timeout_s=20, architecture="arm64", runtime="python3.12",
        sources=(HTTP,), reserved_concurrency=7, ephemeral_mb=1024, environment_bytes=99, layers=2,
        provisioned=(FoundProvisioned(3),), tags=(("team", "web"),), given={"timeout_s": Given.DEFAULT},
    )  # fmt: skip
    folder = written(tmp_path / "app", one)
    spec = load_scenario(folder / "scenario.yaml").function("orders-api")
    assert (spec.memory_mb, spec.timeout_us, spec.architecture.value, spec.runtime) == (
        512,
        20_000_000,
        "arm64",
        "python3.12",
    )
    assert (spec.reserved_concurrency, spec.ephemeral_mb, spec.environment_bytes) == (7, 1024, 99)
    assert (spec.layers, spec.tags, spec.trigger.type.value) == (2, {"team": "web"}, "api_gateway_http")
    assert [step.count for step in spec.provisioned_concurrency] == [3]
    text = (folder / "scenario.yaml").read_text()
    assert "timeout: 20s  # the default; not in the file" in text
    assert re.search(r"memory_mb: 512\n", text)
    assert "rate_per_s: 0.1  # assumed" in text
    assert "| orders-api | traffic |" in (folder / "README.md").read_text()


def test_a_vpc_is_taken_over_and_said_to_have_no_effect(tmp_path: Path) -> None:
    folder = written(tmp_path, FoundFunction("F", "F", vpc=True))
    with pytest.warns(NotModelledWarning, match="vpc: has no effect"):
        assert load_scenario(folder).function("F").vpc


def test_schedules_are_exact(tmp_path: Path) -> None:
    def timed(name: str, *schedules: str, **more: object) -> FoundFunction:
        sources = tuple(FoundSource("schedule", f"Schedule {text}", (text,), **more) for text in schedules)  # type: ignore[arg-type]
        return FoundFunction(name, name, sources=sources)

    two = timed("Two", "rate(1 hour)", "cron(30 8 * * ? *)")
    folder = written(
        tmp_path, timed("One", "rate(5 minute)"), two, timed("Off", "rate(1 hour)", enabled=False)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotModelledWarning)
        spec = load_scenario(folder / "scenario.yaml")
    assert spec.function("One").traffic.schedule == "rate(5 minutes)"
    moments = (folder / "traffic" / "Two.csv").read_text().split()[1:]
    assert len(moments) == 30 * 24 + 30
    assert spec.function("Off").traffic.constant is not None
    assert spec.function("Off").traffic.constant.rate_per_s == 0


def test_what_no_platform_takes_is_brought_into_its_limits(tmp_path: Path) -> None:
    odd = FoundFunction(
        "F", "a function/with: odd — name" * 9, memory_mb=10**30, timeout_s=0, runtime="cobol85", snap_start=True,
        environment_bytes=10**9, layers=99, ephemeral_mb=1, reserved_concurrency=2, provisioned=(FoundProvisioned(5),),
        sources=(FoundSource("schedule", "Schedule", ("cron(61 * * * ? *)",)),),
    )  # fmt: skip
    folder = written(
        tmp_path, odd, replace(odd, resource="G"), replace(odd, resource="H", package_type="image")
    )
    spec = load_scenario(folder / "scenario.yaml")
    assert [one.memory_mb for one in spec.functions] == [10_240] * 3
    assert len({one.name for one in spec.functions}) == 3
    assert "lies outside 128 to 10,240" in (folder / "README.md").read_text()


def test_reserved_concurrency_raises_the_accounts(tmp_path: Path) -> None:
    folder = written(tmp_path, *(FoundFunction(name, name, reserved_concurrency=600) for name in ("A", "B")))
    assert load_scenario(folder / "scenario.yaml").account.concurrency == 1_300


def test_nothing_to_simulate_is_one_error() -> None:
    with pytest.raises(TemplateError, match=r"template.yaml: has no function to simulate \(SAM template\)"):
        draft_scenario(found())
    left = replace(found(), left_out=(Remark("Hook", "custom resource"),))
    with pytest.raises(TemplateError, match="its 1 run only at a deployment"):
        draft_scenario(left)
    with pytest.raises(TemplateError, match="at most 10,000"):
        draft_scenario(found(*(FoundFunction(f"F{k}", f"F{k}") for k in range(10_001))))


def test_a_folder_that_a_person_changed_is_not_replaced(tmp_path: Path) -> None:
    written(tmp_path, FoundFunction("F", "F"))
    written(tmp_path, FoundFunction("F", "F", memory_mb=256))
    path = tmp_path / "scenario.yaml"
    path.write_text(path.read_text().replace("256", "333"))
    with pytest.raises(
        TemplateError, match=r"scenario.yaml: was changed since it was imported; use --refresh"
    ):
        written(tmp_path, FoundFunction("F", "F", memory_mb=512))
    assert "333" in path.read_text()


def test_files_of_others_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(TemplateError, match=r"README.md: is there already"):
        written(tmp_path, FoundFunction("F", "F"))
    assert not (tmp_path / "scenario.yaml").exists()
    (tmp_path / "README.md").unlink()
    (tmp_path / "imported.json").write_text("{}")
    with pytest.raises(TemplateError, match=r"imported.json: is not a record of an import"):
        written(tmp_path, FoundFunction("F", "F"))


def test_names_from_a_file_are_neither_markup_nor_escapes(tmp_path: Path) -> None:
    evil = "<script>\x1b[2J](x)|\n# a"
    source = FoundSource("sns", evil, stands_for=evil)
    folder = written(
        tmp_path,
        FoundFunction(evil, evil, sources=(source,), runtime=evil, tags=((evil, evil),), notes=(evil,)),
    )
    load_scenario(folder / "scenario.yaml")
    for name in ("README.md", "scenario.yaml"):
        assert "\x1b" not in (folder / name).read_text()
    assert "<script>" not in (folder / "README.md").read_text()


def test_the_environment_is_counted_and_not_kept() -> None:
    assert (
        environment_bytes({"KEY": "geheim", "N": 12, "T": {"Ref": "X"}, "ü": True})
        == 3 + 6 + 1 + 2 + 1 + 64 + 2 + 4
    )


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("rate(5 minute)", "rate(5 minutes)"),
        ("rate(1 hours)", "rate(1 hour)"),
        ("cron(5, 0, 1, *, ?, *)", "cron(5 0 1 * ? *)"),
        ("cron(* * * * ? *)", "cron(* * * * ? *)"),
        ("cron(0 12 * * * *)", "cron(0 12 * * ? *)"),
        ("cron(${CronSchedule})", None),
        ("at(2026-11-20T13:00:00)", None),
        ("", None),
    ],
)
def test_schedules_as_people_write_them(text: str, valid: str | None) -> None:
    assert valid_schedule(text) == valid


WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=9)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(0, 1e9) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=150)
@given(st.dictionaries(WORDS, values, min_size=1, max_size=4))
def test_commented_yaml_reads_back(data: dict[str, object]) -> None:
    from lambdasim.templates.documents import parse_document

    assert parse_document(commented_yaml(data), "t").data == plain(data)


def test_the_record_holds_values_alone(tmp_path: Path) -> None:
    folder = written(tmp_path, FoundFunction("F", "F", sources=(HTTP,)))
    record = json.loads((folder / "imported.json").read_text())
    assert record["scenario"]["functions"][0]["memory_mb"] == 128
    assert load_scenario_text(json.dumps(record["scenario"])).functions[0].name == "F"


def test_a_schedule_keeps_its_time_zone(tmp_path: Path) -> None:
    said = {"ScheduleExpression": "cron(0 8 * * ? *)", "ScheduleExpressionTimezone": "Europe/Berlin"}
    events = {"Morning": {"Type": "ScheduleV2", "Properties": said}}
    tick = {"Type": "AWS::Serverless::Function", "Properties": {"Runtime": "python3.13", "Events": events}}
    template = {"Resources": {"Tick": tick}}
    (tmp_path / "template.json").write_text(json.dumps(template))
    facts = read_source(tmp_path / "template.json")
    write_folder(scenario_files(facts, draft_scenario(facts)), tmp_path / "app")
    assert not facts.not_modelled
    schedule = load_scenario(tmp_path / "app").functions[0].traffic.schedule
    assert schedule == "cron(0 8 * * ? *) Europe/Berlin"


def test_a_thousand_functions_load(tmp_path: Path) -> None:
    many = [
        replace(
            FoundFunction(f"F{k}", f"function-{k:04}", memory_mb=512, runtime="python3.13"), sources=(HTTP,)
        )
        for k in range(1_650)
    ]
    facts = found(*many)
    write_folder(scenario_files(facts, draft_scenario(facts)), tmp_path)
    assert (tmp_path / "scenario.yaml").stat().st_size > 1_000_000
    assert len(load_scenario(tmp_path).functions) == 1_650
