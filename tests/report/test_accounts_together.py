"""Accounts of one payer: the same files whoever simulates them, one bill with tiers and free tier pooled."""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from program import lambdasim

import lambdasim as ls
from lambdasim.billing import Usage, in_account
from lambdasim.errors import InputError, ScenarioError
from lambdasim.report.accounts import simulate_accounts
from lambdasim.results.points.workers import dask_cluster, process_pool
from lambdasim.specs.loading import accounts_in

SCENARIO = """name: run of {name}
region: {region}
start: 2026-11-01T00:00:00Z
duration: 20min
seed: {seed}
functions:
  - {{name: app, memory_mb: 512, trigger: {{type: sdk}}, work: {{io_ms: {{lognormal: {{p50: 200, p95: 900}}}}}},
     traffic: {{poisson: {{rate_per_s: {rate}}}}}}}
"""
ACCOUNTS = {"shop": ("us-east-1", 3.0), "shop-eu": ("eu-west-1", 1.0), "111111111111": ("us-east-1", 6.0)}


def filled(folder: Path, most: int = len(ACCOUNTS)) -> Path:
    for seed, (name, (region, rate)) in enumerate([*ACCOUNTS.items()][:most]):
        text = SCENARIO.format(name=name, region=region, rate=rate, seed=seed)
        if name == "shop-eu":  # as an import leaves it
            (folder / name).mkdir(parents=True)
            (folder / name / "scenario.yaml").write_text(text)
        else:
            folder.mkdir(exist_ok=True)
            (folder / f"{name}.yaml").write_text(text)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ls.ScenarioSpec]:
    folder = filled(tmp_path_factory.mktemp("payer") / "accounts")
    return {name: ls.load_scenario(path) for name, path in accounts_in(folder).items()}


@pytest.fixture(scope="module")
def alone(accounts: dict[str, ls.ScenarioSpec], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("alone")
    simulate_accounts(accounts, out, engine="reference", pages=False)
    return out


def test_a_folder_of_scenarios_holds_accounts(tmp_path: Path) -> None:
    assert list(accounts_in(filled(tmp_path / "accounts"))) == sorted(ACCOUNTS)
    assert accounts_in(tmp_path / "accounts" / "shop.yaml") == {}
    assert accounts_in(tmp_path / "accounts" / "shop-eu") == {}
    (tmp_path / "accounts" / "shop.yml").write_text("name: twice\n")
    with pytest.raises(ScenarioError, match="two accounts"):
        accounts_in(tmp_path / "accounts")


def test_each_account_is_its_own_run_and_the_bill_is_of_their_usage(
    accounts: dict[str, ls.ScenarioSpec], alone: Path
) -> None:
    usage: list[Usage] = []
    table = pd.read_csv(alone / "accounts.csv", dtype={"account": str}).set_index("account")
    for name, spec in accounts.items():
        run = ls.simulate(spec, engine="reference", keep_records=False)
        assert ls.load_usage(alone / name) == run.usage()
        row = table.loc[name]
        assert (row["events"], row["peak_concurrency"]) == (
            run.summary()["events"].sum(), run.aggregate.account.peak,
        )  # fmt: skip
        usage += in_account(run.usage(), name)
    bill = pd.read_csv(alone / "bill.csv")
    assert bill["amount"].sum() == pytest.approx(float(ls.price(usage, free_tier=True).total))
    # Three accounts have one free tier: all but what is free in all of them together is paid.
    assert table["cost_usd"].sum() == pytest.approx(bill["amount"].sum())


def test_tiers_and_free_tier_are_the_payers(tmp_path: Path) -> None:
    """Two accounts with 0.8 million requests each: apart both would be free, together 0.6 million are paid."""
    folder = tmp_path / "accounts"
    folder.mkdir()
    text = SCENARIO.format(name="a", region="us-east-1", seed=1, rate=1).replace(
        "traffic: {poisson: {rate_per_s: 1}}", "traffic: {constant: {rate_per_s: 800}}"
    )
    for name in ("a", "b"):
        (folder / f"{name}.yaml").write_text(
            text.replace("20min", "1000s").replace("{io_ms: {lognormal: {p50: 200, p95: 900}}}", "{io_ms: 1}")
        )
    ended = lambdasim("simulate", folder, "--json")
    assert ended.returncode == 0, ended.stderr
    tables = json.loads(ended.stdout)["tables"]
    assert [row["events"] for row in tables["accounts"]] == [800_000, 800_000]
    requests = sum(float(row["amount"]) for row in tables["bill"] if "Request" in row["usage_type"])
    assert requests == pytest.approx(0.6 * 0.20)


def test_workers_give_the_same_bytes(
    accounts: dict[str, ls.ScenarioSpec], alone: Path, tmp_path: Path
) -> None:
    with process_pool(2) as pool:
        simulate_accounts(accounts, tmp_path / "pool", pool, engine="reference", pages=False)
    assert contents(tmp_path / "pool") == contents(alone)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Dask, about its own inside
        from distributed import LocalCluster

        with LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as started:
            yield started


def test_a_dask_cluster_of_two_workers_gives_the_same_bytes(
    cluster: Any, accounts: dict[str, ls.ScenarioSpec], alone: Path, tmp_path: Path
) -> None:
    with dask_cluster(cluster.scheduler_address) as executor:
        simulate_accounts(accounts, tmp_path / "dask", executor, engine="reference", pages=False)
    assert contents(tmp_path / "dask") == contents(alone)


def test_the_program_says_what_each_account_costs(tmp_path: Path) -> None:
    folder, out = filled(tmp_path / "accounts", 2), tmp_path / "out"
    ended = lambdasim("simulate", folder, "--out", out)
    assert ended.returncode == 0, ended.stderr
    assert "2 accounts: " in ended.stdout
    for name in ("shop", "shop-eu"):
        assert name in ended.stdout
        assert (out / name / "report.html").is_file()
    again = lambdasim("bill", out / "shop", out / "shop-eu")
    assert again.stdout.strip() in ended.stdout
    refused = lambdasim("simulate", folder, "--replications", 3)
    assert refused.returncode != 0
    assert "takes one scenario" in refused.stderr


def test_scenarios_of_different_price_dates_are_one_error(
    accounts: dict[str, ls.ScenarioSpec], tmp_path: Path
) -> None:
    other = ls.revised(accounts["shop"], {"price_date": "2026-09-01"})
    with pytest.raises(InputError, match="same day"):
        simulate_accounts({**accounts, "shop": other}, tmp_path)
    with pytest.raises(InputError, match="twelve digits or a name"):
        simulate_accounts({"a/b": other}, tmp_path)
    with pytest.raises(InputError, match="one or more"):
        simulate_accounts({}, tmp_path)
