"""Findings about money beside runs: each by hand, and each silent where its reason is gone."""

from importlib.resources import files

import pytest

import lambdasim as ls
from lambdasim.catalog.prices.meters import priced_meters
from lambdasim.errors import ScenarioError
from lambdasim.study.limits.findings.check import findings

SCENARIO = """
name: money
start: 2026-11-01T00:00:00Z
duration: 1h
neighbours: {{held: {{{held}}}, own_usd: {{{own}}}}}
functions:
  - name: api
    memory_mb: 128
    timeout: 10s
    init_ms: 0
    trigger: {{type: {trigger}}}
    uses: {{{uses}}}
    work: {{io_ms: {io}}}
    traffic: {{constant: {{rate_per_s: 10}}}}
"""
OF_MONEY = {
    "empty-receives", "logs-above-compute", "nat-beside-endpoint", "rest-where-http-would-do", "secrets-not-cached",
    "traces-at-full-sampling", "transfer-between-zones",
}  # fmt: skip
RUNS = 10 * 730 * 3600
GB = 1 << 30


def found(
    rule: str, *, trigger: str = "sdk", uses: str = "", held: str = "", own: str = "", io: int = 1
) -> list[dict[str, object]]:
    spec = ls.load_scenario_text(SCENARIO.format(trigger=trigger, uses=uses, held=held, own=own, io=io))
    return findings(ls.simulate(spec, keep_records=False), select=[rule]).to_dict("records")  # type: ignore[return-value]


def test_logs_dearer_than_compute_by_hand() -> None:
    (row,) = found("logs-above-compute", uses="log_bytes: 2000")
    assert row["usd"] == pytest.approx(
        RUNS * 2300 / GB * 0.50, rel=1e-6
    )  # with Lambda's own 300 bytes of a run
    assert "2,300 bytes a run" in str(row["evidence"])
    assert row["period"] == "month"
    assert not found("logs-above-compute", uses="log_bytes: 0", io=1000)
    assert not found("logs-above-compute")


def test_rest_where_http_would_do_by_hand() -> None:
    (row,) = found("rest-where-http-would-do", trigger="api_gateway_rest")
    assert row["usd"] == pytest.approx(RUNS * (3.50 - 1.00) / 1e6)
    assert not found("rest-where-http-would-do", trigger="api_gateway_http")
    assert not found("rest-where-http-would-do", trigger="api_gateway_rest", held="rest_cache_0_5_gb: 1")


def test_a_nat_gateway_beside_endpoints_by_hand() -> None:
    gb = RUNS * 10 * 1024 / GB
    (row,) = found(
        "nat-beside-endpoint", uses="per_run_kb: {nat_gb: 10}", held="nat_hours: 1, endpoint_hours: 2"
    )
    assert row["usd"] == pytest.approx(gb * (0.045 - 0.01), rel=1e-6)
    assert row["function"] == "api"
    assert not found("nat-beside-endpoint", uses="per_run_kb: {nat_gb: 10}", held="nat_hours: 1")
    (idle,) = found("nat-beside-endpoint", held="nat_hours: 2, endpoint_hours: 2")
    assert idle["usd"] == pytest.approx(2 * 730 * 0.045)
    assert idle["function"] == "(shared)"
    assert not found("nat-beside-endpoint", held="endpoint_hours: 2")


def test_transfer_between_zones_by_hand() -> None:
    (row,) = found("transfer-between-zones", uses="per_run_kb: {transfer_zone_gb: 10}")
    assert row["usd"] == pytest.approx(RUNS * 10 * 1024 / GB * 0.01, rel=1e-6)
    assert not found("transfer-between-zones")


def test_transfer_between_regions_at_ones_own_price_by_hand() -> None:
    rule, uses = "transfer-between-regions", "per_run_kb: {transfer_region_gb: 10}"
    (row,) = found(rule, uses=uses, own="transfer_region_gb: 0.02")
    assert row["usd"] == pytest.approx(RUNS * 10 * 1024 / GB * 0.02, rel=1e-6)
    assert "at your own price of 0.02 USD a GB" in str(row["evidence"])
    assert not found(rule, uses=uses, own="transfer_region_gb: 0")
    assert not found(rule, own="transfer_region_gb: 0.02")
    with pytest.raises(ScenarioError, match="has no price here, since it depends on both regions"):
        found(rule, uses=uses)


def test_findings_take_prices_of_ones_own() -> None:
    (row,) = found(
        "transfer-between-zones", uses="per_run_kb: {transfer_zone_gb: 10}", own="transfer_zone_gb: 0.03"
    )
    assert row["usd"] == pytest.approx(RUNS * 10 * 1024 / GB * 0.03, rel=1e-6)


