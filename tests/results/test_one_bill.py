"""Every way in which a run tells what its invocations cost agrees with its bill, whenever INIT is billed."""

from fractions import Fraction

import pytest

import lambdasim as ls
from lambdasim.catalog import ChargeKind
from lambdasim.specs import load_scenario_text

INVOCATIONS = (ChargeKind.REQUEST, ChargeKind.DURATION, ChargeKind.EPHEMERAL)
KINDS = {
    "zip": "runtime: python3.13",
    "arm": "runtime: python3.13, architecture: arm64",
    "image": "package_type: image, init_ms: 700",
    "custom": "runtime: provided.al2023, init_ms: 300",
    "python-snapshots": "runtime: python3.13, snap_start: {restore_ms: 900}",
    "java-snapshots": "runtime: java21, snap_start: {restore_ms: 900}",
    "tmp": "runtime: python3.13, ephemeral_mb: 4096",
}


def run_of(kind: str, start: str) -> ls.RunResult:
    return ls.simulate(
        load_scenario_text(
            f"name: t\nstart: {start}\nduration: 4h\nfree_tier: false\nfunctions:\n"
            f"  - {{name: f, {KINDS[kind]}, work: {{io_ms: 50}}, keep_alive: 1min, "
            "traffic: {poisson: {rate_per_s: 0.02}}}\n"
        )
    )


@pytest.mark.parametrize("start", ["2025-06-30T20:00:00Z", "2025-08-01T00:00:00Z", "2026-11-01T00:00:00Z"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_cost_of_invocations_and_of_hours_is_what_the_bill_says(kind: str, start: str) -> None:
    run = run_of(kind, start)
    costs = run.invocation_costs("f")
    billed = sum(Fraction(item.amount) for item in run.charges().items if item.kind in INVOCATIONS)
    assert costs.n > 100
    assert costs.mean() * costs.n == billed
    assert run.hourly_costs()["usd"].sum() == pytest.approx(float(run.charges().total), rel=1e-12)
