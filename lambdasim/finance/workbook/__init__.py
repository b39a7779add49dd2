"""The Excel workbook of a bill."""
