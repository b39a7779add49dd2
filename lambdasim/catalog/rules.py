"""Billing rules by date: what is billed, what is free, in which steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from typing import Any, Final

from lambdasim.catalog.entries import Entry, require_day
from lambdasim.catalog.files import toml_of
from lambdasim.errors import CatalogError

_FILE: Final = "billing_rules.toml"
_DIVISORS: Final = ("mb_per_gb", "async_each_kb", "provisioned_step_s")


@dataclass(frozen=True)
class RuleInForce:
    """One rule with the day from which it holds and where it is written."""

    name: str
    value: bool | int | tuple[str, ...]
    unit: str
    effective: date
    source: str
    as_of: date
    note: str


@dataclass(frozen=True)
class BillingRules:
    """The rules in force on a day.

    Attributes
    ----------
    on : date
    init_billed_zip_managed, init_billed_otherwise : bool
        Whether INIT is billed on demand: zip functions on managed runtimes, and all others.
    custom_runtime_prefixes : tuple of str
        How identifiers of runtimes that are not managed begin.
    free_requests, free_gb_s, free_streaming_gb : int
        Free every month for a payer account [requests, GB-s, GB].
    streaming_free_mb : int
        Free part of each streamed response [MB].
    mb_per_gb : int
        [MB per GB].
    async_first_kb, async_each_kb : int
        An asynchronous event is one request up to the first, one more for each further started step [KB].
    ephemeral_included_mb : int
        Part of /tmp without charge [MB].
    provisioned_step_s : int
        Allocated time is rounded up to this step [s].
    snapstart_cache_min_s : int
        Least cache time of a published version [s].
    snapstart_is_charged : bool
        Whether any runtime pays for SnapStart yet.
    snapstart_free_prefixes : tuple of str
        How identifiers of runtimes that do not pay for SnapStart begin; all others do.
    in_force : tuple of RuleInForce
        The same rules with source and date.
    """

    on: date
    init_billed_zip_managed: bool
    init_billed_otherwise: bool
    custom_runtime_prefixes: tuple[str, ...]
    free_requests: int
    free_gb_s: int
    free_streaming_gb: int
    streaming_free_mb: int
    mb_per_gb: int
    async_first_kb: int
    async_each_kb: int
    ephemeral_included_mb: int
    provisioned_step_s: int
    snapstart_cache_min_s: int
    snapstart_is_charged: bool
    snapstart_free_prefixes: tuple[str, ...]
    in_force: tuple[RuleInForce, ...]

    def init_is_billed(self, package_type: str, runtime: str, snap_start: bool) -> bool:
        """Say whether INIT of an on-demand environment, or the restore in its place, is billed with the first run.

        Parameters
        ----------
        package_type : str
            ``zip`` or ``image``.
        runtime : str
            AWS's identifier, such as ``python3.13`` or ``provided.al2023``.
        snap_start : bool
            Whether the function starts from a snapshot: the runtime's part of a restore has always been billed.

        Returns
        -------
        bool

        References
        ----------
        AWS Compute Blog, "AWS Lambda standardizes billing for INIT Phase", April 2025.

        Examples
        --------
        >>> june, september = billing_rules(date(2025, 6, 30)), billing_rules(date(2025, 9, 1))
        >>> june.init_is_billed("zip", "python3.13", False), september.init_is_billed("zip", "python3.13", False)
        (False, True)
        >>> june.init_is_billed("image", "python3.13", False), june.init_is_billed("zip", "provided.al2023", False)
        (True, True)
        >>> june.init_is_billed("zip", "python3.13", True)
        True
        """
        if snap_start:
            return True
        is_managed_zip = package_type == "zip" and not runtime.startswith(self.custom_runtime_prefixes)
        return self.init_billed_zip_managed if is_managed_zip else self.init_billed_otherwise

    def snapstart_is_billed(self, runtime: str) -> bool:
        """Say whether SnapStart's cache and restores are billed for a runtime.

        Parameters
        ----------
        runtime : str
            AWS's identifier, such as ``python3.13``.

        Returns
        -------
        bool

        Examples
        --------
        >>> [billing_rules(date(2024, 11, day)).snapstart_is_billed("python3.12") for day in (17, 18)]
        [False, True]
        """
        return self.snapstart_is_charged and not runtime.startswith(self.snapstart_free_prefixes)


@cache
def billing_rules(on: date) -> BillingRules:
    """Return the rules in force on a day.

    Parameters
    ----------
    on : date
        In UTC.

    Raises
    ------
    CatalogError
        When the day lies before the first that the catalog knows, or is no day.
    """
    require_day(on, "billing rules")
    known_from, rules = _rules()
    if on < known_from:
        raise CatalogError.single(
            "billing rules", "date", f"must be {known_from} or later, got {on.isoformat()}"
        )
    found = {rule.name: rule for rule in rules if rule.effective <= on}
    values: dict[str, Any] = {name: rule.value for name, rule in found.items()}
    return BillingRules(on=on, in_force=tuple(found.values()), **values)


@cache
def _rules() -> tuple[date, tuple[RuleInForce, ...]]:
    """Return the first known day and the rules of the catalog."""
    return rules_of(toml_of(_FILE))


def rules_of(content: Mapping[str, Any], file: str = _FILE) -> tuple[date, tuple[RuleInForce, ...]]:
    """Make rules of the content of a file.

    Parameters
    ----------
    content : mapping
        As ``billing_rules.toml`` has it.
    file : str
        Name of the file, for messages.

    Returns
    -------
    known_from : date
        First day on which every rule has a value.
    rules : tuple of RuleInForce
        By the day from which they hold.

    Raises
    ------
    CatalogError
        With file and field, at the first thing that is missing, unknown, or of the wrong kind.
    """
    whole = Entry(content, file)
    as_of, known_from, sources = whole.day("as_of"), whole.day("known_from"), whole.entry("sources")
    kinds = {field.name: str(field.type) for field in fields(BillingRules)}
    del kinds["on"], kinds["in_force"]
    rules = sorted(
        (_rule(entry, as_of, sources, kinds) for entry in whole.entries("rule")),
        key=lambda rule: rule.effective,
    )
    whole.close()
    days = [(rule.name, rule.effective) for rule in rules]
    for name in kinds:
        mine = [day for rule, day in days if rule == name]
        if not mine or mine[0] > known_from:
            raise whole.fault("rule", f"{name} has no value on {known_from.isoformat()}")
        if len(set(mine)) < len(mine):
            raise whole.fault("rule", f"{name} has two values that begin on the same day")
    return known_from, tuple(rules)


def _rule(entry: Entry, as_of: date, sources: Entry, kinds: Mapping[str, str]) -> RuleInForce:
    """Make a rule of an entry of the file."""
    name = entry.text("name")
    if name not in kinds:
        raise entry.fault("name", f"must be one of {', '.join(kinds)}, got {name[:40]!r}")
    value: bool | int | tuple[str, ...]
    if kinds[name] == "bool":
        value = entry.flag("value")
    elif kinds[name] == "int":
        value = entry.whole("value", least=1 if name in _DIVISORS else 0)
    else:
        value = entry.texts("value")
    rule = RuleInForce(
        name=name,
        value=value,
        unit=entry.text("unit"),
        effective=entry.day("effective"),
        source=entry.source("source", sources),
        as_of=entry.day("as_of", default=as_of),
        note=entry.text("note"),
    )
    entry.close()
    return rule
