"""Usage files for other cost tools."""
