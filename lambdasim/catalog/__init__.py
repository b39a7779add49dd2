"""Dated, sourced facts about AWS Lambda: prices, limits, timings, billing rules, measured priors.

The code holds no number of the platform; every one is in a data file beside this module, see ``SOURCES.md``.
"""

from lambdasim.catalog.facts import Fact, Knowledge, limit, limits, timing, timings
from lambdasim.catalog.guesses import usual_sizes_mb
from lambdasim.catalog.keep_alive import KeepAliveCurve, keep_alive_curve
from lambdasim.catalog.prices.neighbours import NeighbourPrice, neighbour_price, neighbour_prices
from lambdasim.catalog.prices.sheets import ArchitectureRates, PriceSheet, Rate, Tier, price_sheet, regions
from lambdasim.catalog.priors import InitPrior, init_prior, init_priors, init_runtimes
from lambdasim.catalog.retries import InvocationKind, RetryRule, retry_rule, retry_rules
from lambdasim.catalog.rules import BillingRules, RuleInForce, billing_rules
from lambdasim.catalog.runtimes import (
    SnapStartFamily,
    has_snap_start,
    snap_start_families,
    snap_start_in_words,
)
from lambdasim.catalog.usage_types import ChargeKind, CountedIn, UsageType, usage_type

__all__ = [
    "ArchitectureRates",
    "BillingRules",
    "ChargeKind",
    "CountedIn",
    "Fact",
    "InitPrior",
    "InvocationKind",
    "KeepAliveCurve",
    "Knowledge",
    "NeighbourPrice",
    "PriceSheet",
    "Rate",
    "RetryRule",
    "RuleInForce",
    "SnapStartFamily",
    "Tier",
    "UsageType",
    "billing_rules",
    "has_snap_start",
    "init_prior",
    "init_priors",
    "init_runtimes",
    "keep_alive_curve",
    "limit",
    "limits",
    "neighbour_price",
    "neighbour_prices",
    "price_sheet",
    "regions",
    "retry_rule",
    "retry_rules",
    "snap_start_families",
    "snap_start_in_words",
    "timing",
    "timings",
    "usage_type",
    "usual_sizes_mb",
]
