"""Functions that call functions beside queues and streams, in the compiled engine: the event loop, and a run."""
