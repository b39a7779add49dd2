"""The day from which INIT is billed: 1 August 2025 (AWS Compute Blog, April 2025).

One thousand cold starts of 0.4 s handler and 0.6 s INIT at 1,024 MB: 400 GB-s of handlers, 1,000 GB-s with INIT.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from lambdasim.billing import Usage, price

RATE = Decimal("0.0000166667")
HANDLER_ONLY = Decimal("400") * RATE  # 0.00666668
WITH_INIT = Decimal("1000") * RATE  # 0.0166667
REQUESTS = Decimal("1000") * Decimal("0.0000002")
ROW = Usage(
    "2025-07", "us-east-1", "f", "x86_64", 1024, 512, "zip", "python3.13",
    requests=1000, billed_ms_with_init=1_000_000, billed_ms_without_init=400_000,
)  # fmt: skip


@pytest.mark.parametrize(
    ("package", "runtime", "july", "august"),
    [
        ("zip", "python3.13", HANDLER_ONLY, WITH_INIT),
        ("zip", "nodejs22.x", HANDLER_ONLY, WITH_INIT),
        ("zip", "java21", HANDLER_ONLY, WITH_INIT),
        ("zip", "provided.al2023", WITH_INIT, WITH_INIT),
        ("zip", "provided.al2", WITH_INIT, WITH_INIT),
        ("image", "python3.13", WITH_INIT, WITH_INIT),
    ],
)
def test_july_and_august_2025(package: str, runtime: str, july: Decimal, august: Decimal) -> None:
    row = replace(ROW, package_type=package, runtime=runtime)
    assert price([row], free_tier=False).total == july + REQUESTS
    assert price([replace(row, month="2025-08")], free_tier=False).total == august + REQUESTS


def test_the_day_itself() -> None:
    for on, worked in (
        (date(2025, 7, 31), HANDLER_ONLY),
        (date(2025, 8, 1), WITH_INIT),
        (date(2026, 11, 1), WITH_INIT),
    ):
        assert price([ROW], on=on, free_tier=False).total == worked + REQUESTS


def test_the_bill_of_july_says_that_init_was_free() -> None:
    assert any("INIT of on-demand zip functions" in note for note in price([ROW]).notes)
    assert not any("INIT" in note for note in price([ROW], month="2025-08").notes)


def test_a_snapstart_restore_was_billed_before_that_day_too() -> None:
    # With SnapStart the sum with INIT holds the billed part of restores instead, which the rule never freed.
    assert (
        price([replace(ROW, snap_start=True, runtime="java21")], free_tier=False).total
        == WITH_INIT + REQUESTS
    )


def test_tmp_is_billed_for_the_same_duration_as_memory() -> None:
    # 1,536 MB of /tmp, 1,024 above what is included: 400 and 1,000 GB-s at 0.0000000309.
    row = replace(ROW, ephemeral_mb=1536)
    storage = Decimal("0.0000000309")
    assert price([row], free_tier=False).total == HANDLER_ONLY + REQUESTS + 400 * storage
    assert price([row], month="2025-08", free_tier=False).total == WITH_INIT + REQUESTS + 1000 * storage
