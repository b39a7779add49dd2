"""State machines of Step Functions: timelines, transitions, retries and bills by hand."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import lambdasim as ls
from lambdasim.billing import Usage, price_scenario
from lambdasim.errors import InputError, ScenarioError
from lambdasim.results.files.saved import load_run, save
from lambdasim.results.foreseen import foreseen_failures
from lambdasim.specs.base import revised

BASE = {"name": "t", "start": "2026-11-01T00:00:00Z", "duration": "100s", "free_tier": False}
ONCE = {"constant": {"rate_per_s": 1}, "stop": "1s"}
FAILS = {"io_ms": 100, "error_probability": 1.0}


def fn(name: str, ms: float = 100, **more: Any) -> dict[str, Any]:
    return {"name": name, "work": {"io_ms": ms}, "init_ms": 0, "timeout": "15min"} | more


def task(name: str, to: str | None = None, **more: Any) -> dict[str, Any]:
    going = {"End": True} if to is None else {"Next": to}
    return (
        {"Type": "Task", "Resource": f"arn:aws:lambda:us-east-1:123456789012:function:{name}"} | going | more
    )


def distributed(name: str, kind: str = "STANDARD", **more: Any) -> dict[str, Any]:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": kind}
    inner = {"ProcessorConfig": config, "StartAt": "A", "States": {"A": task(name)}}
    return {"M": {"Type": "Map", "ItemProcessor": inner, "End": True} | more}


def scenario(functions: list[dict[str, Any]], states: dict[str, Any], **more: Any) -> ls.ScenarioSpec:
    traffic = more.pop("traffic", ONCE)
    rest = {key: more.pop(key) for key in ("duration", "seed") if key in more}
    definition = {"StartAt": next(iter(states)), "States": states}
    invoked = {"functions": more.pop("invokes")} if "invokes" in more else {}
    machine = {"name": "m", "definition": definition, "traffic": traffic} | invoked | more
    return ls.load_scenario_text(
        json.dumps(BASE | rest | {"functions": functions, "state_machines": [machine]})
    )


def run(functions: list[dict[str, Any]], states: dict[str, Any], **more: Any) -> ls.RunResult:
    return ls.simulate(scenario(functions, states, **more))


def starts(result: ls.RunResult, name: str = "f") -> list[float]:
    records = result.records
    return records[records["function"] == name]["start_s"].tolist()


def test_two_tasks_make_four_transitions_and_twelve_events() -> None:
    result = run([fn("a", 300), fn("b", 200)], {"A": task("a", "B"), "B": task("b")})
    row = result.machines().iloc[0]
    assert (row["executions"], row["succeeded"], row["transitions"], row["p50_ms"]) == (1, 1, 4, 500)
    assert row["most_history"] == 2 + 5 + 5  # start and end, and five events a task
    assert [starts(result, "a"), starts(result, "b")] == [[0.0], [0.3]]
    assert result.chains()[["function", "events", "max_ms"]].to_numpy().tolist() == [["m", 3, 500]]


def test_amazons_own_example_of_100_000_executions_costs_9_90() -> None:
    spec = scenario([fn("a"), fn("b")], {"A": task("a", "B"), "B": task("b")})
    used = Usage.of_function(spec.functions[0], "us-east-1", "2026-11", transitions=100_000 * 4)
    assert price_scenario(spec, (used,), free_tier=True).total == Decimal("9.90")
    assert price_scenario(spec, (used,), free_tier=False).total == Decimal("10.00")


def test_the_bill_of_a_run_has_its_transitions() -> None:
    result = run([fn("a")], {"A": task("a")}, traffic={"constant": {"rate_per_s": 10}})
    lines = result.bill().set_index("usage_type")
    assert lines.loc["step_functions_transitions", "quantity"] == 3000
    assert lines.loc["step_functions_transitions", "amount"] == Decimal("0.075")


def test_a_retry_waits_doubling_and_each_is_a_transition() -> None:
    retry = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 2, "MaxAttempts": 3, "BackoffRate": 2}]
    result = run([fn("f", work=FAILS)], {"A": task("f", Retry=retry)})
    # Runs of 0.1 s; waits of 2, 4 and 8 s.
    assert starts(result) == pytest.approx([0, 2.1, 6.2, 14.3])
    row = result.machines().iloc[0]
    assert (row["failed"], row["transitions"], row["retries"], row["p50_ms"]) == (1, 3 + 3, 3, 14_400)


def test_defaults_of_a_retry_are_three_at_one_second_doubling_and_the_delay_can_be_capped() -> None:
    plain = run([fn("f", work=FAILS)], {"A": task("f", Retry=[{"ErrorEquals": ["States.ALL"]}])})
    assert starts(plain) == pytest.approx([0, 1.1, 3.2, 7.3])
    capped = [{"ErrorEquals": ["States.ALL"], "MaxDelaySeconds": 1}]
    assert starts(run([fn("f", work=FAILS)], {"A": task("f", Retry=capped)})) == pytest.approx(
        [0, 1.1, 2.2, 3.3]
    )


def test_full_jitter_draws_between_nothing_and_the_wait() -> None:
    retry = [
        {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 4, "MaxAttempts": 1, "JitterStrategy": "FULL"}
    ]
    result = run(
        [fn("f", work=FAILS)], {"A": task("f", Retry=retry)}, traffic={"constant": {"rate_per_s": 10}}
    )
    waits = [ms / 1000 - 0.2 for ms in result.aggregate.executions.machines["m"].duration_ms.values]
    mean = result.aggregate.executions.machines["m"].duration_ms.mean() / 1000 - 0.2
    assert -1e-9 <= min(waits) <= max(waits) <= 4.001
    assert abs(mean - 2) < 5 * 4 / (12 * 1000) ** 0.5


def test_what_the_consoles_retries_name_is_retried_and_a_timeout_of_the_function_is_not() -> None:
    names = ["Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException",
             "Lambda.TooManyRequestsException"]  # fmt: skip
    retry = [{"ErrorEquals": names, "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 2}]
    late = run([fn("f", 5000, timeout="1s")], {"A": task("f", Retry=retry)})
    assert starts(late) == [0.0]
    throttled = run([fn("f", reserved_concurrency=0)], {"A": task("f", Retry=retry)})
    assert starts(throttled) == [0, 1, 3, 7]
    assert throttled.machines()["failed"].tolist() == [1]


def test_a_catch_goes_on_elsewhere_after_the_last_retry() -> None:
    states = {
        "A": task("f", "Done", Retry=[{"ErrorEquals": ["Error"], "MaxAttempts": 1}],
                  Catch=[{"ErrorEquals": ["Other"], "Next": "Bad"}, {"ErrorEquals": ["States.ALL"], "Next": "Mend"}]),
        "Mend": task("g", "Done"), "Bad": {"Type": "Fail"}, "Done": {"Type": "Succeed"},
    }  # fmt: skip
    result = run([fn("f", work=FAILS), fn("g", 50)], states)
    assert starts(result, "g") == pytest.approx([1.2])
    row = result.machines().iloc[0]
    assert (row["succeeded"], row["transitions"]) == (1, 2 + 1 + 1 + 1 + 1)  # A, its retry, Mend, Done


def test_branches_run_side_by_side_and_the_first_failure_ends_them_all() -> None:
    def parallel(*names: str) -> dict[str, Any]:
        sections = [{"StartAt": f"B{name}", "States": {f"B{name}": task(name)}} for name in names]
        return {
            "P": {"Type": "Parallel", "Branches": sections, "Next": "End"},
            "End": {"Type": "Pass", "End": True},
        }

    functions = [fn("short", 100), fn("long", 700), fn("bad", work=FAILS)]
    well = run(functions[:2], parallel("short", "long"))
    assert well.machines()[["transitions", "p50_ms"]].to_numpy().tolist() == [[2 + 2 + 2, 700]]
    ill = run(functions, parallel("short", "long", "bad"))
    assert ill.machines()[["failed", "p50_ms"]].to_numpy().tolist() == [[1, 100]]
    assert starts(ill, "long") == [0.0]  # it has begun, runs on and is billed
    assert sum(one.billed_ms_with_init for one in ill.usage()) == 100 + 100 + 700
    assert ill.chains()["max_ms"].tolist() == [700]
    more = {"Bx": task("long", "By"), "By": task("short")}
    states = parallel("bad")
    states["P"]["Branches"].append({"StartAt": "Bx", "States": more})
    assert starts(run(functions, states), "short") == []  # no state begins in a branch that was ended


@pytest.mark.parametrize(("at_once", "waves"), [(3, 4), (0, 1), (10, 1), (1, 10)])
def test_a_map_works_on_so_many_items_at_once(at_once: int, waves: int) -> None:
    inner = {"StartAt": "I", "States": {"I": task("f")}}
    states = {"M": {"Type": "Map", "ItemProcessor": inner, "MaxConcurrency": at_once, "End": True}}
    result = run([fn("f", 100)], states, items={"M": 10})
    row = result.machines().iloc[0]
    assert (row["transitions"], row["p50_ms"]) == (2 + 1 + 10, 100 * waves)
    assert result.aggregate.account.peak == (at_once or 10)


def test_choices_go_by_their_shares() -> None:
    states = {
        "Paid": {"Type": "Choice", "Choices": [{"Variable": "$.p", "Next": "Ship"}], "Default": "No"},
        "Ship": task("f"), "No": {"Type": "Fail", "Error": "NotPaid"},
    }  # fmt: skip
    result = run(
        [fn("f", 10)],
        states,
        choices={"Paid": {"Ship": 0.7, "No": 0.3}},
        traffic={"constant": {"rate_per_s": 40}},
    )
    shipped = result.machines()["succeeded"].item()
    assert abs(shipped - 2800) < 5 * (4000 * 0.7 * 0.3) ** 0.5
    assert len(result.records) == shipped


def test_waits_and_passes_and_tasks_of_others() -> None:
    states = {
        "W": {"Type": "Wait", "Seconds": 10, "Next": "P"}, "P": {"Type": "Pass", "Next": "Put"},
        "Put": {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem", "Next": "Until"},
        "Until": {"Type": "Wait", "TimestampPath": "$.then", "End": True},
    }  # fmt: skip
    idle = [fn("f", traffic={"constant": {"rate_per_s": 0}})]
    result = run(idle, states, task_ms={"Put": 20}, wait_ms={"Until": 5000})
    row = result.machines().iloc[0]
    assert (row["p50_ms"], row["transitions"]) == (15_020, 6)
    assert result.bill()["usage_type"].tolist() == ["step_functions_transitions"]


def test_a_tasks_own_timeout_is_an_error_while_the_function_goes_on() -> None:
    retry = [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 1}]
    result = run([fn("f", 9000)], {"A": task("f", TimeoutSeconds=2, Retry=retry)})
    assert starts(result) == [0, 3]
    assert result.machines()[["failed", "p50_ms"]].to_numpy().tolist() == [[1, 5000]]
    assert sum(one.billed_ms_with_init for one in result.usage()) == 18_000


def test_an_express_execution_pays_by_64_mb_and_100_ms_and_ends_after_five_minutes() -> None:
    result = run([fn("f", 101)], {"A": task("f")}, type="express", memory_mb=65)
    used = result.usage()[0]
    assert (used.express_requests, used.express_mb_ms, used.transitions) == (1, 128 * 200, 0)
    late = run([fn("f", 400_000)], {"A": task("f")}, type="express")
    row = late.machines().iloc[0]
    assert (row["timed_out"], row["p50_ms"], row["billed_s"]) == (1, 300_000, 300)
    # One million executions of 30 s in 64 MB: 1.00 for requests, 1,875,000 GB-s at 0.00001667.
    used = {"express_requests": 1_000_000, "express_mb_ms": 64 * 30_000 * 1_000_000}
    whole = Usage.of_function(late.scenario.functions[0], "us-east-1", "2026-11", **used)
    total = price_scenario(late.scenario, (whole,), free_tier=False).total
    assert total == Decimal("1.00") + 1_875_000 * Decimal("0.00001667")


def test_a_history_of_25_000_events_ends_a_standard_execution() -> None:
    states = {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}}
    functions = [fn("f", traffic={"constant": {"rate_per_s": 0}})]
    result = run(functions, states)
    row = result.machines().iloc[0]
    assert (row["history_full"], row["most_history"], row["p50_ms"]) == (1, 25_000, 0)
    told = " ".join(result.text().split())
    assert "1 of 1 executions ended because their history had 25,000 events" in told
    assert "a loop of states does not end" in told
    with pytest.raises(InputError, match="more than 1,000,000 transitions"):
        run(functions, states, type="express")


def test_a_definition_is_read_from_its_file_and_a_saved_run_needs_it_no_more(tmp_path: Path) -> None:
    definition = {"StartAt": "A", "States": {"A": task("f")}}
    (tmp_path / "order.asl.json").write_text(json.dumps(definition), encoding="utf-8")
    machine = {"name": "m", "definition": "order.asl.json", "traffic": ONCE}
    text = json.dumps(BASE | {"functions": [fn("f")], "state_machines": [machine]})
    (tmp_path / "s.yaml").write_text(text, encoding="utf-8")
    result = ls.simulate(ls.load_scenario(tmp_path / "s.yaml"))
    save(result, tmp_path / "out")
    (tmp_path / "order.asl.json").unlink()
    again = load_run(tmp_path / "out")
    assert again.machines().to_dict("records")[0]["transitions"] == 3
    assert again.charges().total == result.charges().total
    with pytest.raises(ScenarioError, match="must be an existing regular file"):
        ls.load_scenario(tmp_path / "s.yaml")


GOOD = {"A": task("f", "B"), "B": {"Type": "Succeed"}}
CHOICE = {"C": {"Type": "Choice", "Choices": [{"Next": "A"}], "Default": "B"}} | GOOD
LOST = {"P": {"Type": "Parallel", "Branches": [{"StartAt": "X", "States": GOOD}], "End": True}}
MAP = {"M": {"Type": "Map", "Iterator": {"StartAt": "A", "States": {"A": task("f")}}, "End": True}}


@pytest.mark.parametrize(
    ("states", "more", "told"),
    [
        ({"A": task("f", "C")}, {}, "'A' goes on to 'C', which is not there"),
        (GOOD | {"D": {"Type": "Pass", "End": True}}, {}, "'D' cannot be reached from 'A'"),
        ({"A": task("f", "B", End=True), "B": {"Type": "Succeed"}}, {}, "either Next or End"),
        ({"A": {"Type": "Tsk", "End": True}}, {}, "must have a Type, one of"),
        ({"A": {"Type": "Task", "Resource": 12, "End": True}}, {}, "Resource of 'A' must be an ARN as text, got 12"),
        ({"A": {"Type": "Task", "End": True}}, {}, "Resource of 'A' must be an ARN"),
        ({"A": task("f", TimeoutSeconds=0)}, {}, "TimeoutSeconds of 'A' must be a number above 0"),
        ({"A": task("f", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "X"}])}, {}, "which is not there"),
        ({"A": task("f", Retry=[{"ErrorEquals": ["E"], "BackoffRate": 0.5}])}, {}, "BackoffRate"),
        ({"A": task("g")}, {}, "lacks A: its task invokes a function that the scenario does not have"),
        (CHOICE, {}, "choices: lacks C: the share of executions"),
        (CHOICE, {"choices": {"C": {"A": 0.5}}}, "must add up to 1"),
        (CHOICE, {"choices": {"C": {"Z": 1.0}}}, "does not go on to Z"),
        (MAP, {}, "items: lacks M"),
        (GOOD, {"items": {"B": 3}}, "is no Map state"),
        (GOOD, {"invokes": {"A": "zzz"}}, "functions.A"),
        (LOST, {}, "StartAt of branch 1"),
        (distributed("f", ToleratedFailurePercentage=101), {"items": {"M": 1}}, "must be a number of 0 to 100"),
        (distributed("f", ItemBatcher={"MaxItemsPerBatch": 0}), {"items": {"M": 1}}, "MaxItemsPerBatch of 'M'"),
        (distributed("f", "Express"), {"items": {"M": 1}}, "ExecutionType of 'M' must be STANDARD or EXPRESS"),
        (distributed("f", MaxConcurrencyPath="$.n"), {"items": {"M": 1}}, "give MaxConcurrency"),
    ],
)  # fmt: skip
def test_a_definition_that_cannot_run_gets_one_clear_error(
    states: dict[str, Any], more: dict[str, Any], told: str
) -> None:
    with pytest.raises(ScenarioError) as wrong:
        scenario([fn("f", traffic=ONCE)], states, **more)
    assert told in str(wrong.value)
    assert len(str(wrong.value).splitlines()) == 1


def test_an_inline_map_works_on_forty_items_at_once_and_its_iterations_write_history() -> None:
    inner = {"StartAt": "A", "States": {"A": task("f")}}
    wide = {"M": {"Type": "Map", "ItemProcessor": inner, "MaxConcurrency": 90, "End": True}}
    result = run([fn("f", 1000)], wide, items={"M": 100})
    assert [starts(result).count(second) for second in (0, 1, 2)] == [40, 40, 20]
    # Start and end; entered, started, succeeded, exited; of each iteration started, succeeded and a task's five.
    assert result.machines()["most_history"].tolist() == [2 + 4 + 100 * 7]
    branches = [{"StartAt": name, "States": {name: {"Type": "Pass", "End": True}}} for name in "AB"]
    parallel = run([fn("f", traffic=ONCE)], {"P": {"Type": "Parallel", "Branches": branches, "End": True}})
    assert parallel.machines()["most_history"].tolist() == [2 + 4 + 2 * 2]


def test_a_map_that_fills_the_history_in_one_execution_does_not_as_executions_of_its_own() -> None:
    # 3,571 iterations of seven events fill 25,000; executions of their own write 7 events each.
    inner = {"StartAt": "A", "States": {"A": task("f")}}
    inline = {"M": {"Type": "Map", "ItemProcessor": inner, "End": True}}
    assert run([fn("f")], inline, items={"M": 3570}).machines()["succeeded"].tolist() == [1]
    full = run([fn("f")], inline, items={"M": 3571}).machines()
    assert (full["history_full"].tolist(), full["most_history"].tolist()) == ([1], [25_000])
    apart = run([fn("f")], distributed("f", MaxConcurrency=500), items={"M": 3571}).machines()
    assert apart["most_history"].tolist() == [2 + 6, 2 + 5]
    assert apart["executions"].tolist() == [1, 3571]


def test_a_distributed_map_starts_executions_of_its_own_and_pays_for_each() -> None:
    functions = [fn("f", 1000)]
    result = run(functions, distributed("f", MaxConcurrency=10), items={"M": 95})
    assert result.machines()["machine"].tolist() == ["m", "m/M"]
    assert [starts(result).count(second) for second in range(10)] == [10] * 9 + [5]
    assert result.machines()["transitions"].tolist() == [3, 95 * 3]
    assert result.machines()["p50_ms"].tolist() == [10_000, 1000]
    express = run(functions, distributed("f", "EXPRESS"), items={"M": 95}).bill().set_index("usage_type")
    assert express.loc["step_functions_transitions", "quantity"] == 3
    assert express.loc["step_functions_express_requests", "quantity"] == 95
    assert express.loc["step_functions_express_gb_s", "quantity"] == Decimal(95) * 64 / 1024


@pytest.mark.parametrize(("tolerated", "failed"), [(0, 1), (49, 1), (50, 0), (100, 0)])
def test_a_distributed_map_fails_when_more_than_are_tolerated_do(tolerated: int, failed: int) -> None:
    states = distributed(
        "f", ItemBatcher={"MaxItemsPerBatch": 10}, ToleratedFailurePercentage=tolerated, MaxConcurrency=1
    )
    states["M"]["ItemProcessor"]["StartAt"] = "C"
    states["M"]["ItemProcessor"]["States"]["C"] = {
        "Type": "Choice",
        "Choices": [{"Next": "A"}, {"Next": "B"}],
    }
    states["M"]["ItemProcessor"]["States"]["B"] = {"Type": "Pass", "End": True}
    half = run([fn("f", work=FAILS)], states, items={"M": 20}, choices={"C": {"A": 0.5, "B": 0.5}}, seed=2)
    machines = half.machines().set_index("machine")
    assert machines.loc["m/M", "failed"] == 1
    assert machines.loc["m", "failed"] == failed
    # The first of two failing ends the Map at once.
    assert machines.loc["m/M", "executions"] <= 2


def test_a_distributed_map_that_fails_ends_the_executions_that_go_on() -> None:
    functions = [
        fn("f", work=FAILS | {"error_probability": 0.5, "io_ms": {"uniform": {"low": 1, "high": 900}}})
    ]
    result = run(functions, distributed("f"), items={"M": 50}, seed=3)
    whole, children = result.machines().to_dict("records")
    assert whole["failed"] == 1
    assert children["executions"] == children["succeeded"] + children["failed"] == 50
    assert children["p99_ms"] == whole["p50_ms"]  # those that went on ended with it


def test_an_express_machine_has_no_distributed_map() -> None:
    with pytest.raises(ScenarioError) as wrong:
        scenario([fn("f")], distributed("f"), items={"M": 5}, type="express")
    assert "M is a distributed Map" in str(wrong.value)


@pytest.mark.parametrize("text", ["[1]", "{", '{"StartAt": 3}', "\xff", '{"States": {}}'])
def test_a_file_that_is_no_definition_gets_one_clear_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "d.json").write_bytes(text.encode("latin-1"))
    machine = {"name": "m", "definition": "d.json", "traffic": ONCE}
    content = json.dumps(BASE | {"functions": [fn("f", traffic=ONCE)], "state_machines": [machine]})
    (tmp_path / "s.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(ScenarioError) as wrong:
        ls.load_scenario(tmp_path / "s.yaml")
    assert len(str(wrong.value).splitlines()) == 1
    assert "state_machines.0.definition" in str(wrong.value)


@pytest.mark.parametrize(
    ("region", "kind", "rate", "refused"),
    [
        # For ten seconds: 1,300 at once and 300 a second let 1,300 + 9.9 x 300 and a few of 10,000 starts through.
        ("us-east-1", "standard", 1000, 10_000 - 1300 - 2999),
        ("eu-central-1", "standard", 1000, 10_000 - 800 - 1499),
        ("us-east-1", "standard", 300, 0),
        ("us-east-1", "express", 1000, 0),
    ],
)
def test_starts_beyond_the_quota_are_told(region: str, kind: str, rate: int, refused: int) -> None:
    traffic = {"constant": {"rate_per_s": rate}, "stop": "10s"}
    machine = scenario([fn("f")], {"A": task("f")}, traffic=traffic, type=kind)
    told = [
        line for line in foreseen_failures(revised(machine, {"region": region})) if "StartExecution" in line
    ]
    assert len(told) == (refused > 0)
    if told:
        number = int(told[0].split(": ")[1].split(" of ")[0].replace(",", ""))
        assert abs(number - refused) <= 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Retry": [{"ErrorEquals": ["Error"], "JitterStrategy": "HALF"}]}, "JitterStrategy of 'A' must be NONE or FULL"),
        ({"Retry": [{"ErrorEquals": []}]}, "must name an error"),
        ({"Retry": [{"ErrorEquals": ["States.ALL", "Error"]}]}, "States.ALL in Retry of 'A' must stand alone"),
        ({"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "A"}, {"ErrorEquals": ["E"], "Next": "A"}]}, "in the last"),
        ({"TimeoutSecondsPath": "$.seconds"}, "give TimeoutSeconds"),
        ({"HeartbeatSeconds": 50, "TimeoutSeconds": 5}, "HeartbeatSeconds of 'A' must be below its TimeoutSeconds"),
        ({"HeartbeatSeconds": "x"}, "HeartbeatSeconds of 'A' must be a number"),
    ],
)  # fmt: skip
def test_rules_that_step_functions_refuses_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(said)):
        run([fn("f")], {"A": task("f", **changes)})
