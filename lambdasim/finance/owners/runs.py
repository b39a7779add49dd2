"""Saved runs in one account, or in several of one payer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from lambdasim.billing import NeighbourTerms, Usage, in_account, is_account_id
from lambdasim.errors import InputError
from lambdasim.finance.origin import UNKNOWN_ACCOUNT, Origin, scenario_price_date
from lambdasim.finance.reading import json_object
from lambdasim.results.files.hourly import hourly_usage
from lambdasim.results.files.saved import load_free_tier, load_usage, refuse_copies, refuse_the_same_folder
from lambdasim.results.usage.hour import HourlyUsage
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.specs.work.neighbours import NeighbourLines


@dataclass(frozen=True)
class OwnedRuns:
    """Folders of one payer's runs with the accounts that they are in.

    Attributes
    ----------
    folders : mapping of str to Path
        By account; the one account of a single run may be empty.
    """

    folders: Mapping[str, Path]

    @classmethod
    def of_folders(cls, folders: Sequence[str | os.PathLike[str]], accounts: Sequence[str] = ()) -> OwnedRuns:
        """Give each folder its account.

        Parameters
        ----------
        folders : sequence of path-like
            That ``lambdasim simulate --out`` or ``save`` wrote, one or more.
        accounts : sequence of str
            One for each folder. Default: the folders' names; none for a single folder.

        Returns
        -------
        OwnedRuns

        Raises
        ------
        InputError
            When accounts and folders are not equally many, an account or a folder is there twice, or one run is in two
            folders whose accounts are not named.
        """
        places = [Path(folder) for folder in folders]
        refuse_the_same_folder("bill", places)
        if not accounts:
            refuse_copies("bill", places, ", or are named with --account")
        names = list(accounts) or ([""] if len(places) == 1 else [place.resolve().name for place in places])
        if len(names) != len(places):
            raise InputError.single(
                "bill", "--account", f"must be one for each folder, {len(places)}, got {len(names)}"
            )
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise InputError.single(
                "bill", "--account", f"must be different for each folder, got {twice[:40]!r} twice"
            )
        return cls(dict(zip(names, places, strict=True)))

    @property
    def usage(self) -> tuple[Usage, ...]:
        """Usage of all runs, functions named by account where there is one."""
        return tuple(
            row for account, place in self.folders.items() for row in _owned(load_usage(place), account)
        )

    @property
    def free_tier(self) -> bool:
        """Whether the payer gets the free tier: not where one scenario says that it is used up."""
        return all(load_free_tier(place) for place in self.folders.values())

    @property
    def price_date(self) -> date | None:
        """Day whose rates apply, as the scenarios say.

        Raises
        ------
        InputError
            When they differ.
        """
        days = {scenario_price_date(place) for place in self.folders.values()}
        if len(days) > 1:
            raise InputError.single(
                "bill", "--price-date", "must be given: the scenarios name different days"
            )
        return days.pop()

    def neighbours(self, include: Iterable[NeighbourLines] = ()) -> dict[str, NeighbourTerms]:
        """Return which lines of services beside Lambda the scenarios ask for, by account.

        Parameters
        ----------
        include : iterable of NeighbourLines
            Further lines.

        Returns
        -------
        dict of str to NeighbourTerms
            By account.

        Raises
        ------
        InputError
            When ``scenario.json`` is missing or not what ``save`` writes.
        """
        lines = tuple(include)
        found = {
            account: NeighbourTerms.of_scenario(_scenario(place), lines)
            for account, place in self.folders.items()
        }
        return {account: terms for account, terms in found.items() if terms is not None}

    def hourly(self) -> tuple[HourlyUsage, ...]:
        """Read each run's usage by hour."""
        found = []
        for account, place in self.folders.items():
            used = hourly_usage(place)
            hours = tuple(_owned(rows, account) for rows in used.hours)
            found.append(replace(used, hours=hours, rest=_owned(used.rest, account)))
        return tuple(found)

    def origin(self, payer: str | None = None) -> Origin:
        """Read where the bill comes from.

        Parameters
        ----------
        payer : str, optional
            Account that pays. Default: the one account, where it is known by its digits.

        Returns
        -------
        Origin
        """
        if list(self.folders) == [""]:
            return Origin.of_folder(self.folders[""], account_id=payer or UNKNOWN_ACCOUNT)
        only = next(iter(self.folders)) if len(self.folders) == 1 else ""
        known = only if is_account_id(only) else UNKNOWN_ACCOUNT
        return Origin.of_folders(self.folders, account_id=payer or known)


def _scenario(place: Path) -> ScenarioSpec:
    where = place / "scenario.json"
    try:
        return ScenarioSpec.model_validate(json_object(where))
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        raise InputError.single(
            str(where), ".".join(map(str, found["loc"]))[:80], found["msg"][:200]
        ) from None


def _owned(rows: tuple[Usage, ...], account: str) -> tuple[Usage, ...]:
    return in_account(rows, account) if account else rows
