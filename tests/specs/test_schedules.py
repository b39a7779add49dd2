"""EventBridge schedules against dates worked out by hand, and against a plain walk through all minutes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdasim.specs.schedules import parse_schedule
from lambdasim.units import US_PER_MINUTE, from_epoch_us, to_epoch_us


def moments(text: str, start: str, days: float) -> list[str]:
    begin = datetime.fromisoformat(start).replace(tzinfo=UTC)
    times = parse_schedule(text).times_us(to_epoch_us(begin), to_epoch_us(begin + timedelta(days=days)))
    return [f"{from_epoch_us(time):%m-%d %H:%M}" for time in times]


@pytest.mark.parametrize(
    ("text", "start", "days", "expected"),
    [
        ("rate(1 day)", "2026-11-01", 3, ["11-01 00:00", "11-02 00:00", "11-03 00:00"]),
        ("rate(12 hours)", "2026-11-01T06:30", 1, ["11-01 06:30", "11-01 18:30"]),
        ("cron(0 10 * * ? *)", "2026-11-01", 2, ["11-01 10:00", "11-02 10:00"]),
        ("cron(15 12 ? * 2#1 *)", "2026-11-01", 60, ["11-02 12:15", "12-07 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", "2026-11-06", 4, ["11-06 18:00", "11-09 18:00"]),
        ("cron(0 8 1 * ? *)", "2026-11-01", 40, ["11-01 08:00", "12-01 08:00"]),
        (
            "cron(0/20 8-9 ? * SUN *)",
            "2026-11-01",
            7,
            [f"11-01 {h:02}:{m:02}" for h in (8, 9) for m in (0, 20, 40)],
        ),
        ("cron(0 0 L * ? *)", "2028-02-01", 29.5, ["02-29 00:00"]),
        ("cron(0 9 ? * 6L *)", "2026-11-01", 30, ["11-27 09:00"]),
        ("cron(0 9 1W * ? *)", "2026-08-01", 31, ["08-03 09:00"]),
        ("cron(0 9 15W * ? *)", "2026-11-01", 30, ["11-16 09:00"]),
        ("cron(0 9 LW * ? *)", "2026-05-01", 31, ["05-29 09:00"]),
        ("cron(0 0 1 1 ? 2027)", "2026-01-01", 800, ["01-01 00:00"]),
        ("cron(0 0 31 * ? *)", "2026-11-01", 61, ["12-31 00:00"]),
        ("cron(5,35 14 * NOV ? *)", "2026-11-30", 3, ["11-30 14:05", "11-30 14:35"]),
    ],
)
def test_moments_by_hand(text: str, start: str, days: float, expected: list[str]) -> None:
    assert moments(text, start, days) == expected


@pytest.mark.parametrize(
    "text",
    [
        "rate(1 minutes)", "rate(5 minute)", "rate(0 minutes)", "rate(5m)", "every day", "cron(0 10 * * *)",
        "cron(0 10 * * * *)", "cron(0 10 ? * ? *)", "cron(60 10 * * ? *)", "cron(0 24 * * ? *)", "cron(0 0 0 * ? *)",
        "cron(0 0 * 13 ? *)", "cron(0 0 ? * 8 *)", "cron(0 0 ? * MON#6 *)", "cron(0 0 ? * MON-FRI#1 *)",
        "cron(*/0 0 * * ? *)", "cron(0 0 32W * ? *)", "cron(0 0 * * ? 1969)", "cron(a 0 * * ? *)", "cron(0 0 W * ? *)",
        "cron(5-1 0 * * ? *)", "",
    ],
)  # fmt: skip
def test_what_eventbridge_refuses_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(must|needs|\S+ must)") as caught:
        parse_schedule(text)
    assert "\n" not in str(caught.value)


@given(
    st.sets(st.integers(0, 59), min_size=1, max_size=4),
    st.sets(st.integers(0, 23), min_size=1, max_size=3),
    st.sets(st.integers(1, 7), min_size=1, max_size=3),
    st.integers(0, 10_000),
    st.integers(1, 3 * 1440),
)
def test_a_cron_is_the_minutes_that_match_it(
    minutes: set[int], hours: set[int], weekdays: set[int], start_minute: int, length: int
) -> None:
    text = f"cron({','.join(map(str, minutes))} {','.join(map(str, hours))} ? * {','.join(map(str, weekdays))} *)"
    start_us = to_epoch_us(datetime(2026, 10, 25, tzinfo=UTC)) + start_minute * US_PER_MINUTE
    walked = []
    for minute in range(length):
        moment = from_epoch_us(start_us + minute * US_PER_MINUTE)
        if moment.minute in minutes and moment.hour in hours and moment.isoweekday() % 7 + 1 in weekdays:
            walked.append(to_epoch_us(moment))
    assert list(parse_schedule(text).times_us(start_us, start_us + length * US_PER_MINUTE)) == walked
