"""Lines of the services beside Lambda: off unless asked for, driven by what is simulated, in every view of a bill."""

import csv
import json
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest
from program import lambdasim

import lambdasim as ls
from lambdasim import finance
from lambdasim.billing import Bill, NeighbourTerms, price
from lambdasim.billing.exact import total
from lambdasim.catalog import ChargeKind
from lambdasim.catalog.prices.book import BookEntry, PriceBook
from lambdasim.catalog.prices.meters import meter, priced_meters
from lambdasim.errors import InputError, ScenarioError
from lambdasim.finance import OwnedRuns, check_focus, focus_rows
from lambdasim.results.files.hourly import hourly_usage
from lambdasim.study.measures import monthly_bill

SYSTEM = """
name: system
start: 2026-11-30T12:00:00Z
duration: 1d
region: eu-central-1
free_tier: FREE
neighbours: {include: [trigger, logs, traces], held: {nat_hours: 2, alarms: 30, secrets: 3}}
functions:
  - name: api
    memory_mb: 256
    init_ms: 0
    work: {io_ms: 150}
    trigger: {type: api_gateway_rest}
    traffic: {constant: {rate_per_s: 2}}
    uses: {per_run: {dynamodb_writes: 2.5}, per_run_kb: {nat_gb: 3.5}, log_bytes: 700}
  - name: mail
    memory_mb: 256
    init_ms: 0
    work: {io_ms: 50}
    trigger: {type: sns}
    traffic: {constant: {rate_per_s: 0.5}}
  - name: web
    memory_mb: 256
    init_ms: 0
    work: {io_ms: 50}
    payload: {request_kb: 20, response_kb: 300}
    trigger: {type: alb}
    traffic: {constant: {rate_per_s: 1}}
"""


def text(free_tier: bool = False, **changes: str) -> str:
    found = SYSTEM.replace("FREE", str(free_tier).lower())
    for old, new in changes.items():
        found = found.replace(old, new)
    return found


@pytest.fixture(scope="module")
def run() -> ls.RunResult:
    return ls.simulate(ls.load_scenario_text(text()), keep_records=False)


def lines(bill: Bill) -> dict[str, Decimal]:
    """Quantities by meter, over months and tiers."""
    names = dict.fromkeys(item.usage_type for item in bill.items if item.kind is ChargeKind.NEIGHBOUR)
    return {name: total(item.quantity for item in bill.items if item.usage_type == name) for name in names}


def test_quantities_worked_by_hand(run: ls.RunResult) -> None:
    bill = run.charges()
    found = lines(bill)
    api, mail, web = 172_800, 43_200, 86_400
    assert found["api_gateway_rest"] == api
    assert found["sns_publishes"] == mail
    assert found["dynamodb_writes"] == Decimal(api) * Decimal("2.5")
    assert found["nat_gb"] == Decimal(api * 3584) / (1 << 30)
    assert found["logs_lambda_gb"] == Decimal(api * 1000 + (mail + web) * 300) / (1 << 30)
    assert found["nat_hours"] == 2 * 24
    assert found["alarms"] == 30 * (
        round(Decimal(12_000_000) / 720) + round(Decimal(12_000_000) / 744)
    ) / Decimal(10**6)
    # 86,400 runs at one a second or less are all traced; of the api's 172,800, 86,400 and 5 % of as many.
    assert found["xray_traces"] == mail + web + 86_400 + Decimal(86_400) * 5 / 100
    # 86,400 calls of 320 KB are 26.4 GB: at 0.4 GB an hour 65.9 LCU-hours, more than 86,400 / (25 x 3,600) = 0.96.
    gb = Fraction(web * 320, 1 << 20)
    assert abs(Fraction(found["alb_lcu_hours"]) - gb / Fraction("0.4")) < Fraction(3, 10**6)
    assert (
        found["alb_hours"] == 24
    )  # nobody says how many balancers there are: one for the one function behind one
    assert any(note.startswith("alb_hours: assumed: one load balancer for web") for note in bill.notes)
    assert not {item.note for item in bill.items if item.usage_type == "nat_hours" and item.note}
    rest = next(item for item in bill.items if item.usage_type == "api_gateway_rest")
    assert (rest.rate, rest.region, rest.service) == (
        Decimal("0.0000037"),
        "eu-central-1",
        "Amazon API Gateway",
    )


