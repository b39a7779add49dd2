"""A first number: right where it can be worked out by hand, a range where it cannot, and one screen."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from program import lambdasim

from lambdasim.errors import InputError
from lambdasim.results.expected import RunCost
from lambdasim.templates.estimate.ask import Described, estimate_function, estimate_template
from lambdasim.templates.estimate.cases import cases, law_of_mean, quantiles, shares_of_range, windows
from lambdasim.templates.estimate.text import estimate_text
from lambdasim.templates.estimate.volume import per_month, per_second, volumes

TEMPLATE = """
Globals: {Function: {Timeout: 20, MemorySize: 512}}
Resources:
  Api: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.12, Events: {Get: {Type: HttpApi}}}}
  Two: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.12, Events: {Get: {Type: Api}}}}
  Tick: {Type: AWS::Serverless::Function, Properties: {Runtime: nodejs22.x, Events: {T: {Type: Schedule, Properties: {Schedule: rate(1 hour)}}}}}
"""  # noqa: E501


def described(**changes: object) -> Described:
    asked = {
        "volumes": ["3M/month"],
        "duration": "120ms",
        "memory_mb": 512,
        "architecture": "x86_64",
        "runtime": "python3.13",
    }
    return Described(**{**asked, "region": None, **changes})  # type: ignore[arg-type]


def test_the_calculators_question_has_the_calculators_answer() -> None:
    found = estimate_function(described())
    # By hand: 3 M x 0.2 USD a million, and 3 M x 0.12 s x 0.5 GB = 180,000 GB-s at 0.0000166667 USD, half a
    # millisecond of rounding on each, and under 1 % for INIT.
    by_hand = Decimal("0.60") + 180_000 * Decimal("0.0000166667")
    assert float(by_hand) < found.usd_list.p50 < float(by_hand) * 1.02
    # What the range is left with is the luck of a Poisson day.
    assert float(by_hand) * 0.99 < found.usd_list.p10 <= found.usd_list.p90 < float(by_hand) * 1.03
    # The free tier takes a million requests and all the GB-s.
    assert found.usd.p50 == pytest.approx(0.40, abs=0.01)
    assert found.functions[0].duration_ms.p50 == pytest.approx(120, rel=0.02)
    assert found.requests == pytest.approx(3e6)


def test_a_template_has_a_range_and_exact_schedules(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE)
    found = estimate_template(path, ["2M/month", "Two=500k/month"])
    requests = {one.name: round(one.requests) for one in found.functions}
    assert requests == {"Api": 2_000_000, "Two": 500_000, "Tick": 730}
    assert found.usd_list.p10 < found.usd_list.p50 < found.usd_list.p90
    assert found.usd_list.p90 / found.usd_list.p10 > 2
    assert found.causes[0][0] == "duration"
    tick = next(one for one in found.functions if one.name == "Tick")
    assert tick.cold_share.p50 == 1
    text = estimate_text(found)
    assert len(text.splitlines()) <= 30
    assert max(map(len, text.splitlines())) <= 80


def test_the_same_question_has_the_same_answer() -> None:
    asked = described(volumes=["20k/day"])
    assert estimate_function(asked) == estimate_function(asked)


def test_traffic_above_the_accounts_limit_is_billed_in_full_and_said() -> None:
    found = estimate_function(described(volumes=["2000/s"], duration="2s", memory_mb=128))
    assert found.lost_share.p90 == 0
    # 4,000 busy on average: the bill is of all of it, and the limit is named.
    assert found.gb_seconds.p50 == pytest.approx(per_month(2000) * 2 / 8, rel=0.03)
    assert found.peak_concurrency.p50 > 4_000
    assert "account concurrency 1,000" in estimate_text(found)
    assert "must be raised" in estimate_text(found).replace("\n  ", " ")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"volumes": []}, "--calls: is missing"),
        ({"duration": None}, "--duration: is missing"),
        ({"volumes": ["many"]}, "--calls: must be a count and a time"),
        ({"volumes": ["0/s"]}, "must be above 0"),
        ({"volumes": ["99999999/s"]}, "at most 10,000,000 a second"),
        ({"duration": "120"}, "--duration"),
        ({"duration": "2h"}, "must be above 0 and at most"),
        ({"memory_mb": 64}, "memory_mb"),
        ({"runtime": "cobol85"}, "runtime"),
        ({"architecture": "riscv"}, "architecture"),
        ({"region": "moon-1"}, "region"),
    ],
)
def test_what_cannot_be_estimated_is_one_error(changes: dict[str, object], told: str) -> None:
    with pytest.raises(InputError) as caught:
        estimate_function(described(**changes))
    assert told in str(caught.value)


def test_a_volume_for_no_function_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE)
    with pytest.raises(InputError, match="names Nope; functions are Api, Tick, Two"):
        estimate_template(path, ["Nope=1/s"])
    with pytest.raises(InputError, match="twice"):
        volumes(["1/s", "2/s"])


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("40/s", 40), ("40 / sec", 40), ("40 per second", 40), ("200k/day", 200_000 / 86_400),
        ("3,000/hour", 3_000 / 3_600), ("1.5B/month", 1.5e9 / 2_628_000), ("3M", 3e6 / 2_628_000), ("6_000/min", 100),
        ("2/week", 2 / 604_800), ("1/days", 1 / 86_400),
    ],
)  # fmt: skip
def test_volumes_as_people_write_them(text: str, rate: float) -> None:
    assert per_second(text) == pytest.approx(rate)
    assert per_month(rate) == pytest.approx(rate * 730 * 3600)


def test_cases_fill_their_ranges_evenly() -> None:
    from statistics import NormalDist

    found = cases({"f": 1.0}, 1)
    for dimension in range(4):
        shares = sorted(NormalDist().cdf(case.scores[dimension]) for case in found)
        assert shares == pytest.approx([(k + 0.5) / len(found) for k in range(len(found))])
    assert len({case.scores for case in found}) == len(found)


def test_windows_hold_every_function_once_and_few_events() -> None:
    rates = {"rare": 1e-5, "some": 0.5, "busy": 500.0, "very": 1e6}
    found = windows(rates, 6)
    assert sorted(name for window in found for name in window.names) == sorted(rates)
    assert sum(rates[name] * window.duration_us / 1e6 for window in found for name in window.names) < 60e6


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40))
def test_quantiles_lie_within_and_in_order(values: list[float]) -> None:
    low, middle, high = quantiles(values)
    assert min(values) - 1e-9 <= low <= middle + 1e-9 <= high + 2e-9 <= max(values) + 3e-9


@given(st.floats(1, 1e5), st.floats(0.01, 2))
def test_a_law_keeps_its_mean(mean: float, variation: float) -> None:
    assert law_of_mean(mean, variation).mean() == pytest.approx(mean)


def test_what_drives_a_figure_is_found() -> None:
    scores = [(float(k), float((k * 7) % 11)) for k in range(11)]
    first, second = shares_of_range(scores, [k**3 for k, _ in scores])
    assert first > 0.99 - second
    assert first == pytest.approx(1 / (1 + second / first))


def test_a_region_without_rates_is_refused_before_anything_is_simulated_naming_what_helps() -> None:
    """`estimate` takes no price sheet, so none is offered."""
    with pytest.raises(
        InputError, match=r"us-gov-west-1: --region: .* has no x86_64\.request; choose another region"
    ):
        estimate_function(described(region="us-gov-west-1"))


def test_no_option_is_left_without_effect() -> None:
    with pytest.raises(InputError, match="--calls: must be one volume of the function, got 1/s, 2/s"):
        estimate_function(described(volumes=["1/s", "2/s"]))
    with pytest.raises(InputError, match="--stage: belongs to a template"):
        estimate_function(described(), of_templates={"--usage": None, "--stage": "prod"})
    with pytest.raises(InputError, match=r"memory_mb: .*got 0"):
        estimate_function(described(memory_mb=0))


def test_functions_have_list_prices_by_a_name_of_their_own() -> None:
    """So that nobody adds them up to the bill, which has the free tier."""
    found = estimate_function(described()).to_mapping()
    assert found["functions"][0]["usd_list"] == found["usd_list"]
    assert "usd" not in found["functions"][0]


def test_a_volume_that_schedules_leave_no_room_for_is_said(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text("\n".join(line for line in TEMPLATE.splitlines() if "Api" not in line))
    found = estimate_template(path, ["3M/month"])
    assert round(found.requests) == 730
    assert any("has no effect: schedules" in one for one in found.assumed)


def test_what_was_taken_for_an_unknown_setting_stands_beside_the_bill(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(
        TEMPLATE.replace("MemorySize: 512", "MemorySize: !Ref Size") + "Parameters: {Size: {Type: Number}}\n"
    )
    found = estimate_template(path, ["1M/month"])
    assert any(
        "MemorySize comes from parameter Size" in one and "128 is taken" in one for one in found.assumed
    )


def test_a_setting_that_lambda_does_not_allow_is_said_beside_the_estimate(tmp_path: Path) -> None:
    """What a deployment would refuse is taken for what is allowed, aloud; no reserved concurrency of 0 comes of -1."""
    path = tmp_path / "template.yaml"
    path.write_text(
        "Resources:\n  F:\n    Type: AWS::Lambda::Function\n    Properties:\n      Runtime: python3.13\n"
        "      Handler: a.b\n      Code: {ZipFile: x}\n      Role: r\n"
        "      MemorySize: -5\n      Timeout: 99999\n      ReservedConcurrentExecutions: -1\n"
    )
    found = estimate_template(path, ["1000/month"])
    said = " ".join(found.assumed)
    assert "F: memory_mb -5 lies outside 128 to 10,240; 128 is taken" in said
    assert "F: timeout_s 99999 lies outside 1 to 1,800; 1,800 is taken" in said
    assert "F: reserved concurrency -1 is below 0 and left out" in said
    assert found.requests == 1000


def test_what_it_takes_is_said_before_it_begins_and_may_be_refused() -> None:
    told: list[RunCost | tuple[int, int]] = []
    estimate_function(described(), progress=lambda *done: told.append(done), agree=told.append)
    cost, *steps = told
    assert isinstance(cost, RunCost)
    assert steps[0] == (1, len(steps))
    assert cost.events > 100_000
    assert 0.2 < cost.seconds < 60

    def refuse(cost: RunCost) -> None:
        raise InputError.single("estimate", "", f"would take {cost}")

    with pytest.raises(InputError, match="would take about"):
        estimate_function(described(), agree=refuse)


def test_the_command_has_the_limit_of_all_long_ones() -> None:
    asked = lambdasim("estimate", "--help")
    assert "--yes" in asked.stdout


def test_a_short_sample_leaves_no_luck_in_the_bill() -> None:
    # 40 a second for five minutes: by hand 730 hours of requests, and of 5.0005 s of half a GB each.
    month = 40 * 730 * 3600
    by_hand = month * 0.2e-6 + month * 5.0005 / 2 * 0.0000166667
    found = estimate_function(described(volumes=["40/s"], duration="5s"))
    assert found.usd_list.p10 == pytest.approx(by_hand, rel=1e-3)
    assert found.usd_list.p90 == pytest.approx(by_hand, rel=1e-3)
    # 200 are busy, and an empty account began cold for each of them: 1.7 % of these 12,000.
    assert found.cold_share.p90 < 0.005
    assert found.simulated < 500_000
