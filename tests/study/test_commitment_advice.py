"""Commitments for simulated runs: usage by hour, the on-demand bill, futures, folders, the command."""

import json
from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from program import lambdasim

import lambdasim as ls
from lambdasim.billing import pool
from lambdasim.catalog.files import toml_of
from lambdasim.catalog.prices.book import BookEntry, PriceBook
from lambdasim.catalog.prices.savings_plans import savings_plans, savings_plans_of
from lambdasim.errors import CatalogError, InputError
from lambdasim.manifest import MANIFEST, Manifest, checksum
from lambdasim.results.files.hourly import hourly_usage
from lambdasim.results.files.saved import RUN
from lambdasim.study.commitment.advise import advise_commitment
from lambdasim.wording import money

SCENARIO = """
name: shop
start: 2026-11-30T20:30:00Z
duration: 7h
free_tier: false
functions:
  - {name: api, memory_mb: 1024, work: {io_ms: 200}, traffic: {constant: {rate_per_s: 3}}}
  - name: warm
    memory_mb: 2048
    architecture: arm64
    provisioned_concurrency: [{at: 10m, count: 2}]
    work: {io_ms: 300}
    traffic: {constant: {rate_per_s: 1}}
"""


@pytest.fixture(scope="module")
def run() -> ls.RunResult:
    return ls.simulate(ls.load_scenario_text(SCENARIO), keep_records=False)


