"""The public traces of Azure Functions."""
