"""Legacy CUR and Cost Explorer, rows chosen by account, resource, tag and region, and what is left out."""

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from program import lambdasim

import lambdasim as ls
from lambdasim import finance
from lambdasim.billing import Usage, price
from lambdasim.errors import InputError
from lambdasim.finance import BillChoice, compare_bill, read_actual_bill
from lambdasim.results.usage.hour import HourlyUsage

BILLS = Path(__file__).parent / "bills"
LEGACY, EXPLORED = BILLS / "legacy_cur.csv", BILLS / "cost_explorer_usage_type.csv"
OCTOBER = Usage(
    "2026-10", "us-west-2", "order", "x86_64", 1024, 512, "zip", "python3.13", requests=2_678_400,
    billed_ms_with_init=267_840_000, billed_ms_without_init=267_840_000,
)  # fmt: skip
COST = Decimal("4.464008928") + Decimal("0.53568")


def written(tmp_path: Path, change: Callable[[list[dict[str, str]]], None]) -> Path:
    """The legacy CUR with changed rows."""
    rows = list(csv.DictReader(LEGACY.read_text().splitlines()))
    change(rows)
    names = dict.fromkeys(name for row in rows for name in row)
    path = tmp_path / "cur.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(names), restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def explored(path: Path, groups: list[str], periods: list[Any]) -> Path:
    """An answer of ``aws ce get-cost-and-usage``."""
    told = {
        "GroupDefinitions": [{"Type": kind, "Key": key} for kind, _, key in (g.partition(" ") for g in groups)],
        "ResultsByTime": [
            {
                "TimePeriod": {"Start": start, "End": end},
                "Total": {},
                "Groups": [
                    {"Keys": keys, "Metrics": {name: {"Amount": text, "Unit": unit} for name, text, unit in metrics}}
                    for keys, metrics in found
                ],
                "Estimated": False,
            }
            for start, end, found in periods
        ],
        "DimensionValueAttributes": [],
    }  # fmt: skip
    path.write_text(json.dumps(told))
    return path


def cost(text: str) -> tuple[str, str, str]:
    return ("UnblendedCost", text, "USD")


@pytest.mark.parametrize("path", [LEGACY, EXPLORED])
def test_the_month_worked_by_hand_has_no_difference(path: Path) -> None:
    found = compare_bill(path, price([OCTOBER], free_tier=False))
    assert found.sum("actual_cost") == found.sum("our_cost") == COST
    assert found.sum("difference") == 0
    assert {line.period for line in found.lines} == {"2026-10"}
    assert {line.note for line in found.lines} == {"same"}


def test_the_layouts_are_named() -> None:
    assert [read_actual_bill(path).export for path in (LEGACY, EXPLORED)] == ["legacy CUR", "Cost Explorer"]
    assert read_actual_bill(LEGACY).notes == ("1 row of other services stands apart",)


def test_other_accounts_are_named_and_can_be_left_out(tmp_path: Path) -> None:
    def second_account(rows: list[dict[str, str]]) -> None:
        rows.append(rows[1] | {"lineItem/UsageAccountId": "222222222222", "lineItem/UsageAmount": "5",
                               "lineItem/UnblendedCost": "0.000001"})  # fmt: skip

    path = written(tmp_path, second_account)
    together = read_actual_bill(path)
    assert together.total == COST + Decimal("0.000001")
    (note,) = [note for note in together.notes if "accounts" in note]
    assert note == "rows of 2 accounts are compared together: 123456789012 $5.00, 222222222222 $0.000001"
    own = read_actual_bill(path, choice=BillChoice(accounts=("123456789012",)))
    assert own.total == COST
    assert "1 row of other accounts was left out, $0.000001: 222222222222 $0.000001" in own.notes
    with pytest.raises(
        InputError, match=r"has no row of AWS Lambda that is chosen.*3 rows of other accounts"
    ):
        read_actual_bill(path, choice=BillChoice(accounts=("1",)))


