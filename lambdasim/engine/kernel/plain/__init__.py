"""Plans without queues, streams and calls: their event loop, and the ends of their runs, sorted ahead of it."""
