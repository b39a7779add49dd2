"""Records summed up as they pass."""
