"""A free tier is a whole month's: a short run that it covers shows its bill without it too."""

import json
import re
from decimal import Decimal
from pathlib import Path

import lambdasim as ls
from lambdasim.specs import load_scenario_text

TEXT = """
name: day
start: 2026-11-01T00:00:00Z
duration: 1d
functions:
  - name: api
    memory_mb: 128
    init_ms: 0
    work: {io_ms: 100, first_run_ms: 0}
    trigger: {type: function_url}
    traffic: {constant: {rate_per_s: 5}}
"""
# 432,000 requests at $0.20 a million, and 432,000 x 0.1 s x 0.125 GB = 5,400 GB-s at $0.0000166667.
WITHOUT = Decimal("0.17640018")


def test_text_json_and_page_show_the_bill_with_the_tier_and_without(tmp_path: Path) -> None:
    run = ls.simulate(load_scenario_text(TEXT), keep_records=False)
    assert run.charges().total == 0
    assert run.charges(free_tier=False).total == WITHOUT
    assert "bill $0.00 with a whole month's free tier, $0.18 without" in " ".join(repr(run).split())
    ls.save(run, tmp_path)
    assert Decimal(json.loads((tmp_path / "summary.json").read_text())["total_without_free_tier"]) == WITHOUT
    assert re.search(
        r"<dd>\$0\.00<small>with a whole month&#x27;s free tier; \$0\.18 without", ls.report_html(run)
    )


def test_without_a_free_tier_there_is_one_bill() -> None:
    run = ls.simulate(load_scenario_text(TEXT.replace("duration: 1d", "duration: 1d\nfree_tier: false")))
    assert run.charges().total == WITHOUT
    assert "without" not in repr(run)


def test_plans_of_limits_are_priced_before_the_tier() -> None:
    # 40 of 60 at once are refused: a plan with more concurrency costs money that a month's tier would hide.
    text = TEXT.replace("duration: 1d", "duration: 5min\naccount: {concurrency: 120}").replace(
        "{constant: {rate_per_s: 5}}",
        "{constant: {rate_per_s: 5}, spikes: [{at: 2min, duration: 20s, factor: 400}]}",
    )
    advice = ls.advise_limits(load_scenario_text(text), replications=2, multiples=(1,))
    assert "before the free tier" in " ".join(advice.text().split())
