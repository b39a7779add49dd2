"""The columns of FOCUS, by version: which there are, which may be null, what each may hold.

The table is in ``focus_columns.csv``, restated from the FinOps Open Cost and Usage Specification, versions 1.2 and 1.4.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final

from lambdasim.errors import InputError

SUBCATEGORIES_OF_COMPUTE: Final = (
    "Containers",
    "End User Computing",
    "Quantum Compute",
    "Serverless Compute",
    "Virtual Machines",
    "Other (Compute)",
)
PRICED_COLUMNS: Final = (
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedUnitPrice",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "SkuId",
    "SkuMeter",
    "SkuPriceId",
)
"""Columns, nullable in general, that a charge for usage must fill unless it is a correction."""
NEEDS: Final = (
    ("CommitmentDiscountId", "CommitmentDiscountCategory"),
    ("CommitmentDiscountId", "CommitmentDiscountType"),
    ("CommitmentDiscountCategory", "CommitmentDiscountId"),
    ("CommitmentDiscountName", "CommitmentDiscountId"),
    ("CommitmentDiscountType", "CommitmentDiscountId"),
    ("CommitmentDiscountStatus", "CommitmentDiscountId"),
    ("CommitmentDiscountQuantity", "CommitmentDiscountId"),
    ("CommitmentDiscountQuantity", "CommitmentDiscountUnit"),
    ("CommitmentDiscountUnit", "CommitmentDiscountQuantity"),
    ("CapacityReservationStatus", "CapacityReservationId"),
    ("ResourceName", "ResourceId"),
    ("ResourceType", "ResourceId"),
    ("ResourceId", "ResourceType"),
    ("SubAccountName", "SubAccountId"),
    ("SubAccountType", "SubAccountId"),
    ("SubAccountId", "SubAccountType"),
    ("RegionName", "RegionId"),
    ("RegionId", "RegionName"),
    ("PricingUnit", "PricingQuantity"),
    ("PricingQuantity", "PricingUnit"),
    ("ConsumedUnit", "ConsumedQuantity"),
    ("ConsumedQuantity", "ConsumedUnit"),
    ("SkuMeter", "SkuId"),
    ("SkuPriceDetails", "SkuPriceId"),
    ("AllocatedResourceName", "AllocatedResourceId"),
)
"""Where the first column of a pair has a value, the second must have one."""
USAGE_NEEDS: Final = (
    ("CommitmentDiscountId", "CommitmentDiscountStatus"),
    ("CapacityReservationId", "CapacityReservationStatus"),
)
"""The same, for charges of usage alone."""
CUSTOM_COLUMNS: Final = (
    "x_UsageType",
    "x_Operation",
    "x_ServiceCode",
    "x_Scenario",
    "x_Quantile",
    "x_Run",
    "x_AsOf",
    "x_RateQuality",
)
ONE_VALUE_COLUMNS: Final = ("x_Scenario", "x_Quantile", "x_Run", "BillingAccountId", "BillingCurrency")
"""Columns of which a file of ours has one value: forecasts of different quantiles are never mixed."""


class FocusVersion(StrEnum):
    """Versions of FOCUS that are written and checked."""

    V1_2 = "1.2"
    V1_4 = "1.4"


class Kind(StrEnum):
    """What the cells of a column are."""

    TEXT = "text"
    NUMBER = "number"
    MOMENT = "moment"
    CURRENCY = "currency"
    UNIT = "unit"
    JSON = "json"


class Level(StrEnum):
    """Whether a column must be there."""

    MANDATORY = "mandatory"
    CONDITIONAL = "conditional"
    RECOMMENDED = "recommended"


@dataclass(frozen=True)
class FocusColumn:
    """A column of FOCUS.

    Attributes
    ----------
    name : str
    level : Level
    nullable : bool
    kind : Kind
    allowed : tuple of str
        Allowed values; empty where any is.
    """

    name: str
    level: Level
    nullable: bool
    kind: Kind
    allowed: tuple[str, ...]


@cache
def focus_columns(version: FocusVersion) -> dict[str, FocusColumn]:
    """Return the columns of a version by name, in order.

    Examples
    --------
    >>> tables = [focus_columns(version).values() for version in FocusVersion]
    >>> [(len(table), sum(column.level is Level.MANDATORY for column in table)) for table in tables]
    [(57, 21), (65, 21)]
    """
    text = files(__package__).joinpath("focus_columns.csv").read_text(encoding="utf-8")
    return {
        row["column"]: FocusColumn(
            row["column"],
            Level(row["level"]),
            row["nullable"] == "yes",
            Kind(row["kind"]),
            tuple(row["allowed"].split("|")) if row["allowed"] else (),
        )
        for row in csv.DictReader(text.splitlines())
        if version.value in row["versions"].split()
    }


def focus_version(text: str) -> FocusVersion:
    """Return the version of a text such as ``1.2``.

    Raises
    ------
    InputError
        When it is none that is known.
    """
    try:
        return FocusVersion(text)
    except ValueError:
        known = " or ".join(FocusVersion)
        raise InputError.single("focus", "version", f"must be {known}, got {repr(text)[:40]}") from None
