"""The laws that a fit infers: work, its first run, INIT."""
