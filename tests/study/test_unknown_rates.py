"""Studies in a region whose sheet lacks the rates of what they would only propose: they leave it out, and say so."""

import lambdasim as ls

HYDERABAD = """name: h
start: 2026-11-02T00:00:00Z
duration: 30min
region: ap-south-2
functions: [{name: f, traffic: {poisson: {rate_per_s: 2}}, work: {io_ms: 50}}]
"""
"""Its rates of provisioned concurrency are unknown."""


def test_limits_propose_nothing_that_has_no_price() -> None:
    found = ls.advise_limits(ls.load_scenario_text(HYDERABAD), replications=2, multiples=[1])
    assert (found.plan, found.provisioned, found.tracking) == (None, None, None)
    told = "Not advised: provisioned concurrency of f: its rates in ap-south-2 are unknown."
    assert told in " ".join(found.text().split())


def test_a_what_if_leaves_out_what_has_no_price() -> None:
    spec = ls.load_scenario_text(HYDERABAD)
    found = ls.what_if(spec, sizes=[128], traffic=[1.0])
    assert {setting.provisioned for setting in found.outcomes} == {"0"}
    told = "provisioned environments have no known rates in ap-south-2, and are left out"
    assert told in found.notes
    priced = ls.what_if(
        ls.load_scenario_text(HYDERABAD.replace("ap-south-2", "us-east-1")), sizes=[128], traffic=[1.0]
    )
    assert {setting.provisioned for setting in priced.outcomes} > {"0"}
    assert not any("no known rates" in note for note in priced.notes)
