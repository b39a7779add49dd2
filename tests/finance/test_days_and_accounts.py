"""A bill by day and over several accounts: both add up exactly."""

import csv
import json
import shutil
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from program import lambdasim

import lambdasim as ls
from lambdasim import finance
from lambdasim.billing import Bill, Usage, account_of, in_account, price
from lambdasim.billing.exact import total
from lambdasim.errors import InputError
from lambdasim.finance.days import REST
from lambdasim.results.files.hourly import hourly_usage
from lambdasim.results.usage.hour import HourlyUsage
from lambdasim.wording import money

CUR = Path(__file__).parent / "bills" / "legacy_cur.csv"
SCENARIO = """
name: NAME
start: 2026-11-29T12:00:00Z
duration: 3d
functions:
  - {name: api, tags: {team: web}, memory_mb: 2048, work: {io_ms: 700}, traffic: {constant: {rate_per_s: RATE}}}
  - name: warm
    architecture: arm64
    provisioned_concurrency: [{at: 10m, count: 2}]
    work: {io_ms: 100}
    traffic: {constant: {rate_per_s: 1}}
"""
ACCOUNTS = ("111111111111", "222222222222")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    found = []
    for name, rate in (("shop", "1"), ("data", "2")):
        place = tmp_path_factory.mktemp("runs") / name
        text = SCENARIO.replace("NAME", name).replace("RATE", rate)
        ls.save(ls.simulate(ls.load_scenario_text(text), keep_records=False), place)
        found.append(place)
    return found


def row(month: str, account: str, requests: int, gb_s: int) -> Usage:
    ms = gb_s * 1000
    used = Usage(month, "us-east-1", "f", "x86_64", 1024, 512, "zip", "python3.13", requests=requests,
                 billed_ms_with_init=ms, billed_ms_without_init=ms)  # fmt: skip
    return in_account([used], account)[0]


def test_days_sum_to_the_bill_by_kind(folders: list[Path]) -> None:
    used, priced = hourly_usage(folders[1]), partial(price, free_tier=True)
    days, bill = finance.daily_costs(used, priced), priced(ls.load_usage(folders[1]))
    assert [day.day for day in days] == ["2026-11-29", "2026-11-30", "2026-12-01", "2026-12-02", REST]
    assert total(day.amount for day in days) == bill.total
    by_kind: Counter[str] = Counter()
    for day in days:
        for kind, amount in day.amounts.items():
            by_kind[kind] += Fraction(amount)  # type: ignore[assignment]
    for kind, amount in by_kind.items():
        assert amount == sum(Fraction(item.amount) for item in bill.items if item.kind == kind)


