"""Cost and limit simulation of AWS Lambda."""

__version__ = "0.1.0"
