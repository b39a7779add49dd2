"""Queues and streams that invoke a function."""
