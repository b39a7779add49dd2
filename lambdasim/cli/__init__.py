"""The command line: one call into the public API for each command, and tables that fit 80 columns."""

from lambdasim.cli import (
    bills,
    calibrations,
    commitments,
    elsewhere,
    forecasts,
    imports,
    reports,
    scenarios,
    simulation,
    studies,
)
from lambdasim.cli.app import app
from lambdasim.cli.writing import every_command_keeps_to_this

every_command_keeps_to_this(app, bills.bills, bills.prices)

__all__ = [
    "app",
    "bills",
    "calibrations",
    "commitments",
    "elsewhere",
    "forecasts",
    "imports",
    "reports",
    "scenarios",
    "simulation",
    "studies",
]
