"""Two or more scenarios side by side."""
