"""Which Savings Plans commitment pays."""
