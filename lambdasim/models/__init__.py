"""Pure functions from settings to durations: CPU scaling, service time, cold start, keep-alive."""
