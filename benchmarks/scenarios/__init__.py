"""Scenarios of the benchmarks, and the script that writes their counts."""
