"""FOCUS: its columns, files written and files checked."""
