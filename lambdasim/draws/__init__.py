"""Draws that belong to what they describe, never to the order in which things happen to run."""

from lambdasim.draws.keys import DrawKey, Quantity
from lambdasim.draws.laws import DrawLaw, compile_law
from lambdasim.draws.table import DrawTable

__all__ = ["DrawKey", "DrawLaw", "DrawTable", "Quantity", "compile_law"]
