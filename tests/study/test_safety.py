"""What safety costs, by hand: what a scenario has by its meters, what the rest would add as assumed."""

import pytest

import lambdasim as ls
from lambdasim.billing.neighbours.counts import NeighbourTerms
from lambdasim.catalog.prices.meters import meters
from lambdasim.errors import InputError
from lambdasim.study.safety.measures import MEASURES
from lambdasim.wording import money

SCENARIO = """
name: shop
start: 2026-11-01T00:00:00Z
duration: 1h
free_tier: {free}
region: {region}
{neighbours}
functions:
  - {{name: f, memory_mb: 512, timeout: 5s, init_ms: 0, work: {{io_ms: 10}},
     traffic: {{constant: {{rate_per_s: 2}}}}{uses}}}
"""
HOURS = 730
RUNS = 7200 * HOURS


def costs(
    *, free: bool = False, region: str = "us-east-1", neighbours: str = "", uses: str = ""
) -> tuple[ls.SafetyCosts, dict[str, dict[str, object]]]:
    text = SCENARIO.format(free=str(free).lower(), region=region, neighbours=neighbours, uses=uses)
    found = ls.safety_costs(ls.simulate(ls.load_scenario_text(text), keep_records=False))
    keys = ("IAM", "Secrets", "SSM", "KMS", "X-Ray", "logs", "endpoints", "NAT")
    rows = found.frame().to_dict("records")
    return found, {key: next(row for row in rows if key in str(row["measure"])) for key in keys}  # type: ignore[misc]


def test_what_a_scenario_has_not_is_priced_as_assumed_by_hand() -> None:
    found, rows = costs()
    cold = HOURS  # one environment an hour
    expected = {
        "IAM": 0.0,
        "Secrets": 0.40 + cold * 0.05 / 10_000,
        "SSM": 0.0,
        "KMS": 1.0 + cold * 0.03 / 10_000,
        "X-Ray": (HOURS * 3600 + (RUNS - HOURS * 3600) * 0.05) * 5 / 1e6,
        "logs": RUNS * 300 * 12 / 2**30 * 0.03,
        "endpoints": 2 * HOURS * 0.01,
        "NAT": 2 * HOURS * (0.045 + 0.005),
    }
    for key, usd in expected.items():
        assert rows[key]["would_usd"] == pytest.approx(usd, rel=1e-6), key
        assert rows[key]["usd"] == 0
        assert not rows[key]["in_scenario"]
    assert found.usd == 0
    # A VPC has one way out: endpoints alone, or NAT gateways.
    least, most = (sum(expected.values()) - expected[other] for other in ("NAT", "endpoints"))
    assert found.would_usd == pytest.approx((least, most), rel=1e-6)
    assert f"would add {money(least)} to {money(most)}" in repr(found)
    assert any("stand for each other" in note and "NAT" in note for note in found.notes())


def test_what_a_scenario_has_is_its_own_line_and_no_more_an_assumption() -> None:
    found, rows = costs(
        neighbours="neighbours: {include: [traces], held: {secrets: 3, kms_keys: 2, nat_hours: 1, endpoint_hours: 4}}",
        uses=", uses: {per_run: {secret_calls: 1}, per_run_kb: {nat_gb: 10}}",
    )
    # A month of 730 hours is 730 of November's 720 hours: held things are paid for once.
    assert rows["Secrets"]["usd"] == pytest.approx(3 * 0.40 + RUNS * 0.05 / 10_000, rel=1e-6)
    assert rows["KMS"]["usd"] == pytest.approx(2 * 1.0, rel=1e-6)
    assert rows["NAT"]["usd"] == pytest.approx(HOURS * 0.045 + RUNS * 10 * 1024 / 2**30 * 0.045, rel=1e-6)
    assert rows["endpoints"]["usd"] == pytest.approx(4 * HOURS * 0.01)
    assert rows["X-Ray"]["usd"] == pytest.approx(rows["X-Ray"]["would_usd"])
    have = [rows[key] for key in ("Secrets", "KMS", "X-Ray", "NAT", "endpoints")]
    assert all(row["in_scenario"] and row["assumed"] == "" for row in have)
    assert found.usd == pytest.approx(sum(float(str(row["usd"])) for row in have))
    assert found.usd < found.total_usd
    logs = float(str(rows["logs"]["would_usd"]))
    assert found.would_usd == pytest.approx((logs, logs))


def test_a_scenario_with_one_way_out_is_not_asked_for_the_other() -> None:
    found, rows = costs(neighbours="neighbours: {held: {endpoint_hours: 2}}")
    rest = ("Secrets", "KMS", "X-Ray", "logs")
    alone = sum(float(str(rows[key]["would_usd"])) for key in rest)
    assert found.would_usd == pytest.approx((alone, alone), rel=1e-9)
    assert rows["NAT"]["would_usd"] == pytest.approx(2 * HOURS * 0.05, rel=1e-6)  # still shown in its row


def test_regions_have_their_own_prices_and_free_parts_only_lower_them() -> None:
    _, home = costs()
    _, away = costs(region="eu-central-1")
    assert away["NAT"]["would_usd"] == pytest.approx(2 * HOURS * (0.052 + 0.005))
    _, free = costs(free=True)
    for key, row in home.items():
        assert float(str(free[key]["would_usd"])) <= float(str(row["would_usd"])) + 1e-12, key
    assert free["X-Ray"]["would_usd"] == pytest.approx(
        float(str(home["X-Ray"]["would_usd"])) - 0.1 * 5, rel=1e-6
    )


def test_no_meter_belongs_to_two_measures() -> None:
    for name in meters():
        assert sum(bool(one.meters) and name.startswith(one.meters) for one in MEASURES) <= 1, name


def test_it_wants_a_run() -> None:
    with pytest.raises(InputError, match="must be what simulate returns, got NeighbourTerms"):
        ls.safety_costs(NeighbourTerms(frozenset(), {}, {}))  # type: ignore[arg-type]
