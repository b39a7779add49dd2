"""Events that EventBridge, its Scheduler and SNS cannot deliver at first: timelines worked by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worked import function, run, scenario, starts

from lambdasim.errors import ScenarioError
from lambdasim.specs.callers.delivery import DeliverySpec
from lambdasim.specs.trigger import TriggerType
from lambdasim.traffic.delivery import Deliveries, retry_times_us

S = 1_000_000


def ruled(kind: str = "eventbridge", **delivery: Any) -> dict[str, Any]:
    return function(
        trigger={"type": kind, "delivery": {"outages": [{"at": "0s", "duration": "24h"}]} | delivery}
    )


def test_eventbridge_gives_up_after_185_retries_which_take_a_day() -> None:
    """Waits of 1, 2, ... 256 s are nine and sum to 511 s; 176 more of 480 s are 84,480 s: the last is at 84,991 s, within
    24 h. An outage of exactly so long is outlived by one microsecond less, and by nothing else."""
    spec = DeliverySpec.model_validate({"outages": [{"at": "0s", "duration": "30h"}]})
    tries = retry_times_us(spec, TriggerType.EVENTBRIDGE) // S
    assert (len(tries), tries[:10].tolist(), tries[-1]) == (
        185,
        [1, 3, 7, 15, 31, 63, 127, 255, 511, 991],
        84_991,
    )
    found = run([ruled()], {"f": [0]}, duration="1h")
    assert len(found.records) == 0
    assert any("EventBridge gave up 1 event for f" in one for one in found.warnings())


@pytest.mark.parametrize(
    ("settings", "sent", "runs"),
    [
        # Out for 10 s from 100 s: tried at 100 + 1, 3, 7, 15 s; what is sent at 108 s at 109 and 111 s; after it at once.
        ({"outages": [{"at": "100s", "duration": "10s"}]}, [99, 100, 108, 110], [99, 110, 111, 115]),
        # Two retries are not enough for the first, which is given up at 103 s.
        ({"outages": [{"at": "100s", "duration": "10s"}], "retry_attempts": 2}, [100, 108], [111]),
        # An age of 60 s: the retry at 63 s does not come.
        ({"outages": [{"at": "0s", "duration": "36s"}], "max_age": "60s"}, [0, 5], [36]),
        ({"outages": [{"at": "0s", "duration": "32s"}], "max_age": "60s"}, [0], []),
        # Nobody may invoke it: given up with the first try, or with the retry that meets it.
        ({"outages": [{"at": "0s", "duration": "5s", "tried_again": False}]}, [0, 5], [5]),
        ({"outages": [{"at": "0s", "duration": "2s"}, {"at": "2s", "duration": "9s", "tried_again": False}]}, [0, 1], []),
    ],
)  # fmt: skip
def test_a_rule_tries_again_until_it_is_delivered(
    settings: dict[str, Any], sent: list[float], runs: list[float]
) -> None:
    assert starts(run([ruled(**settings)], {"f": sent})) == runs


def test_a_topic_tries_at_once_then_each_second_then_up_to_twenty_and_for_weeks() -> None:
    """Three at once, 1 and 2 s after them, ten whose waits grow from 1 to 20 s, 100,000 of 20 s: 23 days."""
    spec = DeliverySpec.model_validate({"outages": [{"at": "0s", "duration": "1h"}]})
    times = retry_times_us(spec, TriggerType.SNS) / S
    assert len(times) == 100_015
    assert times[:6].tolist() == [0, 0, 0, 1, 2, 3]
    assert times[14] - times[13] == pytest.approx(20)
    assert times[-1] / 86_400 == pytest.approx(23.15, abs=0.01)


def test_lambda_s_own_retries_follow_the_delivery() -> None:
    """Delivered at 15 s, fails: again a minute after its end and two minutes after that one's."""
    fails = ruled(outages=[{"at": "0s", "duration": "10s"}]) | {
        "work": {"io_ms": 1000, "error_probability": 1, "first_run_ms": 0}
    }
    assert starts(run([fails], {"f": [0]})) == [15, 76, 197]


@settings(max_examples=60, deadline=None)
@given(
    sent=st.lists(st.integers(0, 300), max_size=40).map(sorted),
    outages=st.lists(
        st.tuples(st.integers(0, 300), st.integers(1, 60), st.booleans()), min_size=1, max_size=3
    ),
    cut=st.integers(1, 7),
)
def test_every_event_is_delivered_once_in_order_or_given_up(
    sent: list[int], outages: list[tuple[int, int, bool]], cut: int
) -> None:
    spec = DeliverySpec.model_validate(
        {"outages": [{"at": f"{at}s", "duration": f"{long}s", "tried_again": again} for at, long, again in outages],
         "retry_attempts": 4}
    )  # fmt: skip
    deliveries = Deliveries(spec, TriggerType.EVENTBRIDGE)
    times = np.array(sent, dtype=np.int64) * S
    out = np.concatenate([np.zeros(0, dtype=np.int64), *deliveries.of(np.array_split(times, cut))])
    assert len(out) + deliveries.given_up == len(sent)
    assert (np.diff(out) >= 0).all()
    for at_us in out:
        assert not any(at * S <= at_us < (at + long) * S for at, long, _ in outages)


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        ("s3", {}, "does not belong to a trigger of type s3"),
        ("eventbridge", {"outages": []}, "at least 1"),
        ("eventbridge", {"max_age": "30s"}, "between 60 and 86400"),
        ("schedule", {"retry_attempts": 186}, "between 0 and 185"),
        ("sns", {"max_age": "1h"}, "cannot be changed"),
    ],
)  # fmt: skip
def test_a_delivery_that_aws_does_not_have_is_refused(kind: str, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        scenario([ruled(kind, **settings)], {"f": [0]})


def test_a_call_through_a_trigger_with_outages_is_refused() -> None:
    caller = function("a", trigger={"type": "sdk"}, calls=[{"function": "f", "how": "trigger"}])
    with pytest.raises(ScenarioError, match="own traffic alone"):
        scenario([caller, ruled()], {"a": [0]})


@pytest.mark.parametrize("kind", ["sns", "eventbridge"])
def test_what_reaches_three_functions_is_published_once(kind: str) -> None:
    """Ten events to each of three: 30 runs, and ten publishes; so it is where a function of one's own publishes them."""
    first = function("a", trigger={"type": kind})
    others = [function(name, trigger={"type": kind, "events_of": "a"}) for name in "bc"]
    meter = {"sns": "sns_publishes", "eventbridge": "eventbridge_events"}[kind]
    publisher = function(
        "p", trigger={"type": "sdk"}, calls=[{"function": name, "how": "trigger"} for name in "abc"]
    )
    for functions, times in (
        ([first, *others], dict.fromkeys("abc", range(10))),
        ([publisher, first, *others], {"p": range(10)}),
    ):
        found = run(functions, times, engines=("reference",), neighbours={"include": ["trigger"]})
        lines = found.bill().set_index("usage_type")["quantity"]
        assert (int(lines[meter]), len(found.records) % 10) == (10, 0)


@pytest.mark.parametrize(
    ("kind", "named", "said"),
    [
        ("sns", "f", "must be one of a"),
        ("sns", "z", "must be one of a"),
        ("sns", "a", "with a trigger of type sns"),
    ],
)
def test_events_of_a_function_that_has_none_such_are_refused(kind: str, named: str, said: str) -> None:
    mine = function(trigger={"type": kind, "events_of": named})
    with pytest.raises(ScenarioError, match=said):
        scenario([mine, function("a", trigger={"type": "eventbridge"})], {"f": [0]})
