"""Schedules in a time zone: worked by hand around both changes of the clock, and a law for every zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdasim.specs.schedules import parse_schedule
from lambdasim.units import from_epoch_us, to_epoch_us

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
)


def times(text: str, start: str, days: int) -> list[str]:
    first = to_epoch_us(datetime.fromisoformat(start).replace(tzinfo=UTC))
    return [
        f"{from_epoch_us(one):%d %H:%M}"
        for one in parse_schedule(text).times_us(first, first + days * 86_400_000_000)
    ]


def test_the_clock_goes_forward_and_back() -> None:
    # Central European Summer Time began on 29 March 2026 at 01:00 UTC and ended on 25 October 2026 at 01:00 UTC.
    assert times("cron(30 9 * * ? *) Europe/Berlin", "2026-03-28", 2) == ["28 08:30", "29 07:30"]
    assert times("cron(30 9 * * ? *) Europe/Berlin", "2026-10-24", 2) == ["24 07:30", "25 08:30"]
    # 02:30 does not exist on the 29th, and comes once on the 25th.
    assert times("cron(30 2 * * ? *) Europe/Berlin", "2026-03-28", 3) == ["28 01:30", "30 00:30"]
    assert times("cron(30 2 * * ? *) Europe/Berlin", "2026-10-24", 3) == ["24 00:30", "25 00:30", "26 01:30"]


def test_days_begin_with_the_zone() -> None:
    # Midnight of the first of the month in Kiritimati, 14 hours ahead, is still the last of the month before.
    assert times("cron(0 0 1 * ? *) Pacific/Kiritimati", "2026-10-25", 10) == ["31 10:00"]
    # Monday 23:00 in New York is Tuesday in UTC.
    assert times("cron(0 23 ? * MON *) America/New_York", "2026-11-02", 7) == ["03 04:00"]


def test_utc_and_rates_are_as_without() -> None:
    for zone in ("UTC", "Etc/UTC"):
        assert parse_schedule(f"cron(5 4 * * ? *) {zone}") == parse_schedule("cron(5 4 * * ? *)")
    assert parse_schedule("rate(5 minutes) Europe/Berlin") == parse_schedule("rate(5 minutes)")


@given(st.sampled_from(ZONES), st.integers(0, 23), st.integers(0, 59), st.integers(0, 365))
def test_every_moment_shows_the_time_on_the_zones_clock(zone: str, hour: int, minute: int, day: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
    first = to_epoch_us(start)
    found = list(
        parse_schedule(f"cron({minute} {hour} * * ? *) {zone}").times_us(first, first + 20 * 86_400_000_000)
    )
    clocks = [from_epoch_us(one).astimezone(ZoneInfo(zone)) for one in found]
    assert all((clock.hour, clock.minute) == (hour, minute) for clock in clocks)
    assert found == sorted(set(found))
    # Once a day of the zone, but for one that the change of the clock leaves out.
    assert len({clock.date() for clock in clocks}) == len(clocks) >= 18


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "../../etc/passwd", "Europe", "berlin time", "CET+1x"])
def test_unknown_zones_are_refused(zone: str) -> None:
    with pytest.raises(ValueError, match=r"time zone|rate\(5 minutes\)"):
        parse_schedule(f"cron(0 8 * * ? *) {zone}")
