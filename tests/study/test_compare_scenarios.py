"""Comparisons in pairs: differences, verdicts, and Markdown that names cannot break."""

import math

import pytest

import lambdasim as ls
from lambdasim.errors import InputError
from lambdasim.results.intervals import unpaired_interval
from lambdasim.specs import ScenarioSpec, load_scenario_text, revised
from lambdasim.study.comparison.compare import compare
from lambdasim.study.comparison.result import Comparison
from lambdasim.study.comparison.tables import TOTAL
from lambdasim.study.comparison.text import escaped
from lambdasim.study.memory.sweep import sweep_memory

TEXT = """name: now
seed: 5
start: 2026-11-01T00:00:00Z
duration: 30min
free_tier: false
account: {concurrency: 3}
functions:
  - {name: f, memory_mb: 512, init_ms: 200, timeout: 30s, work: {cpu_ms: {lognormal: {p50: 60, p95: 300}}},
     trigger: {type: alb}, traffic: {poisson: {rate_per_s: 2}}}
"""


def now() -> ScenarioSpec:
    return load_scenario_text(TEXT)


def then() -> ScenarioSpec:
    spec = now()
    bigger = revised(spec.functions[0], {"memory_mb": 1769})
    return revised(spec, {"name": "then", "functions": (bigger,)})


@pytest.fixture(scope="module")
def compared() -> Comparison:
    return compare([now(), then()], replications=4)


def test_a_scenario_does_not_differ_from_itself() -> None:
    found = compare({"a": now(), "b": now()}, replications=2, fail_above=0.0).differences
    assert (found["difference"].dropna() == 0).all()
    assert not found["certain"].any()


def test_lines_sum_to_the_bill(compared: Comparison) -> None:
    found = compared.differences
    money = found[found["group"] == "money"]
    total = money[money["scope"] == "account"]
    for column in ("base", "value", "difference"):
        for scopes in (["line items"], ["f"]):
            part = money[money["scope"].isin(scopes)][column].sum()
            assert part == pytest.approx(total[column].sum(), rel=1e-12)


def test_pairs_are_narrower_than_chance(compared: Comparison) -> None:
    bills = {name: [run[TOTAL] for run in runs] for name, runs in compared.results.items()}
    paired = compared.difference("then")
    assert paired.half_width < unpaired_interval(bills["then"], bills["now"]).half_width


def test_every_percentile_and_limit_is_there(compared: Comparison) -> None:
    keys = set(compared.differences[["group", "scope", "measure"]].itertuples(index=False, name=None))
    for scope in ("account", "f"):
        assert {("latency", scope, name) for name in ("mean", "p50", "p90", "p95", "p99", "p99.9")} <= keys
        assert ("limits", scope, "refused by account_concurrency") in keys
        assert ("limits", scope, "gateway cut") in keys


def test_verdicts_by_hand() -> None:
    # 100 ms on 1,024 MB, then on 2,048: the duration charge doubles, requests stay.
    base = load_scenario_text(
        TEXT.replace("cpu_ms: {lognormal: {p50: 60, p95: 300}}", "io_ms: 100, first_run_ms: 0")
        .replace("memory_mb: 512, init_ms: 200", "memory_mb: 1024, init_ms: 0")
        .replace("poisson", "constant")
    )
    double = revised(base, {"functions": (revised(base.functions[0], {"memory_mb": 2048}),)})
    handler = 100 / 1000 * 0.0000166667
    rise = handler / (handler + 2e-7)
    for allowed, failed in ((rise - 0.001, True), (rise + 0.001, False)):
        verdict = compare([base, double], replications=2, fail_above=allowed).verdict
        assert verdict.failed is failed
        assert f"{rise:+.2%}" in verdict.reasons[0]
    narrow = revised(base, {"account": revised(base.account, {"concurrency": 0})})
    verdict = compare([base, narrow], replications=2, fail_throttles=0.5).verdict
    assert verdict == (True, ("FAIL: now (2): 100.000% of attempts refused, allowed 50.000%",))
    assert compare([narrow, base], replications=2, fail_throttles=0.0).verdict.failed is False


def test_no_threshold_no_verdict(compared: Comparison) -> None:
    assert compared.verdict == (False, ())


def test_views(compared: Comparison) -> None:
    assert max(map(len, compared.text().splitlines())) <= 80
    assert "| USD a month |" in compared.markdown()
    assert "<table" in compared._repr_html_()
    assert "Against now" in repr(compared)


EVIL = "</details><script>|x|\n# @team #9999 [a](http://b) `c` *d* ![e](f)"


def test_names_cannot_break_the_markdown() -> None:
    text = compare({"base": now(), EVIL: now()}, replications=2, fail_above=1.0).markdown()
    for part in ("<script>", "@team", "#9999", "[a](", "http://", "`c`", "*d*", "\n# "):
        assert part not in text
    assert text.count("</details>") == 1


@pytest.mark.parametrize("text", ["a|b", "`x`", "@you", "#1", "<b>", "a\nb", "https://x.y"])
def test_what_markdown_reads_is_escaped(text: str) -> None:
    found = escaped(text)
    assert text not in found or text == "a\nb"
    assert "\n" not in found


def test_functions_of_one_scenario_only_have_no_latency_difference() -> None:
    renamed = revised(now(), {"name": "other", "functions": (revised(now().functions[0], {"name": "g"}),)})
    found = compare([now(), renamed], replications=2).differences
    row = found[(found["scope"] == "g") & (found["measure"] == "p50")].iloc[0]
    assert math.isnan(row["difference"])
    assert not math.isnan(row["value"])


