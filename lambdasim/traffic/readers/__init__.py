"""One reader per format: each turns a file into a `Trace`."""

from __future__ import annotations

from lambdasim.traffic.readers.csv_counts import read_counts_csv
from lambdasim.traffic.readers.csv_events import read_events_csv
from lambdasim.traffic.readers.report_logs import read_report_logs

__all__ = ["read_counts_csv", "read_events_csv", "read_report_logs"]
