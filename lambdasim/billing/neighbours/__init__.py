"""Lines of the services beside Lambda: what is counted on their meters, and what that costs."""