def test_it_is_off_unless_asked_for(run: ls.RunResult) -> None:
    plain = text().replace("neighbours:", "# neighbours:").replace("    uses:", "    # uses:")
    without = ls.simulate(ls.load_scenario_text(plain), keep_records=False)
    own = tuple(item for item in run.charges().items if item.kind is not ChargeKind.NEIGHBOUR)
    assert without.charges().items == own
    assert without.charges().beside_lambda == 0
    assert run.charges().beside_lambda == run.charges().total - without.charges().total > 0
    assert NeighbourTerms.of_scenario(without.scenario) is None


@pytest.mark.parametrize("free_tier", [False, True])
def test_every_way_of_telling_money_has_them(tmp_path: Path, free_tier: bool) -> None:
    run = ls.simulate(ls.load_scenario_text(text(free_tier)), keep_records=False)
    bill, terms = run.charges(), NeighbourTerms.of_scenario(run.scenario)
    priced = partial(price, free_tier=free_tier, neighbours=terms)
    assert (
        bill.total == total(item.amount for item in bill.items) == total(one.amount for one in bill.shares())
    )
    assert sum(bill.by_function().values()) == Fraction(bill.total)
    assert "(shared)" in bill.by_function()
    assert total(one.amount for one in finance.allocated_costs(bill)) == bill.total
    for by_function in (True, False):
        rows = focus_rows(bill, by_function=by_function)
        assert total(Decimal(row["BilledCost"] or "") for row in rows) == bill.total
    for version in ("1.2", "1.4"):
        assert (
            check_focus(finance.write_focus(bill, tmp_path / f"{version}.csv", version=version), version)
            == bill.total
        )
    with (tmp_path / "1.2.csv").open() as stream:
        named = {
            (row["x_UsageType"], row["ServiceName"], row["ServiceCategory"]) for row in csv.DictReader(stream)
        }
    assert ("nat_hours", "Amazon Virtual Private Cloud", "Networking") in named
    days = finance.daily_costs(hourly_usage(run), priced)
    assert total(day.amount for day in days) == bill.total
    finance.write_workbook(bill, tmp_path / "bill.xlsx", days=days)
    ls.save(run, tmp_path / "run")
    owned = OwnedRuns.of_folders([tmp_path / "run"])
    assert price(owned.usage, free_tier=free_tier, neighbours=owned.neighbours()).total == bill.total


def test_accounts_of_one_payer_each_have_their_own(run: ls.RunResult, tmp_path: Path) -> None:
    for name in ("one", "two"):
        ls.save(run, tmp_path / name)
    owned = OwnedRuns.of_folders([tmp_path / "one", tmp_path / "two"], ["one", "two"])
    both = price(owned.usage, free_tier=False, neighbours=owned.neighbours())
    assert lines(both) == {name: 2 * quantity for name, quantity in lines(run.charges()).items()}
    assert {"one/(shared)", "two/(shared)"} <= set(both.by_function())


def test_refused_calls_of_a_client_count_and_events_of_a_queue_count_once() -> None:
    scenario = """
name: tight
start: 2026-11-01T00:00:00Z
duration: 1h
free_tier: false
neighbours: {include: [trigger]}
functions:
  - {name: api, init_ms: 0, timeout: 10s, reserved_concurrency: 1, work: {io_ms: 2000}, trigger: {type: api_gateway_http},
     payload: {request_kb: 600}, traffic: {constant: {rate_per_s: 2}}}
  - {name: mail, init_ms: 0, timeout: 10s, work: {io_ms: 50, error_probability: 0.5}, trigger: {type: sns},
     payload: {request_kb: 130}, traffic: {constant: {rate_per_s: 1}}}
"""
    run = ls.simulate(ls.load_scenario_text(scenario), keep_records=False)
    throttled = int(run.summary().set_index("function").loc["api", "throttled"])
    assert throttled > 1000
    found = lines(run.charges())
    assert found["api_gateway_http"] == 2 * 7200  # 600 KB are two chunks of 512 KB
    assert found["sns_publishes"] == 3 * 3600  # 130 KB are three chunks of 64 KB; retries are Lambda's own
    assert {row.function: row.requests for row in run.usage()}["mail"] > 1.4 * 3600


