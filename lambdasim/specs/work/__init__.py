"""What one run of a handler needs."""
