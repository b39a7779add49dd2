"""Rules about money that is spent beside a function's own runs."""
