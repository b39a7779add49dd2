"""Memory sweeps: a small case by hand, pairing, order, failing sizes."""

import warnings
from concurrent.futures import ProcessPoolExecutor
from itertools import permutations

import pytest

from lambdasim.catalog import timing
from lambdasim.errors import InputError, OutsideCalibrationWarning
from lambdasim.specs import ScenarioSpec, load_scenario_text, revised
from lambdasim.study.memory.objective import Balanced, Cheapest, Fastest, Objective, parse_target
from lambdasim.study.memory.power_tuning import TuningChart
from lambdasim.study.memory.result import MemorySweep
from lambdasim.study.memory.sweep import sweep_memory
from lambdasim.study.memory.tables import SweptSize

# 1,769 MB compute in 100 ms, 885 MB (half a vCPU, nearly) in 199.89, 3,538 MB in 100 again.
BY_HAND = """name: by hand
start: 2026-11-01T00:00:00Z
duration: 30d
free_tier: false
platform: {keep_alive: 1h}
functions:
  - {name: f, memory_mb: 1769, init_ms: 0, timeout: 10s, work: {cpu_ms: 100, first_run_ms: 0, max_memory_mb: 500},
     traffic: {constant: {rate_per_s: 0.01}}}
"""
RANDOM = """name: random
seed: 3
start: 2026-11-01T00:00:00Z
duration: 1h
free_tier: false
functions:
  - {name: f, memory_mb: 512, init_ms: {lognormal: {p50: 200, p95: 400}}, timeout: 30s,
     work: {cpu_ms: {lognormal: {p50: 60, p95: 300}}, io_ms: {exponential: {mean: 80}}},
     trigger: {type: alb}, traffic: {poisson: {rate_per_s: 0.3}}}
"""


@pytest.fixture(scope="module")
def swept() -> MemorySweep:
    return sweep_memory(load_scenario_text(RANDOM), sizes=[512, 1024, 1769], replications=6)


def by_hand() -> ScenarioSpec:
    return load_scenario_text(BY_HAND)


def test_a_small_case_by_hand() -> None:
    result = sweep_memory(by_hand(), sizes=[885, 1769, 3538], replications=2, objective=Cheapest())
    table = result.table.set_index("memory_mb")
    # 25,920 runs a month, of 200, 100 and 100 ms, at 0.0000166667 USD per GB-s, and the request fee.
    for size, billed_ms in ((885, 200), (1769, 100), (3538, 100)):
        handler = 1e6 * billed_ms / 1000 * size / 1024 * 0.0000166667
        assert table.loc[size, "handler_usd_per_million"] == pytest.approx(handler, rel=1e-12)
        assert table.loc[size, "usd_per_million"] == pytest.approx(handler + 0.2, rel=1e-12)
        assert table.loc[size, "usd_per_month"] == pytest.approx((handler + 0.2) * 25_920 / 1e6, rel=1e-12)
        assert table.loc[size, "p99_ms"] == table.loc[size, "p50_billed_ms"] == billed_ms
    assert table["mean_duration_ms"].round(2).tolist() == [199.89, 100.0, 100.0]
    # 200 ms on 885 MB cost 0.05 % more than 100 ms on 1,769: rounding up to whole ms.
    assert result.recommendation == SweptSize(1769, "x86_64")
    assert table["dominated"].tolist() == [True, False, True]
    assert table["usd_half_width"].tolist() == [0.0, 0.0, 0.0]
    assert result.instability == 0.0


def test_balance_is_power_tunings() -> None:
    result = sweep_memory(by_hand(), sizes=[885, 1769, 3538], replications=1, objective=Balanced(0.25))
    table = result.table
    cost, duration = table["handler_usd_per_million"], table["mean_duration_ms"]
    value = 0.25 * cost / cost.max() + 0.75 * duration / duration.max()
    assert result.objective.scores(table).tolist() == pytest.approx(value.tolist())
    assert result.recommendation == SweptSize(1769, "x86_64")


def test_memory_below_need_fails_and_is_not_cheap() -> None:
    result = sweep_memory(by_hand(), sizes=[499, 500, 1769], replications=1, objective=Cheapest())
    assert result.table["fails"].tolist() == [True, False, False]
    assert result.recommendation is not None
    assert result.recommendation.memory_mb != 499
    assert "FAILS: memory" in result.text()
    assert 499 not in [point.memory_mb for point in result.chart().series[0].points]


def test_no_size_allowed_is_said() -> None:
    result = sweep_memory(by_hand(), sizes=[885], replications=1, objective=Cheapest(within_ms=1))
    assert result.recommendation is None
    assert "no size is allowed" in result.text()


def test_pairing_narrows_the_intervals(swept: MemorySweep) -> None:
    found = swept.differences()
    rows = found[found["measure"].isin(["usd_per_month", "mean_duration_ms", "mean_ms"])]
    assert len(rows) == 6
    assert ((rows["high"] - rows["low"]) / 2 < rows["unpaired_half_width"]).all()


@pytest.mark.parametrize("objective", [Cheapest(), Fastest(), Balanced(), Cheapest(400), Fastest(1e-9)])
def test_order_changes_nothing(swept: MemorySweep, objective: Objective) -> None:
    texts = set()
    for order in permutations([512, 1024, 1769]):
        result = sweep_memory(load_scenario_text(RANDOM), sizes=order, replications=2, objective=objective)
        texts.add((result.text(), result.table.to_csv()))
    assert len(texts) == 1


