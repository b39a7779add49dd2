"""Results of CloudWatch Logs Insights queries."""
