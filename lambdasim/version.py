"""The version, on the ground floor, so that results can name it without passing the public door."""

__version__ = "0.1.0"
