"""Columns of the exports that list charges row by row: CUR 2.0, the legacy CUR, FOCUS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from lambdasim.errors import InputError
from lambdasim.finance.actual.tables import LineClass
from lambdasim.traffic.readers.dialect import PLAIN, SEPARATORS, Dialect
from lambdasim.traffic.readers.said import said_with

_SERVICE: Final = "AWSLambda"
_CUR_CLASSES: Final[Mapping[str, LineClass | None]] = {
    "Usage": LineClass.USAGE,
    "SavingsPlanCoveredUsage": LineClass.SAVINGS_PLAN,
    "SavingsPlanNegation": None,
    "Credit": LineClass.CREDIT,
    "Refund": LineClass.CREDIT,
    "Discount": LineClass.CREDIT,
    "EdpDiscount": LineClass.CREDIT,
    "PrivateRateDiscount": LineClass.CREDIT,
    "BundledDiscount": LineClass.CREDIT,
    "SppDiscount": LineClass.CREDIT,
    "Tax": LineClass.TAX,
    "Fee": LineClass.OTHER,
    "SavingsPlanRecurringFee": LineClass.OTHER,
    "SavingsPlanUpfrontFee": LineClass.OTHER,
}
_FOCUS_CLASSES: Final[Mapping[str, LineClass | None]] = {
    "Usage": LineClass.USAGE,
    "Credit": LineClass.CREDIT,
    "Tax": LineClass.TAX,
    "Purchase": LineClass.OTHER,
    "Adjustment": LineClass.OTHER,
}


class Layout(NamedTuple):
    """Columns of an export. Where several are named, the first that is filled counts.

    Attributes
    ----------
    name : str
    is_focus : bool
    month, service, usage_type, rate, account, region, resource : tuple of str
    services : tuple of str
        What ``service`` holds for AWS Lambda.
    currency, kind, quantity, cost, covered_cost : str
        ``covered_cost`` is the cost under a Savings Plan.
    tags : str
        Column of all tags, a JSON object.
    tag_prefixes : tuple of str
        How columns of one tag each begin.
    needed : tuple of str
        Columns that must be there.
    others : tuple of str
        Further columns that are read where they are there.
    identity : str
        Column of the line item's number, unique within a file; empty where an export has none.
    distinct : tuple of str
        Columns that tell rows of usage from one another, beside tags of a column each; the beginning of their time first.
    classes : mapping
        What ``kind`` may hold; None is left out.
    """

    name: str
    is_focus: bool
    month: tuple[str, ...]
    service: tuple[str, ...]
    services: tuple[str, ...]
    currency: str
    usage_type: tuple[str, ...]
    kind: str
    quantity: str
    rate: tuple[str, ...]
    cost: str
    covered_cost: str
    account: tuple[str, ...]
    region: tuple[str, ...]
    resource: tuple[str, ...]
    tags: str
    tag_prefixes: tuple[str, ...]
    needed: tuple[str, ...]
    others: tuple[str, ...]
    identity: str
    distinct: tuple[str, ...]
    classes: Mapping[str, LineClass | None]

    def columns(self, header: tuple[str, ...]) -> frozenset[str]:
        """Return the columns of a file that are read."""
        fixed = {
            *self.month, *self.service, self.currency, *self.usage_type, self.kind, self.quantity, *self.rate,
            self.cost, self.covered_cost, *self.account, *self.region, *self.resource, self.tags, *self.needed,
            *self.others, self.identity, *self.distinct,
        }  # fmt: skip
        return frozenset(name for name in header if name in fixed or name.startswith(self.tag_prefixes))


CUR_2: Final = Layout(
    name="CUR 2.0",
    is_focus=False,
    month=("line_item_usage_start_date", "bill_billing_period_start_date"),
    service=("line_item_product_code",),
    services=(_SERVICE,),
    currency="line_item_currency_code",
    usage_type=("line_item_usage_type",),
    kind="line_item_line_item_type",
    quantity="line_item_usage_amount",
    rate=("line_item_unblended_rate",),
    cost="line_item_unblended_cost",
    covered_cost="savings_plan_savings_plan_effective_cost",
    account=("line_item_usage_account_id",),
    region=("product_region_code", "product_region"),
    resource=("line_item_resource_id",),
    tags="resource_tags",
    tag_prefixes=("resource_tags_",),
    needed=("line_item_product_code", "line_item_line_item_type", "line_item_usage_type",
            "line_item_usage_amount", "line_item_unblended_cost", "line_item_currency_code"),
    others=(),
    identity="identity_line_item_id",
    distinct=("line_item_usage_start_date", "line_item_usage_end_date", "bill_billing_period_start_date",
              "line_item_usage_account_id", "line_item_line_item_type", "line_item_usage_type", "line_item_operation",
              "line_item_resource_id", "line_item_unblended_rate", "line_item_line_item_description",
              "line_item_availability_zone", "pricing_rate_id", "savings_plan_savings_plan_a_r_n", "resource_tags"),
    classes=_CUR_CLASSES,
)  # fmt: skip
LEGACY_CUR: Final = Layout(
    name="legacy CUR",
    is_focus=False,
    month=("lineItem/UsageStartDate", "bill/BillingPeriodStartDate"),
    service=("lineItem/ProductCode",),
    services=(_SERVICE,),
    currency="lineItem/CurrencyCode",
    usage_type=("lineItem/UsageType",),
    kind="lineItem/LineItemType",
    quantity="lineItem/UsageAmount",
    rate=("lineItem/UnblendedRate",),
    cost="lineItem/UnblendedCost",
    covered_cost="savingsPlan/SavingsPlanEffectiveCost",
    account=("lineItem/UsageAccountId",),
    region=("product/regionCode", "product/region"),
    resource=("lineItem/ResourceId",),
    tags="resourceTags",
    tag_prefixes=("resourceTags/",),
    needed=("lineItem/ProductCode", "lineItem/LineItemType", "lineItem/UsageType", "lineItem/UsageAmount",
            "lineItem/UnblendedCost", "lineItem/CurrencyCode"),
    others=(),
    identity="identity/LineItemId",
    distinct=("lineItem/UsageStartDate", "lineItem/UsageEndDate", "bill/BillingPeriodStartDate",
              "lineItem/UsageAccountId", "lineItem/LineItemType", "lineItem/UsageType", "lineItem/Operation",
              "lineItem/ResourceId", "lineItem/UnblendedRate", "lineItem/LineItemDescription",
              "lineItem/AvailabilityZone", "pricing/RateId", "savingsPlan/SavingsPlanARN"),
    classes=_CUR_CLASSES,
)  # fmt: skip
FOCUS: Final = Layout(
    name="FOCUS",
    is_focus=True,
    month=("ChargePeriodStart", "BillingPeriodStart"),
    service=("x_ServiceCode", "ServiceName"),
    services=(_SERVICE, "AWS Lambda"),
    currency="BillingCurrency",
    usage_type=("x_UsageType", "SkuMeter"),
    kind="ChargeCategory",
    quantity="PricingQuantity",
    rate=("ContractedUnitPrice", "ListUnitPrice"),
    cost="BilledCost",
    covered_cost="EffectiveCost",
    account=("SubAccountId", "BillingAccountId"),
    region=("RegionId",),
    resource=("ResourceId", "ResourceName"),
    tags="Tags",
    tag_prefixes=("x_Tag_",),
    needed=("ServiceName", "ChargeCategory", "BilledCost", "EffectiveCost", "BillingCurrency",
            "PricingQuantity", "ChargePeriodStart"),
    others=("ChargeClass", "PricingCategory"),
    identity="",
    distinct=("ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingAccountId", "SubAccountId",
              "ChargeCategory", "ChargeClass", "PricingCategory", "SkuPriceId", "SkuMeter", "x_UsageType", "x_Operation",
              "RegionId", "ResourceId", "ResourceName", "ChargeDescription", "ListUnitPrice",
              "CommitmentDiscountId", "Tags"),
    classes=_FOCUS_CLASSES,
)  # fmt: skip


def layout_of(name: str, header: tuple[str, ...], dialect: Dialect = PLAIN) -> Layout:
    """Find the layout of a file by its header; `dialect` is how it is said to be written.

    Raises
    ------
    InputError
        When it is none, or a column is missing.
    """
    marks = {"line_item_product_code": CUR_2, "lineItem/ProductCode": LEGACY_CUR}
    layout = next((found for mark, found in marks.items() if mark in header), FOCUS)
    missing = next((column for column in layout.needed if column not in header), None)
    if missing is not None:
        what = (
            "a CUR, CUR 2.0 or FOCUS export of AWS, or Cost Explorer's, by usage type"
            if layout is FOCUS
            else f"a {layout.name} export of AWS"
        )
        raise InputError.single(
            f"{name}, row 1", missing, f"is missing; the file must be {what}{_other_mark(header, dialect)}"
        )
    if not any(column in header for column in layout.month):
        raise InputError.single(
            f"{name}, row 1", layout.month[0], "is missing: rows must say when they are of"
        )
    return layout


def _other_mark(header: tuple[str, ...], dialect: Dialect) -> str:
    """Say what else seems to stand between the fields of a header; empty where nothing does."""
    if len(header) > 1:
        return ""
    return next(
        (
            f"; if fields are separated by {separator}s, say {said_with('separator', separator)}"
            for separator, mark in SEPARATORS.items()
            if mark != dialect.mark and mark in header[0]
        ),
        "",
    )
