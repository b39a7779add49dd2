"""A run and what is seen of it: summary, bill, series, files."""
