"""Deliberate faults in what the compiled engine does with clients that slow themselves down: each must be seen."""

import pytest
from families import FAMILIES
from faults import Fault, assert_all_seen

pytestmark = pytest.mark.slow

FAULTS: dict[str, Fault] = {
    "throttles that no client hears of": (
        "if function.paces:\n    _heard(state.paces[_client_of(function, event)], now, True)",
        "if False:\n    _heard(state.paces[_client_of(function, event)], now, True)",
    ),
    "answers that no client hears of": (
        "if function.paces:\n    _heard(state.paces[client], now, False)",
        "if False:\n    _heard(state.paces[client], now, False)",
    ),
    "one rate for all processes": (
        "_turn_us(state.paces[_client_of(function, event)], now)",
        "_turn_us(state.paces[function.first_client], now)",
    ),
    "draws of an arrival that has waited, taken from another": (
        "event.attempts or event.row < 0",
        "event.attempts",
    ),
}


def test_every_fault_in_adaptive_clients_is_seen() -> None:
    mine = [family for name, family in FAMILIES.items() if "slow themselves down" in name]
    assert_all_seen(FAULTS, mine, number=8)
