"""Notebooks of reports: given their parameters, executed, and written as one page and one PDF."""
