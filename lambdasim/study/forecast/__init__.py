"""A month's bill ahead of time, with its range."""