def test_other_regions_take_prices_marked_as_derived(run: ls.RunResult) -> None:
    moved = run.charges(region="sa-east-1")
    rest = next(item for item in moved.items if item.usage_type == "api_gateway_rest")
    assert rest.rate == Decimal("0.0000035")
    assert rest.is_derived
    assert any("api_gateway_rest" in note and "derived: us-east-1's" in note for note in moved.notes)


def test_a_discount_for_everything_holds_for_neighbours(run: ls.RunResult) -> None:
    book = PriceBook("edp", date(2026, 1, 1), [BookEntry("*", None, Decimal(10), None)])
    terms = NeighbourTerms.of_scenario(run.scenario)
    listed, own = (
        price(run.usage(), free_tier=False, neighbours=terms, price_book=one) for one in (None, book)
    )
    assert own.total == listed.total * Decimal("0.9")
    assert own.beside_lambda == listed.beside_lambda * Decimal("0.9")


def test_prices_of_ones_own_stand_in_for_all_tiers_and_are_said(tmp_path: Path) -> None:
    own = "neighbours: {own_usd: {api_gateway_rest: 2, nat_hours: 0, transfer_region_gb: 0.02}, "
    spec = ls.load_scenario_text(
        text(**{"neighbours: {": own, "nat_gb: 3.5": "nat_gb: 3.5, transfer_region_gb: 7"})
    )
    run = ls.simulate(spec, keep_records=False)
    bill = run.charges()
    items = {item.usage_type: item for item in bill.items if item.kind is ChargeKind.NEIGHBOUR}

    def usd(name: str) -> Decimal:
        return total(item.amount for item in bill.items if item.usage_type == name)

    assert usd("api_gateway_rest") * 1_000_000 == 172_800 * 2
    assert usd("nat_hours") == 0
    assert usd("transfer_region_gb") == Decimal(172_800 * 7 * 1024) / (1 << 30) * Decimal("0.02")
    assert not items["transfer_region_gb"].is_derived
    assert "api_gateway_rest, nat_hours, transfer_region_gb: your own price, neighbours.own_usd" in bill.notes
    # A discount of the price book is on what AWS lists.
    terms = NeighbourTerms.of_scenario(spec)
    book = PriceBook("edp", date(2026, 1, 1), [BookEntry("*", None, Decimal(10), None)])
    booked = price(run.usage(), free_tier=False, neighbours=terms, price_book=book)
    rates = {item.usage_type: item.rate for item in booked.items}
    assert rates["api_gateway_rest"] == items["api_gateway_rest"].rate
    assert rates["nat_gb"] == items["nat_gb"].rate * Decimal("0.9")
    rows = focus_rows(bill)
    said = {row["x_RateQuality"] for row in rows if row["x_UsageType"] == "transfer_region_gb"}
    assert said == {"your own price, neighbours.own_usd"}
    ls.save(run, tmp_path / "one")
    ls.save(ls.simulate(ls.load_scenario_text(text()), keep_records=False), tmp_path / "two")
    owned = OwnedRuns.of_folders([tmp_path / "one", tmp_path / "two"])
    with pytest.raises(
        InputError, match="must be one price for all accounts of a bill, got one: 2, two: the catalog"
    ):
        price(owned.usage, free_tier=False, neighbours=owned.neighbours())


def test_a_month_like_the_run_and_a_forecast_have_them(run: ls.RunResult) -> None:
    month = monthly_bill(run)
    hours = lines(month)["nat_hours"]
    assert 2 * 730 <= hours <= 2 * 731
    assert lines(month)["api_gateway_rest"] == round(172_800 * Fraction(730, 24))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("nat_hours: 2", "nat_gb: 2", "held"),
        ("dynamodb_writes: 2.5", "dynamodb_write: 2.5", "dynamodb_writes"),
        ("nat_gb: 3.5", "nat_hours: 3.5", "per_run_kb"),
        ("[trigger, logs, traces]", "[trigger, log]", "log"),
        ("log_bytes: 700", "log_bytes: -1", "log_bytes"),
        ("alarms: 30", "alarms: -1", "alarms"),
        ("nat_gb: 3.5", "transfer_region_gb: 3.5", "has no price here"),
        ("include:", "own_usd: {nat: 1}, include:", "own_usd"),
        ("include:", "own_usd: {nat_gb: -1}, include:", "own_usd"),
    ],
)
def test_what_no_meter_counts_is_refused(old: str, new: str, told: str) -> None:
    assert old in text()
    with pytest.raises(ScenarioError, match=told):
        ls.load_scenario_text(text().replace(old, new))


