"""Traps that make bills explode: a good hour beside a bad one, and when an alarm could have fired."""
