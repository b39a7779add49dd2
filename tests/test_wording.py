"""One form of everything that is shown."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdasim.wording import COLUMNS, UNPRINTABLE, clipped, count, listed, money, percent, printable, wrapped


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0.005", "$0.005"), ("0.009994", "$0.00999"), ("0.009996", "$0.01"), ("0.01", "$0.01"), ("0.014999", "$0.01"),
        ("0.015", "$0.02"), ("-0.005", "-$0.005"), ("-1234.565", "-$1,234.57"), ("0.00000123456", "$0.00000123"),
        ("1e-15", "$0.000000000000001"), ("999999.995", "$1,000,000.00"), ("0", "$0.00"), ("-0.0", "$0.00"),
    ],
)  # fmt: skip
def test_money_has_two_decimals_and_three_digits_below_a_cent(amount: str, shown: str) -> None:
    assert money(Decimal(amount)) == shown
    assert money(Fraction(amount)) == shown


@given(st.fractions(-(10**12), 10**12))
def test_money_reads_back_within_half_its_last_digit(amount: Fraction) -> None:
    back = Fraction(money(amount).replace("$", "").replace(",", ""))
    close = Fraction(1, 200) if abs(amount) >= Fraction(1, 100) else abs(amount) / 200
    assert abs(back - amount) <= close
    assert (back == 0) == (amount == 0)


@given(st.floats(0, 1))
def test_a_share_never_reads_as_nothing_or_all_when_it_is_not(share: float) -> None:
    assert (percent(share) == "0.00%") == (share == 0)
    assert (percent(share) == "100.00%") == (share == 1)


def test_a_difference_of_shares_has_its_sign() -> None:
    assert [percent(share, 1, signed=True) for share in (0.021, -0.021, 0.00001, -0.0)] == [
        "+2.1%", "-2.1%", "0.0%", "0.0%"
    ]  # fmt: skip


@given(st.text(max_size=300))
def test_no_text_from_outside_moves_a_terminal(text: str) -> None:
    for shown in (printable(text), clipped(text, 30), wrapped(text), listed([text, text], most=1)):
        assert not UNPRINTABLE.search(shown)
    assert len(clipped(text, 30)) <= 30
    assert all(len(line) <= COLUMNS for line in wrapped(text).split("\n"))


def test_escapes_bidi_controls_and_surrogates_show_as_what_they_are() -> None:
    assert printable("\x1b[31m\u202egnp.exe\ud800\x07") == r"\x1b[31m\u202egnp.exe\ud800\x07"
    assert clipped("two\nlines", 20) == "two lines"


def test_lists_are_cut_with_a_count() -> None:
    assert listed([], 3) == ""
    assert listed(["one"], 3) == "one"
    assert listed(["a", "b", "c"], 3) == "a, b, c"
    assert listed([str(k) for k in range(5000)], 2) == "0, 1 and 4,998 more"


def test_counts() -> None:
    assert [count(number, "run") for number in (0, 1, 1234)] == ["0 runs", "1 run", "1,234 runs"]
