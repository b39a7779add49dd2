"""What fails whatever the traffic is said before a run, and what is said is what the run then shows."""

import pytest

import lambdasim as ls
from lambdasim.errors import CatalogError
from lambdasim.results.foreseen import foreseen_failures, unknown_rates
from lambdasim.specs import load_scenario_text

HEAD = """name: t
start: 2026-11-01T00:00:00Z
duration: 1h
functions:
  - {name: f, runtime: python3.12, memory_mb: 128, trigger: {type: function_url},
     traffic: {constant: {rate_per_s: 0.1}}, """


def scenario(more: str) -> ls.ScenarioSpec:
    return load_scenario_text(HEAD + more + "}\n")


@pytest.mark.parametrize(
    ("more", "said", "least_lost"),
    [
        ("work: {io_ms: 50, max_memory_mb: 200}", "memory_mb: 100.0% of runs need more than the 128 MB", 360),
        ("timeout: 3s, init_ms: 12000, work: {io_ms: 50, first_run_ms: 0}",
         "timeout: INIT takes 12s, is cut at 10s", 360),
        ("timeout: 1s, init_ms: 2000, work: {io_ms: {mixture: [{weight: 95, law: 100}, {weight: 5, law: 5000}]}}",
         "timeout: 1s is below INIT (2s): once a run has failed", 200),
        ("timeout: 1s, work: {io_ms: 1500}", "timeout: 100.0% of runs take longer than 1s", 360),
    ],
)  # fmt: skip
def test_what_is_foreseen_comes_true(more: str, said: str, least_lost: int) -> None:
    spec = scenario(more)
    assert any(sentence.startswith(f"f: {said}") for sentence in foreseen_failures(spec))
    assert ls.simulate(spec, keep_records=False).summary()["lost"][0] >= least_lost


def test_a_function_without_work_is_said() -> None:
    assert foreseen_failures(scenario("timeout: 3s")) == [
        "f: work: has neither cpu_ms nor io_ms, so its runs take 0 ms"
    ]


def test_pollers_that_may_ask_for_more_than_the_function_has_are_said() -> None:
    queued = HEAD.replace(
        "trigger: {type: function_url}", "trigger: {type: sqs, queue: {maximum_concurrency: 6}}"
    )
    for reserved, said in ((5, ["is above reserved_concurrency (5)"]), (6, [])):
        spec = load_scenario_text(f"{queued}work: {{io_ms: 50}}, reserved_concurrency: {reserved}}}\n")
        found = foreseen_failures(spec)
        assert len(found) == len(said)
        assert all(one in sentence for one, sentence in zip(said, found, strict=True))


def test_a_scenario_without_trouble_has_no_warning() -> None:
    assert foreseen_failures(scenario("timeout: 3s, work: {io_ms: 50, max_memory_mb: 100}")) == []
    assert foreseen_failures(scenario("work: {io_ms: 50, out_of_memory_probability: 0.3}")) == []


def test_every_client_that_waited_counts_a_shorter_timeout_included() -> None:
    """5 % of runs take 5 s: with a timeout of 1 s their clients wait 1 s, and do not vanish from p99."""
    work = "init_ms: 100, work: {first_run_ms: 0, io_ms: {mixture: [{weight: 95, law: 100}, {weight: 5, law: 5000}]}}"
    summary = ls.simulate(scenario(f"timeout: 1s, {work}")).summary().iloc[0]
    assert summary["timeouts"] > 4
    assert 1_000 <= summary["p99_ms"] <= 1_100
    run = ls.simulate(scenario(f"timeout: 1s, {work}"))
    assert len(run.latency_ms()) == 360


def test_mean_concurrency_is_at_most_the_peak_where_work_outlasts_the_scenario() -> None:
    """One event a second for two seconds, each 20 s long: 40 s of work in 21 s, 2 at most."""
    run = ls.simulate(arrivals_s=[0, 1], durations_ms=20_000)
    row = run.summary().iloc[0]
    assert row["peak_concurrency"] == 2
    assert row["mean_concurrency"] == pytest.approx(40 / 21)


def test_the_table_says_what_fails_by_kind() -> None:
    text = ls.simulate(scenario("timeout: 1s, work: {io_ms: 1500}")).text()
    assert text.index("WARNING: 360 of 360 events of f are lost") < text.index("function events")
    assert "what fails timeouts\n         f      360" in text
    assert "nan" not in text


@pytest.mark.parametrize("region", ["us-east-1", "ap-south-2", "us-gov-west-1"])
def test_rates_that_a_bill_lacks_are_known_before(region: str) -> None:
    """Those that pricing the run names, all of them, and none where the bill can be made."""
    scenario = load_scenario_text(f"""
name: t
region: {region}
start: 2026-11-01T00:00:00Z
duration: 10min
functions:
- {{name: f, memory_mb: 512, ephemeral_mb: 2048, traffic: {{constant: {{rate_per_s: 1}}}}, work: {{cpu_ms: 20}},
   provisioned_concurrency: [{{at: 0s, count: 1}}, {{at: 5min, count: 0}}]}}
- {{name: g, architecture: arm64, snap_start: {{}}, runtime: java21,
   traffic: {{constant: {{rate_per_s: 1}}}}, work: {{cpu_ms: 20}}}}
""")
    run = ls.simulate(scenario, keep_records=False)
    found = unknown_rates(scenario)
    if region == "us-east-1":
        assert (found, run.charges().total > 0) == ([], True)
        return
    with pytest.raises(CatalogError) as refused:
        run.charges()
    assert len(found) == len(refused.value.faults) == 1
    assert set(found[0].split("has no ")[1].split(", ")) == set(refused.value.faults[0].field.split(", "))


def test_costs_name_every_rate_that_is_missing_of_all_functions_at_once() -> None:
    text = """name: gov
start: 2026-11-02T00:00:00Z
duration: 2min
region: us-gov-west-1
functions:
- {name: a, ephemeral_mb: 2048, traffic: {constant: {rate_per_s: 1}}, work: {io_ms: 5}}
- {name: b, architecture: arm64, traffic: {constant: {rate_per_s: 1}}, work: {io_ms: 5}}
"""
    run = ls.simulate(ls.load_scenario_text(text))
    with pytest.raises(CatalogError) as raised:
        run.costs()
    assert [fault.field for fault in raised.value.faults] == [
        "x86_64.request, x86_64.ephemeral",
        "arm64.request",
    ]
    with pytest.raises(CatalogError) as priced:
        run.charges()
    assert set(", ".join(fault.field for fault in priced.value.faults).split(", ")) == {
        "x86_64.request", "x86_64.ephemeral", "arm64.request",
    }  # fmt: skip
