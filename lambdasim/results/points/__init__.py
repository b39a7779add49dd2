"""Independent simulations, one after another or side by side."""
