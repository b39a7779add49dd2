"""Timings, beside peers and in one run: ``python -m benchmarks --help``."""
