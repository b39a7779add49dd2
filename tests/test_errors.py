"""Errors keep their faults wherever they travel."""

import pickle

from lambdasim.errors import Fault, TraceError


def test_an_error_survives_being_made_again_from_its_arguments() -> None:
    error = TraceError([Fault("t.csv, row 3", "count", "must be whole"), Fault("t.csv", "", "is short")])
    for again in (type(error)(*error.args), pickle.loads(pickle.dumps(error))):  # noqa: S301 - our own bytes
        assert again.faults == error.faults
        assert str(again) == "t.csv, row 3: count: must be whole\nt.csv: is short"


def test_what_a_fault_quotes_does_nothing_to_a_terminal() -> None:
    fault = Fault("a\x1b[2J.csv", "\x00account", "must be whole, got '\u202e7'")
    assert str(fault) == "a\\x1b[2J.csv: \\x00account: must be whole, got '\\u202e7'"


def test_what_a_fault_quotes_does_not_fill_a_terminal() -> None:
    fault = Fault("scenario.json", "9" * 100_000, "must be one of " + ", ".join(map(str, range(10_000))))
    assert len(str(fault)) < 3_000
    assert str(fault).startswith("scenario.json: 999")
    assert str(fault).endswith("…")
    assert len(fault.field) == 100_000  # whoever asks has it whole
