"""From whole numbers of usage to an exact bill; knows no engine."""

from lambdasim.billing.accounts import account_of, in_account, is_account_id
from lambdasim.billing.bill import Bill
from lambdasim.billing.currency import ExchangeRate, converted
from lambdasim.billing.distribution import InvocationCosts, invocation_costs, pooled_frame
from lambdasim.billing.exact import per_million, plain
from lambdasim.billing.lines import Allocation, LineItem
from lambdasim.billing.neighbours.counts import SHARED, NeighbourTerms, meter_units_of_runs
from lambdasim.billing.pricing import price, price_scenario
from lambdasim.billing.rules import (
    allocated_by_month,
    allocated_s,
    billed_ms,
    ephemeral_billed_mb,
    extra_requests,
    snapstart_cache_ms,
    streamed_bytes_billed,
)
from lambdasim.billing.shares import PricedPool, Share
from lambdasim.billing.tiers import FreeSharing
from lambdasim.billing.usage import Usage, from_json, pool, to_json

__all__ = [
    "SHARED",
    "Allocation",
    "Bill",
    "ExchangeRate",
    "FreeSharing",
    "InvocationCosts",
    "LineItem",
    "NeighbourTerms",
    "PricedPool",
    "Share",
    "Usage",
    "account_of",
    "allocated_by_month",
    "allocated_s",
    "billed_ms",
    "converted",
    "ephemeral_billed_mb",
    "extra_requests",
    "from_json",
    "in_account",
    "invocation_costs",
    "is_account_id",
    "meter_units_of_runs",
    "per_million",
    "plain",
    "pool",
    "pooled_frame",
    "price",
    "price_scenario",
    "snapstart_cache_ms",
    "streamed_bytes_billed",
    "to_json",
]
