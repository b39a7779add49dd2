"""Settings that do not fit what a run shows, each under a name that a CI can filter."""
