"""Events of chains, and runs that wait, in the compiled engine."""
