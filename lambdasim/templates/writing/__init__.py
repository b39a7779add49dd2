"""A scenario folder written from what was found: drafted, commented, refreshed."""
