"""From logs and statistics that people have to a function's work, each figure with an interval and a goodness of fit."""