def test_truth_and_views(swept: MemorySweep) -> None:
    assert len(swept.runs) == 18
    assert swept.table["wins"].sum() == pytest.approx(1.0)
    assert swept.table["recommended"].sum() == 1
    assert max(map(len, swept.text().splitlines())) <= 80
    assert "<table" in swept._repr_html_()
    assert "recommended" in repr(swept)


def test_more_memory_never_lengthens_a_handler(swept: MemorySweep) -> None:
    by_size = swept.runs.pivot_table(index="replication", columns="memory_mb", values="mean_duration_ms")
    assert (by_size[512] >= by_size[1024]).all()


def test_replications_go_on_until_the_difference_is_narrow() -> None:
    spec = load_scenario_text(RANDOM)
    rough = sweep_memory(spec, sizes=[512, 1024], precision=0.5)
    fine = sweep_memory(spec, sizes=[512, 1024], precision=0.015, most_replications=60)
    assert rough.replications < fine.replications
    assert fine.widest <= 0.015
    assert "reached" in fine.text()


def test_an_executor_changes_nothing(swept: MemorySweep) -> None:
    with ProcessPoolExecutor(1) as executor:
        other = sweep_memory(
            load_scenario_text(RANDOM), sizes=[512, 1024, 1769], replications=6, executor=executor
        )
    assert other.runs.equals(swept.runs)


def test_where_a_vcpu_is_belongs_to_the_architecture_on_which_it_was_measured() -> None:
    spec = by_hand()
    work = revised(spec.functions[0].work, {"memory_per_vcpu_mb": 3538})
    spec = revised(spec, {"functions": (revised(spec.functions[0], {"work": work}),)})
    both = ["x86_64", "arm64"]
    table = sweep_memory(spec, sizes=[1769], architectures=both, arm64_time_ratio=1.0, replications=1).table
    assert dict(zip(table["architecture"], table["p50_ms"], strict=True)) == {"arm64": 100, "x86_64": 200}


def test_a_scenario_with_every_field_written_is_swept_as_the_one_it_came_from() -> None:
    both = ["arm64", "x86_64"]
    for architecture in both:
        short = by_hand()
        short = revised(short, {"functions": (revised(short.functions[0], {"architecture": architecture}),)})
        written = ScenarioSpec.model_validate(short.model_dump(mode="json"))
        assert written == short
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            results = [
                sweep_memory(spec, sizes=[1769], architectures=both, replications=1)
                for spec in (short, written)
            ]
        assert results[0].arm64_time_ratio == results[1].arm64_time_ratio
        messages = [str(warning.message) for warning in told]
        assert messages[: len(messages) // 2] == messages[len(messages) // 2 :]
        assert bool(messages) == (architecture == "arm64")


def test_two_architectures_make_a_chart_of_two() -> None:
    spec = by_hand()
    both = ["arm64", "x86_64"]
    guessed = sweep_memory(spec, sizes=[1769], architectures=both, replications=1)
    assert guessed.arm64_time_ratio == timing("arm64_time_permille").value / 1000
    assert "range from 0.79 to 1.04" in " ".join(guessed.text().split())
    assert "That is what is set" not in repr(sweep_memory(spec, sizes=[333], replications=1))
    on_arm64 = revised(spec, {"functions": (revised(spec.functions[0], {"architecture": "arm64"}),)})
    with pytest.warns(OutsideCalibrationWarning, match="arm64_time_ratio"):
        assert sweep_memory(on_arm64, sizes=[1769], architectures=both, replications=1).arm64_time_ratio == 1
    result = sweep_memory(
        spec, sizes=[885, 1769], architectures=both, arm64_time_ratio=0.9, replications=1, objective=Fastest()
    )
    assert result.recommendation == SweptSize(1769, "arm64")
    chart = TuningChart.parse(result.chart().url)
    assert [series.name for series in chart.series] == ["f (arm64)", "f (x86_64)"]
    assert [point.memory_mb for point in chart.series[0].points] == [885, 1769]
    assert max(map(len, result.text().splitlines())) <= 80


@pytest.mark.parametrize(("io_ms", "said"), [(2000, "the last event ends 60 s after the run"), (500, "")])
def test_a_size_that_does_not_keep_up_with_its_queue_is_said(io_ms: int, said: str) -> None:
    """Sixty messages of one group, one a second, are worked on one after another: for two minutes, or as they come."""
    queue = "trigger: {type: sqs, queue: {batch_size: 1, visibility_timeout: 60s, message_groups: 1}}"
    spec = load_scenario_text(
        "{name: t, start: '2026-11-01T00:00:00Z', duration: 1min, functions: [{name: f, timeout: 10s, init_ms: 0,"
        f" work: {{io_ms: {io_ms}, first_run_ms: 0}}, {queue}, traffic: {{constant: {{rate_per_s: 1}}}}}}]}}"
    )
    text = " ".join(sweep_memory(spec, sizes=[512], replications=2).text().split())
    assert ("does NOT keep up" in text) == bool(said)
    assert said in text


def test_targets_are_read() -> None:
    assert parse_target("p99.9 = 1.5s") == Cheapest(1500.0, "p99.9_ms")
    for text in ("p95", "p95=300", "p94=3ms", "fast=3ms"):
        with pytest.raises(InputError):
            parse_target(text)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sizes": []},
        {"sizes": [64]},
        {"function": "g"},
        {"replications": 0},
        {"precision": 0.0},
        {"architectures": ["mips"]},
    ],
)
def test_bad_arguments_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        sweep_memory(by_hand(), **wrong)  # type: ignore[arg-type]
