"""Every fault of a scenario is reported in one go: those of single fields, and those between fields."""

import warnings
from copy import deepcopy
from itertools import combinations
from typing import Any

import pytest
import yaml

from lambdasim.errors import NotModelledWarning, ScenarioError
from lambdasim.specs import load_scenario_text

GOOD: dict[str, Any] = {
    "name": "t",
    "start": "2026-11-01T00:00:00Z",
    "duration": "1d",
    "functions": [
        {"name": "f", "traffic": {"constant": {"rate_per_s": 1}}},
        {"name": "g", "work": {"cpu_ms": 5}, "traffic": {"poisson": {"rate_per_s": 1}}},
        {"name": "h", "traffic": {"constant": {"rate_per_s": 1}, "start": "1h", "stop": "2h"}},
    ],
}

FAULTS: dict[str, tuple[tuple[str | int, ...], Any]] = {
    "a region (between fields)": (("region",), "mars"),
    "a seed (of a field)": (("seed",), -1),
    "a memory size (of a field)": (("functions", 0, "memory_mb"), 1),
    "a timeout (between fields)": (("functions", 0, "timeout"), "2000s"),
    "a name that AWS refuses (between fields)": (("functions", 1, "name"), "a b"),
    "an unknown key (of a field)": (("functions", 1, "work", "cpu"), 5),
    "two sources (between fields)": (("functions", 2, "traffic", "poisson"), {"rate_per_s": 1}),
    "a stop before the start (between fields)": (("functions", 2, "traffic", "stop"), "30min"),
    "failures above 1 (between fields)": (
        ("functions", 2, "work"), {"error_probability": 0.6, "crash_probability": 0.6},
    ),
    "too little concurrency (between fields)": (("account",), {"concurrency": 100, "scaling_burst": 0}),
}  # fmt: skip


def with_faults(*names: str) -> str:
    content = deepcopy(GOOD)
    for name in names:
        (*path, key), value = FAULTS[name]
        place: Any = content
        for step in path:
            place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
        place[key] = value
    return yaml.safe_dump(content)


def told(*names: str) -> set[tuple[str, str]]:
    with pytest.raises(ScenarioError) as refused:
        load_scenario_text(with_faults(*names))
    return {(fault.field, fault.message) for fault in refused.value.faults}


ALONE = {name: told(name) for name in FAULTS}


def test_each_fault_is_one() -> None:
    assert all(len(found) == 1 for found in ALONE.values())


@pytest.mark.parametrize("pair", list(combinations(FAULTS, 2)), ids=" and ".join)
def test_two_faults_are_told_together_as_they_are_alone(pair: tuple[str, str]) -> None:
    assert told(*pair) == ALONE[pair[0]] | ALONE[pair[1]]


def test_all_faults_are_told_together() -> None:
    assert told(*FAULTS) == set().union(*ALONE.values())


def test_a_name_given_again_is_told_beside_a_faulty_function_at_its_place_in_the_file() -> None:
    content = deepcopy(GOOD)
    content["functions"][0]["memory_mb"] = 1
    content["functions"][2]["name"] = "g"
    with pytest.raises(ScenarioError) as refused:
        load_scenario_text(yaml.safe_dump(content))
    assert [fault.field for fault in refused.value.faults] == ["functions.0.memory_mb", "functions.2.name"]


def test_what_rests_on_a_faulty_field_is_not_guessed() -> None:
    """A rate may be missing from a list only because it is no number: its length says nothing."""
    content = deepcopy(GOOD)
    content["functions"][0]["traffic"] = {
        "bursty": {"rates_per_s": [1, "x", 2], "mean_sojourns": ["1s", "2s", "3s"]}
    }
    with pytest.raises(ScenarioError) as refused:
        load_scenario_text(yaml.safe_dump(content))
    assert [fault.field for fault in refused.value.faults] == ["functions.0.traffic.bursty.rates_per_s.1"]


def test_a_vpc_has_no_effect_and_a_warning_says_so() -> None:
    content = deepcopy(GOOD)
    content["functions"][1]["vpc"] = True
    with pytest.warns(NotModelledWarning, match=r"functions\.1\.vpc: has no effect") as said:
        load_scenario_text(yaml.safe_dump(content))
    assert len(said) == 1
    content["functions"][1]["vpc"] = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_scenario_text(yaml.safe_dump(content))


def test_what_many_functions_have_in_common_is_one_warning() -> None:
    content = deepcopy(GOOD)
    content["functions"] = [
        {**deepcopy(content["functions"][0]), "name": f"f{n}", "vpc": True} for n in range(30)
    ]
    with pytest.warns(NotModelledWarning, match=r"functions\.0\.vpc and 29 others: has no effect") as said:
        load_scenario_text(yaml.safe_dump(content))
    assert len(said) == 1
