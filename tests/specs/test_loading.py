"""Scenario files: what loads, and one clear error for each way to be wrong."""

from pathlib import Path

import pytest

from lambdasim.errors import ScenarioError
from lambdasim.specs import ScenarioSpec, load_scenario, load_scenario_text

SCENARIOS = sorted((Path(__file__).parents[2] / "notebooks" / "scenarios").glob("*.yaml"))
GOOD = """name: t
start: 2026-11-01T00:00:00Z
duration: 1d
functions:
  - name: f
    traffic: {constant: {rate_per_s: 1}}
"""


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_shipped_scenarios_load_and_survive_a_round_trip(path: Path) -> None:
    spec = load_scenario(path)
    again = ScenarioSpec.model_validate(spec.model_dump(mode="json", by_alias=True))
    assert again.scenario_hash() == spec.scenario_hash()


HOSTILE = {
    "unknown key": (GOOD + "regin: us-east-1\n", ":7: regin: unknown key; did you mean region?"),
    "duplicate key": (GOOD + "name: u\n", ":7: name: is given twice, first in line 1"),
    "two documents": (GOOD + "---\na: 1\n", "must hold one document, got 2"),
    "alias": ("a: &x 1\n" + GOOD, ":1: anchors and aliases are not allowed"),
    "python tag": (GOOD + "seed: !!python/object/apply:os.system [ls]\n", ":7:"),
    "own tag": (GOOD + "seed: !x 1\n", "tag !x is not allowed"),
    "nesting": ("a: " + "[" * 30 + "]" * 30 + "\n", "is nested deeper than 20"),
    "sexagesimal": (GOOD + "seed: 1:30\n", "must be a plain number, or quoted text, got 1:30"),
    "not a number": (GOOD.replace("rate_per_s: 1", "rate_per_s: .nan"), "got .nan"),
    "infinity": (GOOD.replace("rate_per_s: 1", "rate_per_s: .inf"), "got .inf"),
    "yes": (GOOD + "free_tier: yes\n", "must be true or false or quoted text, got yes"),
    "empty": ("", "must be a mapping"),
    "a list": ("- 1\n", "must be a mapping"),
    "not yaml": ("a: [1\n", "is not YAML"),
    "small memory": (
        GOOD.replace("traffic", "memory_mb: 64\n    traffic"),
        "must be between 128 and 10240 MB, got 64",
    ),
    "long timeout": (GOOD.replace("traffic", "timeout: 901s\n    traffic"), "must be between 1 and 900 s"),
    "no unit": (GOOD.replace("traffic", "timeout: 30\n    traffic"), "which has no unit"),
    "queue": (GOOD.replace("traffic", "trigger: {type: sqs}\n    traffic"), "sqs is not modelled yet"),
    "no offset": (GOOD.replace("00Z", "00"), "a moment with an offset from UTC"),
    "region": (GOOD + "region: us-east-9\n", "must be one of"),
    "absolute file": (
        GOOD.replace("traffic", "work: {cpu_ms: {empirical: {file: /etc/passwd}}}\n    traffic"),
        "must be relative to the scenario file",
    ),
    "missing trace": (
        GOOD.replace("constant: {rate_per_s: 1}", "trace: nowhere.csv"),
        ":6: functions.0.traffic.trace: must be an existing regular file",
    ),
    "trace outside by absolute path": (
        GOOD.replace("constant: {rate_per_s: 1}", "trace: /etc/passwd"),
        "must be relative to the scenario file",
    ),
    "no law of CPU time": (
        GOOD.replace("traffic", "work: {cpu_law: quota}\n    traffic"),
        "work.cpu_law: must be straight, or {quota: {first_check: fourth_tick, waits: 0}}, got 'quota'",
    ),
    "an unknown first check": (
        GOOD.replace("traffic", "work: {cpu_law: {quota: {first_check: third_tick}}}\n    traffic"),
        ":6: functions.0.work.cpu_law.quota.first_check: must be one of every_tick, fourth_tick, got 'third_tick'",
    ),
    "waits below none": (
        GOOD.replace("traffic", "work: {cpu_law: {quota: {waits: -1}}}\n    traffic"),
        "functions.0.work.cpu_law.quota.waits: must be at least 0, got -1",
    ),
    "a fault within a law": (
        GOOD.replace("traffic", "work: {cpu_ms: {lognormal: {p50: 3, p95: 2}}}\n    traffic"),
        "functions.0.work.cpu_ms.lognormal.p95: must be greater than p50 (3), got 2",
    ),
    "unreserved minimum": (
        GOOD.replace("traffic", "reserved_concurrency: 901\n    traffic"),
        "must leave 100 of 1000",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_faulty_file_gets_one_clear_error(name: str) -> None:
    text, expected = HOSTILE[name]
    with pytest.raises(ScenarioError) as caught:
        load_scenario_text(text, name="s.yaml")
    assert expected in str(caught.value)
    assert all(len(line) < 800 for line in str(caught.value).splitlines())


def test_all_faults_of_a_file_are_told_at_once() -> None:
    text = GOOD.replace("traffic", "memory_mb: 64\n    timeout: 0s\n    traffic") + "seed: -1\n"
    with pytest.raises(ScenarioError) as caught:
        load_scenario_text(text)
    assert [fault.field for fault in caught.value.faults] == [
        "functions.0.memory_mb",
        "functions.0.timeout",
        "seed",
    ]


def test_bytes_that_are_not_utf8_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="must be UTF-8"):
        load_scenario_text(b"name: \xff\n")
    with pytest.raises(ScenarioError, match="must be an existing regular file"):
        load_scenario(tmp_path)