def test_resources_are_names_or_arns_with_wildcards(tmp_path: Path) -> None:
    def renamed(rows: list[dict[str, str]]) -> None:
        rows[1]["lineItem/ResourceId"] = "arn:aws:lambda:us-west-2:123456789012:function:pay:live"

    path = written(tmp_path, renamed)
    arn = "arn:aws:lambda:us-west-2:123456789012:function:pay:live"
    for wanted in ("pay", "p*", arn):
        chosen = read_actual_bill(path, choice=BillChoice(resources=(wanted,)))
        assert chosen.total == Decimal("0.53568")
        assert any(
            "1 row of other resources was left out, $4.46: order $4.46" in note for note in chosen.notes
        )
    usages = [OCTOBER, replace(OCTOBER, function="pay"), replace(OCTOBER, function="1/pay")]
    assert [row.function for row in BillChoice(resources=("pay",)).ours(usages)] == ["pay", "1/pay"]
    assert [row.function for row in BillChoice(resources=(arn,)).ours(usages)] == ["pay", "1/pay"]


@pytest.mark.parametrize("column", ["resourceTags/user:team", "resourceTags"])
def test_tags_stand_in_columns_or_in_one(tmp_path: Path, column: str) -> None:
    def tagged(rows: list[dict[str, str]]) -> None:
        for row, team in zip(rows, ("web", "data", "web"), strict=True):
            row[column] = team if column.endswith("team") else json.dumps({"user_team": team})

    path = written(tmp_path, tagged)
    for key in ("team", "user:team"):
        chosen = read_actual_bill(path, choice=BillChoice.of_texts(tags=[f"{key}=data"]))
        assert chosen.total == Decimal("0.53568")
        assert any(note == "1 row of other tags was left out, $4.46" for note in chosen.notes)
    ours = BillChoice(tags={"team": "data"}).ours(
        [OCTOBER, replace(OCTOBER, function="b")], {"b": {"team": "data"}}
    )
    assert [row.function for row in ours] == ["b"]


def test_regions_come_from_a_column_or_the_usage_type(tmp_path: Path) -> None:
    def elsewhere(rows: list[dict[str, str]]) -> None:
        rows[0] |= {"product/region": "", "lineItem/UsageType": "EUC1-Lambda-GB-Second"}

    path = written(tmp_path, elsewhere)
    totals = {
        region: read_actual_bill(path, choice=BillChoice(regions=(region,))).total
        for region in ("us-west-2", "eu-central-1")
    }
    assert totals == {"us-west-2": Decimal("0.53568"), "eu-central-1": Decimal("4.464008928")}


def test_nothing_chosen_of_ours_is_an_error() -> None:
    with pytest.raises(InputError, match="must leave something of our own usage, which is of order"):
        BillChoice(resources=("pay",)).ours([OCTOBER])


@pytest.mark.parametrize("text", ["team", "=web", ""])
def test_a_tag_is_key_and_value(text: str) -> None:
    with pytest.raises(InputError, match="must be key=value"):
        BillChoice.of_texts(tags=[text])


def days_of(*by_day: Usage) -> HourlyUsage:
    from datetime import UTC, datetime

    hours = tuple((row,) if hour == 0 else () for row in by_day for hour in range(24))
    return HourlyUsage(datetime(2026, 10, 1, tzinfo=UTC), hours, (), None)


def test_a_report_by_day_is_compared_by_day(tmp_path: Path) -> None:
    first, second = (
        replace(OCTOBER, requests=n, billed_ms_with_init=0, billed_ms_without_init=0)
        for n in (1_000_000, 2_000_000)
    )
    path = tmp_path / "days.csv"
    path.write_text(
        '"Usage type","USW2-Request($)","USW2-TimedStorage-ByteHrs($)","Total costs($)"\n'
        '"Usage type total","0.5","7","7.5"\n'
        '"2026-10-01","0.2","3","3.2"\n"2026-10-02","0.3","4","4.3"\n'
    )
    used = days_of(first, second)
    priced = partial(price, free_tier=False)
    days = finance.daily_costs(used, priced)
    found = compare_bill(path, priced(used.usage), days=days)
    assert [(line.period, line.actual_cost, line.our_cost) for line in found.lines] == [
        ("2026-10-01", Decimal("0.2"), Decimal("0.2")),
        ("2026-10-02", Decimal("0.3"), Decimal("0.4")),
    ]
    assert found.sum("difference") == found.sum("from_other") == Decimal("-0.1")
    assert "2 amounts of other services stand apart" in found.notes
    for wrong in (None, days[:1]):
        with pytest.raises(InputError, match="days: must sum to our bill"):
            compare_bill(path, priced(used.usage), days=wrong)


