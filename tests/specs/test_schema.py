"""The checked-in JSON Schema is the specs', and takes what scenario files say."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from lambdasim.specs import load_scenario
from lambdasim.specs.schema import scenario_schema

CHECKED_IN = Path("docs/scenario.schema.json")
SCENARIOS = sorted(Path("notebooks/scenarios").glob("*.yaml"))
SMALLEST = {
    "name": "t",
    "start": "2026-11-01T00:00:00Z",
    "duration": "1h",
    "functions": [{"name": "f", "traffic": {"constant": {"rate_per_s": 1}}}],
}


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft202012Validator:
    """That it is a schema is tested below, once; `jsonschema.validate` would look at each call."""
    return jsonschema.Draft202012Validator(scenario_schema())


def test_the_checked_in_schema_is_what_the_specs_say() -> None:
    assert json.loads(CHECKED_IN.read_text(encoding="utf-8")) == scenario_schema(), (
        "run `lambdasim schema > docs/scenario.schema.json`"
    )


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(scenario_schema())


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_it_takes_our_scenarios(path: Path, schema: jsonschema.Draft202012Validator) -> None:
    content = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    schema.validate(json.loads(json.dumps(content, default=str)))
    load_scenario(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("memory_mb", 64), ("memory_mb", "1 GB"), ("timeout", 30), ("wrok", {}), ("work", {"io_ms": -1}), ("layers", 6),
     ("work", {"parallel_fraction": 1.5}), ("work", {"cpu_ms": {"lognormal": {"p50": 3}, "fixed": 2}})],
)  # fmt: skip
def test_it_refuses_what_a_field_alone_can_tell(
    key: str, value: object, schema: jsonschema.Draft202012Validator
) -> None:
    schema.validate(SMALLEST)
    function = SMALLEST["functions"][0] | {key: value}  # type: ignore[index]
    with pytest.raises(jsonschema.ValidationError):
        schema.validate(SMALLEST | {"functions": [function]})
