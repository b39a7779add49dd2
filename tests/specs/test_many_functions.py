"""Accounts of thousands of functions are read quickly, and read as small ones are."""

import pytest

from lambdasim import yaml_text
from lambdasim.errors import ScenarioError
from lambdasim.specs import load_scenario_text


def text(number: int, memory_mb: int = 128) -> str:
    listed = "\n".join(
        f"- {{name: f{place}, memory_mb: {memory_mb}, traffic: {{constant: {{rate_per_s: 1}}}}}}"
        for place in range(number)
    )
    return f"name: many\nstart: 2026-11-01T00:00:00Z\nduration: 1h\nfunctions:\n{listed}\n"


def test_too_many_are_refused_whether_or_not_they_are_right() -> None:
    for memory_mb in (128, 1):
        with pytest.raises(ScenarioError) as caught:
            load_scenario_text(text(10_001, memory_mb))
        told = "scenario:4: functions: must have at most 10000 items, got 10001"
        assert str(caught.value).splitlines() == [told]


def test_every_fault_of_many_functions_is_counted() -> None:
    with pytest.raises(ScenarioError, match="and 200 more faults"):
        load_scenario_text(text(300, memory_mb=1))


def test_a_function_is_found_by_its_name_in_a_copy_with_others() -> None:
    scenario = load_scenario_text(text(3))
    assert scenario.function("f2").name == "f2"
    copy = scenario.model_copy(update={"functions": scenario.functions[:2]})
    with pytest.raises(ScenarioError, match="must be one of f0, f1"):
        copy.function("f2")
    assert scenario == load_scenario_text(text(3))


@pytest.mark.parametrize(
    "broken", ["", "  bad: [", "  a: &x 1", "  a: !x 1", "\x07", "  a: 012", "name: twice"]
)
def test_long_files_are_read_as_short_ones(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = f"{text(3)}{broken}\n"

    def read() -> object:
        try:
            return yaml_text.read_yaml(content, "x")
        except Exception as error:
            return type(error), str(error)

    short = read()
    monkeypatch.setattr(yaml_text, "_LONG", 0)
    assert read() == short
