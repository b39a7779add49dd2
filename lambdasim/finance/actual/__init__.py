"""A real bill, and ours beside it."""
