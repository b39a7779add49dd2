"""Cost and limit simulation of AWS Lambda, offline and repeatable.

Names load what they need when they are first used, so that ``import lambdasim`` stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lambdasim.billing import price
    from lambdasim.calibration.calibrate import calibrate
    from lambdasim.catalog import price_sheet
    from lambdasim.plots import (
        plot_bill,
        plot_bill_comparison,
        plot_break_even,
        plot_concurrency,
        plot_cost,
        plot_cost_distribution,
        plot_differences,
        plot_duration,
        plot_fit_distribution,
        plot_fit_quantiles,
        plot_forecast,
        plot_frontier,
        plot_functions,
        plot_headroom,
        plot_hourly_cost,
        plot_latency,
        plot_latency_histogram,
        plot_metric,
        plot_provisioned,
        plot_risk,
        plot_throttles,
        plot_tornado,
        plot_waterfall,
    )
    from lambdasim.report.pages.run import report_html
    from lambdasim.results.apart import simulate_functions
    from lambdasim.results.files.saved import load_run, load_usage, save
    from lambdasim.results.points.workers import dask_cluster, process_pool
    from lambdasim.results.replicate import replicate
    from lambdasim.results.run import RunResult
    from lambdasim.results.simulate import simulate
    from lambdasim.specs import ScenarioSpec, load_scenario, load_scenario_text, revised
    from lambdasim.study.break_even.search import break_even
    from lambdasim.study.comparison.compare import compare
    from lambdasim.study.forecast.backtest import backtest
    from lambdasim.study.forecast.forecast import forecast
    from lambdasim.study.limits.advise import advise_limits
    from lambdasim.study.memory.plausible import plausible_ranges
    from lambdasim.study.memory.sweep import sweep_memory
    from lambdasim.traffic.readers import (
        read_azure_2019,
        read_azure_2021,
        read_counts_csv,
        read_events_csv,
        read_insights,
        read_metric_data,
        read_report_logs,
    )

__version__ = "0.1.0"

_HOME = {
    "RunResult": "lambdasim.results.run",
    "ScenarioSpec": "lambdasim.specs",
    "advise_commitment": "lambdasim.study.commitment.advise",
    "advise_limits": "lambdasim.study.limits.advise",
    "backtest": "lambdasim.study.forecast.backtest",
    "break_even": "lambdasim.study.break_even.search",
    "calibrate": "lambdasim.calibration.calibrate",
    "compare": "lambdasim.study.comparison.compare",
    "dask_cluster": "lambdasim.results.points.workers",
    "forecast": "lambdasim.study.forecast.forecast",
    "load_run": "lambdasim.results.files.saved",
    "load_scenario": "lambdasim.specs",
    "load_scenario_text": "lambdasim.specs",
    "load_usage": "lambdasim.results.files.saved",
    "plausible_ranges": "lambdasim.study.memory.plausible",
    "plot_bill": "lambdasim.plots",
    "plot_bill_comparison": "lambdasim.plots",
    "plot_break_even": "lambdasim.plots",
    "plot_concurrency": "lambdasim.plots",
    "plot_cost": "lambdasim.plots",
    "plot_cost_distribution": "lambdasim.plots",
    "plot_differences": "lambdasim.plots",
    "plot_duration": "lambdasim.plots",
    "plot_fit_distribution": "lambdasim.plots",
    "plot_fit_quantiles": "lambdasim.plots",
    "plot_forecast": "lambdasim.plots",
    "plot_frontier": "lambdasim.plots",
    "plot_functions": "lambdasim.plots",
    "plot_headroom": "lambdasim.plots",
    "plot_hourly_cost": "lambdasim.plots",
    "plot_latency": "lambdasim.plots",
    "plot_latency_histogram": "lambdasim.plots",
    "plot_metric": "lambdasim.plots",
    "plot_provisioned": "lambdasim.plots",
    "plot_risk": "lambdasim.plots",
    "plot_throttles": "lambdasim.plots",
    "plot_tornado": "lambdasim.plots",
    "plot_waterfall": "lambdasim.plots",
    "price": "lambdasim.billing",
    "price_sheet": "lambdasim.catalog",
    "process_pool": "lambdasim.results.points.workers",
    "read_azure_2019": "lambdasim.traffic.readers",
    "read_azure_2021": "lambdasim.traffic.readers",
    "read_counts_csv": "lambdasim.traffic.readers",
    "read_events_csv": "lambdasim.traffic.readers",
    "read_insights": "lambdasim.traffic.readers",
    "read_metric_data": "lambdasim.traffic.readers",
    "read_report_logs": "lambdasim.traffic.readers",
    "replicate": "lambdasim.results.replicate",
    "report_html": "lambdasim.report.pages.run",
    "revised": "lambdasim.specs",
    "save": "lambdasim.results.files.saved",
    "simulate": "lambdasim.results.simulate",
    "simulate_functions": "lambdasim.results.apart",
    "sweep_memory": "lambdasim.study.memory.sweep",
}

__all__ = [
    "RunResult",
    "ScenarioSpec",
    "advise_commitment",
    "advise_limits",
    "backtest",
    "break_even",
    "calibrate",
    "compare",
    "dask_cluster",
    "forecast",
    "load_run",
    "load_scenario",
    "load_scenario_text",
    "load_usage",
    "plausible_ranges",
    "plot_bill",
    "plot_bill_comparison",
    "plot_break_even",
    "plot_concurrency",
    "plot_cost",
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
    "price",
    "price_sheet",
    "process_pool",
    "read_azure_2019",
    "read_azure_2021",
    "read_counts_csv",
    "read_events_csv",
    "read_insights",
    "read_metric_data",
    "read_report_logs",
    "replicate",
    "report_html",
    "revised",
    "save",
    "simulate",
    "simulate_functions",
    "sweep_memory",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'lambdasim' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
