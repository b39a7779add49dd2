"""What logs hold, sorted and summed up for a fit."""
