"""All pictures by their former address."""

from lambdasim.plots import plot_bill, plot_concurrency, plot_cost, plot_latency

__all__ = ["plot_bill", "plot_concurrency", "plot_cost", "plot_latency"]
