"""Where an exported bill comes from: scenario, run, quantile, account, tags."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from lambdasim.errors import InputError
from lambdasim.finance.reading import json_object
from lambdasim.results.files.saved import check_run_folder
from lambdasim.results.parameters import Parameter

UNKNOWN_ACCOUNT: Final = "000000000000"
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_MOST_PARAMETERS: Final = 100_000


@dataclass(frozen=True)
class Origin:
    """What an export says about where its numbers come from.

    Attributes
    ----------
    scenario, run : str
        Name of the scenario, and what identifies the run; may be empty.
    quantile : str
        Which quantile of a forecast the bill is, such as ``P50``; empty for a single run. One file holds one.
    account_id : str
        Twelve digits; zeros where it is not known.
    account_name : str
    tags : mapping
        Tags by function.
    parameters : tuple of Parameter
        What the result rests on, and how each is known.
    """

    scenario: str = ""
    run: str = ""
    quantile: str = ""
    account_id: str = UNKNOWN_ACCOUNT
    account_name: str = ""
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()

    def __post_init__(self) -> None:
        """Check the account.

        Raises
        ------
        InputError
        """
        if not isinstance(self.account_id, str) or not _ACCOUNT.fullmatch(self.account_id):
            got = repr(self.account_id)[:40]
            raise InputError.single("export", "account_id", f"must be 12 digits, got {got}")

    @classmethod
    def of_folder(
        cls,
        folder: str | os.PathLike[str],
        *,
        quantile: str = "",
        account_id: str = UNKNOWN_ACCOUNT,
        account_name: str = "",
    ) -> Origin:
        """Read the origin of a run that was saved.

        Parameters
        ----------
        folder : path-like
            That ``lambdasim simulate --out`` or ``save`` wrote.
        quantile, account_id, account_name : str
            As the attributes.

        Returns
        -------
        Origin

        Raises
        ------
        InputError
            When ``summary.json`` or ``scenario.json`` is missing or not what ``save`` writes.
        """
        place = Path(folder)
        check_run_folder(place)
        summary, scenario = json_object(place / "summary.json"), json_object(place / "scenario.json")
        where = str(place / "summary.json")
        known = _table(summary.get("provenance"), where, "provenance")
        digest, seed = str(known.get("scenario_sha256", "")), known.get("seed", "")
        return cls(
            scenario=str(known.get("scenario", "")),
            run=f"{digest[:12]}-{seed}" if digest else "",
            quantile=quantile,
            account_id=account_id,
            account_name=account_name,
            tags=_tags(scenario, str(place / "scenario.json")),
            parameters=_parameters(summary.get("parameters", []), where),
        )

    @classmethod
    def of_folders(
        cls, folders: Mapping[str, str | os.PathLike[str]], *, account_id: str = UNKNOWN_ACCOUNT
    ) -> Origin:
        """Read the origin of runs in several accounts of one payer.

        Parameters
        ----------
        folders : mapping of str to path-like
            By account, as ``billing.in_account`` names them.
        account_id : str
            Of the payer.

        Returns
        -------
        Origin

        Raises
        ------
        InputError
            As ``of_folder``.
        """
        found = {account: cls.of_folder(folder) for account, folder in folders.items()}
        return cls(
            scenario=", ".join(dict.fromkeys(one.scenario for one in found.values() if one.scenario)),
            run=", ".join(one.run for one in found.values() if one.run),
            account_id=account_id,
            tags={
                f"{account}/{name}": tags for account, one in found.items() for name, tags in one.tags.items()
            },
            parameters=tuple(
                parameter._replace(parameter=f"{account}: {parameter.parameter}")
                for account, one in found.items()
                for parameter in one.parameters
            ),
        )


def scenario_price_date(folder: str | os.PathLike[str]) -> date | None:
    """Return the day whose rates apply as the scenario of a saved run says; None where it leaves it open.

    Parameters
    ----------
    folder : path-like
        That ``lambdasim simulate --out`` or ``save`` wrote.

    Returns
    -------
    date or None

    Raises
    ------
    InputError
        When ``scenario.json`` is missing or not what ``save`` writes.
    """
    check_run_folder(folder)
    where = Path(folder) / "scenario.json"
    says = json_object(where).get("price_date")
    try:
        return None if says is None else date.fromisoformat(says)
    except (TypeError, ValueError):
        raise InputError.single(str(where), "price_date", f"must be YYYY-MM-DD, got {says!r:.40}") from None


def _table(content: object, where: str, key: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise InputError.single(where, key, f"must be an object, got {repr(content)[:40]}")
    return content


def _tags(scenario: Mapping[str, Any], where: str) -> dict[str, dict[str, str]]:
    functions = scenario.get("functions")
    if not isinstance(functions, list):
        raise InputError.single(where, "functions", "must be a list")
    found = {}
    for number, function in enumerate(functions):
        table = _table(function, where, f"functions[{number}]")
        tags = _table(table.get("tags", {}), where, f"functions[{number}].tags")
        found[str(table.get("name", ""))] = {str(key): str(value) for key, value in tags.items()}
    return found


def _parameters(rows: object, where: str) -> tuple[Parameter, ...]:
    if not isinstance(rows, list) or len(rows) > _MOST_PARAMETERS:
        raise InputError.single(where, "parameters", f"must be a list of at most {_MOST_PARAMETERS:,} rows")
    return tuple(
        Parameter(*(str(_table(row, where, f"parameters[{n}]").get(name, "")) for name in Parameter._fields))
        for n, row in enumerate(rows)
    )
