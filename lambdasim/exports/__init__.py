"""Files that finance uses: FOCUS, workbooks, usage files, a real bill beside ours, price lists."""

from lambdasim.exports.focus import focus_rows, write_focus, write_focus_quantiles
from lambdasim.exports.focus_check import check_focus
from lambdasim.exports.origin import Origin
from lambdasim.exports.price_refresh import PriceEffect, PriceRefresh, load_price_sheets, refresh_prices
from lambdasim.exports.usage_files import write_infracost_usage, write_pricing_calculator
from lambdasim.exports.workbook import write_workbook

__all__ = [
    "Origin",
    "PriceEffect",
    "PriceRefresh",
    "check_focus",
    "focus_rows",
    "load_price_sheets",
    "refresh_prices",
    "write_focus",
    "write_focus_quantiles",
    "write_infracost_usage",
    "write_pricing_calculator",
    "write_workbook",
]