def test_secrets_that_each_run_fetches_by_hand() -> None:
    """One cold start serves everything: what is left after caching is one call an hour."""
    (row,) = found("secrets-not-cached", uses="per_run: {secret_calls: 2}")
    assert row["usd"] == pytest.approx((RUNS - 730) * 2 * 0.05 / 10_000, rel=1e-6)
    assert "calls Secrets Manager 2 times" in str(row["evidence"])
    assert not found("secrets-not-cached", uses="per_run: {secret_calls: 0.01}")


def test_tracing_every_run_by_hand() -> None:
    """The default rule keeps one of ten a second and 5 % of nine."""
    (row,) = found("traces-at-full-sampling", uses="per_run: {xray_traces: 1}")
    assert row["usd"] == pytest.approx(RUNS * (1 - 0.1 - 0.9 * 0.05) * 5 / 1e6, rel=1e-6)
    assert not found("traces-at-full-sampling", uses="per_run: {xray_traces: 0.05}")


def test_a_quiet_queue_is_asked_for_nothing_by_hand() -> None:
    spec = ls.load_scenario_text(
        """
name: quiet
start: 2026-11-01T00:00:00Z
duration: 1d
functions:
  - {name: q, memory_mb: 512, timeout: 10s, trigger: {type: sqs}, work: {io_ms: 30},
     traffic: {poisson: {rate_per_s: RATE}}}
""".replace("RATE", "0.001")
    )
    run = ls.simulate(spec, keep_records=False)
    (row,) = findings(run, select=["empty-receives"]).to_dict("records")
    # Five pollers, each asking every 20 s for a month, less the little that serving takes.
    assert row["usd"] == pytest.approx(5 * 730 * 180 * 0.40 / 1e6, rel=0.05)
    function = ls.revised(spec.functions[0], {"traffic": {"poisson": {"rate_per_s": 20}}})
    busy = ls.simulate(
        ls.revised(spec, {"functions": (function,), "duration_us": 600_000_000}), keep_records=False
    )
    assert findings(busy, select=["empty-receives"]).empty


def test_a_rule_is_priced_in_its_own_region() -> None:
    spec = ls.load_scenario_text(SCENARIO.format(trigger="api_gateway_rest", uses="", held="", own="", io=1))
    there = findings(
        ls.simulate(ls.revised(spec, {"region": "eu-central-1"}), keep_records=False),
        select=["rest-where-http-would-do"],
    )
    assert there["usd"].iloc[0] == pytest.approx(RUNS * (3.70 - 1.20) / 1e6)


def test_the_example_that_ships_has_every_finding_about_money_and_every_service() -> None:
    spec = ls.load_scenario_text(
        files("lambdasim").joinpath("examples/whole_bill.yaml").read_text(encoding="utf-8")
    )
    run = ls.simulate(spec, keep_records=False)
    table = findings(run)
    rules = {"provisioned-not-called", "snap-start-versions-unused", "transfer-between-regions", *OF_MONEY}
    assert rules <= set(table["rule"])
    assert (table[table["rule"].isin(rules)]["usd"] > 0).all()
    assert all(table[table["rule"].isin(rules)]["change"])
    bill = run.charges()
    elsewhere = {"AWS Step Functions", "Amazon Elastic Compute Cloud"}  # in newer_modes.yaml
    assert {one.service.name for one in priced_meters().values()} - {
        item.service for item in bill.items
    } == elsewhere
    assert bill.beside_lambda > bill.total / 2
    own = next(
        one
        for one in table.to_dict("records")
        if one["rule"] == "logs-above-compute" and one["function"] == "live"
    )
    assert "system log level WARN" in own["change"]


def test_the_example_of_newer_modes_has_a_line_for_each() -> None:
    spec = ls.load_scenario_text(
        files("lambdasim").joinpath("examples/newer_modes.yaml").read_text(encoding="utf-8")
    )
    bill = ls.simulate(ls.revised(spec, {"duration_us": 600_000_000}), keep_records=False).charges()
    names = {item.usage_type for item in bill.items}
    assert {
        "durable_operations", "durable_written_gb", "durable_kept_gb", "managed_m7g_large_hours",
        "managed_fee_m7g_large_hours", "tenant_isolation_x86_gb", "Lambda-SnapStart-Cached-GB-S",
        "step_functions_transitions", "step_functions_express_requests", "step_functions_express_gb_s",
    } <= names  # fmt: skip
