"""Cost of each hour, the month so far, and cost per million."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdasim.billing import Usage, hourly_costs, invocation_costs, per_million, price
from lambdasim.billing.hourly import HourlyCosts
from lambdasim.catalog import billing_rules, price_sheet
from lambdasim.errors import CatalogError, InputError

# A busy machine is no defect of a bill.
LAWS = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
RULES = billing_rules(date(2026, 11, 1))
GB_S = 1_024_000  # MB-ms
BASE = Usage("2026-11", "us-east-1", "f", "x86_64", 1, 512, "zip", "python3.13")
X86, REQUEST = Decimal("0.0000166667"), Decimal("0.0000002")


def costs(
    requests: object, mb_ms: object, architecture: str = "x86_64", free_tier: bool = False
) -> HourlyCosts:
    return hourly_costs(
        requests,  # type: ignore[arg-type]
        mb_ms,  # type: ignore[arg-type]
        architecture=architecture,
        sheet=price_sheet("us-east-1"),
        rules=RULES,
        free_tier=free_tier,
    )


def test_three_hours_by_hand() -> None:
    found = costs([1_000_000, 0, 500_000], [60_000 * GB_S, 0, 1])
    quiet = X86 / GB_S  # one MB-ms
    assert found.list_usd == (Decimal("60000") * X86 + Decimal("0.2"), Decimal(0), quiet + Decimal("0.1"))
    assert found.cumulative_usd[0] == found.cumulative_usd[1] == found.list_usd[0]
    assert found.cumulative_usd[2] == found.list_usd[0] + found.list_usd[2]


def test_the_hour_that_crosses_a_tier() -> None:
    # 5.9e9 and 0.2e9 GB-s: at list price the second costs 0.2e9 x 0.0000166667; on the bill half of it is tier 2.
    found = costs([0, 0], [5_900_000_000 * GB_S, 200_000_000 * GB_S])
    assert found.list_usd[1] == Decimal("200000000") * X86
    added = found.cumulative_usd[1] - found.cumulative_usd[0]
    assert added == Decimal("100000000") * X86 + Decimal("100000000") * Decimal("0.000015")


def test_the_first_hours_use_the_free_tier_up() -> None:
    found = costs([600_000, 600_000], [300_000 * GB_S, 300_000 * GB_S], free_tier=True)
    assert found.cumulative_usd == (Decimal(0), Decimal("200000") * X86 + Decimal("200000") * REQUEST)
    assert (
        found.list_usd == (Decimal("300000") * X86 + Decimal("600000") * REQUEST,) * 2
    )  # never free at list price


HOURS = st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**16)), min_size=1, max_size=30)


@LAWS
@given(HOURS, st.sampled_from(["x86_64", "arm64"]), st.booleans())
def test_the_last_hour_has_the_months_bill_and_none_falls(
    hours: list[tuple[int, int]], architecture: str, free_tier: bool
) -> None:
    requests, mb_ms = zip(*hours, strict=True)
    found = costs(requests, mb_ms, architecture, free_tier)
    for end in {1, len(hours) // 2, len(hours)} - {0}:
        used = sum(mb_ms[:end])
        row = replace(BASE, architecture=architecture, requests=sum(requests[:end]))
        row = replace(row, billed_ms_with_init=used, billed_ms_without_init=used)
        assert found.cumulative_usd[end - 1] == price([row], free_tier=free_tier).total
    assert list(found.cumulative_usd) == sorted(found.cumulative_usd)
    assert sum(map(Fraction, found.list_usd)) >= Fraction(found.cumulative_usd[-1])


@LAWS
@given(HOURS)
def test_hours_below_the_first_bound_cost_their_list_price(hours: list[tuple[int, int]]) -> None:
    requests, mb_ms = zip(*[(count, used % 10**14) for count, used in hours], strict=True)
    found = costs(requests, mb_ms)
    assert sum(map(Fraction, found.list_usd)) == Fraction(found.cumulative_usd[-1])


def test_arrays_are_taken_without_wrapping_around() -> None:
    # Two hours of 2**62 MB-ms: their sum does not fit 64 bits.
    found = costs(np.array([1, 2]), np.full(2, 1 << 62))
    assert found.cumulative_usd == costs([1, 2], [1 << 62, 1 << 62]).cumulative_usd
    assert found.cumulative_usd[1] > found.cumulative_usd[0]
    assert costs([], []).cumulative_usd == ()


@pytest.mark.parametrize("bad", [-1, 1.0, 1.5, True, "1", None, np.float64(2)])
def test_what_is_no_whole_number_is_refused_with_its_hour(bad: object) -> None:
    with pytest.raises(InputError, match=r"hourly usage: mb_ms\[1\]: must be a whole number from 0"):
        costs([1, 1], [1, bad])
    with pytest.raises(InputError, match=r"hourly usage: requests\[0\]"):
        costs([bad, 1], [1, 1])


def test_lengths_must_agree_and_rates_be_known() -> None:
    with pytest.raises(InputError, match="must be as long as requests, 2, got 1"):
        costs([1, 2], [1])
    with pytest.raises(CatalogError, match="us-gov-west-1: request: the rate is unknown"):
        hourly_costs([1], [1], architecture="arm64", sheet=price_sheet("us-gov-west-1"), rules=RULES)


def test_the_frame_is_for_plots() -> None:
    frame = costs([1, 1], [GB_S, GB_S]).frame()
    assert frame.columns.tolist() == ["hour", "list_usd", "cumulative_usd"]
    assert frame["hour"].tolist() == [0, 1]
    assert frame["cumulative_usd"].tolist() == pytest.approx([0.0000168667, 0.0000337334], rel=1e-12)


def test_per_million() -> None:
    # 3 M invocations of 120 ms at 1,536 MB: 0.18 GB-s x 0.0000166667 + 0.0000002 each, 3.200006 a million.
    assert per_million(Decimal("9.600018"), 3_000_000) == Fraction("3.200006")
    found = invocation_costs(
        np.array([120]),
        np.array([3_000_000]),
        memory_mb=1536,
        ephemeral_mb=512,
        architecture="x86_64",
        sheet=price_sheet("us-east-1"),
        rules=RULES,
    )
    assert found.per_million() == Fraction("3.200006")
    for none in (0, -1):
        with pytest.raises(ValueError, match="invocations must be 1 or more"):
            per_million(Decimal(1), none)


def test_a_histogram_that_would_wrap_around_is_refused() -> None:
    with pytest.raises(InputError, match="must sum to 9223372036854775807 at most"):
        invocation_costs(
            np.array([900_000, 1]),
            np.array([1 << 50, 1]),
            memory_mb=128,
            ephemeral_mb=512,
            architecture="x86_64",
            sheet=price_sheet("us-east-1"),
            rules=RULES,
        )
