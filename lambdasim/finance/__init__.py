"""Files that finance uses: FOCUS, workbooks, usage files, a real bill beside ours, price lists.

Names load what they need when they are first used: a bill needs no reader of Parquet.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lambdasim.billing import ExchangeRate, converted
    from lambdasim.finance.actual.choice import BillChoice
    from lambdasim.finance.actual.comparison import BillComparison, ComparedLine, compare_bill
    from lambdasim.finance.actual.reader import read_actual_bill
    from lambdasim.finance.actual.tables import ActualBill, ActualLine, LineClass
    from lambdasim.finance.days import DayCost, daily_costs
    from lambdasim.finance.focus.checker import check_focus
    from lambdasim.finance.focus.writer import focus_rows, write_focus, write_focus_quantiles
    from lambdasim.finance.origin import Origin, scenario_price_date
    from lambdasim.finance.owners.allocation import CostShare, allocated_costs
    from lambdasim.finance.owners.runs import OwnedRuns
    from lambdasim.finance.prices.books import read_price_book
    from lambdasim.finance.prices.refresh import (
        PriceEffect,
        PriceRefresh,
        fitting_sheets,
        load_price_sheets,
        refresh_prices,
    )
    from lambdasim.finance.tools.usage_files import write_infracost_usage, write_pricing_calculator
    from lambdasim.finance.workbook.book import write_workbook

_HOME = {
    "ActualBill": "lambdasim.finance.actual.tables",
    "ActualLine": "lambdasim.finance.actual.tables",
    "BillChoice": "lambdasim.finance.actual.choice",
    "BillComparison": "lambdasim.finance.actual.comparison",
    "ComparedLine": "lambdasim.finance.actual.comparison",
    "CostShare": "lambdasim.finance.owners.allocation",
    "DayCost": "lambdasim.finance.days",
    "ExchangeRate": "lambdasim.billing",
    "LineClass": "lambdasim.finance.actual.tables",
    "Origin": "lambdasim.finance.origin",
    "OwnedRuns": "lambdasim.finance.owners.runs",
    "PriceEffect": "lambdasim.finance.prices.refresh",
    "PriceRefresh": "lambdasim.finance.prices.refresh",
    "allocated_costs": "lambdasim.finance.owners.allocation",
    "check_focus": "lambdasim.finance.focus.checker",
    "compare_bill": "lambdasim.finance.actual.comparison",
    "converted": "lambdasim.billing",
    "daily_costs": "lambdasim.finance.days",
    "fitting_sheets": "lambdasim.finance.prices.refresh",
    "focus_rows": "lambdasim.finance.focus.writer",
    "load_price_sheets": "lambdasim.finance.prices.refresh",
    "read_actual_bill": "lambdasim.finance.actual.reader",
    "read_price_book": "lambdasim.finance.prices.books",
    "refresh_prices": "lambdasim.finance.prices.refresh",
    "scenario_price_date": "lambdasim.finance.origin",
    "write_focus": "lambdasim.finance.focus.writer",
    "write_focus_quantiles": "lambdasim.finance.focus.writer",
    "write_infracost_usage": "lambdasim.finance.tools.usage_files",
    "write_pricing_calculator": "lambdasim.finance.tools.usage_files",
    "write_workbook": "lambdasim.finance.workbook.book",
}

__all__ = [
    "ActualBill",
    "ActualLine",
    "BillChoice",
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
    "fitting_sheets",
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
        raise AttributeError(f"module 'lambdasim.finance' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
