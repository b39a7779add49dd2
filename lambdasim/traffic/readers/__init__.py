"""One reader per format: each turns a file into a `Trace`."""

from __future__ import annotations

from typing import Final

from lambdasim.traffic.readers.azure.reader import read_azure_2019, read_azure_2021
from lambdasim.traffic.readers.azure.tables import read_azure_2019_durations, read_azure_2019_memory
from lambdasim.traffic.readers.cloudwatch_metrics import read_metric_data
from lambdasim.traffic.readers.csv.counts import read_counts_csv
from lambdasim.traffic.readers.csv.events import read_events_csv
from lambdasim.traffic.readers.dialect import Dialect
from lambdasim.traffic.readers.insights.reader import read_insights
from lambdasim.traffic.readers.logs.reader import read_report_logs

FORMATS: Final = {
    "counts_csv": "CSV of counts per interval",
    "events_csv": "CSV of single invocations",
    "report_logs": "CloudWatch log events or log text with REPORT lines or platform.report objects, in any export",
    "insights": "CloudWatch Logs Insights over REPORT lines: CSV or JSON export, or GetQueryResults JSON",
    "metric_data": "CloudWatch GetMetricData or GetMetricStatistics JSON of the Invocations metric",
    "azure_2019": "Azure Functions 2019: counts per minute of a day",
    "azure_2021": "Azure Functions 2021: single invocations",
}
"""What each format is; the keys are what ``TraceSource.format`` says."""

__all__ = [
    "FORMATS",
    "Dialect",
    "read_azure_2019",
    "read_azure_2019_durations",
    "read_azure_2019_memory",
    "read_azure_2021",
    "read_counts_csv",
    "read_events_csv",
    "read_insights",
    "read_metric_data",
    "read_report_logs",
]
