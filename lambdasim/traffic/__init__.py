"""What arrives: traces from files, and laws of arrival processes."""