def test_commands_ask_with_an_option_and_say_the_share(tmp_path: Path) -> None:
    scenario = tmp_path / "gw.yaml"
    scenario.write_text(
        "{name: gw, start: 2026-11-01T00:00:00Z, duration: 10min, free_tier: false, functions: [{name: api,"
        " memory_mb: 256, timeout: 10s, init_ms: 0, work: {io_ms: 150}, trigger: {type: api_gateway_rest},"
        " traffic: {constant: {rate_per_s: 450}}}]}"
    )

    done = lambdasim("simulate", scenario, "--out", tmp_path / "run", "--no-records")
    assert done.returncode == 0, done.stderr
    assert "api_gateway_rest" not in done.stdout
    told = json.loads(lambdasim("bill", tmp_path / "run", "--with", "trigger", "--json").stdout)
    (rest,) = [item for item in told["items"] if item["usage_type"] == "api_gateway_rest"]
    assert Decimal(rest["amount"]) * 144 == Decimal("136.08")  # a day of 450 a second
    shown = lambdasim("bill", tmp_path / "run", "--with", "trigger").stdout
    both = lambdasim("bill", tmp_path / "run", "--with", "trigger,logs").stdout
    assert lambdasim("bill", tmp_path / "run", "--with", "trigger", "--with", "logs").stdout == both
    assert "is not AWS Lambda's" in shown
    refused = lambdasim("bill", tmp_path / "run", "--with", "trigger,gifts")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
    assert "must be of trigger, logs, traces, got 'gifts'" in refused.stderr


def test_a_real_bill_of_lambda_is_compared_without_them(run: ls.RunResult, tmp_path: Path) -> None:
    own = price(run.usage(), free_tier=False)
    found = finance.compare_bill(finance.write_focus(own, tmp_path / "own.csv"), run.charges())
    assert found.sum("difference") == 0
    assert {line.actual_cost for line in found.services} == {0}  # ours alone has them, and they stand apart
    assert sum(line.our_cost for line in found.services) > 0


def test_meters_that_the_example_names_exist() -> None:
    assert meter("nat_gb").service.name == "Amazon Virtual Private Cloud"


SOURCES = """
name: sources
start: 2026-11-01T00:00:00Z
duration: 2h
free_tier: false
neighbours: {include: [trigger]}
functions:
  - {name: busy, init_ms: 0, timeout: 10s, work: {io_ms: 50}, trigger: {type: sqs, queue: {batch_size: 10}},
     traffic: {constant: {rate_per_s: 5}}}
  - {name: idle, init_ms: 0, timeout: 10s, work: {io_ms: 50}, trigger: {type: sqs, queue: {message_groups: 3}},
     traffic: {constant: {rate_per_s: 0}}}
  - {name: read, init_ms: 0, timeout: 10s, work: {io_ms: 50}, trigger: {type: kinesis, stream: {shards: 3}},
     traffic: {constant: {rate_per_s: 7}}}
"""


def test_queues_pay_for_every_call_and_streams_for_records_and_shards() -> None:
    run = ls.simulate(ls.load_scenario_text(SOURCES), keep_records=False)
    table = run.sources().set_index("function")
    found = lines(run.charges())
    calls = ["sent", "receive_calls", "empty_receives", "delete_calls"]
    assert found["sqs_standard"] == sum(int(table.loc["busy", name]) for name in calls) > 2 * 36_000
    # Five pollers that wait 20 s each make three empty receives a minute: 5 x 3 x 120.
    assert found["sqs_fifo"] == 1_800
    assert found["kinesis_put_units"] == 7 * 7_200
    assert found["kinesis_shard_hours"] == 3 * 2


