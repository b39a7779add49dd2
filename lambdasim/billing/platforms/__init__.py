"""Bills of other platforms, from whole-number usage."""