def test_tiers_and_the_free_tier_belong_to_the_days_that_use_them_up() -> None:
    from datetime import UTC, datetime

    rows = (
        row("2026-11", "a", 0, 300_000),
        row("2026-11", "a", 0, 300_000),
        row("2026-11", "a", 0, 6_000_000_000),
    )
    hours = tuple((rows[hour // 24],) if hour % 24 == 5 else () for hour in range(72))
    used = HourlyUsage(datetime(2026, 11, 1, tzinfo=UTC), hours, (), None)
    first, second, third = (day.amount for day in finance.daily_costs(used, price))
    assert first == 0
    assert second == Decimal(200_000) * Decimal("0.0000166667")
    above = Decimal(200_000)
    assert third == (6_000_000_000 - above) * Decimal("0.0000166667") + above * Decimal("0.0000150000")


def test_a_workbook_refuses_days_of_another_bill(folders: list[Path], tmp_path: Path) -> None:
    priced = partial(price, free_tier=False)
    days = finance.daily_costs(hourly_usage(folders[0]), priced)
    with pytest.raises(InputError, match="must sum to the bill"):
        finance.write_workbook(priced(ls.load_usage(folders[1])), tmp_path / "b.xlsx", days=days)


def test_tiers_and_the_free_tier_are_the_payers() -> None:
    # 4 G GB-s in each of two accounts: apart all is in the first tier; together 2 G less the free tier is in the second.
    rows = [row("2026-11", account, 600_000, 4_000_000_000) for account in ACCOUNTS]
    together, apart = price(rows), [price([one]) for one in rows]
    free = {item.usage_type: item.quantity for item in together.items if not item.tier}
    assert free == {"Global-Request": 1_000_000, "Global-Lambda-GB-Second": 400_000}
    second = next(item for item in together.items if item.tier == 2)
    assert second.quantity == 2_000_000_000 - 400_000
    assert all(item.tier < 2 for bill in apart for item in bill.items)
    # The pooled tier takes 10 % off the second; one free tier less makes 200,000 requests and 400,000 GB-s dearer.
    assert together.total == Decimal("0.04") + Decimal(6_000_000_000) * Decimal("0.0000166667") + (
        2_000_000_000 - 400_000
    ) * Decimal("0.0000150000")


def test_functions_of_one_name_stay_apart_and_add_up() -> None:
    rows = [row("2026-11", ACCOUNTS[0], 3_000_000, 700_000), row("2026-11", ACCOUNTS[1], 1_000_001, 1)]
    bill = price(rows)
    assert list(bill.by_function()) == [f"{account}/f" for account in ACCOUNTS]
    assert sum(bill.by_function().values()) == Fraction(bill.total)
    shares = finance.allocated_costs(bill, by_account=True)
    assert [one.name for one in shares] == list(ACCOUNTS)
    assert total(one.amount for one in shares) == bill.total
    assert {account_of(name) for name in bill.by_function()} == {(account, "f") for account in ACCOUNTS}


def test_focus_knows_payer_and_accounts(folders: list[Path], tmp_path: Path) -> None:
    owned = finance.OwnedRuns.of_folders(folders, ACCOUNTS)
    bill = price(owned.usage, free_tier=owned.free_tier)
    path = finance.write_focus(bill, tmp_path / "bill.csv", origin=owned.origin("333333333333"))
    assert finance.check_focus(path) == bill.total
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {one["BillingAccountId"] for one in rows} == {"333333333333"}
    assert {one["SubAccountId"] for one in rows} == set(ACCOUNTS)
    for one in rows:
        arn = f"arn:aws:lambda:us-east-1:{one['SubAccountId']}:function:{one['ResourceName']}"
        assert one["ResourceId"] == arn
        assert one["Tags"] == ('{"team": "web"}' if one["ResourceName"] == "api" else "")
    assert owned.origin("333333333333").scenario == "shop, data"


def test_names_of_folders_are_accounts_by_default(folders: list[Path]) -> None:
    owned = finance.OwnedRuns.of_folders(folders)
    assert list(owned.folders) == ["shop", "data"]
    priced = partial(price, free_tier=True)
    days = finance.daily_costs(owned.hourly(), priced)
    assert total(day.amount for day in days) == priced(owned.usage).total


@pytest.mark.parametrize(
    ("accounts", "told"),
    [(("1",), "one for each folder"), (("1", "1"), "'1' twice"), (("a/b", "c"), "account: must be")],
)
def test_accounts_that_are_none(accounts: tuple[str, ...], told: str, folders: list[Path]) -> None:
    with pytest.raises(InputError, match=told):
        _ = finance.OwnedRuns.of_folders(folders, accounts).usage


def test_usage_is_in_one_account() -> None:
    with pytest.raises(InputError, match="no account yet"):
        in_account([row("2026-11", "a", 1, 1)], "b")


def run(*arguments: object) -> CompletedProcess[str]:
    return lambdasim("bill", *arguments)


def test_the_command_bills_a_payer(folders: list[Path], tmp_path: Path) -> None:
    xlsx, book = tmp_path / "bill.xlsx", tmp_path / "book.yaml"
    book.write_text("name: EDP\nvalid_from: 2026-01-01\nrates: [{usage_type: '*', discount_percent: 50}]\n")
    plain = run(*folders, "--json")
    done = run(*folders, "--top", 2, "--xlsx", xlsx, "--price-book", book)
    assert done.returncode == 0, done.stderr
    assert "price book 'EDP'" in done.stdout
    assert "(2 others)" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines() if not line.startswith("wrote ")) <= 80
    assert xlsx.stat().st_size > 5_000
    whole = price(finance.OwnedRuns.of_folders(folders).usage).total
    assert f'"total": "{whole}"' in plain.stdout


def test_repricing_as_the_manual_writes_it(folders: list[Path]) -> None:
    where = ("--region", "eu-central-1", "--price-date", "2026-10-01")
    said, implied = (run(folders[0], *given, *where) for given in (("--reprice",), ()))
    assert said.returncode == 0, said.stderr
    assert said.stdout == implied.stdout
    assert "eu-central-1" in said.stdout


def test_a_bill_keeps_the_scenarios_price_date(tmp_path: Path) -> None:
    text = SCENARIO.replace("NAME", "old").replace("RATE", "1") + "price_date: 2025-07-01\n"
    simulated = ls.simulate(ls.load_scenario_text(text), keep_records=False)
    ls.save(simulated, tmp_path / "out")
    done = run(tmp_path / "out", "--json")
    bill: Bill = simulated.charges()
    shown, kept = json.loads(done.stdout), json.loads(bill.to_json())
    *notes, told = shown.pop("notes")
    assert notes == kept.pop("notes")
    assert shown == kept
    assert told.endswith(f"{money(simulated.charges(free_tier=False).total)} without")
    without = run(tmp_path / "out", "--no-free-tier").stdout
    assert f"{money(simulated.charges(free_tier=False).total)}" in without
    assert "whole month's free tier" not in without
    later = price(simulated.usage()).to_json()
    assert later != bill.to_json()


def test_a_folder_counts_once(tmp_path: Path) -> None:
    run = ls.simulate(arrivals_s=[0.0], durations_ms=100, init_ms=0, memory_mb=1024)
    ls.save(run, tmp_path / "a")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    for command in (("bill",), ("commit",), ("commit", "--accounts"), ("bill", "compare", CUR)):
        for other in ("a", "a/../a", "link"):
            done = lambdasim(*command, tmp_path / "a", tmp_path / other)
            assert done.returncode == 2, done.stdout
            assert "is given twice, and its usage would count twice" in done.stderr


def test_a_run_counts_once_though_its_folder_was_copied_or_made_anew(tmp_path: Path) -> None:
    run = ls.simulate(arrivals_s=[0.0], durations_ms=100, init_ms=0, memory_mb=1024)
    ls.save(run, tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "copy")
    ls.save(run, tmp_path / "anew")
    for command in (("bill",), ("commit",), ("commit", "--accounts"), ("bill", "compare", CUR)):
        for other in ("copy", "anew"):
            done = lambdasim(*command, tmp_path / "a", tmp_path / other)
            assert done.returncode == 2, done.stdout
            assert f"{other}: holds the same run as" in done.stderr.replace("\n", " ")
    named = lambdasim(
        "bill", tmp_path / "a", tmp_path / "copy", "--account", "111122223333", "--account", "444455556666"
    )
    assert named.returncode == 0, named.stderr
    assert "2 Requests" in " ".join(named.stdout.split())


def test_accounts_that_run_alike_by_other_names_are_added_up(tmp_path: Path) -> None:
    for name in ("a", "b"):
        scenario = ls.load_scenario_text(
            f"name: {name}\nstart: 2026-11-01T00:00:00Z\nduration: 1h\nfunctions:\n"
            "  - {name: f, work: {io_ms: 5}, traffic: {constant: {rate_per_s: 1}}}\n"
        )
        ls.save(ls.simulate(scenario), tmp_path / name)
    bill = lambdasim("bill", tmp_path / "a", tmp_path / "b")
    assert "7,200 Requests" in " ".join(bill.stdout.split()), bill.stderr
