"""What CloudWatch measured of an account: series by label, laws of durations, arrivals."""