def test_firsts_of_months_are_months_unless_days_are_asked_for() -> None:
    assert not read_actual_bill(EXPLORED).by_day
    assert any("first of a month" in note for note in read_actual_bill(EXPLORED).notes)
    by_day = read_actual_bill(EXPLORED, granularity="day")
    assert (by_day.by_day, {line.key.period for line in by_day.lines}) == (True, {"2026-10-01"})
    assert not any(
        "first of a month" in note for note in read_actual_bill(EXPLORED, granularity="month").notes
    )
    for path, granularity in ((EXPLORED, "hour"), (LEGACY, "day")):
        with pytest.raises(InputError, match="granularity"):
            read_actual_bill(path, granularity=granularity)


def test_an_answer_of_the_api_has_quantities_and_rates(tmp_path: Path) -> None:
    groups = [
        (["USW2-Lambda-GB-Second"], [cost("4.464008928"), ("UsageQuantity", "267840", "N/A")]),
        (["USW2-Request"], [cost("1.07136"), ("UsageQuantity", "5356800", "N/A")]),  # twice the usage
        (["USW2-BoxUsage:t3.micro"], [cost("7.7376"), ("UsageQuantity", "744", "Hrs")]),
    ]
    path = explored(tmp_path / "ce.json", ["DIMENSION USAGE_TYPE"], [("2026-10-01", "2026-11-01", groups)])
    found = compare_bill(path, price([OCTOBER], free_tier=False))
    parts = {line.usage_type: (line.from_usage, line.from_rate, line.from_other) for line in found.lines}
    assert parts == {
        "USW2-Lambda-GB-Second": (0, 0, 0),
        "USW2-Request": (Decimal("0.53568"), 0, 0),
    }
    for line in found.lines:
        assert Fraction(line.difference) == sum(map(Fraction, parts[line.usage_type]))


def test_groups_of_the_api_choose_service_account_and_tag(tmp_path: Path) -> None:
    groups = [
        (["Request", "AWS Lambda", "111111111111", "team$web"], [cost("1")]),
        (["Request", "Some Other Service", "111111111111", "team$web"], [cost("10")]),
        (["Request", "AWS Lambda", "222222222222", "team$"], [cost("100")]),
    ]
    names = ["DIMENSION USAGE_TYPE", "DIMENSION SERVICE", "DIMENSION LINKED_ACCOUNT", "TAG team"]
    path = explored(tmp_path / "ce.json", names, [("2026-10-01", "2026-11-01", groups)])
    assert read_actual_bill(path).total == 101
    assert read_actual_bill(path, choice=BillChoice(accounts=("222222222222",))).total == 100
    assert read_actual_bill(path, choice=BillChoice(tags={"team": "web"})).total == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('"Service","AWS Lambda($)","Total costs($)"\n"2026-10-01","1","1"\n', "report by usage type before"),
        ('"Usage type","Request(€)","Total costs(€)"\n"2026-10-01","1","1"\n', "must be an amount in USD"),
        ('"Usage type","Request($)","Total costs($)"\n"soon","1","1"\n', "row 2: Usage type: must be a day such as"),
        ('"Usage type","Request($)","Total costs($)"\n"2026-10-01","much","1"\n', "must be a number such as"),
        ("{}", "GroupDefinitions: must be a list of objects"),
        ('{"GroupDefinitions": [{"Type": "DIMENSION", "Key": "SERVICE"}]}', "must have USAGE_TYPE"),
        (
            '{"GroupDefinitions": [{"Type": "DIMENSION", "Key": "USAGE_TYPE"}], "ResultsByTime": [{"Groups": []}]}',
            "TimePeriod",
        ),
    ],
)  # fmt: skip
def test_what_is_another_report_is_one_clear_error(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / ("x.json" if text.startswith("{") else "x.csv")
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_actual_bill(path)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("groups", "metrics", "told"),
    [
        ([["Request"]], [("UnblendedCost", "1", "EUR")], "UnblendedCost.Unit: must be USD, got 'EUR'"),
        ([["Request"]], [("UnblendedCost", "x", "USD")], "must be a number such as"),
        ([["Request"]], [("UsageQuantity", "1", "N/A")], "must have one of UnblendedCost"),
        ([["Request", "more"]], [cost("1")], "Keys: must be 1 texts"),
    ],
)
def test_a_bad_value_of_the_api_is_named(
    tmp_path: Path, groups: list[list[str]], metrics: list[tuple[str, str, str]], told: str
) -> None:
    found = [(keys, metrics) for keys in groups]
    path = explored(tmp_path / "ce.json", ["DIMENSION USAGE_TYPE"], [("2026-10-01", "2026-11-01", found)])
    with pytest.raises(InputError) as caught:
        read_actual_bill(path)
    assert told in str(caught.value)


