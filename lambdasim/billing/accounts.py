"""Accounts that one payer pays for: their functions side by side in one bill."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from lambdasim.billing.usage import Usage
from lambdasim.errors import InputError

_SEPARATOR: Final = "/"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")
_ID: Final = re.compile(r"[0-9]{12}")


def in_account(usages: Iterable[Usage], account: str) -> tuple[Usage, ...]:
    """Say in which account usage was, for a bill of several accounts.

    Parameters
    ----------
    usages : iterable of Usage
    account : str
        Twelve digits, or a name of letters, digits, blanks, dots, dashes and underscores.

    Returns
    -------
    tuple of Usage
        With functions as ``account/function``, so that functions of one name stay apart. ``price`` pools their tiers and
        free tier as AWS does over the accounts of a payer.

    Raises
    ------
    InputError
        When the account is neither, or the usage has an account already.

    References
    ----------
    AWS Lambda pricing page: under consolidated billing, tiers apply to the aggregate of the accounts in an
    organization, by region and architecture.

    Examples
    --------
    >>> row = Usage("2026-11", "us-east-1", "app", "arm64", 128, 512, "zip", "python3.13", requests=1)
    >>> [used.function for used in in_account([row], "111111111111")]
    ['111111111111/app']
    """
    if not _NAME.fullmatch(account):
        raise InputError.single(
            "accounts", "account", f"must be twelve digits or a name, got {account[:40]!r}"
        )
    rows = tuple(usages)
    for row in rows:
        if _SEPARATOR in row.function:
            raise InputError.single(
                "accounts", "function", f"must have no account yet, got {row.function[:60]!r}"
            )
    return tuple(replace(row, function=f"{account}{_SEPARATOR}{row.function}") for row in rows)


def account_of(function: str) -> tuple[str, str]:
    """Return the account, empty where there is none, and the function's own name.

    Examples
    --------
    >>> account_of("111111111111/app"), account_of("app")
    (('111111111111', 'app'), ('', 'app'))
    """
    account, separator, name = function.partition(_SEPARATOR)
    is_owned = separator and _SEPARATOR not in name and _NAME.fullmatch(account)
    return (account, name) if is_owned else ("", function)


def is_account_id(account: str) -> bool:
    """Return whether an account is known by AWS's twelve digits."""
    return _ID.fullmatch(account) is not None
