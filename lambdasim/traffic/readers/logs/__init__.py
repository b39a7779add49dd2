"""Lambda's own logs."""
