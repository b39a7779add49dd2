"""The same arrivals and work on other platforms: what that costs, and how long clients wait."""
