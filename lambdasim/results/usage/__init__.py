"""What a run used, by month and by hour."""
