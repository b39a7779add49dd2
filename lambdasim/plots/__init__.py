"""Pictures of tables: each draws what a table holds, on the axes given, and returns them."""

from lambdasim.plots.cost import plot_bill, plot_cost, plot_cost_distribution, plot_hourly_cost
from lambdasim.plots.latency import plot_latency, plot_latency_histogram
from lambdasim.plots.limits import plot_concurrency, plot_metric, plot_throttles
from lambdasim.plots.style import STYLE_FILE

__all__ = [
    "STYLE_FILE",
    "plot_bill",
    "plot_concurrency",
    "plot_cost",
    "plot_cost_distribution",
    "plot_hourly_cost",
    "plot_latency",
    "plot_latency_histogram",
    "plot_metric",
    "plot_throttles",
]
