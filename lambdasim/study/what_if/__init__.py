"""What if: one function's memory, architecture, traffic and provisioned concurrency, each setting simulated."""
