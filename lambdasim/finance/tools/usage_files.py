"""Usage for other tools to price: an Infracost usage file, and entries of AWS's own Pricing Calculator."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final

from lambdasim.billing import Bill, Usage
from lambdasim.billing.exact import total
from lambdasim.catalog import billing_rules
from lambdasim.errors import InputError
from lambdasim.finance.origin import Origin
from lambdasim.outputs import write_output, write_outputs
from lambdasim.specs.faults import not_among

MOST_ENTRIES: Final = 25
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9_.\-\[\]\"]{1,300}")
_SECONDS_PER_HOUR: Final = 3600
_COMMENT: Final = """# Written by lambdasim from simulated usage of {month}.
# Infracost takes whole numbers: durations are means, rounded.
# monthly_duration_hrs counts hours of one environment;
# divide by provisioned_concurrent_executions where it is not 1.
# Infracost knows no free tier and cuts tiers by resource, so its total differs from lambdasim's.
"""


def write_infracost_usage(
    usages: Iterable[Usage],
    path: str | os.PathLike[str],
    *,
    month: str | None = None,
    addresses: Mapping[str, str] | None = None,
) -> Path:
    """Write usage as an Infracost usage file.

    Parameters
    ----------
    usages : iterable of Usage
    path : path-like
        Such as ``infracost-usage.yml``.
    month : str, optional
        Which month's usage; needed where there are several.
    addresses : mapping of str to str, optional
        Terraform's address of a function, such as ``module.api.aws_lambda_function.checkout``.
        Default: ``aws_lambda_function.`` and the function's name.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        When there is no usage, it is of several months, an address cannot be one, or two functions have one.
    """
    import yaml

    rows = list(usages)
    months = sorted({row.month for row in rows})
    chosen = month or (months[0] if len(months) == 1 else "")
    if chosen not in months:
        raise InputError.single(
            "infracost",
            "month",
            f"{not_among(month, months)} (bill takes it as --infracost-month)",
        )
    resources = _resources([row for row in rows if row.month == chosen], addresses or {})
    content = {"version": 0.1, "resource_usage": resources}
    text = _COMMENT.format(month=chosen) + yaml.safe_dump(content, sort_keys=False)
    place = Path(path)
    write_output(place, text.encode(), "infracost")
    return place


def _resources(rows: list[Usage], addresses: Mapping[str, str]) -> dict[str, dict[str, int | str]]:
    by_function: defaultdict[str, list[Usage]] = defaultdict(list)
    for row in rows:
        by_function[row.function].append(row)
    found: dict[str, dict[str, int | str]] = {}
    for function in sorted(by_function):
        address = addresses.get(function) or f"aws_lambda_function.{_NOT_IN_NAMES.sub('_', function)}"
        if not _ADDRESS.fullmatch(address):
            raise InputError.single(
                "infracost", "addresses", f"must be a Terraform address, got {address[:40]!r}"
            )
        if address in found:
            raise InputError.single("infracost", "addresses", f"{address[:80]} stands for two functions")
        found[address] = _on_demand(by_function[function])
        provisioned = _provisioned(by_function[function])
        if provisioned:
            found[address.replace("aws_lambda_function.", "aws_lambda_provisioned_concurrency_config.")] = (
                provisioned
            )
    return found


def _on_demand(rows: list[Usage]) -> dict[str, int | str]:
    runs = sum(row.requests - row.provisioned_requests for row in rows)
    extra = sum(row.extra_requests - row.provisioned_extra_requests for row in rows)
    billed_ms = sum(_billed_ms(row) for row in rows)
    return {"monthly_requests": runs + extra, "request_duration_ms": _mean(billed_ms, runs + extra)}


def _billed_ms(row: Usage) -> int:
    return row.on_demand_ms(billing_rules(date.fromisoformat(f"{row.month}-01")))


def _provisioned(rows: list[Usage]) -> dict[str, int | str]:
    """Fill a provisioned resource, of the function's largest memory where a month has several."""
    allocated_s = sum(row.provisioned_allocated_s for row in rows)
    if not allocated_s:
        return {}
    requests = sum(row.provisioned_requests + row.provisioned_extra_requests for row in rows)
    largest = max((row for row in rows if row.provisioned_allocated_s), key=lambda row: row.memory_mb)
    return {
        "monthly_duration_hrs": _mean(allocated_s, _SECONDS_PER_HOUR),
        "monthly_requests": requests,
        "request_duration_ms": _mean(
            sum(row.provisioned_billed_ms + row.provisioned_init_ms for row in rows), requests
        ),
        "architecture": largest.architecture,
        "memory_mb": largest.memory_mb,
    }


def _mean(whole: int, parts: int) -> int:
    """Divide, halves up; 0 where there is nothing to divide by."""
    return int(Fraction(whole, parts) + Fraction(1, 2)) if parts else 0


def write_pricing_calculator(
    bill: Bill,
    path: str | os.PathLike[str],
    *,
    workload_estimate_id: str,
    origin: Origin | None = None,
    month: str | None = None,
) -> tuple[Path, ...]:
    """Write a bill's usage as entries of the BCM Pricing Calculator, ready for ``--cli-input-json``.

    Parameters
    ----------
    bill : Bill
    path : path-like
        ``usage.json``; where more than 25 entries are needed, ``usage.2.json`` and so on follow.
    workload_estimate_id : str
        As ``aws bcm-pricing-calculator create-workload-estimate`` gave it.
    origin : Origin, optional
        With the account, and the scenario as the group of the entries.
    month : str, optional
        Which month; needed where there are several.

    Returns
    -------
    tuple of Path

    Raises
    ------
    InputError
        When there is no usage, it is of several months, or the identifier is none.

    Notes
    -----
    Amounts are the whole usage by usage type, the free part included: AWS applies its own free tier, tiers, and the
    account's discounts.
    """
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", workload_estimate_id):
        got = workload_estimate_id[:40]
        raise InputError.single(
            "pricing calculator", "workload_estimate_id", f"must be an identifier, got {got!r}"
        )
    months = sorted({part.month for part in bill.allocations})
    chosen = month or (months[0] if len(months) == 1 else "")
    if chosen not in months:
        raise InputError.single("pricing calculator", "month", not_among(month, months))
    source = origin or Origin()
    amounts: defaultdict[str, list[Decimal]] = defaultdict(list)
    for part in bill.allocations:
        if part.month == chosen:
            amounts[part.usage_type].append(part.quantity)
    group = re.sub("[^A-Za-z0-9-]", "-", source.scenario)[:30]
    entries = [
        {
            "serviceCode": "AWSLambda",
            "usageType": usage_type,
            "operation": "",
            "key": str(number),
            **({"group": group} if group else {}),
            "usageAccountId": source.account_id,
            "amount": _json_number(total(amounts[usage_type])),
        }
        for number, usage_type in enumerate(sorted(amounts), start=1)
    ]
    place = Path(path)
    files = {}
    for number, start in enumerate(range(0, len(entries), MOST_ENTRIES), start=1):
        content = {"workloadEstimateId": workload_estimate_id, "usage": entries[start : start + MOST_ENTRIES]}
        target = place if number == 1 else place.with_name(f"{place.stem}.{number}{place.suffix}")
        files[target] = (json.dumps(content, indent=1) + "\n").encode()
    write_outputs(files, "pricing calculator")
    return tuple(files)


def _json_number(amount: Decimal) -> int | float:
    """Return an amount as JSON has numbers: AWS takes a double here, which holds 15 digits."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)
