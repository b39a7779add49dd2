"""What if: each setting is a run of the scenario that a person would have written for it."""

import json
import re

import pytest

import lambdasim as ls
from lambdasim.catalog import timing
from lambdasim.specs import load_scenario_text
from lambdasim.study.what_if.result import MIME

SCENARIO = """
name: shop
start: 2026-11-01T00:00:00Z
duration: 20min
free_tier: false
account: {concurrency: 120}
functions:
  - name: checkout
    memory_mb: 512
    architecture: x86_64
    timeout: 30s
    work: {cpu_ms: {lognormal: {p50: 100, p95: 250}}, io_ms: 200}
    trigger: {type: function_url, client_retries: 0}
    traffic: {constant: {rate_per_s: 20}, spikes: [{at: 5min, duration: 1min, factor: 20}]}
  - {name: small, memory_mb: 128, work: {io_ms: 20}, traffic: {constant: {rate_per_s: 1}}}
"""


@pytest.fixture(scope="module")
def found() -> ls.WhatIf:
    return ls.what_if(
        load_scenario_text(SCENARIO),
        sizes=(512, 1024),
        traffic=(1, 2),
        provisioned=(0, 5),
        regions=("eu-west-1",),
    )


def compared(text: str, region: str | None = None) -> tuple[object, ...]:
    run = ls.simulate(load_scenario_text(text), keep_records=False)
    row = run.summary().set_index("function").loc["checkout"]
    usd = float(run.charges(region=region).total)
    return usd, row["p50_ms"], row["p95_ms"], row["p99_ms"], row["cold_share"], run.aggregate.account.peak


def shown(at: dict[str, float]) -> tuple[object, ...]:
    return at["usd"], at["p50_ms"], at["p95_ms"], at["p99_ms"], at["cold_share"], at["peak_concurrency"]


def test_each_setting_is_the_run_of_the_scenario_written_by_hand(found: ls.WhatIf) -> None:
    assert found.function == "checkout"  # costs most
    assert len(found.outcomes) == 2 * 2 * 2 * 2
    larger = SCENARIO.replace("memory_mb: 512", "memory_mb: 1024")
    ratio = timing("arm64_time_permille").value / 1000
    arm = larger.replace("x86_64", "arm64").replace("io_ms: 200", f"io_ms: 200, arm64_time_ratio: {ratio}")
    twice = SCENARIO.replace("rate_per_s: 20", "rate_per_s: 40").replace("rate_per_s: 1}", "rate_per_s: 2}")
    ready = SCENARIO.replace(
        "timeout: 30s", "timeout: 30s\n    provisioned_concurrency: [{at: 0s, count: 5}]"
    )
    assert shown(found.at()) == compared(SCENARIO)
    assert shown(found.at(memory_mb=1024)) == compared(larger)
    assert shown(found.at(memory_mb=1024, architecture="arm64")) == compared(arm)
    assert shown(found.at(traffic=2)) == compared(twice)
    assert shown(found.at(provisioned=5)) == compared(ready)
    assert shown(found.at(provisioned=5, region="eu-west-1")) == compared(ready, "eu-west-1")
    assert found.at()["refused_share"] > 0
    assert found.at()["lost_share"] > 0


def test_the_table_has_each_setting_in_each_region_once(found: ls.WhatIf) -> None:
    table = found.frame()
    axes = ["memory_mb", "architecture", "traffic", "provisioned", "region"]
    assert len(table) == 32 == len(table.drop_duplicates(axes))
    assert "CPU time on arm64 is taken as" in found.text()
    content = json.loads(json.dumps(found._repr_mimebundle_()[MIME], allow_nan=False))
    assert content["given"] in content["settings"]


def test_a_free_tier_shows_both_ends() -> None:
    text = SCENARIO.replace("free_tier: false", "free_tier: true")
    found = ls.what_if(
        load_scenario_text(text), sizes=(), architectures=["x86_64"], traffic=(), provisioned=()
    )
    assert found.at()["usd"] == 0 < found.at()["full_usd"] == compared(SCENARIO)[0]
    assert "without free tier" in repr(found)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"memory_mb": 768}, "memory_mb: must be one of 512, 1024, got 768"),
        ({"provisioned": 4}, "provisioned: must be one of 0, 5, got '4'"),
        ({"region": "eu-central-1"}, "region: must be one of us-east-1, eu-west-1, got 'eu-central-1'"),
    ],
)
def test_nothing_is_interpolated(found: ls.WhatIf, given: dict[str, object], said: str) -> None:
    with pytest.raises(ls.InputError, match=re.escape(said)):
        found.at(**given)  # type: ignore[arg-type]


def test_the_grid_gets_finer_with_the_time_it_may_take() -> None:
    scenario = load_scenario_text(SCENARIO.replace("20min", "2min"))
    coarse, finer = (ls.what_if(scenario, most_s=most_s) for most_s in (0, 1.2))
    assert len(coarse.outcomes) < len(finer.outcomes)
    assert coarse.given in coarse.outcomes
    assert set(coarse.values("memory_mb")) <= set(finer.values("memory_mb"))
    shared = set(coarse.outcomes) & set(finer.outcomes)
    assert shared
    assert all(coarse.outcomes[setting] == finer.outcomes[setting] for setting in shared)


def test_the_scenarios_own_steps_stay_one_of_the_settings() -> None:
    text = SCENARIO.replace(
        "timeout: 30s", "timeout: 30s\n    provisioned_concurrency: [{at: 10min, count: 3}]"
    )
    found = ls.what_if(
        load_scenario_text(text), sizes=(), architectures=["x86_64"], traffic=(), provisioned=(0,)
    )
    assert found.values("provisioned") == ["0", "as in the scenario"]
    assert shown(found.at()) == compared(text)
    assert shown(found.at(provisioned=0)) == compared(SCENARIO)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"function": "cart"}, "function: must be one of checkout, small, got 'cart'"),
        ({"architectures": ["z80"]}, "architectures: must be x86_64 or arm64, got 'z80'"),
        ({"sizes": [64]}, "memory_mb"),
        ({"regions": ["moon-1"]}, "moon-1"),
        ({"provisioned": [100]}, "provisioned_concurrency"),
    ],
)
def test_a_bad_argument_is_named(given: dict[str, object], said: str) -> None:
    with pytest.raises(ls.LambdaSimError, match=re.escape(said)):
        ls.what_if(load_scenario_text(SCENARIO), **given)  # type: ignore[arg-type]


def test_sliders_of_a_notebook_show_the_figures_of_a_program(found: ls.WhatIf) -> None:
    box = ls.explore(found)
    *sliders, figures = box.children
    for slider in sliders:
        slider.value = slider.options[-1][1]
    at = found.at(1024, "x86_64", 2, "5", "eu-west-1")
    assert f"<dd>${at['usd']:.2f}<" in figures.value
    assert f"<dd>{at['p95_ms']:,.0f} ms" in figures.value
