"""Which rows of a real bill are meant: by account, region, resource and tag."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from lambdasim.billing import Usage, account_of, is_account_id
from lambdasim.billing.exact import total
from lambdasim.errors import InputError
from lambdasim.finance.actual.tables import ActualRow
from lambdasim.wording import clipped, count, money

if TYPE_CHECKING:
    from lambdasim.results.usage.hour import HourlyUsage

_PREFIXES: Final = ("user:", "user_", "aws:")
_FUNCTION: Final = re.compile(r"(?:^|:)function:([^:]+)")
_MOST_NAMED: Final = 5


@dataclass(frozen=True)
class BillChoice:
    """What of a real bill is compared; empty means everything.

    Attributes
    ----------
    accounts, regions, resources : tuple of str
        Each one of those given. Resources are names of functions or their ARNs; ``*`` stands for any text.
    tags : mapping of str to str
        All of them, by key; AWS's ``user:`` before a key may be left out.
    """

    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_texts(
        cls,
        accounts: Sequence[str] = (),
        regions: Sequence[str] = (),
        resources: Sequence[str] = (),
        tags: Sequence[str] = (),
    ) -> BillChoice:
        """Make a choice of texts; tags as ``key=value``.

        Parameters
        ----------
        accounts, regions, resources : sequence of str
        tags : sequence of str
            Each ``key=value``.

        Returns
        -------
        BillChoice

        Raises
        ------
        InputError
            When a tag has no equals sign, or a key is there twice.
        """
        pairs: dict[str, str] = {}
        for text in tags:
            key, sign, value = text.partition("=")
            if not sign or not key or key in pairs:
                raise InputError.single(
                    "compare", "tag", f"must be key=value, each key once, got {text[:40]!r}"
                )
            pairs[key] = value
        return cls(tuple(accounts), tuple(regions), tuple(resources), pairs)

    def ours(
        self, usages: Iterable[Usage], tags: Mapping[str, Mapping[str, str]] | None = None
    ) -> tuple[Usage, ...]:
        """Return what of our usage is chosen.

        Parameters
        ----------
        usages : iterable of Usage
            With accounts or without, see ``billing.in_account``; an account without twelve digits is not looked at.
        tags : mapping, optional
            By function, as ``Origin.tags`` has them.

        Returns
        -------
        tuple of Usage

        Raises
        ------
        InputError
            When nothing is left of usage that there was.
        """
        given, known = tuple(usages), tags or {}
        found = tuple(row for row in given if self._wants(row, known.get(row.function, {})))
        if given and not found:
            names = ", ".join(dict.fromkeys(account_of(row.function)[1] for row in given))
            raise InputError.single(
                "compare",
                "choice",
                f"must leave something of our own usage, which is of {clipped(names, 200)}",
            )
        return found

    def our_hours(
        self, used: HourlyUsage, tags: Mapping[str, Mapping[str, str]] | None = None
    ) -> HourlyUsage:
        """Return what of our usage by hour is chosen, which may be nothing; tags as for ``ours``.

        Parameters
        ----------
        used : HourlyUsage
        tags : mapping, optional
            Tags by function.

        Returns
        -------
        HourlyUsage
        """
        known = tags or {}

        def kept(rows: tuple[Usage, ...]) -> tuple[Usage, ...]:
            return tuple(row for row in rows if self._wants(row, known.get(row.function, {})))

        return replace(used, hours=tuple(map(kept, used.hours)), rest=kept(used.rest))

    def _wants(self, row: Usage, tags: Mapping[str, str]) -> bool:
        account, name = account_of(row.function)
        return (
            (not self.accounts or not is_account_id(account) or account in self.accounts)
            and (not self.regions or row.region in self.regions)
            and (not self.resources or any(fnmatchcase(name, function_of(one)) for one in self.resources))
            and self._tagged(tags)
        )

    def refusal(self, row: ActualRow) -> str:
        """Return by what a row is not chosen, ``account`` and so on; empty where it is.

        Parameters
        ----------
        row : ActualRow

        Returns
        -------
        str
        """
        if self.accounts and row.account not in self.accounts:
            return "account"
        if self.regions and row.region not in self.regions:
            return "region"
        if self.resources and not self._names(row.resource, function_of(row.resource)):
            return "resource"
        return "" if self._tagged(row.tags) else "tag"

    def _names(self, resource: str, name: str) -> bool:
        return any(fnmatchcase(text, wanted) for wanted in self.resources for text in (resource, name))

    def _tagged(self, tags: Mapping[str, str]) -> bool:
        known = {_bare(key): value for key, value in tags.items()}
        return all(known.get(_bare(key)) == value for key, value in self.tags.items())


def function_of(resource: str) -> str:
    """Return a function's name out of its ARN, version and alias left out; another text as it is.

    Examples
    --------
    >>> function_of("arn:aws:lambda:eu-west-1:123456789012:function:api:live"), function_of("api")
    ('api', 'api')
    """
    found = _FUNCTION.search(resource)
    return found.group(1) if found else resource


def _bare(key: str) -> str:
    return next((key.removeprefix(start) for start in _PREFIXES if key.startswith(start)), key)


class ChosenRows:
    """Rows that are chosen, and an account of those that are not.

    Parameters
    ----------
    choice : BillChoice
    """

    def __init__(self, choice: BillChoice) -> None:
        self.choice = choice
        self._left: defaultdict[tuple[str, str], list[Decimal]] = defaultdict(list)
        self._accounts: defaultdict[str, list[Decimal]] = defaultdict(list)

    def takes(self, row: ActualRow) -> bool:
        """Say whether a row is chosen, and count it."""
        refused = self.choice.refusal(row)
        if not refused:
            self._accounts[row.account].append(row.cost)
            return True
        name = {"account": row.account, "region": row.region, "resource": function_of(row.resource)}
        self._left[refused, name.get(refused, "")].append(row.cost)
        return False

    def notes(self) -> Iterator[str]:
        """Say what was left out, and whose the rest is where it is several accounts'."""
        for kind in ("account", "region", "resource", "tag"):
            found = {name: costs for (by, name), costs in self._left.items() if by == kind}
            if found:
                rows = sum(map(len, found.values()))
                whole = total(cost for costs in found.values() for cost in costs)
                yield (
                    f"{count(rows, f'row of other {kind}s was', f'rows of other {kind}s were')} left out, {money(whole)}"
                    + (f": {_named(found)}" if kind != "tag" else "")
                )
        if len(self._accounts) > 1:
            yield f"rows of {len(self._accounts)} accounts are compared together: {_named(self._accounts)}"


def _named(costs: Mapping[str, list[Decimal]]) -> str:
    """Name the largest with what they cost."""
    sums = {name: total(found) for name, found in costs.items()}
    ordered = sorted(sums, key=lambda name: (-sums[name], name))
    said = [f"{clipped(name, 40) or '(none stated)'} {money(sums[name])}" for name in ordered[:_MOST_NAMED]]
    rest = len(ordered) - _MOST_NAMED
    return ", ".join([*said, *([f"{rest:,} more"] if rest > 0 else [])])
