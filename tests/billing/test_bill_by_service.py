"""A bill by service: its parts sum to it, and it is shown where there are several."""

from decimal import Decimal

import pytest

from lambdasim import load_scenario_text, simulate

TEXT = """
name: s
start: 2026-11-02T00:00:00Z
duration: 1h
free_tier: false
functions:
- name: f
  work: {io_ms: 100}
  trigger: {type: api_gateway_rest}
  traffic: {constant: {rate_per_s: 10}}
"""
WITH_NEIGHBOURS = TEXT + "neighbours: {include: [trigger]}\n"


def test_services_add_up_to_the_bill() -> None:
    alone = simulate(load_scenario_text(TEXT)).charges()
    bill = simulate(load_scenario_text(WITH_NEIGHBOURS)).charges()
    # 36,000 calls at $3.50 a million.
    assert bill.by_service() == {"Amazon API Gateway": Decimal("0.126"), "AWS Lambda": alone.total}
    assert list(bill.by_service()) == ["Amazon API Gateway", "AWS Lambda"]
    assert sum(bill.by_service().values()) == bill.total


@pytest.mark.parametrize("text", [TEXT, WITH_NEIGHBOURS])
def test_several_services_are_shown_and_one_is_not(text: str) -> None:
    bill = simulate(load_scenario_text(text)).charges()
    shown = "by service" in bill.text()
    assert shown == (len(bill.by_service()) > 1) == ("include" in text) == bool(bill.service_rows())
    if shown:
        assert "Amazon API Gateway $0.13" in " ".join(bill.text().split("by service")[1].split())