def test_what_tables_cannot_tell_is_said_beside_them() -> None:
    renamed = revised(now(), {"name": "other", "functions": (revised(now().functions[0], {"name": "g"}),)})
    paying = revised(now(), {"name": "paying", "free_tier": not now().free_tier})
    found = compare([now(), renamed, paying, now()], replications=2)
    text = found.text()
    assert "only in other: g" in text
    assert "g: p50" not in text
    assert f"free tier: {'yes' if now().free_tier else 'no'} in now" in text
    assert text.count("nothing differs") == 1
    assert max(map(len, text.splitlines())) <= 80
    summary = found.markdown().partition("<details>")[0]
    assert sum(line.startswith("| ") for line in summary.splitlines()) == 5  # a head and four scenarios
    same = found.differences[found.differences["scenario"] == "now (2)"]
    assert (same[["difference", "low", "high"]].dropna() == 0).all(axis=None)


@pytest.mark.parametrize(
    ("scenarios", "wrong"),
    [(1, {}), (2, {"replications": 0}), (2, {"fail_above": -1.0}), (2, {"precision": 0.0})],
)
def test_bad_arguments_are_refused(scenarios: int, wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        compare([now(), then()][:scenarios], **wrong)  # type: ignore[arg-type]


def test_precision_is_reached() -> None:
    found = compare([now(), then()], precision=0.01, most_replications=40)
    level = sum(run[TOTAL] for run in found.results["now"]) / found.replications
    assert found.difference("then").half_width <= 0.01 * level


FRIDAY = """name: black-friday
start: 2026-11-27T08:00:00Z
duration: 2h
free_tier: false
functions:
  - {name: shop, memory_mb: MB, work: {io_ms: 100}, init_ms: 200,
     traffic: {constant: {rate_per_s: 1}, spikes: [{at: 1h, duration: 1min, factor: 20}]}}
"""


def test_a_spike_is_compared_by_the_run_unless_a_month_is_asked_for() -> None:
    small, large = (load_scenario_text(FRIDAY.replace("MB", size)) for size in ("512", "1024"))
    found = ls.compare({"small": small, "large": large}, replications=2)
    own = [float(ls.simulate(small.with_seed(small.seed + number)).charges().total) for number in (0, 1)]
    bills = found.differences.set_index(["group", "scope", "measure"]).loc[("money", "account", "bill")]
    assert bills["base"] == pytest.approx(sum(own) / 2)
    assert ") a month" not in repr(found)
    said = " ".join(found.text().split())
    assert "no sample of a month: shop has spikes" in said
    monthly = ls.compare({"small": small, "large": large}, replications=2, per="month")
    assert monthly.difference("large").mean == pytest.approx(365 * found.difference("large").mean, rel=1e-3)
    assert "although it is no sample of one: shop has spikes" in " ".join(monthly.text().split())
    with pytest.raises(InputError, match="must be month or run"):
        ls.compare({"small": small, "large": large}, replications=2, per="week")


LATE = (
    "{name: t, start: '2026-11-01T00:00:00Z', duration: 1min, functions: [{name: f, timeout: 10s, init_ms: 0,"
    " work: {io_ms: IO, first_run_ms: 0}, trigger: {type: sqs, queue: {batch_size: 1, visibility_timeout: 60s,"
    " message_groups: 1}}, traffic: {constant: {rate_per_s: 1}}}]}"
)


def test_a_queue_that_does_not_keep_up_is_said_of_the_scenario_that_has_it() -> None:
    """Sixty messages of one group, one a second, take two seconds each: the last ends a minute after the run."""
    both = {
        name: load_scenario_text(LATE.replace("IO", ms)) for name, ms in (("quick", "500"), ("slow", "2000"))
    }
    result = compare(both, replications=2)
    for text in (result.text(), result.markdown().replace("\\", "")):
        plain = " ".join(text.split())
        assert "slow: f does NOT keep up with what arrives: the last event ends 1min after the run" in plain
        assert "quick: f" not in plain


def test_executions_of_a_state_machine_are_compared_whole() -> None:
    """Two runs of 0.1 s with a wait of 5 s between: functions answer in 100 ms, executions in 5,200."""
    states = (
        "{StartAt: A, States: {A: {Type: Task, Resource: f, Next: W}, W: {Type: Wait, Seconds: SEC, Next: B},"
        " B: {Type: Task, Resource: f, End: true}}}"
    )
    text = (
        "{name: t, start: '2026-11-01T00:00:00Z', duration: 1min, functions: [{name: f, timeout: 1s, init_ms: 0,"
        " work: {io_ms: 100, first_run_ms: 0}}], state_machines: [{name: m, traffic: {constant: {rate_per_s: 1}},"
        f" definition: {states}}}]}}"
    )
    both = {sec: load_scenario_text(text.replace("SEC", sec)) for sec in ("5", "7")}
    result = compare(both, replications=2)
    rows = result.differences.set_index(["group", "scope", "measure"])
    assert rows.loc[("latency", "m, executions", "p50"), ["base", "difference"]].tolist() == [5200, 2000]
    assert rows.loc[("latency", "f", "p50"), "difference"] == 0
    assert "are of whole executions" in " ".join(result.text().split())
    swept = " ".join(sweep_memory(both["5"], sizes=[512, 1024], replications=2).text().split())
    assert "Latency is that of f's own runs, not of whole executions of m" in swept
