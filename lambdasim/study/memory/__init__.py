"""Which memory size to choose."""
