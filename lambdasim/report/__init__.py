"""One page of a run that opens without network."""

from lambdasim.report.page import report_html

__all__ = ["report_html"]
