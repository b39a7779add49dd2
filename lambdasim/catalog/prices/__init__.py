"""Prices: Lambda's by region, private price books, Savings Plans, neighbours and servers."""
