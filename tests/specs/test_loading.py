"""Scenario files: what loads, and one clear error for each way to be wrong."""

from pathlib import Path

import pytest

from lambdasim import yaml_text
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
    "two documents": (GOOD + "---\na: 1\n", ": a second document begins here; must hold one"),
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
    "long timeout": (GOOD.replace("traffic", "timeout: 1801s\n    traffic"), "must be between 1 and 1800 s"),
    "no unit": (GOOD.replace("traffic", "timeout: 30\n    traffic"), "which has no unit"),
    "queue": (
        GOOD.replace("traffic", "trigger: {type: sqs, queue: {maximum_concurrency: 1}}\n    traffic"),
        "must be between 2 and 1000 batches, got 1",
    ),
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
        "must be at most 900: of 1000 100 stay unreserved",
    ),
    "a number of many digits": (
        GOOD + f"seed: {'9' * 500}\n",
        ":7: seed: must be a number of at most 64 bits",
    ),
    "a number beyond all": (GOOD.replace("rate_per_s: 1", "rate_per_s: 1e400"), "must be finite, got 1e400"),
    "octal": (GOOD.replace("traffic", "memory_mb: 0200\n    traffic"), "must be a plain number"),
    "a law beyond all": (
        GOOD.replace("traffic", "work: {io_ms: {exponential: {mean: 1.0e+308}}}\n    traffic"),
        "exponential.mean: must be at most 1000000000000000",
    ),
    "a law next to nothing": (
        GOOD.replace("traffic", "work: {io_ms: {lognormal: {p50: 1.0e-300, p95: 1}}}\n    traffic"),
        "lognormal.p50: must be at least 1e-15, got 1e-300",
    ),
    "an escape sequence": (GOOD.replace("name: t", r'name: "\e[31m"'), "name: must be text without control"),
    "half a character": (GOOD.replace("name: t", r'name: "\uD800"'), "name: must be text without control"),
    "text turned around": (GOOD.replace("name: t", "name: \u202etxt"), "name: must be text without control"),
    "an escape sequence in a key": (GOOD + r'"\e[31m": 1' + "\n", r":7: \x1b[31m: unknown key"),
    "a long key": (GOOD + f'"{"k" * 900}": 1\n', f":7: {'k' * 39}…: unknown key"),
    "a long name": (
        GOOD.replace("name: t", f"name: {'t' * 5000}"),
        "name: must have at most 4096 characters",
    ),
    "a NUL byte": (GOOD + "\n\0", ":8: is not YAML: has the control character U+0000"),
    "a tag on a list": (
        GOOD.replace("functions:", "functions: !!python/tuple"),
        "functions: tag tag:yaml.org",
    ),
    "seconds since 1970": (GOOD.replace("2026-11-01T00:00:00Z", "1700000000"), "start: must be a moment"),
    "days since 1970": (GOOD + "price_date: 20000\n", "price_date: must be a date, such as 2026-11-01"),
    "the end of time": (GOOD.replace("2026-11-01", "9999-12-31"), "start: must lie between the years"),
    "before the first rates": (
        GOOD.replace("2026-11-01", "2010-11-01"),
        "start: must be 2020-12-01 or later",
    ),
    "a long file name": (
        GOOD.replace("constant: {rate_per_s: 1}", f"trace: {'a' * 3000}"),
        "must be an existing",
    ),
    "digits of another script": (
        GOOD + "platform: {keep_alive: ٣٠s}\n",
        ":7: platform.keep_alive: must be a number with a unit",
    ),
    "none of two kinds": (
        GOOD + "platform: {keep_alive: forever}\n",
        ":7: platform.keep_alive: must be a number with a unit: us, ms, s, min, h, d or w, such as 250ms, 30s, "
        "1.5h or 30d, or measured-2025, got 'forever'",
    ),
    "no unit, and another kind": (GOOD + "platform: {keep_alive: 5}\n", "got 5, which has no unit"),
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


def test_a_number_may_have_an_exponent() -> None:
    spec = load_scenario_text(GOOD.replace("rate_per_s: 1", "rate_per_s: 1e3"))
    assert spec.functions[0].traffic.constant is not None
    assert spec.functions[0].traffic.constant.rate_per_s == 1000