def test_the_command_takes_several_folders_and_every_choice(tmp_path: Path) -> None:
    for name in ("a", "b"):
        run = ls.simulate(ls.load_scenario_text(
            f"{{name: dev-{name}, region: us-west-2, start: 2026-10-01T00:00:00Z, duration: 2h, free_tier: false, "
            "functions: [{name: order, memory_mb: 1024, init_ms: 0, work: {io_ms: 100, first_run_ms: 0}, "
            "traffic: {constant: {rate_per_s: 1}}}]}"), keep_records=False)  # fmt: skip
        ls.save(run, tmp_path / name)
    book = tmp_path / "book.yaml"
    book.write_text("{name: corp, valid_from: 2026-01-01, rates: [{usage_type: '*', discount_percent: 50},"
                    "{usage_type: EUC1-Request, discount_percent: 5}]}")  # fmt: skip
    command = ["bill", "compare", LEGACY, tmp_path / "a", tmp_path / "b",
               "--account", "123456789012", "--resource", "ord*", "--only-region", "us-west-2",
               "--price-book", book, "--price-date", "2026-10-01"]  # fmt: skip
    done = lambdasim(*command)
    assert done.returncode == 0, done.stderr
    ours = 2 * (7200 * Decimal("0.1") * Decimal("0.0000166667") + 7200 * Decimal("0.0000002")) / 2
    assert f"actual $5.00, ours ${ours:.2f}" in done.stdout
    assert "price book 'corp', EUC1-Request: no effect" in " ".join(done.stdout.split())
    moved = lambdasim(*command, "--region", "eu-west-1")
    assert moved.returncode == 0, moved.stderr
    assert "EU-Request" in moved.stdout


def as_excel_saves(path: Path, source: Path) -> Path:
    """A bill as a spreadsheet of a German computer writes it again."""
    rows = [[cell.replace(".", ",") if re.fullmatch(r"[0-9.]+", cell) else cell for cell in row]
            for row in csv.reader(source.read_text().splitlines())]  # fmt: skip
    path.write_text("\n".join(";".join(row) for row in rows))
    return path


@pytest.mark.parametrize("source", [LEGACY, EXPLORED])
def test_a_bill_with_semicolons_is_read_when_that_is_said(tmp_path: Path, source: Path) -> None:
    path = as_excel_saves(tmp_path / "bill.csv", source)
    with pytest.raises(InputError, match=r"separated by semicolons, say .*--separator semicolon"):
        read_actual_bill(path)
    with pytest.raises(InputError, match=r"must be a number such as .*, got '(4,46|0,0|4,99)"):
        read_actual_bill(path, dialect=ls.Dialect(separator="semicolon"))
    said = ls.Dialect(separator="semicolon", decimal="comma")
    assert read_actual_bill(path, dialect=said).lines == read_actual_bill(source).lines
    with pytest.raises(InputError, match="dates: is about tables of traffic"):
        read_actual_bill(path, dialect=ls.Dialect(dates="german"))


def test_the_command_says_how_a_bill_is_written(tmp_path: Path) -> None:
    run = ls.simulate(
        arrivals_s=[0.0], durations_ms=100, init_ms=0, memory_mb=1024, start="2026-10-01T00:00:00Z"
    )
    ls.save(run, tmp_path / "out")
    command = ["bill", "compare", as_excel_saves(tmp_path / "bill.csv", LEGACY), tmp_path / "out"]
    done = lambdasim(*command, "--separator", "semicolon", "--decimal", "comma")
    assert done.returncode == 0, done.stderr
    assert "actual $5.00" in done.stdout
    wrong = lambdasim(*command, "--separator", "dot")
    assert wrong.returncode == 2
    assert "--separator: must be one of comma, semicolon, tab, bar" in wrong.stderr
