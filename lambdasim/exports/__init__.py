"""Files that finance uses: FOCUS, workbooks, usage files, a real bill beside ours, price lists.

Names load what they need when they are first used: a bill needs no reader of Parquet.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lambdasim.billing import ExchangeRate, converted
    from lambdasim.exports.actual import ActualBill, ActualLine, LineClass, read_actual_bill
    from lambdasim.exports.allocation import CostShare, allocated_costs
    from lambdasim.exports.compare import BillComparison, ComparedLine, compare_bill
    from lambdasim.exports.days import DayCost, daily_costs
    from lambdasim.exports.focus import focus_rows, write_focus, write_focus_quantiles
    from lambdasim.exports.focus_check import check_focus
    from lambdasim.exports.origin import Origin, scenario_price_date
    from lambdasim.exports.owned_runs import OwnedRuns
    from lambdasim.exports.price_books import read_price_book
    from lambdasim.exports.price_refresh import PriceEffect, PriceRefresh, load_price_sheets, refresh_prices
    from lambdasim.exports.usage_files import write_infracost_usage, write_pricing_calculator
    from lambdasim.exports.workbook import write_workbook

_HOME = {
    "ActualBill": "lambdasim.exports.actual",
    "ActualLine": "lambdasim.exports.actual",
    "BillComparison": "lambdasim.exports.compare",
    "ComparedLine": "lambdasim.exports.compare",
    "CostShare": "lambdasim.exports.allocation",
    "DayCost": "lambdasim.exports.days",
    "ExchangeRate": "lambdasim.billing",
    "LineClass": "lambdasim.exports.actual",
    "Origin": "lambdasim.exports.origin",
    "OwnedRuns": "lambdasim.exports.owned_runs",
    "PriceEffect": "lambdasim.exports.price_refresh",
    "PriceRefresh": "lambdasim.exports.price_refresh",
    "allocated_costs": "lambdasim.exports.allocation",
    "check_focus": "lambdasim.exports.focus_check",
    "compare_bill": "lambdasim.exports.compare",
    "converted": "lambdasim.billing",
    "daily_costs": "lambdasim.exports.days",
    "focus_rows": "lambdasim.exports.focus",
    "load_price_sheets": "lambdasim.exports.price_refresh",
    "read_actual_bill": "lambdasim.exports.actual",
    "read_price_book": "lambdasim.exports.price_books",
    "refresh_prices": "lambdasim.exports.price_refresh",
    "scenario_price_date": "lambdasim.exports.origin",
    "write_focus": "lambdasim.exports.focus",
    "write_focus_quantiles": "lambdasim.exports.focus",
    "write_infracost_usage": "lambdasim.exports.usage_files",
    "write_pricing_calculator": "lambdasim.exports.usage_files",
    "write_workbook": "lambdasim.exports.workbook",
}

__all__ = [
    "ActualBill",
    "ActualLine",
    "BillComparison",
    "ComparedLine",
    "CostShare",
    "DayCost",
    "ExchangeRate",
    "LineClass",
    "Origin",
    "OwnedRuns",
    "PriceEffect",
    "PriceRefresh",
    "allocated_costs",
    "check_focus",
    "compare_bill",
    "converted",
    "daily_costs",
    "focus_rows",
    "load_price_sheets",
    "read_actual_bill",
    "read_price_book",
    "refresh_prices",
    "scenario_price_date",
    "write_focus",
    "write_focus_quantiles",
    "write_infracost_usage",
    "write_pricing_calculator",
    "write_workbook",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'lambdasim.exports' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