def test_very_many_faults_are_counted_not_listed() -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario_text(GOOD + "".join(f"k{number}: 1\n" for number in range(1000)))
    assert len(caught.value.faults) == 101
    assert caught.value.faults[-1].message == "and 900 more faults"


def test_a_file_of_too_many_values_is_refused_where_they_become_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two thousand here; of as many as are allowed the reader takes seconds."""
    assert yaml_text._MOST_LISTED == 200_000
    monkeypatch.setattr(yaml_text, "_MOST_LISTED", 2_000)
    with pytest.raises(ScenarioError, match=r":7: must have at most 2,000 keys and values"):
        load_scenario_text(GOOD + "x: [" + "1," * 2_100 + "1]\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"ms\n1\n1,5\n", "v.csv, row 3: must have 1 fields, and a number of at least 0 as ms, got '1,5'"),
        (b"ms\n1\n1_0\n", "v.csv, row 3"),
        (b"ms\n1\n-1\n", "v.csv, row 3"),
        (b"ms\ninf\n", "v.csv, row 2"),
        ("ms\n٣\n".encode(), "v.csv, row 2"),
        (b"ms,ms\n1,2\n", "must be one of ms, ms"),
        (b"ms\n" + b"1" * 200_000 + b"\n", "v.csv must be CSV: field larger"),
        (b'ms\n"1\n2\n', "v.csv must be CSV: unexpected end"),
        ("ms\n1\n".encode("utf-16"), "v.csv must be UTF-8 text"),
        (b"\x1f\x8bx", "v.csv must be UTF-8 text, and not packed"),
        (b"", "v.csv: column must be one of"),
        (b"ms\n" + b"1\n" * 1_000_001, "must have at most 1000000 values"),
    ],
    ids=lambda value: None,
)
def test_a_faulty_file_of_observed_values_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "v.csv").write_bytes(content)
    text = GOOD.replace("traffic", "work: {io_ms: {empirical: {file: v.csv}}}\n    traffic")
    with pytest.raises(ScenarioError) as caught:
        load_scenario_text(text, name="s.yaml", base_dir=tmp_path)
    assert "s.yaml:6: functions.0.work.io_ms.empirical: " in str(caught.value)
    assert message in str(caught.value)


def test_observed_values_with_blank_lines_and_a_mark_of_their_encoding(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_bytes(b"\xef\xbb\xbfms\r\n1\r\n\r\n2.5e1\r\n\r\n")
    text = GOOD.replace("traffic", "work: {io_ms: {empirical: {file: v.csv}}}\n    traffic")
    law = load_scenario_text(text, base_dir=tmp_path).functions[0].work.io_ms
    assert law.mean() == 13


def test_bytes_that_are_not_utf8_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="must be UTF-8"):
        load_scenario_text(b"name: \xff\n")
    with pytest.raises(ScenarioError, match="must be an existing regular file"):
        load_scenario(tmp_path / "none.yaml")


def test_a_folder_with_one_scenario_is_a_scenario(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"has no scenario.yaml; name the scenario file"):
        load_scenario(tmp_path)
    (tmp_path / "one.yml").write_text(GOOD)
    assert load_scenario(tmp_path) == load_scenario(tmp_path / "one.yml")
    (tmp_path / "two.yaml").write_text(GOOD)
    with pytest.raises(ScenarioError, match=r"has 2 YAML files and none is scenario.yaml"):
        load_scenario(tmp_path)
    (tmp_path / "scenario.yaml").write_text(GOOD)
    assert load_scenario(tmp_path).base_dir == tmp_path


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Transform: AWS::Serverless-2016-10-31\nGlobals: {}\nResources: {F: !Ref X}\n", "is a SAM template"),
        ("Resources:\n  F: {Type: AWS::Lambda::Function, Timeout: !Ref T}\n", "is a CloudFormation template"),
        ('{"format_version": "1.2", "planned_values": {}}', "is Terraform's JSON"),
        (
            "version: 0.1\nresource_usage:\n  aws_lambda_function.x: {monthly_requests: 1}\n",
            "is an Infracost usage file",
        ),
        ("service: s\nprovider:\n  name: aws\nfunctions:\n  f: {handler: x}\n", "is a serverless.yml"),
    ],
)
def test_what_is_no_scenario_is_named_in_one_line(text: str, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario_text(text)
    assert len(caught.value.faults) == 1
    assert told in str(caught.value)
    assert "lambdasim import" in str(caught.value)
