"""Versions that are paid for and not called: provisioned concurrency, and snapshots that nobody deleted."""

from decimal import Decimal

import pytest

import lambdasim as ls
from lambdasim.billing import Usage, price
from lambdasim.errors import ScenarioError

ELSEWHERE = """
name: pc-unused
start: 2026-11-01T00:00:00Z
duration: 1d
free_tier: false
functions:
  - name: api
    memory_mb: 1024
    KEYS
    work: {io_ms: 50}
    trigger: {type: function_url}
    traffic: {poisson: {rate_per_s: 0.2}}
"""
NONE, CALLED, UNCALLED, ON_LATEST, ALIAS, OTHER_ALIAS = (
    "package_type: zip",
    "provisioned_concurrency: [{at: 0s, count: 5}]",
    "provisioned_concurrency: [{at: 0s, count: 5, qualifier: '7'}]",
    "qualifier: $LATEST\n    provisioned_concurrency: [{at: 0s, count: 5}]",
    "qualifier: live\n    provisioned_concurrency: [{at: 0s, count: 5, qualifier: live}]",
    "qualifier: blue\n    provisioned_concurrency: [{at: 0s, count: 5, qualifier: live}]",
)


def run(keys: str, engine: str = "auto") -> ls.RunResult:
    return ls.simulate(ls.load_scenario_text(ELSEWHERE.replace("KEYS", keys)), engine=engine)


@pytest.fixture(scope="module")
def without() -> ls.RunResult:
    return run(NONE)


@pytest.mark.parametrize("keys", [UNCALLED, ON_LATEST, OTHER_ALIAS])
@pytest.mark.parametrize("engine", ["kernel", "reference"])
def test_a_version_that_is_not_called_is_paid_for_and_serves_nothing(
    without: ls.RunResult, keys: str, engine: str
) -> None:
    found = run(keys, engine)
    assert found.aggregate.functions[0].cold == without.aggregate.functions[0].cold > 0
    assert list(found.records["start_type"]) == list(without.records["start_type"])
    (row,), (plain,) = found.usage(), without.usage()
    assert (row.provisioned_allocated_s, row.provisioned_requests) == (5 * 86_400, 0)
    assert (row.requests, row.billed_ms_with_init) == (plain.requests, plain.billed_ms_with_init)
    # 5 x 1 GB x 86,400 s at 0.0000041667, and the INIT of five environments at the provisioned rate.
    allocation = 5 * 86_400 * Decimal("0.0000041667")
    init = Decimal(row.provisioned_init_ms) / 1000 * Decimal("0.0000097222")
    assert found.charges().total == without.charges().total + allocation + init
    metrics = found.account_metrics()
    assert metrics["ClaimedAccountConcurrency"].min() >= 5


@pytest.mark.parametrize("keys", [CALLED, ALIAS])
def test_a_version_that_is_called_serves(keys: str) -> None:
    found = run(keys)
    assert found.aggregate.functions[0].cold == 0
    assert found.usage()[0].provisioned_requests == found.usage()[0].requests


def test_it_is_a_finding_with_its_money() -> None:
    scenario = ls.load_scenario_text(ELSEWHERE.replace("KEYS", UNCALLED))
    advice = ls.advise_limits(scenario, replications=2, multiples=[1], select=["provisioned-not-called"])
    (finding,) = advice.findings.to_dict(orient="records")
    assert finding["rule"] == "provisioned-not-called"
    assert "is on 7, traffic calls $LATEST" in finding["evidence"]
    month = 5 * 730 * 3600 * 0.0000041667  # 54.75 USD for 5 GB through 730 hours, and five INITs a day
    assert month < finding["usd"] < 1.01 * month


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (
            "provisioned_concurrency: [{at: 0s, count: 5, qualifier: $LATEST}]",
            "must be a version or an alias",
        ),
        (
            "provisioned_concurrency: [{at: 0s, count: 5, qualifier: a}, {at: 1h, count: 5, qualifier: b}]",
            "must be of one version or alias",
        ),
    ],
)
def test_what_aws_does_not_allocate_is_refused(keys: str, told: str) -> None:
    with pytest.raises(ScenarioError, match=told):
        ls.load_scenario_text(ELSEWHERE.replace("KEYS", keys))


SNAPSHOTS = """
name: snap-idle
start: 2026-11-01T00:00:00Z
duration: 30d
free_tier: false
functions:
  - name: api
    runtime: python3.13
    memory_mb: 2048
    snap_start: {SNAP}
    work: {io_ms: 50}
    traffic: {constant: {rate_per_s: RATE}}
"""


def snapshots(versions: str, rate: str = "0") -> ls.ScenarioSpec:
    return ls.load_scenario_text(SNAPSHOTS.replace("SNAP", versions).replace("RATE", rate))


@pytest.mark.parametrize("versions", [1, 2, 7])
def test_every_published_version_pays_for_its_snapshot(versions: int) -> None:
    bill = ls.simulate(snapshots(f"versions: {versions}")).charges()
    # 2 GB x 2,592,000 s x 0.0000015046 = 7.7998 USD a version and 30 days.
    assert bill.total == versions * 2 * 2_592_000 * Decimal("0.0000015046")
    assert round(bill.total / versions, 2) == Decimal("7.80")


def test_one_version_is_the_default() -> None:
    assert ls.simulate(snapshots("")).usage() == ls.simulate(snapshots("versions: 1")).usage()


@pytest.mark.parametrize(("versions", "rate", "spare"), [(1, "0", 1), (3, "0.01", 2), (1, "0.01", 0)])
def test_versions_without_traffic_are_a_finding(versions: int, rate: str, spare: int) -> None:
    advice = ls.advise_limits(
        snapshots(f"versions: {versions}", rate),
        replications=2,
        multiples=[1],
        select=["snap-start-versions-unused"],
    )
    found = advice.findings.to_dict(orient="records")
    assert len(found) == (1 if spare else 0)
    if spare:
        month = spare * 2 * 730 * 3600 * 0.0000015046
        assert found[0]["usd"] == pytest.approx(month, rel=0.02)


def test_a_forgotten_bill_of_duration_comes_out() -> None:
    # 1,563,577.501 GB-s at 0.0000166667 are 26.06 USD; as allocated provisioned concurrency they are 6.51 USD.
    row = Usage("2026-11", "us-east-1", "f", "x86_64", 1024, 512, "zip", "python3.13",
                billed_ms_with_init=1_563_577_501, billed_ms_without_init=0)  # fmt: skip
    assert round(price([row], free_tier=False).total, 2) == Decimal("26.06")
