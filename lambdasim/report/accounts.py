"""Accounts and regions of one payer: each simulated into a folder of its own, all priced together.

No limit of Lambda reaches beyond an account in a region, so accounts never meet and may run side by side. Prices do:
tiers and the free tier belong to the payer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from lambdasim.billing import Bill, in_account, price
from lambdasim.errors import InputError
from lambdasim.finance.owners.allocation import CostShare, allocated_costs
from lambdasim.finance.owners.runs import OwnedRuns
from lambdasim.manifest import MANIFEST
from lambdasim.outputs import OutputFolder, forced, one_command
from lambdasim.report.folder import NAMES, write_folder
from lambdasim.report.text import costs_text
from lambdasim.results.expected import expected_cost
from lambdasim.results.files.saved import RUN, add_tables
from lambdasim.results.points.parallel import map_points
from lambdasim.results.points.store import check_release, release_checksum
from lambdasim.results.simulate import simulate
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.templates.account.comparison import beside, counted_beside
from lambdasim.views import Result
from lambdasim.wording import count, money

if TYPE_CHECKING:
    import pandas as pd

ACCOUNTS: Final = "accounts"
"""Kind of the files that are of all accounts together."""
_FILES: Final = ("accounts.csv", "bill.csv")


class AccountRun(NamedTuple):
    """How an account's run went.

    Attributes
    ----------
    functions, events, lost : int
        Lost are events that did not succeed.
    p95_ms : float
        Of all events of the account that waited for a run.
    peak_concurrency : int
    """

    functions: int
    events: int
    lost: int
    p95_ms: float
    peak_concurrency: int


@dataclass(frozen=True, eq=False, repr=False)
class AccountRuns(Result):
    """Simulated accounts of one payer.

    Attributes
    ----------
    runs : mapping of str to AccountRun
        By account, in order of name.
    charges : Bill
        Of all: tiers and the free tier are pooled over the accounts, as AWS does.
    """

    runs: Mapping[str, AccountRun]
    charges: Bill

    def shares(self) -> tuple[CostShare, ...]:
        """Return what each account costs, the most expensive first; the amounts sum to the bill."""
        return allocated_costs(self.charges, by_account=True)

    def frame(self) -> pd.DataFrame:
        """Return one row for each account: how its run went, and its part of the bill [USD]."""
        import pandas as pd

        costs = {share.name: share.amount for share in self.shares()}
        return pd.DataFrame(
            [
                {"account": name, **run._asdict(), "cost_usd": costs.get(name, 0)}
                for name, run in self.runs.items()
            ]
        )

    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Return accounts and bill, by title."""
        return {"accounts": self.frame(), "bill": self.charges.frame()}

    def text(self) -> str:
        """Write how the accounts went, what each costs, and the bill, in 80 columns."""
        rows = [f"{'account':32} {'events':>14} {'lost':>12} {'p95 [ms]':>9} {'peak':>7}"]
        for name, run in self.runs.items():
            rows.append(
                f"{name[:32]:32} {run.events:>14,} {run.lost:>12,} {count(run.p95_ms):>9} {run.peak_concurrency:>7,}"
            )
        costs = costs_text(self.shares(), self.charges.currency)
        return "\n".join([repr(self), "", *rows, "", costs, "", self.charges.text()])

    def __repr__(self) -> str:
        """Say how much ran, and what it costs."""
        events = sum(run.events for run in self.runs.values())
        return (
            f"{count(len(self.runs), 'account')}: {count(events, 'event')}; bill {money(self.charges.total)}"
        )


def simulate_accounts(
    scenarios: Mapping[str, ScenarioSpec],
    out: str | os.PathLike[str],
    executor: Executor | None = None,
    *,
    engine: str = "auto",
    pages: bool = True,
    progress: Callable[[int], None] | None = None,
) -> AccountRuns:
    """Simulate accounts of one payer, and price them together.

    Parameters
    ----------
    scenarios : mapping of str to ScenarioSpec
        By account: twelve digits or a name. An account in two regions is two scenarios.
    out : path-like
        Gets a folder for each account, as ``simulate --out`` writes it, and ``accounts.csv`` and ``bill.csv`` of all.
        With a cluster its workers must see the same folder.
    executor : concurrent.futures.Executor, optional
        See ``replicate``. One account goes out at a time, the one with the most work first; each writes its own folder.
    engine : {"auto", "kernel", "reference"}
    pages : bool
        Whether each account gets its page and pictures.
    progress : callable, optional
        Called with the number of accounts that are finished.

    Returns
    -------
    AccountRuns
        The same, and the same files, with any executor and with none.

    Raises
    ------
    InputError
        When scenarios name different price dates, an account has no possible name, or something in the place of a file
        was not written by lambdasim.
    """
    place = Path(out).resolve()
    names = sorted(scenarios)
    if not names:
        raise InputError.single("accounts", "", "must be one or more")
    for name in names:
        in_account((), name)
    days = {scenario.price_date for scenario in scenarios.values()}
    if len(days) > 1:
        raise InputError.single("accounts", "price_date", "must be the same day in all scenarios, or in none")
    with OutputFolder(place, ACCOUNTS) as folder:
        folder.check(_FILES)
        for name in names:
            with OutputFolder(place / name, RUN) as own:
                own.check(NAMES)
        work = {name: expected_cost(scenarios[name], engine=engine).seconds for name in names}
        order = sorted(names, key=lambda name: (-work[name], name))
        finished: list[int] = []

        def tell(number: int, _: AccountRun) -> None:
            finished.append(number)
            if progress is not None:
                progress(len(finished))

        points = [(scenarios[name], str(place / name)) for name in order]
        told = map_points(
            partial(_simulated, release_checksum(), engine, pages, forced()), points, executor, tell
        )
        runs = dict(zip(order, told, strict=True))
        for name in names:
            if not (place / name / MANIFEST).is_file():
                raise InputError.single(
                    str(place / name),
                    "",
                    "is not there: the workers must see the same folder as this process",
                )
        owned = OwnedRuns.of_folders([place / name for name in names], names)
        priced = partial(price, owned.usage, on=owned.price_date, neighbours=owned.neighbours())
        bill = priced(free_tier=owned.free_tier)
        if owned.free_tier:
            bill = bill.beside(priced(free_tier=False))
        found = AccountRuns({name: runs[name] for name in names}, bill)
        for file, table in zip(_FILES, found.frames().values(), strict=True):
            folder.add(file, table.to_csv(index=False, lineterminator="\n").encode())
    return found


def _simulated(
    release: str, engine: str, pages: bool, force: bool, point: tuple[ScenarioSpec, str]
) -> AccountRun:
    """Simulate an account into its folder."""
    check_release(release)
    scenario, folder = point
    counted = counted_beside(scenario.base_dir)
    with one_command(force=force), OutputFolder(folder, RUN) as place:
        run = simulate(scenario, engine=engine, keep_records=False)
        if pages:
            write_folder(run, place, None if counted is None else beside(run, counted))
        else:
            add_tables(run, place)
    summary = run.summary()
    events, lost = (int(summary[column].sum()) for column in ("events", "lost"))
    return AccountRun(len(summary), events, lost, run.latency_ms().quantile(0.95), run.aggregate.account.peak)
