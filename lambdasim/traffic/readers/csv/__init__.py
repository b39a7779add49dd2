"""CSV files of counts or of single events."""
