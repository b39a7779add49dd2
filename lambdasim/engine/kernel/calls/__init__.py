"""Functions that call functions, in the compiled engine."""
