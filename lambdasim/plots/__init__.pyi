"""The public names of lambdasim.plots, and the module that has each. This is the only list; see ``door.py``."""

from lambdasim.plots.advice import plot_headroom as plot_headroom
from lambdasim.plots.advice import plot_provisioned as plot_provisioned
from lambdasim.plots.advice import plot_risk as plot_risk
from lambdasim.plots.backlog import plot_backlog as plot_backlog
from lambdasim.plots.bills import plot_bill_comparison as plot_bill_comparison
from lambdasim.plots.bills import plot_functions as plot_functions
from lambdasim.plots.bills import plot_waterfall as plot_waterfall
from lambdasim.plots.break_even import plot_break_even as plot_break_even
from lambdasim.plots.calibration import plot_fit_distribution as plot_fit_distribution
from lambdasim.plots.calibration import plot_fit_quantiles as plot_fit_quantiles
from lambdasim.plots.cost import plot_bill as plot_bill
from lambdasim.plots.cost import plot_cost as plot_cost
from lambdasim.plots.cost import plot_cost_distribution as plot_cost_distribution
from lambdasim.plots.cost import plot_hourly_cost as plot_hourly_cost
from lambdasim.plots.forecast import plot_forecast as plot_forecast
from lambdasim.plots.forecast import plot_tornado as plot_tornado
from lambdasim.plots.latency import plot_latency as plot_latency
from lambdasim.plots.latency import plot_latency_histogram as plot_latency_histogram
from lambdasim.plots.limits import plot_concurrency as plot_concurrency
from lambdasim.plots.limits import plot_metric as plot_metric
from lambdasim.plots.limits import plot_throttles as plot_throttles
from lambdasim.plots.study import plot_cost_and_duration as plot_cost_and_duration
from lambdasim.plots.study import plot_differences as plot_differences
from lambdasim.plots.study import plot_duration as plot_duration
from lambdasim.plots.study import plot_frontier as plot_frontier
from lambdasim.plots.style import STYLE_FILE as STYLE_FILE
