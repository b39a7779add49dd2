"""A first number without a scenario: the bill's range from what is not known, and the limits that come first."""