@pytest.fixture(scope="module")
def folder(run: ls.RunResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("out")
    ls.save(run, place)
    return place


def test_hours_sum_to_months(run: ls.RunResult) -> None:
    used = hourly_usage(run)
    assert pool(used.usage) == pool(run.usage())
    assert len(used.hours) == 8  # 20:30 to 03:30 touches eight clock hours
    assert {row.month for rows in used.hours[:4] for row in rows} == {"2026-11"}
    assert {row.month for rows in used.hours[4:] for row in rows} == {"2026-12"}
    by_function: Counter[str] = Counter()
    for rows in used.hours[1:7]:
        for row in rows:
            by_function[row.function] += row.requests
    assert 5 * 3 * 3600 < by_function["api"] < 7 * 3 * 3600
    assert [day for day, _ in used.days()] == ["2026-11-30", "2026-12-01"]


def test_a_folder_is_its_run(run: ls.RunResult, folder: Path) -> None:
    assert hourly_usage(folder) == hourly_usage(run)
    assert str(advise_commitment(folder)) == str(advise_commitment(run))


def test_without_commitment_it_is_the_bill(run: ls.RunResult) -> None:
    found = advise_commitment(run)
    bill = run.charges()
    assert found.on_demand_usd == Fraction(bill.total)
    requests = sum(Fraction(item.amount) for item in bill.items if item.kind == "request")
    assert found.coverable_usd == found.on_demand_usd - requests
    with_requests = advise_commitment(run, requests_use_commitment=True)
    assert with_requests.coverable_usd == found.on_demand_usd


def test_steady_usage_is_committed_and_saves_at_most_the_discount(run: ls.RunResult) -> None:
    found = advise_commitment(run)
    for option in found.options:
        assert option.usd_per_hour > 0
        assert option.total_usd + option.saving_usd == found.on_demand_usd
        assert 0 < option.saving_usd <= found.coverable_usd * option.discount
        assert option.total_usd >= option.usd_per_hour * found.hours
        assert option.regrets_usd == (0,)
        assert option.usd_per_hour * 100_000 == int(option.usd_per_hour * 100_000)
    assert found.best.plan.percent == 17
    assert (found.best.plan.years, found.best.upfront_usd) == (1, found.best.usd_per_hour * 8760)
    same = next(case for case in found.cases if case.multiple == 1)
    assert same.regret_usd == 0
    assert all(case.regret_usd >= 0 for case in found.cases)


def test_no_discount_is_no_reason(run: ls.RunResult) -> None:
    found = advise_commitment(run, percent=Decimal(0))
    assert found.best.usd_per_hour == 0
    assert "No commitment pays" in str(found)


def test_several_runs_are_futures_with_regrets(run: ls.RunResult) -> None:
    half = ls.simulate(
        ls.load_scenario_text(SCENARIO.replace("rate_per_s: 3", "rate_per_s: 1")), keep_records=False
    )
    both = advise_commitment([run, half])
    apart = [advise_commitment(one) for one in (run, half)]
    assert both.on_demand_usd == sum(one.on_demand_usd for one in apart) / 2
    for option, *own in zip(both.options, *(one.options for one in apart), strict=True):
        assert min(option.regrets_usd) >= 0
        assert max(option.regrets_usd) > 0  # no one commitment is best for both
        for regret, one in zip(option.regrets_usd, own, strict=True):
            assert regret + one.total_usd >= one.total_usd
        assert (
            option.total_usd
            == sum(one.total_usd + regret for one, regret in zip(own, option.regrets_usd, strict=True)) / 2
        )


def test_another_region_and_day(run: ls.RunResult) -> None:
    found = advise_commitment(run, region="eu-central-1", on=date(2026, 10, 1))
    assert found.on_demand_usd == Fraction(run.charges(region="eu-central-1", on=date(2026, 10, 1)).total)


def test_the_printed_rates_come_out() -> None:
    # Transcribed from the Price List of 2026-09-25, three digits: 0.0000147, 0.0000117; all upfront 0.0000138, 0.0000111.
    sheet = ls.price_sheet("us-east-1")
    printed = {"12": ("0.0000147", "0.0000117"), "17": ("0.0000138", "0.0000111")}
    for plan in savings_plans().plans:
        for architecture, rate in zip(("x86_64", "arm64"), printed[str(plan.percent)], strict=True):
            usd = sheet.rates(architecture).tiers[0].rate.usd
            assert usd is not None
            assert round(usd * (100 - plan.percent) / 100, 7) == Decimal(rate)
    rates = sheet.rates("x86_64")
    assert rates.pc_idle.usd is not None
    assert rates.pc_duration.usd is not None
    assert round(rates.pc_idle.usd * Decimal("0.88"), 8) == Decimal("0.00000367")
    assert round(rates.pc_duration.usd * Decimal("0.88"), 8) == Decimal("0.00000856")


@pytest.mark.parametrize(
    ("place", "field", "value", "told"),
    [
        ("plan", "percent", "100", "percent"),
        ("plan", "years", 2, "years"),
        ("plan", "payment", "later", "payment"),
        ("plan", "source", "hearsay", "source"),
        ("covers", "kinds", ["gifts"], "kinds"),
        ("purchase", "step_usd_per_hour", "0.01", "step_usd_per_hour"),
        ("rates", "kind", "request", "rates: must be of what plans cover"),
        ("rates", "years", [2], "years"),
        ("rates", "x86_64", "0", "above 0"),
        ("rates", "payment", "later", "payment"),
    ],
)
def test_a_broken_catalog_is_told(place: str, field: str, value: object, told: str) -> None:
    content = json.loads(json.dumps(toml_of("savings_plans.toml"), default=str))
    content["as_of"] = date(2026, 9, 25)
    (content[place][0] if place in ("plan", "rates") else content[place])[field] = value
    with pytest.raises(CatalogError, match=told):
        savings_plans_of(content)


def _signed(folder: Path) -> None:
    """Write a manifest that says that all files of a folder are a run's, as they are now."""
    (folder / MANIFEST).unlink(missing_ok=True)
    names = sorted(path.name for path in folder.iterdir())
    checksums = {name: (checksum(folder / name),) for name in names}
    (folder / MANIFEST).write_bytes(Manifest(dict.fromkeys(names, RUN), checksums).content())


def test_files_of_different_runs_are_told(run: ls.RunResult, folder: Path, tmp_path: Path) -> None:
    for name in ("scenario.json", "metrics.csv", "summary.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    fewer = [replace(row, requests=row.requests // 2, provisioned_requests=0) for row in run.usage()]
    from lambdasim.billing import to_json

    (tmp_path / "usage.json").write_text(to_json(fewer))
    with pytest.raises(InputError, match="is missing: cannot tell"):
        hourly_usage(tmp_path)
    _signed(tmp_path)
    with pytest.raises(InputError, match="by hour and"):
        hourly_usage(tmp_path)
    (tmp_path / "metrics.csv").write_text("timestamp\n")
    with pytest.raises(InputError, match=r"metrics\.csv: is not as it was written"):
        hourly_usage(tmp_path)
    _signed(tmp_path)
    with pytest.raises(InputError, match=r"metrics\.csv"):
        hourly_usage(tmp_path)


@pytest.mark.usefixtures("rendered")
def test_the_command_fits_a_terminal(folder: Path) -> None:
    command = ("commit", folder)
    done = lambdasim(*command)
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    found = json.loads(lambdasim(*command, "--json").stdout)
    assert len(found["plans"]) == 6
    assert found["recommended"] == {"years": 1, "payment": "all_upfront"}
    out = folder.parent / "commitment"
    assert lambdasim(*command, "-o", out).returncode == 0
    written = json.loads((out / "result.json").read_text())
    assert {name: written[name] for name in found} == found
    assert {"report.html", "commitment.png", "plans.csv", "if_usage_differs.csv"} <= {
        path.name for path in out.iterdir()
    }
    wrong = lambdasim(*command, "--discount", "much")
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (2, 1)


def test_a_discount_on_everything_is_a_discount_on_everything(run: ls.RunResult) -> None:
    book = PriceBook("EDP", date(2026, 1, 1), [BookEntry("*", None, Decimal(10), None)])
    listed, own = advise_commitment(run), advise_commitment(run, price_book=book)
    assert own.on_demand_usd == listed.on_demand_usd * 9 / 10
    assert own.coverable_usd == listed.coverable_usd * 9 / 10
    bill = ls.price(run.usage(), free_tier=False, price_book=book)
    assert own.on_demand_usd == Fraction(bill.total)
    free = PriceBook("free", date(2026, 1, 1), [BookEntry("*", None, Decimal(0), None)])
    assert advise_commitment(run, price_book=free).options == listed.options
    assert any("price book 'EDP'" in note for note in own.notes)


def test_a_book_whose_tiers_rise_is_refused(run: ls.RunResult) -> None:
    rising = PriceBook("odd", date(2026, 1, 1), [BookEntry("Lambda-GB-Second", 1, Decimal(90), None)])
    with pytest.raises(InputError, match="more expensive"):
        advise_commitment(run, price_book=rising)


def test_every_view_has_the_advice(run: ls.RunResult) -> None:
    study = advise_commitment(run)
    assert repr(study) in str(study)
    assert set(json.loads(study.to_json())["tables"]) == {"plans", "if usage differs"}
    assert "All upfront" in study._repr_html_() or "all_upfront" in study._repr_html_()


def test_plans_charge_their_listed_rates() -> None:
    # 1 GB for 100 s on x86_64, every hour: 100 GB-s. Listed: 0.0000147, all upfront 0.0000138 (Price List, 2026-09-25).
    steady = """
name: steady
start: 2026-11-01T00:00:00Z
duration: 6h
free_tier: false
functions:
  - name: api
    memory_mb: 1024
    timeout: 200s
    init_ms: 0
    work: {io_ms: 100000, first_run_ms: 0}
    traffic: {constant: {rate_per_s: 0.0002777777777777778}}
"""
    run = ls.simulate(ls.load_scenario_text(steady), keep_records=False)
    gb_s = sum(row.billed_ms_with_init for row in run.usage()) // 1000
    found = {(one.plan.years, one.plan.payment.value): one for one in advise_commitment(run).options}
    for years in (1, 3):
        for payment, rate in (("no_upfront", "0.0000147"), ("all_upfront", "0.0000138")):
            option = found[years, payment]
            assert option.marks == ()
            assert option.discount == 1 - Fraction(rate) / Fraction("0.0000166667")
            covered = option.usd_per_hour - option.unused_usd / 6  # what the commitment bought in a mean hour
            assert covered / Fraction(rate) <= Fraction(gb_s, 6)
        assert found[years, "partial_upfront"].marks == (("Lambda-GB-Second", "12% off on demand"),)
    text = str(advise_commitment(run))
    assert "no upfront: rates as AWS lists them" in text
    assert "partial upfront: no listed rate for Lambda-GB-Second; 12% off on demand" in text


def test_regions_without_listed_rates_say_so(run: ls.RunResult) -> None:
    same, dear = (advise_commitment(run, region=region).options[0] for region in ("us-west-2", "af-south-1"))
    marks = dict(same.marks)
    assert marks["USW2-Lambda-GB-Second"] == "listed for us-east-1, whose on-demand rate is the same"
    assert same.plan.payment == "no_upfront"
    assert set(dict(dear.marks).values()) == {"12% off on demand"}
    assert dear.discount == Fraction(12, 100)


def test_own_rates_carry_over_to_listed_plan_rates(run: ls.RunResult) -> None:
    book = PriceBook("half", date(2026, 1, 1), [BookEntry("*", None, Decimal(50), None)])
    plain, own = advise_commitment(run), advise_commitment(run, price_book=book)
    assert [one.discount for one in own.options] == [one.discount for one in plain.options]


def test_servers_beside_lambda_are_covered_first_where_they_save_more_by_hand(run: ls.RunResult) -> None:
    """10 USD an hour at 30 % off need 7 an hour; Lambda's 17 % come after, so its part is that of Lambda alone."""
    alone = advise_commitment(run)
    other = ls.OtherUsage(Decimal(10), Decimal(30), Decimal(30))
    found = advise_commitment(run, other=other)
    hours = found.hours
    assert found.on_demand_usd == alone.on_demand_usd + 10 * hours
    assert found.coverable_usd == alone.coverable_usd + 10 * hours
    for mine, theirs in zip(found.options, alone.options, strict=True):
        assert mine.usd_per_hour == theirs.usd_per_hour + 7
        assert mine.saving_usd == theirs.saving_usd + 3 * hours
        assert mine.unused_usd == theirs.unused_usd
    assert any("30% off, as you gave them" in note for note in found.notes)


def test_servers_that_save_less_than_lambda_come_after_it(run: ls.RunResult) -> None:
    """At 5 % off for one year and 40 % for three: three years save by servers what one year does not."""
    other = ls.OtherUsage(Decimal(10), Decimal(5), Decimal(40))
    found, alone = advise_commitment(run, other=other), advise_commitment(run)
    saved = {(option.plan.years, option.plan.payment.value): option.saving_usd for option in found.options}
    assert found.best.plan.years == 3
    assert saved[3, "no_upfront"] - saved[1, "no_upfront"] > 3 * found.hours
    theirs = {(option.plan.years, option.plan.payment.value): option.saving_usd for option in alone.options}
    # 9.5 an hour more cover the servers in every hour, whatever Lambda takes first: half a dollar an hour is saved.
    assert saved[1, "no_upfront"] >= theirs[1, "no_upfront"] + Fraction(1, 2) * found.hours


def test_nothing_off_servers_changes_nothing_of_what_lambda_saves(run: ls.RunResult) -> None:
    none = ls.OtherUsage(Decimal(10), Decimal(0), Decimal(0))
    for mine, theirs in zip(
        advise_commitment(run, other=none).options, advise_commitment(run).options, strict=True
    ):
        assert mine.saving_usd >= theirs.saving_usd  # what an uneven hour of Lambda leaves, servers use up


def test_other_usage_must_be_an_amount_and_a_percentage(folder: Path) -> None:
    for bad in ((Decimal(0), Decimal(1)), (Decimal("NaN"), Decimal(1)), (Decimal(1), Decimal(100))):
        with pytest.raises(InputError, match="other"):
            ls.OtherUsage(bad[0], bad[1], bad[1])
    command = ("commit", folder)
    good = lambdasim(*command, "--other-usd", "3", "--other-percent", "28,46")
    assert "28% for one year, 46% for three" in " ".join(good.stdout.split())
    for options in (["--other-usd", "3"], ["--other-usd", "x", "--other-percent", "3"]):
        done = lambdasim(*command, *options)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


@pytest.mark.parametrize("free_tier", ["true", "false"])
def test_accounts_of_one_payer_are_covered_as_one(free_tier: str, tmp_path: Path) -> None:
    """Two accounts with a function each want the commitment of one account with both, free tier and all."""
    text = SCENARIO.replace("free_tier: false", f"free_tier: {free_tier}").replace(
        "duration: 7h", "duration: 4d"
    )
    text = text.replace("rate_per_s: 3", "rate_per_s: 1").replace("io_ms: 200", "io_ms: 2900")
    text = text.replace("    provisioned_concurrency: [{at: 10m, count: 2}]\n", "")
    whole = ls.load_scenario_text(text)
    parts = [ls.revised(whole, {"functions": (function,)}) for function in whole.functions]
    together = advise_commitment(ls.simulate(whole, keep_records=False))
    for number, part in enumerate(parts):
        ls.save(ls.simulate(part), tmp_path / str(number))
    folders = [tmp_path / "0", tmp_path / "1"]
    added = advise_commitment(folders, accounts=True)
    assert (added.on_demand_usd, added.coverable_usd) == (together.on_demand_usd, together.coverable_usd)
    assert added.options == together.options
    assert added.cases == together.cases
    apart = sum(advise_commitment(one).on_demand_usd for one in folders)
    assert (apart < added.on_demand_usd) == (free_tier == "true")  # each alone has a free tier of its own
    ran = lambdasim("commit", *map(str, folders), "--accounts", "--json")
    assert json.loads(ran.stdout)


def test_accounts_begin_at_the_same_hour() -> None:
    runs = [
        ls.simulate(
            ls.load_scenario_text(SCENARIO.replace("2026-11-30T20", f"2026-11-30T{hour}")), keep_records=False
        )
        for hour in (20, 21)
    ]
    with pytest.raises(InputError, match="must begin at the same hour to be added"):
        advise_commitment(runs, accounts=True)


def test_accounts_cover_the_same_hours() -> None:
    runs = [
        ls.simulate(
            ls.load_scenario_text(SCENARIO.replace("duration: 7h", f"duration: {days}d")), keep_records=False
        )
        for days in (1, 3)
    ]
    with pytest.raises(InputError, match="must cover the same hours to be added, got 25 and 73 hours"):
        advise_commitment(runs, accounts=True)


def test_less_than_a_month_says_what_a_whole_months_free_tier_takes_off_it() -> None:
    """Two hours under a month's free tier cost nothing, and no plan is worth a thing: that is no advice for years."""
    text = (
        "name: s\nstart: 2026-11-02T00:00:00Z\nduration: 2h\nfree_tier: {tier}\n"
        "functions: [{{name: f, memory_mb: 1024, work: {{io_ms: 1000}}, traffic: {{constant: {{rate_per_s: 10}}}}}}]\n"
    )
    short, without = (
        ls.simulate(ls.load_scenario_text(text.format(tier=tier))) for tier in ("true", "false")
    )
    study = ls.advise_commitment(short)
    usd = money(without.charges().total)
    for view in (study.text(), repr(study)):
        told = f"a whole month's free tier is taken off them ({usd} on demand without it)"
        assert told in " ".join(view.split())
    assert "free tier is taken off" not in ls.advise_commitment(without).text()


def test_hours_of_a_sale_are_no_sample_of_the_years_of_a_plan() -> None:
    """Whether such a run advises a commitment or not, the first sentence says what its hours are."""
    sale = ls.load_scenario_text(
        SCENARIO.replace("{rate_per_s: 3}", "{rate_per_s: 3}, spikes: [{at: 1h, duration: 1h, factor: 9}]")
    )
    told = advise_commitment(ls.simulate(sale, keep_records=False))
    said = "WARNING: a commitment is paid in every hour of its years"
    assert told.headline().startswith(said)
    assert told.text().startswith(said)
    assert "no sample of them: api has spikes" in " ".join(told.text().split())
    steady = advise_commitment(ls.simulate(ls.load_scenario_text(SCENARIO), keep_records=False))
    assert "WARNING" not in steady.text()
