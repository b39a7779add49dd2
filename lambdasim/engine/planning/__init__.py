"""From what a scenario says of callers to what engines run."""
