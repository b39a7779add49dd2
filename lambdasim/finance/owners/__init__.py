"""Who causes a bill: accounts, functions and tags."""
