"""Functions that call functions, in the compiled engine: what they do when it is their turn, and the event loop."""
