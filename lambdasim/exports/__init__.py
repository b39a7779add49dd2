"""Files that finance uses: FOCUS, workbooks, usage files, a real bill beside ours, price lists."""

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
