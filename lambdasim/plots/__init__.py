"""Pictures of tables: each draws what a table holds, on the axes given, and returns them."""

from lambdasim.plots.advice import plot_headroom, plot_provisioned, plot_risk
from lambdasim.plots.backlog import plot_backlog
from lambdasim.plots.bills import plot_bill_comparison, plot_functions, plot_waterfall
from lambdasim.plots.break_even import plot_break_even
from lambdasim.plots.calibration import plot_fit_distribution, plot_fit_quantiles
from lambdasim.plots.cost import plot_bill, plot_cost, plot_cost_distribution, plot_hourly_cost
from lambdasim.plots.forecast import plot_forecast, plot_tornado
from lambdasim.plots.latency import plot_latency, plot_latency_histogram
from lambdasim.plots.limits import plot_concurrency, plot_metric, plot_throttles
from lambdasim.plots.study import plot_cost_and_duration, plot_differences, plot_duration, plot_frontier
from lambdasim.plots.style import STYLE_FILE

__all__ = [
    "STYLE_FILE",
    "plot_backlog",
    "plot_bill",
    "plot_bill_comparison",
    "plot_break_even",
    "plot_concurrency",
    "plot_cost",
    "plot_cost_and_duration",
    "plot_cost_distribution",
    "plot_differences",
    "plot_duration",
    "plot_fit_distribution",
    "plot_fit_quantiles",
    "plot_forecast",
    "plot_frontier",
    "plot_functions",
    "plot_headroom",
    "plot_hourly_cost",
    "plot_latency",
    "plot_latency_histogram",
    "plot_metric",
    "plot_provisioned",
    "plot_risk",
    "plot_throttles",
    "plot_tornado",
    "plot_waterfall",
]
