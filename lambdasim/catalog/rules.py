"""Billing rules by date: what is billed, what is free, in which steps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from lambdasim.catalog.files import toml_of
from lambdasim.errors import CatalogError

_FILE = "billing_rules.toml"


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
    snapstart_free_prefixes: tuple[str, ...]
    in_force: tuple[RuleInForce, ...]

    def init_is_billed(self, package_type: str, runtime: str) -> bool:
        """Tell whether INIT of an on-demand environment is billed.

        Parameters
        ----------
        package_type : str
            ``zip`` or ``image``.
        runtime : str
            AWS's identifier, such as ``python3.13`` or ``provided.al2023``.

        References
        ----------
        AWS Compute Blog, "AWS Lambda standardizes billing for INIT Phase", April 2025.

        Examples
        --------
        >>> june, september = billing_rules(date(2025, 6, 30)), billing_rules(date(2025, 9, 1))
        >>> june.init_is_billed("zip", "python3.13"), september.init_is_billed("zip", "python3.13")
        (False, True)
        >>> june.init_is_billed("image", "python3.13"), june.init_is_billed("zip", "provided.al2023")
        (True, True)
        """
        is_managed_zip = package_type == "zip" and not runtime.startswith(self.custom_runtime_prefixes)
        return self.init_billed_zip_managed if is_managed_zip else self.init_billed_otherwise

    def snapstart_is_billed(self, runtime: str) -> bool:
        """Tell whether SnapStart's cache and restores are billed for a runtime."""
        return not runtime.startswith(self.snapstart_free_prefixes)


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
        When the day lies before the first that the catalog knows.
    """
    content = toml_of(_FILE)
    if on < content["known_from"]:
        raise CatalogError.single(
            "billing rules", "date", f"must be {content['known_from']} or later, got {on.isoformat()}"
        )
    found: dict[str, RuleInForce] = {}
    for entry in sorted(content["rule"], key=lambda entry: entry["effective"]):
        if entry["effective"] <= on:
            found[entry["name"]] = _rule(entry, content)
    values: dict[str, Any] = {name: rule.value for name, rule in found.items()}
    return BillingRules(on=on, in_force=tuple(found.values()), **values)


def _rule(entry: dict[str, Any], content: dict[str, Any]) -> RuleInForce:
    """Make a rule of an entry of the file."""
    value = entry["value"]
    return RuleInForce(
        name=entry["name"],
        value=tuple(value) if isinstance(value, list) else value,
        unit=entry["unit"],
        effective=entry["effective"],
        source=content["sources"][entry["source"]],
        as_of=content["as_of"],
        note=entry["note"],
    )
