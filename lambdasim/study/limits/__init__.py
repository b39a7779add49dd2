"""Which limit binds first, and what to set."""
