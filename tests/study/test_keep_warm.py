"""Keep-warm pings beside provisioned concurrency, worked by hand."""

import pytest

import lambdasim as ls
from lambdasim.errors import InputError

# A call every ten minutes: with six minutes of keep-alive each begins cold.
TEXT = """
name: rare
start: 2026-11-02T00:00:00Z
duration: 1d
platform: {max_lifetime: 2h}
functions:
  - name: api
    memory_mb: 1024
    timeout: 20s
    init_ms: 400
    placement_ms: 0
    keep_alive: 6min
    work: {io_ms: 200, first_run_ms: 0}
    trigger: {type: function_url}
    traffic: {schedule: "rate(10 minutes)"}
"""
GB_S, REQUEST, IDLE, HELD = 0.0000166667, 0.0000002, 0.0000041667, 0.0000097222


def test_what_pings_keep_and_what_they_cost_by_hand() -> None:
    table = ls.keep_warm(ls.load_scenario_text(TEXT), "api", 2).set_index("way")
    assert table["cold_starts"].tolist() == [144, 0, 0]
    assert table["p99_ms"].tolist() == [600, 200, 200]
    # Cold: 144 x 0.6 s. Pings: 144 x 0.2 s, 2 x 288 pings of 0.1 s, and 2 environments made twelve times in a day.
    assert table.loc["as it is", "usd"] == pytest.approx(144 * (0.6 * GB_S + REQUEST))
    assert (table.loc["pings", "pings"], table.loc["pings", "ping_cold_starts"]) == (576, 24)
    seconds = 144 * 0.2 + 576 * 0.1 + 24 * 0.4
    assert table.loc["pings", "usd"] == pytest.approx(seconds * GB_S + (144 + 576) * REQUEST)
    # Provisioned: two of 1 GB for a day, their INIT, and the runs at the lower price.
    held = 2 * 86_400 * IDLE + (2 * 0.4 + 144 * 0.2) * HELD + 144 * REQUEST
    assert table.loc["provisioned", "usd"] == pytest.approx(held, rel=1e-4)


def test_more_environments_cost_in_proportion_and_every_halves() -> None:
    scenario = ls.load_scenario_text(TEXT)
    one, two = (ls.keep_warm(scenario, "api", n).set_index("way").loc["pings", "usd"] for n in (1, 2))
    base = 144 * (0.2 * GB_S + REQUEST)
    assert two - base == pytest.approx(2 * (one - base))
    often = ls.keep_warm(scenario, "api", 1, every="150s").set_index("way").loc["pings"]
    assert often["pings"] == 2 * 288


def test_what_cannot_be_compared_is_refused() -> None:
    scenario = ls.load_scenario_text(TEXT)
    with pytest.raises(InputError, match="must be one of api"):
        ls.keep_warm(scenario, "web", 2)
    with pytest.raises(InputError, match="above 0"):
        ls.keep_warm(scenario, "api", 0)
    with pytest.raises(InputError, match="must be below the time for which an idle environment lives"):
        ls.keep_warm(scenario, "api", 2, every="6min")
    provided = ls.load_scenario_text(
        TEXT.replace("    keep_alive", "    provisioned_concurrency: [{at: 0s, count: 1}]\n    keep_alive")
    )
    with pytest.raises(InputError, match="neither"):
        ls.keep_warm(provided, "api", 2)
