"""The simulation: what engines promise, the SimPy reference, and totals of its records."""
