"""Pictures of bills say what the bills hold."""

from dataclasses import replace

import pytest

from lambdasim.billing import Usage, price
from lambdasim.plots import plot_functions, plot_waterfall
from lambdasim.plots.style import MOST_LINES, Picture, plain_ticks

pytestmark = pytest.mark.rendered

ROW = Usage(
    "2026-11", "us-east-1", "a", "x86_64", 1024, 512, "zip", "python3.13",
    requests=1_000_000, billed_ms_with_init=100_000_000, billed_ms_without_init=100_000_000,
)  # fmt: skip
SMALL, NONE = price([ROW], free_tier=False), price([], free_tier=False)
MORE = price([replace(ROW, requests=500_000, billed_ms_with_init=300_000_000)], free_tier=False)


def test_a_waterfall_goes_from_one_bill_to_the_other() -> None:
    ax = plot_waterfall(SMALL, MORE, names=("October", "November"))
    bars = [patch for patch in ax.patches if patch.get_width()]
    assert bars[0].get_width() == pytest.approx(float(SMALL.total))
    assert bars[-1].get_width() == pytest.approx(float(MORE.total))
    assert sum(bar.get_width() for bar in bars[:-1]) == pytest.approx(float(MORE.total))
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "October",
        "Lambda-GB-Second",
        "Request",
        "November",
    ]
    assert ax.get_title(loc="left") == "From October to November: +$3.23"


def test_equal_bills_have_no_steps_and_empty_ones_say_so() -> None:
    assert len(plot_waterfall(SMALL, SMALL).get_yticklabels()) == 2
    assert plot_waterfall(NONE, NONE).texts[0].get_text() == "nothing to pay"
    assert plot_functions(NONE).texts[0].get_text() == "nothing to pay"


def test_functions_add_up_to_the_bill_with_the_dearest_first() -> None:
    rows = [replace(ROW, function=f"f{number:02}", requests=1_000_000 * (number + 1)) for number in range(20)]
    bill = price(rows, free_tier=False)
    ax = plot_functions(bill)
    assert sum(patch.get_width() for patch in ax.patches) == pytest.approx(float(bill.total))
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == [f"f{19 - place:02}" for place in range(MOST_LINES)] + ["8 others"]


def test_pictures_are_the_same_each_time() -> None:
    first, second = (plot_waterfall(SMALL, MORE).figure for _ in range(2))
    assert isinstance(first, Picture)
    assert isinstance(second, Picture)
    assert first.png() == second.png()


def test_an_axis_has_no_exponents() -> None:
    ticks = plain_ticks()
    assert [ticks(value) for value in (0, 1.5e-05, 0.25, 1_500_000)] == ["0", "0.000015", "0.25", "1,500,000"]
    assert [ticks(value) for value in (2e9, -1.25e12)] == ["2,000,000,000", "\N{MINUS SIGN}1,250,000,000,000"]
    assert [plain_ticks(signed=True)(value) for value in (20, -0.1)] == ["+20", "\N{MINUS SIGN}0.1"]
