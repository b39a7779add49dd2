"""Quantities priced by themselves, without a scenario."""
