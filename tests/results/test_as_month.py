"""What a run says of a month, and where it says nothing."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from program import lambdasim

from lambdasim.results.usage.as_month import month_basis
from lambdasim.specs import load_scenario_text
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.specs.work.provisioned import ProvisionedSteps


def scenario_text(duration: str, traffic: str) -> str:
    return (
        f"name: s\nstart: 2026-11-02T00:00:00Z\nduration: {duration}\n"
        f"functions: [{{name: app, work: {{cpu_ms: 10}}, traffic: {{{traffic}}}}}]\n"
    )


def scenario_of(duration: str, traffic: str) -> ScenarioSpec:
    return load_scenario_text(scenario_text(duration, traffic))


STEADY = "poisson: {rate_per_s: 1}"
DAILY = f"poisson: {{rate_per_s: 1, daily: [{', '.join(['1'] * 23)}, 5]}}"
WEEKLY = "poisson: {rate_per_s: 1, weekly: [1, 1, 1, 1, 1, 2, 2]}"
SPIKE = f"{STEADY}, spikes: [{{at: 1h, duration: 10min, factor: 9}}]"


@pytest.mark.parametrize(
    ("duration", "traffic", "representative", "factor"),
    [
        ("1h", STEADY, True, Fraction(730)),
        ("1d", DAILY, True, Fraction(730, 24)),
        ("2h", DAILY, False, Fraction(365)),
        ("1d", WEEKLY, False, Fraction(730, 24)),
        ("7d", WEEKLY, True, Fraction(730, 168)),
        ("2h", SPIKE, False, Fraction(365)),
        ("30d", SPIKE, True, Fraction(1)),
        ("1d", f"{STEADY}, stop: 2h", False, Fraction(730, 24)),
    ],
)
def test_only_a_sample_of_a_month_is_called_one(
    duration: str, traffic: str, representative: bool, factor: Fraction
) -> None:
    basis = month_basis(scenario_of(duration, traffic))
    assert (basis.is_representative, basis.factor) == (representative, factor)
    assert basis.text().startswith("Figures are for this run") is not representative
    assert duration in basis.text(per_month=True)


def test_one_schedule_is_seen_alike_by_all_who_walk_it() -> None:
    steps = ProvisionedSteps(((0, 3), (10, 8), (40, 2), (70, 5), (100, 99)), 100)
    held = sum((end - begin) * count for begin, end, count in steps.levels())
    assert held == sum((end - begin) * count for count, begin, end in steps.allocations())
    assert sum(count for count, _, _ in steps.allocations()) == sum(grown for _, _, grown in steps.added())
    assert steps.most == 8
    assert list(ProvisionedSteps((), 100).levels()) == []


STUDIES = (
    "limits {place}/s.yaml --replications 2 --multiples 1",
    "sweep-memory {place}/s.yaml --sizes 128,256 --replications 2",
    "compare {place}/s.yaml {place}/other.yaml --replications 2",
    "break-even {place}/s.yaml --replications 2 --multiple 1",
    "platforms {place}/s.yaml --only cloud_run --replications 1",
    "safety {place}/s.yaml",
)


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.split()[0])
@pytest.mark.parametrize(("traffic", "told"), [(STEADY, "to 730 hours"), (SPIKE, "no sample of a month")])
def test_what_a_months_figures_rest_on_stands_beside_them_in_json_and_page_too(
    study: str, traffic: str, told: str, tmp_path: Path
) -> None:
    for name in ("s", "other"):
        text = scenario_text("90min", traffic).replace("name: s", f"name: {name}")
        (tmp_path / f"{name}.yaml").write_text(text)
    found = lambdasim(*study.format(place=tmp_path).split(), "--json")
    assert found.returncode == 0, found.stderr
    assert told in found.stdout.replace("scaled to", "to")
    content = json.loads(found.stdout)
    if study.startswith("limits"):
        assert content["quota"]["ask"] == content["quota"]["now"] == 1_000