def test_the_meters_are_listed_with_source_and_date() -> None:
    command = ("prices", "meters", "--region", "eu-central-1")
    shown = lambdasim(*command).stdout.splitlines()
    assert len(shown) == 1 + len(priced_meters())  # a heading, and a line for each
    assert max(map(len, shown)) <= 80
    told = json.loads(lambdasim(*command, "--json").stdout)
    nat = next(one for one in told["meters"] if one["meter"] == "nat_hours")
    assert (nat["tiers"], nat["quality"], nat["as_of"]) == ([[None, "0.052"]], "confirmed", "2026-11-28")
    asked = [one for one in told["meters"] if "neighbours.own_usd" in one["quality"]]
    assert [one["meter"] for one in asked] == ["transfer_region_gb"]
    assert all(one["source"] and one["as_of"] and one["tiers"] for one in told["meters"] if one not in asked)


BALANCED = """
name: balanced
start: 2026-11-01T00:00:00Z
duration: 10h
free_tier: false
neighbours: {include: [trigger]HELD}
functions:
  - {name: a, init_ms: 0, work: {io_ms: 50}, trigger: {type: alb}, traffic: {constant: {rate_per_s: 50}}}
  - {name: b, init_ms: 0, work: {io_ms: 50}, payload: {response_kb: 100}, trigger: {type: alb},
     traffic: {constant: {rate_per_s: 1}}}
  - {name: quiet, init_ms: 0, work: {io_ms: 50}, trigger: {type: alb}, traffic: {constant: {rate_per_s: 0}}}
"""


@pytest.mark.parametrize(
    ("held", "hours"), [("", 30), (", held: {alb_hours: 1}", 10), (", held: {alb_hours: 0}", 0)]
)
def test_each_function_behind_a_balancer_has_its_own_unless_said(held: str, hours: int) -> None:
    run = ls.simulate(ls.load_scenario_text(BALANCED.replace("HELD", held)), keep_records=False)
    bill = run.charges()
    found = lines(bill)
    assert found.get("alb_hours", 0) == hours
    assert any(note.startswith("alb_hours: assumed") for note in bill.notes) == (not held)
    # a: 50 calls a second are 2 of 25; b: 100 KB a second, with a request of 0 KB, are 0.343 GB an hour of 0.4.
    calls, gb = Fraction(51, 25) * 10, Fraction(36_000 * 100, 1 << 20) / Fraction("0.4")
    apart = 2 * 10 + gb
    expected = apart if not held else max(calls, gb)
    assert abs(Fraction(found["alb_lcu_hours"]) - expected) < Fraction(3, 10**6)
    assert bill.total == total(one.amount for one in bill.shares())


CHUNKED = """
name: chunked
start: 2026-11-01T00:00:00Z
duration: 1min
free_tier: false
neighbours: {include: [trigger]}
functions:
  - {name: f, init_ms: 0, work: {io_ms: 10}, payload: {request_kb: REQUEST, response_kb: RESPONSE}, trigger: {type: TYPE},
     traffic: {constant: {rate_per_s: 1}}}
"""
CHUNKS = {
    "api_gateway_http": ("api_gateway_http", 512),
    "api_gateway_websocket": ("websocket_messages", 32),
    "sns": ("sns_publishes", 64),
    "eventbridge": ("eventbridge_events", 64),
}


@pytest.mark.parametrize("trigger", CHUNKS)
def test_sizes_count_in_chunks_below_at_and_above_their_bounds(trigger: str) -> None:
    name, chunk = CHUNKS[trigger]
    answers = trigger.startswith("api")
    for request, parts in (
        (1, 1),
        (chunk - 1, 1),
        (chunk, 1),
        (chunk + 1, 2),
        (2 * chunk, 2),
        (2 * chunk + 1, 3),
    ):
        for response in (0, chunk, chunk + 1) if answers else (0,):
            text = CHUNKED.replace("REQUEST", str(request)).replace("RESPONSE", str(response))
            run = ls.simulate(ls.load_scenario_text(text.replace("TYPE", trigger)), keep_records=False)
            back = -(-response // chunk)
            # A WebSocket carries a message each way; an HTTP API counts the larger of both.
            expected = parts + back if name == "websocket_messages" else max(parts, back)
            assert lines(run.charges())[name] == 60 * expected, (request, response)
