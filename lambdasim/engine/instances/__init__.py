"""Instances that serve several requests at once: how other platforms run what arrives."""
